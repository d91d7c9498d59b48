use super::*;
use crate::{Op, encode};
use proptest::prelude::*;

/// Fills every field of `op` from `bits`.
fn with_random_fields(op: Op, bits: u64, rm: u8) -> u32 {
    let layout = op.layout();
    let rm_mask = u32::from(layout.rm.mask) << layout.rm.shift;
    let rm_bits = u32::from(rm & layout.rm.mask) << layout.rm.shift;
    layout.value | (bits as u32 & !layout.mask & !rm_mask) | rm_bits
}

#[test]
fn the_index_fits_its_arrays_and_lists_every_row() {
    for op in Op::ALL {
        // Operands that are no special case: a prefetch is `ori` to x0.
        let raw = op.layout().value | u32::from(op.layout().rd.mask) << 7;
        assert_eq!(decode(raw).map(|inst| inst.op), Some(op), "{}", op.mnemonic());
    }
}

/// Two patterns may only share encodings when one is wholly a special case of the other.
#[test]
fn patterns_are_disjoint_or_nested() {
    let mut nested = Vec::new();
    for a in Op::ALL {
        for b in Op::ALL {
            let (la, lb) = (a.layout(), b.layout());
            let common = la.mask & lb.mask;
            if a < b && (la.value ^ lb.value) & common == 0 {
                assert!(common == la.mask || common == lb.mask, "{a:?} and {b:?} overlap");
                nested.push((a, b));
            }
        }
    }
    let expected = [
        (Op::Ori, Op::PrefetchI),
        (Op::Ori, Op::PrefetchR),
        (Op::Ori, Op::PrefetchW),
        (Op::Fence, Op::Pause),
    ];
    assert_eq!(nested, expected);
}

#[test]
fn patterns_and_operand_kinds_name_the_same_registers() {
    for op in Op::ALL {
        let (layout, kinds) = (op.layout(), op.operand_kinds());
        assert_eq!(layout.rd.mask != 0, kinds.rd.is_some(), "{op:?} rd");
        let zimm = op.format() == crate::Format::CsrImm;
        assert_eq!(layout.rs1.mask != 0, kinds.rs1.is_some() || zimm, "{op:?} rs1");
        assert_eq!(layout.rs2.mask != 0, kinds.rs2.is_some(), "{op:?} rs2");
        assert_eq!(layout.rs3.mask != 0, kinds.rs3.is_some(), "{op:?} rs3");
    }
}

#[test]
fn names_follow_from_the_mnemonic() {
    macro_rules! check {
        ($( ($variant:ident, $function:ident, $mnemonic:literal, $pattern:literal,
             $format:ident, $extension:ident, $class:ident), )*) => {
            $(
                let words: String = $mnemonic.split('.')
                    .map(|w| w[..1].to_uppercase() + &w[1..]).collect();
                assert_eq!(words, stringify!($variant));
                assert_eq!($mnemonic.replace('.', "_"), stringify!($function).trim_end_matches('_'));
                assert_eq!(Op::from_mnemonic($mnemonic), Some(Op::$variant));
            )*
        };
    }
    crate::for_each_instruction!(check);
}

#[test]
fn immediates_are_sign_extended_and_shifted_into_place() {
    let imm = |raw| decode(raw).expect("legal").imm;
    assert_eq!(imm(0xffff_f537), -4096, "lui a0,0xfffff");
    assert_eq!(imm(0xfff5_0513), -1, "addi a0,a0,-1");
    assert_eq!(imm(0xfe00_0ee3), -4, "beq zero,zero,.-4");
    assert_eq!(imm(0xffdf_f06f), -4, "jal zero,.-4");
    assert_eq!(imm(0xfea5_3c23), -8, "sd a0,-8(a0)");
    assert_eq!(imm(0x03f5_1513), 63, "slli a0,a0,63");
    assert_eq!(imm(0xc010_2573), 0xc01, "csrrs a0,time,zero");
    assert_eq!(imm(0x0ff0_000f), 0xff, "fence iorw,iorw");
    assert_eq!(imm(0x0000_007b | 0x5a << 25), 0x5a, "work begin marker");
}

#[test]
fn reserved_rounding_modes_are_illegal() {
    let fadd = Op::FaddS.layout().value;
    for rm in 0..8 {
        assert_eq!(decode(fadd | rm << 12).is_some(), rm != 5 && rm != 6, "rm {rm}");
    }
}

#[test]
fn longer_and_undefined_encodings_are_illegal() {
    for raw in
        [0xffff_ffff, 0x0000_001f, 0x0000_003f, 0x0000_0057, 0x0000_0000, 0x0200_5513 | 1 << 27]
    {
        assert_eq!(decode(raw), None, "{raw:#x}");
    }
}

#[test]
fn the_marker_ignores_every_other_field() {
    let inst = decode(0x2100_0000 << 1 | 0xff_ff80 | 0x7b).expect("marker");
    assert_eq!((inst.op, inst.imm, inst.rd, inst.rs1), (Op::M5op, 0x21, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn encode_undoes_decode(row in 0..Op::COUNT, bits: u64, rm in prop::sample::select(vec![0u8, 1, 2, 3, 4, 7])) {
        let op = Op::ALL[row];
        let raw = with_random_fields(op, bits, rm);
        let inst = decode(raw).expect("a filled pattern decodes");
        // A special case of the pattern may have been hit; it must decode to that.
        prop_assert_eq!(decode(encode(&inst)).map(|i| Inst { raw, ..i }), Some(inst));
        let ignored = !(inst.op.layout().mask | field_bits(inst.op));
        prop_assert_eq!(encode(&inst), raw & !ignored);
    }

    #[test]
    fn random_words_never_panic(raw: u32) {
        if let Some(inst) = decode(raw) {
            prop_assert!(!crate::disassemble(&inst, 0x8000_0000).is_empty());
            if inst.len == 4 {
                prop_assert!(inst.op.layout().matches(raw));
            }
        } else if raw & 3 == 3 {
            prop_assert!(Op::ALL.iter().all(|op| !op.layout().matches(raw)));
        }
    }
}

/// The bits of all fields of `op`.
fn field_bits(op: Op) -> u32 {
    let layout = op.layout();
    [layout.rd, layout.rs1, layout.rs2, layout.rs3, layout.rm]
        .iter()
        .map(|field| u32::from(field.mask) << field.shift)
        .fold(layout.immediate_bits(), |all, bits| all | bits)
}
