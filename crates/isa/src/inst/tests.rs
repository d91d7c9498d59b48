use super::*;
use crate::decode;

fn inst(raw: u32) -> Inst {
    decode(raw).expect("legal")
}

fn jalr(rd: u32, rs1: u32) -> Inst {
    inst(0x67 | rd << 7 | rs1 << 15)
}

#[test]
fn link_registers_tell_calls_from_returns() {
    use ReturnStack::{None, Pop, PopThenPush, Push};
    let cases = [
        (0, 10, None),
        (0, 1, Pop),
        (0, 5, Pop),
        (1, 10, Push),
        (5, 10, Push),
        (1, 1, Push),
        (5, 5, Push),
        (1, 5, PopThenPush),
        (5, 1, PopThenPush),
    ];
    for (rd, rs1, expected) in cases {
        assert_eq!(jalr(rd, rs1).return_stack(), expected, "jalr x{rd}, x{rs1}");
    }
    assert!(inst(0x0080_00ef).is_call(), "jal ra");
    assert!(!inst(0x0080_006f).is_call(), "jal zero");
    assert!(inst(0x8082).is_return(), "c.jr ra");
    assert!(inst(0x9502).is_call(), "c.jalr a0");
    assert!(!inst(0x0000_0013).is_call() && !inst(0x0000_0013).is_return(), "addi");
}

#[test]
fn operands_name_register_files_and_leave_out_x0() {
    let fma = inst(0x6ab5_7543); // fmadd.d fa0,fa0,fa1,fa3
    let f = |n| Some(Reg::F(n));
    assert_eq!(fma.operands(), Operands { dest: f(10), sources: [f(10), f(11), f(13)] });
    let store = inst(0x0005_0027 | 2 << 12); // fsw ft0,0(a0)
    assert_eq!(store.operands(), Operands { dest: None, sources: [Some(Reg::X(10)), f(0), None] });
    let nop = inst(0x0000_0013);
    assert_eq!(nop.operands(), Operands { dest: None, sources: [None; 3] });
    let csrrci = inst(0x3004_7073); // csrrci zero,mstatus,8
    assert_eq!(csrrci.operands(), Operands { dest: None, sources: [None; 3] });
}

#[test]
fn access_widths_follow_the_mnemonic() {
    for op in Op::ALL {
        let bytes = Inst { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0, raw: 0 }
            .access_bytes();
        let letter = |c| op.mnemonic().trim_end_matches('u').ends_with(c);
        let expected = match op.class() {
            Class::Load | Class::Store if letter('b') => 1,
            Class::Load | Class::Store if letter('h') => 2,
            Class::Load
            | Class::Store
            | Class::Amo
            | Class::LoadReserved
            | Class::StoreConditional => {
                if letter('w') {
                    4
                } else {
                    8
                }
            }
            _ => 0,
        };
        assert_eq!(bytes, expected, "{op:?}");
    }
}
