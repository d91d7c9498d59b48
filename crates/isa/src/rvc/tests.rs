use super::*;
use crate::encode;

#[test]
fn reserved_encodings_are_illegal() {
    let reserved = [
        (0x0000, "all zeros"),
        (0x0004, "c.addi4spn with a zero immediate"),
        (0x8000, "quadrant 0, funct3 100"),
        (0x2001, "c.addiw to x0"),
        (0x6101, "c.addi16sp with a zero immediate"),
        (0x6281, "c.lui with a zero immediate"),
        (0x9c41, "quadrant 1, 100 1 11 .. 10"),
        (0x9c61, "quadrant 1, 100 1 11 .. 11"),
        (0x4002, "c.lwsp to x0"),
        (0x6002, "c.ldsp to x0"),
        (0x8002, "c.jr x0"),
    ];
    for (raw, what) in reserved {
        assert_eq!(decode(raw), None, "{raw:#x}: {what}");
    }
}

#[test]
fn hints_decode() {
    for raw in [0x0001u16, 0x0005, 0x4001, 0x6005, 0x0002, 0x8006, 0x9006] {
        assert!(decode(raw).is_some(), "{raw:#x}");
    }
}

#[test]
fn every_expansion_is_a_base_instruction_that_encodes() {
    for raw in 0..=u16::MAX {
        if raw & 3 == 3 {
            continue;
        }
        if let Some(inst) = decode(raw) {
            let wide = crate::decode(encode(&inst)).expect("an expansion is legal");
            let expected = Inst { len: 4, raw: wide.raw, ..inst };
            assert_eq!(wide, expected, "{raw:#x}");
        }
    }
}

#[test]
fn every_row_is_reachable() {
    let seen: std::collections::BTreeSet<_> =
        (0..=u16::MAX).filter(|raw| raw & 3 != 3).filter_map(mnemonic).collect();
    assert_eq!(seen.len(), COUNT);
}
