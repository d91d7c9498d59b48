use super::*;
use crate::decode;

fn text(raw: u32) -> String {
    disassemble(&decode(raw).expect("legal"), 0x8000_0000)
}

/// Encodings and texts as printed by GNU objdump 2.40 with `-M no-aliases`.
#[test]
fn known_encodings_print_as_gnu_objdump_does() {
    let vectors = [
        (0xffff_f537, "lui a0,0xfffff"),
        (0x0080_00ef, "jal ra,0x80000008"),
        (0x0000_8067, "jalr zero,0(ra)"),
        (0xfe05_1ee3, "bne a0,zero,0x7ffffffc"),
        (0xff01_0113, "addi sp,sp,-16"),
        (0x0011_3423, "sd ra,8(sp)"),
        (0x0205_1513, "slli a0,a0,0x20"),
        (0x0ff0_000f, "fence iorw,iorw"),
        (0x8330_000f, "fence.tso"),
        (0x3000_2573, "csrrs a0,mstatus,zero"),
        (0x3004_7073, "csrrci zero,mstatus,8"),
        (0x1605_252f, "lr.w.aqrl a0,(a0)"),
        (0x04b5_262f, "amoadd.w.aq a2,a1,(a0)"),
        (0x00b5_7553, "fadd.s fa0,fa0,fa1"),
        (0xc205_9553, "fcvt.w.d a0,fa1,rtz"),
        (0x6ab5_7543, "fmadd.d fa0,fa0,fa1,fa3"),
        (0x1205_0073, "sfence.vma a0,zero"),
        (0x0045_200f, "cbo.zero (a0)"),
    ];
    for (raw, expected) in vectors {
        assert_eq!(text(raw), expected);
    }
}
