//! The architectural state of one hart.

use crate::trap::status;
use crate::{Exception, Pmp, Privilege};
use serde::{Deserialize, Serialize};
use sim::Picos;

/// Control and status registers that hold state. Views of others (`sstatus`, `sie`, `sip`, counters)
/// are computed in [`crate::csr`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub struct Csrs {
    pub mstatus: u64,
    pub medeleg: u64,
    pub mideleg: u64,
    pub mie: u64,
    pub mip: u64,
    pub mtvec: u64,
    pub mscratch: u64,
    pub mepc: u64,
    pub mcause: u64,
    pub mtval: u64,
    pub mcounteren: u64,
    pub mcountinhibit: u64,
    pub menvcfg: u64,
    pub stvec: u64,
    pub sscratch: u64,
    pub sepc: u64,
    pub scause: u64,
    pub stval: u64,
    pub satp: u64,
    pub scounteren: u64,
    pub senvcfg: u64,
    pub stimecmp: u64,
    pub fflags: u8,
    pub frm: u8,
    /// Added to the virtual-time cycle count to give `mcycle`.
    pub mcycle_offset: u64,
    /// Added to [`Hart::retired`] to give `minstret`.
    pub minstret_offset: u64,
}

/// How virtual time runs for a hart: from `base`, `step` for each instruction retired since
/// `base_retired`. Fast mode uses a nominal step; timing modes move `base` and use no step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocking {
    /// Virtual time when `base_retired` instructions had retired.
    pub base: Picos,
    /// See `base`.
    pub base_retired: u64,
    /// Virtual time an instruction takes.
    pub step: Picos,
    /// Length of the cycle that `mcycle` counts.
    pub cycle: Picos,
}

/// Ticks of the `time` CSR are 100 ns: a 10 MHz timebase.
pub const TIME_TICK: Picos = Picos::from_nanos(100);

/// One hart. `x` has 256 entries so that an index of type `u8` needs no bounds check: 0 to 31 are the
/// registers (0 is never written), [`Hart::SINK`] takes what instructions write to x0.
#[derive(Clone, Debug)]
pub struct Hart {
    /// Integer registers.
    pub x: [u64; 256],
    /// Floating-point registers, NaN-boxed.
    pub f: [u64; 32],
    /// Address of the current instruction.
    pub pc: u64,
    /// Current privilege.
    pub prv: Privilege,
    /// CSR state.
    pub csr: Csrs,
    /// Physical memory protection.
    pub pmp: Pmp,
    /// `mhartid`.
    pub id: u64,
    /// Instructions retired since power-on.
    pub retired: u64,
    /// The exception last raised.
    pub exception: Exception,
    /// Physical address reserved by `lr`.
    pub reservation: Option<u64>,
    /// In `wfi`.
    pub waiting: bool,
    /// S-mode `ecall` is served by the machine, not by M-mode software.
    pub sbi: bool,
    /// The port's tag for data accesses (see the engine's TLB).
    pub data_tag: u64,
    /// The port's tag for fetches.
    pub fetch_tag: u64,
    /// Virtual time.
    pub clock: Clocking,
}

/// The part of a [`Hart`] that a snapshot keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HartState {
    x: [u64; 32],
    f: [u64; 32],
    pc: u64,
    prv: Privilege,
    csr: Csrs,
    pmp: Pmp,
    id: u64,
    retired: u64,
    waiting: bool,
    sbi: bool,
    base: Picos,
    cycle: Picos,
}

impl Hart {
    /// Index that stands for x0 as a destination.
    pub const SINK: u8 = 32;

    /// A hart after reset: M-mode, translation and interrupts off, at `pc`.
    #[must_use]
    pub fn new(id: u64, pc: u64) -> Self {
        let csr = Csrs {
            mstatus: 2 << status::UXL.trailing_zeros() | 2 << status::SXL.trailing_zeros(),
            stimecmp: u64::MAX,
            ..Csrs::default()
        };
        Self {
            x: [0; 256],
            f: [0; 32],
            pc,
            prv: Privilege::Machine,
            csr,
            pmp: Pmp::default(),
            id,
            retired: 0,
            exception: Exception::default(),
            reservation: None,
            waiting: false,
            sbi: false,
            data_tag: 0,
            fetch_tag: 0,
            clock: Clocking {
                step: Picos::from_nanos(1),
                cycle: Picos::from_nanos(1),
                ..Clocking::default()
            },
        }
    }

    /// What a snapshot keeps. The reservation is dropped, which `sc` is allowed to see.
    #[must_use]
    pub fn save(&self) -> HartState {
        let mut x = [0; 32];
        x.copy_from_slice(&self.x[..32]);
        HartState {
            x,
            f: self.f,
            pc: self.pc,
            prv: self.prv,
            csr: self.csr.clone(),
            pmp: self.pmp.clone(),
            id: self.id,
            retired: self.retired,
            waiting: self.waiting,
            sbi: self.sbi,
            base: self.now(),
            cycle: self.clock.cycle,
        }
    }

    /// A hart as it was saved. The port's tags must be set by a `context_changed`.
    #[must_use]
    pub fn restore(state: &HartState) -> Self {
        let mut hart = Self::new(state.id, state.pc);
        hart.x[..32].copy_from_slice(&state.x);
        hart.f = state.f;
        hart.prv = state.prv;
        hart.csr = state.csr.clone();
        hart.pmp = state.pmp.clone();
        hart.retired = state.retired;
        hart.waiting = state.waiting;
        hart.sbi = state.sbi;
        hart.clock.base = state.base;
        hart.clock.base_retired = state.retired;
        hart.clock.cycle = state.cycle;
        hart
    }

    /// Virtual time at the current instruction.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Picos {
        Picos(self.clock.base.0 + (self.retired - self.clock.base_retired) * self.clock.step.0)
    }

    /// Fixes the current virtual time at `base` and lets it run on with `step` an instruction.
    #[inline]
    pub fn set_clock(&mut self, base: Picos, step: Picos) {
        self.clock.base = base;
        self.clock.base_retired = self.retired;
        self.clock.step = step;
    }

    /// Changes the cycle that `mcycle` counts without letting the count jump.
    pub fn set_cycle(&mut self, cycle: Picos) {
        let count = self.cycles();
        self.clock.cycle = cycle;
        self.csr.mcycle_offset = 0;
        self.csr.mcycle_offset = count.wrapping_sub(self.cycles());
    }

    /// The `mcycle` count.
    #[must_use]
    pub fn cycles(&self) -> u64 {
        (self.now().0 / self.clock.cycle.0).wrapping_add(self.csr.mcycle_offset)
    }

    /// The `time` CSR.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.now().0 / TIME_TICK.0
    }

    /// The virtual time at which the timer interrupt of Sstc becomes pending.
    #[must_use]
    pub fn timer_deadline(&self) -> Picos {
        Picos(self.csr.stimecmp.saturating_mul(TIME_TICK.0))
    }

    /// The privilege data accesses are made with (Volume II, 3.1.6.3: MPRV).
    #[must_use]
    #[inline]
    pub fn data_privilege(&self) -> Privilege {
        if self.prv == Privilege::Machine && self.csr.mstatus & status::MPRV != 0 {
            Privilege::from_bits(self.csr.mstatus >> status::MPP_SHIFT)
        } else {
            self.prv
        }
    }
}
