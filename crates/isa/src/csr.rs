//! The table of control and status registers of a hart with machine, supervisor and user modes.
//!
//! Source: RISC-V Instruction Set Manual, volume II, chapter "Control and Status Registers (CSRs)". The number
//! itself carries the access rules: bits 11:10 are `11` for read-only registers, bits 9:8 are the lowest
//! privilege that may access it. Field behaviour belongs to the hart.
//! Left out: hypervisor, debug and trace registers, Smstateen, Sscofpmf, Smepmp (`mseccfg`), `pmpaddr16` and up.

/// The lowest privilege level that may access a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MinPrivilege {
    /// User mode and above.
    User = 0,
    /// Supervisor mode and above.
    Supervisor = 1,
    /// Reserved for the hypervisor extension; no register of this table has it.
    Hypervisor = 2,
    /// Machine mode only.
    Machine = 3,
}

/// One register of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Csr {
    /// The number in the instruction's immediate.
    pub number: u16,
    /// The assembler's name.
    pub name: &'static str,
}

impl Csr {
    /// The lowest privilege that may access this register.
    pub const fn min_privilege(&self) -> MinPrivilege {
        min_privilege(self.number)
    }

    /// True when writes trap.
    pub const fn is_read_only(&self) -> bool {
        is_read_only(self.number)
    }
}

/// The lowest privilege that may access CSR `number`, whether or not the register exists.
pub const fn min_privilege(number: u16) -> MinPrivilege {
    match number >> 8 & 3 {
        0 => MinPrivilege::User,
        1 => MinPrivilege::Supervisor,
        2 => MinPrivilege::Hypervisor,
        _ => MinPrivilege::Machine,
    }
}

/// True when writes to CSR `number` trap, whether or not the register exists.
pub const fn is_read_only(number: u16) -> bool {
    number >> 10 & 3 == 3
}

/// The register with this number.
pub fn find(number: u16) -> Option<&'static Csr> {
    ALL.binary_search_by_key(&number, |csr| csr.number).ok().map(|row| &ALL[row])
}

/// The assembler's name of CSR `number`.
pub fn name(number: u16) -> Option<&'static str> {
    find(number).map(|csr| csr.name)
}

macro_rules! csrs {
    ($( $number:literal $constant:ident $name:literal $doc:literal; )*) => {
        $( #[doc = concat!("`", $name, "`: ", $doc)] pub const $constant: u16 = $number; )*

        /// Every register, by number.
        pub static ALL: [Csr; COUNT] = sorted([$( Csr { number: $number, name: $name }, )*]);

        const COUNT: usize = [$( $constant, )*].len();
    };
}

const fn sorted(mut table: [Csr; COUNT]) -> [Csr; COUNT] {
    let mut i = 1;
    while i < COUNT {
        let mut at = i;
        while at > 0 && table[at - 1].number > table[at].number {
            let (low, high) = (table[at - 1], table[at]);
            table[at - 1] = high;
            table[at] = low;
            at -= 1;
        }
        i += 1;
    }
    table
}

csrs! {
    // Unprivileged: floating point (chapter "F", section 20.2) and counters (chapter "Zicntr and Zihpm").
    0x001 FFLAGS "fflags" "Accrued floating-point exceptions.";
    0x002 FRM "frm" "Dynamic rounding mode.";
    0x003 FCSR "fcsr" "Rounding mode and accrued exceptions.";
    0xc00 CYCLE "cycle" "Cycle counter.";
    0xc01 TIME "time" "Real-time counter.";
    0xc02 INSTRET "instret" "Retired-instruction counter.";
    0xc03 HPMCOUNTER3 "hpmcounter3" "Event counter 3.";
    0xc04 HPMCOUNTER4 "hpmcounter4" "Event counter 4.";
    0xc05 HPMCOUNTER5 "hpmcounter5" "Event counter 5.";
    0xc06 HPMCOUNTER6 "hpmcounter6" "Event counter 6.";
    0xc07 HPMCOUNTER7 "hpmcounter7" "Event counter 7.";
    0xc08 HPMCOUNTER8 "hpmcounter8" "Event counter 8.";
    0xc09 HPMCOUNTER9 "hpmcounter9" "Event counter 9.";
    0xc0a HPMCOUNTER10 "hpmcounter10" "Event counter 10.";
    0xc0b HPMCOUNTER11 "hpmcounter11" "Event counter 11.";
    0xc0c HPMCOUNTER12 "hpmcounter12" "Event counter 12.";
    0xc0d HPMCOUNTER13 "hpmcounter13" "Event counter 13.";
    0xc0e HPMCOUNTER14 "hpmcounter14" "Event counter 14.";
    0xc0f HPMCOUNTER15 "hpmcounter15" "Event counter 15.";
    0xc10 HPMCOUNTER16 "hpmcounter16" "Event counter 16.";
    0xc11 HPMCOUNTER17 "hpmcounter17" "Event counter 17.";
    0xc12 HPMCOUNTER18 "hpmcounter18" "Event counter 18.";
    0xc13 HPMCOUNTER19 "hpmcounter19" "Event counter 19.";
    0xc14 HPMCOUNTER20 "hpmcounter20" "Event counter 20.";
    0xc15 HPMCOUNTER21 "hpmcounter21" "Event counter 21.";
    0xc16 HPMCOUNTER22 "hpmcounter22" "Event counter 22.";
    0xc17 HPMCOUNTER23 "hpmcounter23" "Event counter 23.";
    0xc18 HPMCOUNTER24 "hpmcounter24" "Event counter 24.";
    0xc19 HPMCOUNTER25 "hpmcounter25" "Event counter 25.";
    0xc1a HPMCOUNTER26 "hpmcounter26" "Event counter 26.";
    0xc1b HPMCOUNTER27 "hpmcounter27" "Event counter 27.";
    0xc1c HPMCOUNTER28 "hpmcounter28" "Event counter 28.";
    0xc1d HPMCOUNTER29 "hpmcounter29" "Event counter 29.";
    0xc1e HPMCOUNTER30 "hpmcounter30" "Event counter 30.";
    0xc1f HPMCOUNTER31 "hpmcounter31" "Event counter 31.";
    // Supervisor.
    0x100 SSTATUS "sstatus" "Status, the supervisor's view.";
    0x104 SIE "sie" "Interrupt enables, the supervisor's view.";
    0x105 STVEC "stvec" "Trap vector.";
    0x106 SCOUNTEREN "scounteren" "Counters that user mode may read.";
    0x10a SENVCFG "senvcfg" "Environment of user mode.";
    0x140 SSCRATCH "sscratch" "Scratch register for trap handlers.";
    0x141 SEPC "sepc" "Address of the trapped instruction.";
    0x142 SCAUSE "scause" "Cause of the trap.";
    0x143 STVAL "stval" "Value that goes with the cause.";
    0x144 SIP "sip" "Pending interrupts, the supervisor's view.";
    0x14d STIMECMP "stimecmp" "Timer compare value (Sstc).";
    0x180 SATP "satp" "Address translation and protection.";
    // Machine: identity.
    0xf11 MVENDORID "mvendorid" "Vendor.";
    0xf12 MARCHID "marchid" "Microarchitecture.";
    0xf13 MIMPID "mimpid" "Implementation version.";
    0xf14 MHARTID "mhartid" "Hart number.";
    0xf15 MCONFIGPTR "mconfigptr" "Address of the configuration structure, or zero.";
    // Machine: trap set-up and handling.
    0x300 MSTATUS "mstatus" "Status.";
    0x301 MISA "misa" "Extensions present.";
    0x302 MEDELEG "medeleg" "Exceptions delegated to supervisor mode.";
    0x303 MIDELEG "mideleg" "Interrupts delegated to supervisor mode.";
    0x304 MIE "mie" "Interrupt enables.";
    0x305 MTVEC "mtvec" "Trap vector.";
    0x306 MCOUNTEREN "mcounteren" "Counters that supervisor mode may read.";
    0x30a MENVCFG "menvcfg" "Environment of modes below machine mode.";
    0x340 MSCRATCH "mscratch" "Scratch register for trap handlers.";
    0x341 MEPC "mepc" "Address of the trapped instruction.";
    0x342 MCAUSE "mcause" "Cause of the trap.";
    0x343 MTVAL "mtval" "Value that goes with the cause.";
    0x344 MIP "mip" "Pending interrupts.";
    // Machine: physical memory protection, sixteen entries.
    0x3a0 PMPCFG0 "pmpcfg0" "Configuration of PMP entries 0 to 7.";
    0x3a2 PMPCFG2 "pmpcfg2" "Configuration of PMP entries 8 to 15.";
    0x3b0 PMPADDR0 "pmpaddr0" "Address of PMP entry 0.";
    0x3b1 PMPADDR1 "pmpaddr1" "Address of PMP entry 1.";
    0x3b2 PMPADDR2 "pmpaddr2" "Address of PMP entry 2.";
    0x3b3 PMPADDR3 "pmpaddr3" "Address of PMP entry 3.";
    0x3b4 PMPADDR4 "pmpaddr4" "Address of PMP entry 4.";
    0x3b5 PMPADDR5 "pmpaddr5" "Address of PMP entry 5.";
    0x3b6 PMPADDR6 "pmpaddr6" "Address of PMP entry 6.";
    0x3b7 PMPADDR7 "pmpaddr7" "Address of PMP entry 7.";
    0x3b8 PMPADDR8 "pmpaddr8" "Address of PMP entry 8.";
    0x3b9 PMPADDR9 "pmpaddr9" "Address of PMP entry 9.";
    0x3ba PMPADDR10 "pmpaddr10" "Address of PMP entry 10.";
    0x3bb PMPADDR11 "pmpaddr11" "Address of PMP entry 11.";
    0x3bc PMPADDR12 "pmpaddr12" "Address of PMP entry 12.";
    0x3bd PMPADDR13 "pmpaddr13" "Address of PMP entry 13.";
    0x3be PMPADDR14 "pmpaddr14" "Address of PMP entry 14.";
    0x3bf PMPADDR15 "pmpaddr15" "Address of PMP entry 15.";
    // Machine: counters.
    0xb00 MCYCLE "mcycle" "Cycle counter.";
    0xb02 MINSTRET "minstret" "Retired-instruction counter.";
    0xb03 MHPMCOUNTER3 "mhpmcounter3" "Event counter 3.";
    0xb04 MHPMCOUNTER4 "mhpmcounter4" "Event counter 4.";
    0xb05 MHPMCOUNTER5 "mhpmcounter5" "Event counter 5.";
    0xb06 MHPMCOUNTER6 "mhpmcounter6" "Event counter 6.";
    0xb07 MHPMCOUNTER7 "mhpmcounter7" "Event counter 7.";
    0xb08 MHPMCOUNTER8 "mhpmcounter8" "Event counter 8.";
    0xb09 MHPMCOUNTER9 "mhpmcounter9" "Event counter 9.";
    0xb0a MHPMCOUNTER10 "mhpmcounter10" "Event counter 10.";
    0xb0b MHPMCOUNTER11 "mhpmcounter11" "Event counter 11.";
    0xb0c MHPMCOUNTER12 "mhpmcounter12" "Event counter 12.";
    0xb0d MHPMCOUNTER13 "mhpmcounter13" "Event counter 13.";
    0xb0e MHPMCOUNTER14 "mhpmcounter14" "Event counter 14.";
    0xb0f MHPMCOUNTER15 "mhpmcounter15" "Event counter 15.";
    0xb10 MHPMCOUNTER16 "mhpmcounter16" "Event counter 16.";
    0xb11 MHPMCOUNTER17 "mhpmcounter17" "Event counter 17.";
    0xb12 MHPMCOUNTER18 "mhpmcounter18" "Event counter 18.";
    0xb13 MHPMCOUNTER19 "mhpmcounter19" "Event counter 19.";
    0xb14 MHPMCOUNTER20 "mhpmcounter20" "Event counter 20.";
    0xb15 MHPMCOUNTER21 "mhpmcounter21" "Event counter 21.";
    0xb16 MHPMCOUNTER22 "mhpmcounter22" "Event counter 22.";
    0xb17 MHPMCOUNTER23 "mhpmcounter23" "Event counter 23.";
    0xb18 MHPMCOUNTER24 "mhpmcounter24" "Event counter 24.";
    0xb19 MHPMCOUNTER25 "mhpmcounter25" "Event counter 25.";
    0xb1a MHPMCOUNTER26 "mhpmcounter26" "Event counter 26.";
    0xb1b MHPMCOUNTER27 "mhpmcounter27" "Event counter 27.";
    0xb1c MHPMCOUNTER28 "mhpmcounter28" "Event counter 28.";
    0xb1d MHPMCOUNTER29 "mhpmcounter29" "Event counter 29.";
    0xb1e MHPMCOUNTER30 "mhpmcounter30" "Event counter 30.";
    0xb1f MHPMCOUNTER31 "mhpmcounter31" "Event counter 31.";
    0x320 MCOUNTINHIBIT "mcountinhibit" "Counters that stand still.";
    0x323 MHPMEVENT3 "mhpmevent3" "Event counted by counter 3.";
    0x324 MHPMEVENT4 "mhpmevent4" "Event counted by counter 4.";
    0x325 MHPMEVENT5 "mhpmevent5" "Event counted by counter 5.";
    0x326 MHPMEVENT6 "mhpmevent6" "Event counted by counter 6.";
    0x327 MHPMEVENT7 "mhpmevent7" "Event counted by counter 7.";
    0x328 MHPMEVENT8 "mhpmevent8" "Event counted by counter 8.";
    0x329 MHPMEVENT9 "mhpmevent9" "Event counted by counter 9.";
    0x32a MHPMEVENT10 "mhpmevent10" "Event counted by counter 10.";
    0x32b MHPMEVENT11 "mhpmevent11" "Event counted by counter 11.";
    0x32c MHPMEVENT12 "mhpmevent12" "Event counted by counter 12.";
    0x32d MHPMEVENT13 "mhpmevent13" "Event counted by counter 13.";
    0x32e MHPMEVENT14 "mhpmevent14" "Event counted by counter 14.";
    0x32f MHPMEVENT15 "mhpmevent15" "Event counted by counter 15.";
    0x330 MHPMEVENT16 "mhpmevent16" "Event counted by counter 16.";
    0x331 MHPMEVENT17 "mhpmevent17" "Event counted by counter 17.";
    0x332 MHPMEVENT18 "mhpmevent18" "Event counted by counter 18.";
    0x333 MHPMEVENT19 "mhpmevent19" "Event counted by counter 19.";
    0x334 MHPMEVENT20 "mhpmevent20" "Event counted by counter 20.";
    0x335 MHPMEVENT21 "mhpmevent21" "Event counted by counter 21.";
    0x336 MHPMEVENT22 "mhpmevent22" "Event counted by counter 22.";
    0x337 MHPMEVENT23 "mhpmevent23" "Event counted by counter 23.";
    0x338 MHPMEVENT24 "mhpmevent24" "Event counted by counter 24.";
    0x339 MHPMEVENT25 "mhpmevent25" "Event counted by counter 25.";
    0x33a MHPMEVENT26 "mhpmevent26" "Event counted by counter 26.";
    0x33b MHPMEVENT27 "mhpmevent27" "Event counted by counter 27.";
    0x33c MHPMEVENT28 "mhpmevent28" "Event counted by counter 28.";
    0x33d MHPMEVENT29 "mhpmevent29" "Event counted by counter 29.";
    0x33e MHPMEVENT30 "mhpmevent30" "Event counted by counter 30.";
    0x33f MHPMEVENT31 "mhpmevent31" "Event counted by counter 31.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_sorted() {
        assert!(ALL.windows(2).all(|pair| pair[0].number < pair[1].number));
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|csr| csr.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn access_rules_follow_from_the_number() {
        assert_eq!(min_privilege(MSTATUS), MinPrivilege::Machine);
        assert_eq!(min_privilege(SATP), MinPrivilege::Supervisor);
        assert_eq!(min_privilege(FCSR), MinPrivilege::User);
        assert!(is_read_only(CYCLE) && is_read_only(MHARTID));
        assert!(!is_read_only(MCYCLE) && !is_read_only(SATP));
    }

    #[test]
    fn lookups_find_registers_and_reject_unknown_numbers() {
        assert_eq!(name(STIMECMP), Some("stimecmp"));
        assert_eq!(name(PMPADDR15), Some("pmpaddr15"));
        assert_eq!(name(MHPMEVENT31), Some("mhpmevent31"));
        assert_eq!(name(0x3a1), None, "pmpcfg1 does not exist on RV64");
        assert_eq!(name(0x321), None, "mhpmevent1 does not exist");
        assert_eq!(name(0xffff), None);
    }
}
