//! Privilege levels, exceptions, interrupts, and the way into and out of a trap handler
//! (Volume II, 3.1.6-3.1.15, 3.3.2, 4.1).

use crate::{Hart, Port};
use serde::{Deserialize, Serialize};

/// Privilege level.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[repr(u8)]
pub enum Privilege {
    /// U-mode.
    User = 0,
    /// S-mode.
    Supervisor = 1,
    /// M-mode.
    #[default]
    Machine = 3,
}

impl Privilege {
    /// The level of a two-bit field; the reserved value 2 reads as U.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            3 => Self::Machine,
            1 => Self::Supervisor,
            _ => Self::User,
        }
    }
}

/// Exception causes (Volume II, table 14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of the specification's table")]
pub enum Cause {
    InstructionMisaligned = 0,
    InstructionAccess = 1,
    #[default]
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadMisaligned = 4,
    LoadAccess = 5,
    StoreMisaligned = 6,
    StoreAccess = 7,
    EcallFromU = 8,
    EcallFromS = 9,
    EcallFromM = 11,
    InstructionPageFault = 12,
    LoadPageFault = 13,
    StorePageFault = 15,
}

/// An exception: its cause and the value for `xtval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// What was wrong.
    pub cause: Cause,
    /// Faulting address or instruction bits.
    pub tval: u64,
}

/// Interrupts by their bit number in `mip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of the specification's table")]
pub enum Interrupt {
    SupervisorSoftware = 1,
    MachineSoftware = 3,
    SupervisorTimer = 5,
    MachineTimer = 7,
    SupervisorExternal = 9,
    MachineExternal = 11,
}

impl Interrupt {
    /// The bit in `mip`, `mie` and `mideleg`.
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// Highest priority first (Volume II, 3.1.9).
    const BY_PRIORITY: [Self; 6] = [
        Self::MachineExternal,
        Self::MachineSoftware,
        Self::MachineTimer,
        Self::SupervisorExternal,
        Self::SupervisorSoftware,
        Self::SupervisorTimer,
    ];
}

/// Fields of `mstatus`.
pub(crate) mod status {
    pub const SIE: u64 = 1 << 1;
    pub const MIE: u64 = 1 << 3;
    pub const SPIE: u64 = 1 << 5;
    pub const MPIE: u64 = 1 << 7;
    pub const SPP: u64 = 1 << 8;
    pub const MPP_SHIFT: u32 = 11;
    pub const MPP: u64 = 3 << MPP_SHIFT;
    pub const FS: u64 = 3 << 13;
    pub const MPRV: u64 = 1 << 17;
    pub const SUM: u64 = 1 << 18;
    pub const MXR: u64 = 1 << 19;
    pub const TVM: u64 = 1 << 20;
    pub const TW: u64 = 1 << 21;
    pub const TSR: u64 = 1 << 22;
    pub const UXL: u64 = 3 << 32;
    pub const SXL: u64 = 3 << 34;
    pub const SD: u64 = 1 << 63;
}

impl Hart {
    /// The interrupt to be taken before the next instruction, if any.
    #[inline]
    #[must_use]
    pub fn pending_interrupt(&self) -> Option<Interrupt> {
        if self.csr.mip & self.csr.mie == 0 { None } else { self.select_interrupt() }
    }

    fn select_interrupt(&self) -> Option<Interrupt> {
        let pending = self.csr.mip & self.csr.mie;
        let m_enabled = self.prv < Privilege::Machine || self.csr.mstatus & status::MIE != 0;
        let s_enabled = self.prv < Privilege::Supervisor
            || (self.prv == Privilege::Supervisor && self.csr.mstatus & status::SIE != 0);
        let mut ready = 0;
        if m_enabled {
            ready = pending & !self.csr.mideleg;
        }
        if ready == 0 && s_enabled {
            ready = pending & self.csr.mideleg;
        }
        Interrupt::BY_PRIORITY.into_iter().find(|i| ready & i.bit() != 0)
    }

    /// Whether `wfi` would return: some enabled interrupt is pending, whatever `xIE` says.
    #[must_use]
    pub fn wakes_from_wait(&self) -> bool {
        self.csr.mip & self.csr.mie != 0
    }

    /// Enters the handler of [`Hart::exception`], raised by the instruction at `pc`.
    pub fn take_exception<P: Port>(&mut self, port: &mut P) {
        let Exception { cause, tval } = self.exception;
        let code = cause as u64;
        let delegated = self.csr.medeleg >> code & 1 != 0;
        self.enter(port, code, tval, delegated, false);
    }

    /// Enters the handler of `interrupt` before the instruction at `pc`.
    pub fn take_interrupt<P: Port>(&mut self, port: &mut P, interrupt: Interrupt) {
        let delegated = self.csr.mideleg & interrupt.bit() != 0;
        self.enter(port, interrupt as u64, 0, delegated, true);
    }

    fn enter<P: Port>(&mut self, port: &mut P, code: u64, tval: u64, delegated: bool, irq: bool) {
        let cause = code | u64::from(irq) << 63;
        let s = &mut self.csr;
        let tvec = if delegated && self.prv <= Privilege::Supervisor {
            (s.sepc, s.scause, s.stval) = (self.pc, cause, tval);
            let pie = if s.mstatus & status::SIE != 0 { status::SPIE } else { 0 };
            let spp = if self.prv == Privilege::Supervisor { status::SPP } else { 0 };
            s.mstatus = s.mstatus & !(status::SPIE | status::SPP | status::SIE) | pie | spp;
            self.prv = Privilege::Supervisor;
            s.stvec
        } else {
            (s.mepc, s.mcause, s.mtval) = (self.pc, cause, tval);
            let pie = if s.mstatus & status::MIE != 0 { status::MPIE } else { 0 };
            let mpp = (self.prv as u64) << status::MPP_SHIFT;
            s.mstatus = s.mstatus & !(status::MPIE | status::MPP | status::MIE) | pie | mpp;
            self.prv = Privilege::Machine;
            s.mtvec
        };
        let offset = if irq && tvec & 1 == 1 { 4 * code } else { 0 };
        self.pc = (tvec & !3).wrapping_add(offset);
        self.waiting = false;
        port.context_changed(self);
    }

    /// `sret`: back to the level in SPP (Volume II, 3.3.2). The caller has checked TSR.
    pub fn return_from_s<P: Port>(&mut self, port: &mut P) {
        let m = self.csr.mstatus;
        self.prv = if m & status::SPP != 0 { Privilege::Supervisor } else { Privilege::User };
        let ie = if m & status::SPIE != 0 { status::SIE } else { 0 };
        self.csr.mstatus = m & !(status::SIE | status::SPP | status::MPRV) | ie | status::SPIE;
        self.pc = self.csr.sepc;
        port.context_changed(self);
    }

    /// `mret`: back to the level in MPP; MPRV is cleared unless that is M.
    pub fn return_from_m<P: Port>(&mut self, port: &mut P) {
        let m = self.csr.mstatus;
        self.prv = Privilege::from_bits(m >> status::MPP_SHIFT);
        let ie = if m & status::MPIE != 0 { status::MIE } else { 0 };
        let mprv = if self.prv == Privilege::Machine { 0 } else { status::MPRV };
        self.csr.mstatus = m & !(status::MIE | status::MPP | mprv) | ie | status::MPIE;
        self.pc = self.csr.mepc;
        port.context_changed(self);
    }

    /// Leaves `cause` to be taken and returns the value that ends the instruction.
    #[cold]
    pub fn raise(&mut self, cause: Cause, tval: u64) -> crate::Raised {
        self.exception = Exception { cause, tval };
        crate::Raised
    }
}
