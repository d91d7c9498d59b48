//! Points of the manual that random comparison leaves out, mostly because QEMU decides them otherwise.

use conformance::asm::inst;
use conformance::bench::{Bench, DATA};
use hart::{Cause, Exception, Privilege};
use isa::{Class, Op, csr};

const SUPERVISOR: u64 = 1;

fn bench_in(prv: Privilege) -> Bench {
    let mut bench = Bench::default();
    bench.hart.pmp = hart::Pmp::open();
    bench.hart.prv = prv;
    bench.port.adopt(&mut bench.hart);
    bench
}

fn csrrw(bench: &mut Bench, number: u16, value: u64) -> Result<(), Exception> {
    bench.hart.x[11] = value;
    bench.execute(&inst(Op::Csrrw, 10, 11, 0, i32::from(number)))
}

fn csrr(bench: &mut Bench, number: u16) -> Result<u64, Exception> {
    bench.execute(&inst(Op::Csrrs, 10, 0, 0, i32::from(number)))?;
    Ok(bench.hart.x[10])
}

#[test]
fn misaligned_atomics_raise_their_own_causes() {
    let mut bench = Bench::default();
    bench.hart.x[11] = DATA + 2;
    for op in Op::ALL {
        let cause = match op.class() {
            Class::LoadReserved => Cause::LoadMisaligned,
            Class::Amo | Class::StoreConditional => Cause::StoreMisaligned,
            _ => continue,
        };
        let raised = bench.execute(&inst(op, 10, 11, 0, 0)).expect_err("misaligned");
        assert_eq!(raised, Exception { cause, tval: DATA + 2 }, "{op:?}");
    }
}

#[test]
fn atomics_without_memory_raise_a_store_fault_except_lr() {
    let mut bench = Bench::default();
    bench.hart.x[11] = 0x10_0000_0000;
    for op in Op::ALL {
        let cause = match op.class() {
            Class::LoadReserved => Cause::LoadAccess,
            Class::Amo | Class::StoreConditional => Cause::StoreAccess,
            _ => continue,
        };
        let raised = bench.execute(&inst(op, 10, 11, 0, 0)).expect_err("no memory");
        assert_eq!(raised, Exception { cause, tval: 0x10_0000_0000 }, "{op:?}");
    }
}

#[test]
fn the_lowest_bit_of_exception_pcs_is_zero() {
    let mut bench = Bench::default();
    for number in [csr::MEPC, csr::SEPC] {
        csrrw(&mut bench, number, u64::MAX).expect("allowed");
        assert_eq!(csrr(&mut bench, number), Ok(u64::MAX - 1));
    }
}

#[test]
fn setting_no_bits_of_a_read_only_register_from_a_register_is_still_a_write() {
    let mut bench = Bench::default();
    bench.hart.x[11] = 0;
    for op in [Op::Csrrs, Op::Csrrc] {
        let write = inst(op, 10, 11, 0, i32::from(csr::MHARTID));
        let raised = bench.execute(&write).expect_err("a write");
        assert_eq!(raised.cause, Cause::IllegalInstruction, "{op:?}");
        assert!(
            bench.execute(&inst(op, 10, 0, 0, i32::from(csr::MHARTID))).is_ok(),
            "{op:?} of x0 reads"
        );
    }
    for op in [Op::Csrrsi, Op::Csrrci] {
        assert!(
            bench.execute(&inst(op, 10, 0, 0, i32::from(csr::MHARTID))).is_ok(),
            "{op:?} 0 reads"
        );
        assert!(
            bench.execute(&inst(op, 10, 1, 0, i32::from(csr::MHARTID))).is_err(),
            "{op:?} 1 writes"
        );
    }
}

#[test]
fn every_register_of_the_table_can_be_read_in_machine_mode() {
    let mut bench = Bench::default();
    bench.hart.csr.mstatus |= 3 << 13;
    for register in &csr::ALL {
        assert!(csrr(&mut bench, register.number).is_ok(), "{}", register.name);
        let write = csrrw(&mut bench, register.number, 0);
        assert_eq!(write.is_err(), register.is_read_only(), "write of {}", register.name);
    }
}

#[test]
fn no_other_register_number_exists() {
    let mut bench = Bench::default();
    bench.hart.csr.mstatus |= 3 << 13;
    for number in (0..0x1000).filter(|&n| csr::name(n).is_none()) {
        let raised = csrr(&mut bench, number).expect_err("absent");
        assert_eq!(raised.cause, Cause::IllegalInstruction, "{number:#x}");
    }
}

#[test]
fn registers_of_a_higher_level_are_out_of_reach() {
    for (prv, level) in [(Privilege::User, 0), (Privilege::Supervisor, 1)] {
        let mut bench = bench_in(prv);
        bench.hart.csr.mstatus |= 3 << 13;
        bench.hart.csr.menvcfg = 1 << 63; // S mode owns stimecmp
        bench.hart.csr.mcounteren = u64::MAX;
        bench.hart.csr.scounteren = u64::MAX;
        for register in &csr::ALL {
            let allowed = register.min_privilege() as u64 <= level;
            assert_eq!(
                csrr(&mut bench, register.number).is_ok(),
                allowed,
                "{prv:?} {}",
                register.name
            );
        }
    }
}

#[test]
fn floating_point_is_illegal_while_it_is_off() {
    let mut bench = Bench::default();
    bench.hart.csr.mstatus &= !(3 << 13);
    bench.hart.x[11] = DATA;
    for op in Op::ALL
        .into_iter()
        .filter(|op| matches!(op.extension(), isa::Extension::Rv64F | isa::Extension::Rv64D))
    {
        let base = op.operand_kinds().rs1.filter(|&file| file == isa::RegFile::X).map_or(0, |_| 11);
        let raised = bench.execute(&inst(op, 0, base, 0, 0)).expect_err("off");
        assert_eq!(raised.cause, Cause::IllegalInstruction, "{op:?}");
    }
}

#[test]
fn the_dynamic_rounding_mode_must_be_valid() {
    let mut bench = Bench::default();
    bench.hart.csr.mstatus |= 3 << 13;
    for mode in 0..8 {
        csrrw(&mut bench, csr::FRM, mode).expect("any value can be written");
        for op in Op::ALL.into_iter().filter(|op| op.layout().rm.mask != 0) {
            let raised = bench.execute(&inst(op, 0, 0, 0, 0)).is_err();
            assert_eq!(raised, mode > 4, "{op:?} with frm {mode}");
        }
    }
}

#[test]
fn svinval_fences_are_illegal_in_user_mode_and_tvm_spares_them() {
    for op in [Op::SfenceWInval, Op::SfenceInvalIr] {
        assert!(bench_in(Privilege::User).execute(&inst(op, 0, 0, 0, 0)).is_err(), "{op:?} in U");
        let mut bench = bench_in(Privilege::Supervisor);
        bench.hart.csr.mstatus |= 1 << 20;
        assert!(bench.execute(&inst(op, 0, 0, 0, 0)).is_ok(), "{op:?} under TVM");
    }
    for op in [Op::SfenceVma, Op::SinvalVma] {
        assert!(bench_in(Privilege::User).execute(&inst(op, 0, 0, 0, 0)).is_err(), "{op:?} in U");
        let mut bench = bench_in(Privilege::Supervisor);
        assert!(bench.execute(&inst(op, 0, 0, 0, 0)).is_ok(), "{op:?} in S");
        bench.hart.csr.mstatus |= 1 << 20;
        assert!(bench.execute(&inst(op, 0, 0, 0, 0)).is_err(), "{op:?} under TVM");
    }
}

#[test]
fn interrupts_of_one_level_are_taken_by_the_manuals_priority() {
    use hart::Interrupt::*;
    let mut bench = Bench::default();
    bench.hart.csr.mstatus |= 1 << 3;
    let order = [
        MachineExternal,
        MachineSoftware,
        MachineTimer,
        SupervisorExternal,
        SupervisorSoftware,
        SupervisorTimer,
    ];
    bench.hart.csr.mie = order.iter().map(|i| i.bit()).sum();
    bench.hart.csr.mip = bench.hart.csr.mie;
    for interrupt in order {
        assert_eq!(bench.hart.pending_interrupt(), Some(interrupt));
        bench.hart.csr.mip &= !interrupt.bit();
    }
    assert_eq!(bench.hart.pending_interrupt(), None);
}

#[test]
fn cache_block_operations_act_on_sixty_four_bytes_under_their_enables() {
    let mut bench = Bench::default();
    (0..24).for_each(|n| bench.poke(8 * n, u64::MAX));
    bench.hart.x[11] = DATA + 64 + 13;
    bench.execute(&inst(Op::CboZero, 0, 11, 0, 0)).expect("memory is there");
    let words: Vec<u64> = (0..24).map(|n| bench.peek(8 * n)).collect();
    assert_eq!(words[..8], [u64::MAX; 8]);
    assert_eq!(words[8..16], [0; 8]);
    assert_eq!(words[16..], [u64::MAX; 8]);

    let (cbze, cbcfe, cbie) = (1 << 7, 1 << 6, 3 << 4);
    for (op, enable) in
        [(Op::CboZero, cbze), (Op::CboClean, cbcfe), (Op::CboFlush, cbcfe), (Op::CboInval, cbie)]
    {
        for (prv, menvcfg, senvcfg, allowed) in [
            (Privilege::Machine, 0, 0, true),
            (Privilege::Supervisor, 0, enable, false),
            (Privilege::Supervisor, enable, 0, true),
            (Privilege::User, enable, 0, false),
            (Privilege::User, 0, enable, false),
            (Privilege::User, enable, enable, true),
        ] {
            let mut bench = bench_in(prv);
            (bench.hart.csr.menvcfg, bench.hart.csr.senvcfg) = (menvcfg, senvcfg);
            bench.hart.x[11] = DATA;
            assert_eq!(bench.execute(&inst(op, 0, 11, 0, 0)).is_ok(), allowed, "{op:?} in {prv:?}");
        }
    }
}

#[test]
fn reserved_bits_of_table_entries_fault() {
    let good = 0x8000_0000_u64 >> 12 << 10 | 0xcf; // a gigapage: V R W X A D
    for bit in 54..61 {
        let mut bench = translated(good | 1 << bit);
        let raised = bench.execute(&inst(Op::Ld, 10, 11, 0, 0)).expect_err("reserved bit");
        assert_eq!(raised.cause, Cause::LoadPageFault, "bit {bit}");
    }
    assert!(translated(good).execute(&inst(Op::Ld, 10, 11, 0, 0)).is_ok());
    let pbmt =
        |value: u64| translated(good | value << 61).execute(&inst(Op::Ld, 10, 11, 0, 0)).is_ok();
    assert_eq!([0, 1, 2, 3].map(pbmt), [true, true, true, false]);
}

/// A supervisor whose address 0 leads to `entry` of the root table; a1 holds an address there.
fn translated(entry: u64) -> Bench {
    const ROOT: u64 = 0x8000_4000;
    let mut bench = bench_in(Privilege::Supervisor);
    bench.port.ram.write(ROOT, &entry.to_le_bytes()).expect("inside RAM");
    bench.hart.csr.menvcfg = 3 << 61;
    bench.hart.csr.satp = 8 << 60 | ROOT >> 12;
    bench.hart.x[11] = DATA - 0x8000_0000;
    bench.port.adopt(&mut bench.hart);
    bench
}

#[test]
fn locked_protection_entries_bind_machine_mode_and_stay() {
    let mut bench = Bench::default();
    csrrw(&mut bench, csr::PMPADDR0, DATA >> 2 | 1).expect("allowed"); // 16 bytes
    csrrw(&mut bench, csr::PMPCFG0, 0x99).expect("allowed"); // locked NAPOT, read only
    bench.hart.x[11] = DATA;
    assert!(bench.execute(&inst(Op::Ld, 10, 11, 0, 0)).is_ok());
    let raised = bench.execute(&inst(Op::Sd, 0, 11, 0, 0)).expect_err("locked");
    assert_eq!(raised, Exception { cause: Cause::StoreAccess, tval: DATA });
    assert!(bench.execute(&inst(Op::Sd, 0, 11, 0, 16)).is_ok(), "beyond the entry");
    csrrw(&mut bench, csr::PMPCFG0, 0).expect("ignored");
    csrrw(&mut bench, csr::PMPADDR0, 0).expect("ignored");
    assert_eq!(csrr(&mut bench, csr::PMPCFG0), Ok(0x99));
    assert_eq!(csrr(&mut bench, csr::PMPADDR0), Ok(DATA >> 2 | 1));
}

#[test]
fn all_protection_entries_can_be_used() {
    for entry in 0..16_u16 {
        let mut bench = Bench::default();
        csrrw(&mut bench, csr::PMPADDR0 + entry, DATA >> 2).expect("allowed");
        let register = csr::PMPCFG0 + entry / 8 * 2;
        csrrw(&mut bench, register, 0x11 << (8 * (entry % 8))).expect("allowed"); // NA4, read only
        bench.hart.prv = Privilege::User;
        bench.port.adopt(&mut bench.hart);
        bench.hart.x[11] = DATA;
        assert!(bench.execute(&inst(Op::Lw, 10, 11, 0, 0)).is_ok(), "entry {entry}");
        assert!(bench.execute(&inst(Op::Lw, 10, 11, 0, 4)).is_err(), "entry {entry}");
        assert!(bench.execute(&inst(Op::Sw, 0, 11, 0, 0)).is_err(), "entry {entry}");
    }
}

#[test]
fn trap_returns_need_their_level() {
    let returns = [
        (Op::Mret, Privilege::Supervisor, 0, false),
        (Op::Mret, Privilege::User, 0, false),
        (Op::Sret, Privilege::User, 0, false),
        (Op::Sret, Privilege::Supervisor, 0, true),
        (Op::Sret, Privilege::Supervisor, 1 << 22, false),
        (Op::Sret, Privilege::Machine, 1 << 22, true),
        (Op::Mret, Privilege::Machine, 0, true),
    ];
    for (op, prv, status, allowed) in returns {
        let mut bench = bench_in(prv);
        bench.hart.csr.mstatus |= status | SUPERVISOR << 11;
        (bench.hart.csr.mepc, bench.hart.csr.sepc) = (DATA, DATA);
        assert_eq!(bench.execute(&inst(op, 0, 0, 0, 0)).is_ok(), allowed, "{op:?} in {prv:?}");
        if allowed {
            assert_eq!(bench.hart.pc, DATA);
        }
    }
}

#[test]
fn vectored_handlers_take_interrupts_by_cause_and_exceptions_at_the_base() {
    for (vector, delegated) in [(csr::MTVEC, false), (csr::STVEC, true)] {
        let mut bench = Bench::default();
        csrrw(&mut bench, vector, DATA | 1).expect("allowed");
        assert_eq!(csrr(&mut bench, vector), Ok(DATA | 1));
        if delegated {
            bench.hart.csr.mideleg = 1 << 5;
            bench.hart.csr.medeleg = 1 << 8;
        }
        bench.hart.prv = Privilege::User;
        bench.hart.take_interrupt(&mut bench.port, hart::Interrupt::SupervisorTimer);
        assert_eq!(bench.hart.pc, DATA + 4 * 5, "{vector:#x}");
        bench.hart.prv = Privilege::User;
        assert!(bench.execute(&inst(Op::Ecall, 0, 0, 0, 0)).is_err());
        bench.hart.take_exception(&mut bench.port);
        assert_eq!(bench.hart.pc, DATA, "{vector:#x}");
        let prv = if delegated { Privilege::Supervisor } else { Privilege::Machine };
        assert_eq!(bench.hart.prv, prv);
    }
}

#[test]
fn traps_from_machine_mode_are_never_delegated() {
    let mut bench = Bench::default();
    bench.hart.csr.medeleg = u64::MAX;
    bench.hart.csr.stvec = DATA + 0x100;
    bench.hart.csr.mtvec = DATA;
    assert!(bench.execute(&inst(Op::Ebreak, 0, 0, 0, 0)).is_err());
    bench.hart.take_exception(&mut bench.port);
    assert_eq!((bench.hart.pc, bench.hart.prv), (DATA, Privilege::Machine));
}

#[test]
fn returning_to_a_lower_level_ends_modified_privilege() {
    const MPRV: u64 = 1 << 17;
    for (op, status, kept) in [
        (Op::Mret, 3 << 11, true),
        (Op::Mret, 1 << 11, false),
        (Op::Mret, 0, false),
        (Op::Sret, 1 << 8, false),
        (Op::Sret, 0, false),
    ] {
        let mut bench = Bench::default();
        bench.hart.csr.mstatus |= MPRV | status;
        bench.execute(&inst(op, 0, 0, 0, 0)).expect("machine mode may return");
        assert_eq!(bench.hart.csr.mstatus & MPRV != 0, kept, "{op:?} with {status:#x}");
        assert_eq!(
            bench.hart.csr.mstatus & (3 << 11) == 0,
            op == Op::Mret || status & 3 << 11 == 0
        );
    }
}

#[test]
fn a_reservation_is_used_up_and_names_its_address() {
    let mut bench = Bench::default();
    let lr = inst(Op::LrD, 10, 11, 0, 0);
    let sc = inst(Op::ScD, 10, 11, 12, 0);
    bench.hart.x[11] = DATA;
    bench.execute(&lr).expect("memory is there");
    bench.execute(&sc).expect("memory is there");
    assert_eq!(bench.hart.x[10], 0, "holds");
    bench.execute(&sc).expect("memory is there");
    assert_ne!(bench.hart.x[10], 0, "was used up");
    bench.execute(&lr).expect("memory is there");
    bench.hart.x[11] = DATA + 0x1000;
    bench.execute(&sc).expect("memory is there");
    assert_ne!(bench.hart.x[10], 0, "another address");
    bench.hart.x[11] = DATA;
    bench.execute(&sc).expect("memory is there");
    assert_ne!(bench.hart.x[10], 0, "a failed attempt uses it up too");
}

#[test]
fn illegal_addresses_in_sv39_and_sv48_are_page_faults() {
    for (mode, bits) in [(8_u64, 39), (9, 48)] {
        let mut bench = translated(0x8000_0000 >> 12 << 10 | 0xcf);
        bench.hart.csr.satp = mode << 60 | bench.hart.csr.satp & 0xfff_ffff_ffff;
        bench.port.adopt(&mut bench.hart);
        for va in [1 << (bits - 1), 1 << bits, 1 << 63, u64::MAX >> 1] {
            bench.hart.x[11] = va;
            let raised = bench.execute(&inst(Op::Ld, 10, 11, 0, 0)).expect_err("not canonical");
            assert_eq!(raised, Exception { cause: Cause::LoadPageFault, tval: va }, "mode {mode}");
        }
    }
}

#[test]
fn unsupported_translation_modes_leave_satp_alone() {
    let mut bench = Bench::default();
    csrrw(&mut bench, csr::SATP, 8 << 60 | 5).expect("allowed");
    for mode in [1, 7, 10, 11, 15] {
        csrrw(&mut bench, csr::SATP, mode << 60 | 9).expect("allowed");
        assert_eq!(csrr(&mut bench, csr::SATP), Ok(8 << 60 | 5), "mode {mode}");
    }
}

#[test]
fn the_supervisors_timer_register_needs_both_enables() {
    for (stce, tm, allowed) in [(0, 0, false), (1, 0, false), (0, 2, false), (1, 2, true)] {
        let mut bench = bench_in(Privilege::Supervisor);
        bench.hart.csr.menvcfg = stce << 63;
        bench.hart.csr.mcounteren = tm;
        assert_eq!(csrr(&mut bench, csr::STIMECMP).is_ok(), allowed, "STCE {stce} TM {tm}");
    }
}
