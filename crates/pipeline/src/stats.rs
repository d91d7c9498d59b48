//! What a core counts: cycles and where they went, by the privilege they were spent at.

use crate::OutOfOrderStats;
use mem::Level;
use restore::RestorationStats;
use stats::{Amount, Counter, Derived, Kind, PerKind, Stats};
use stream::Privilege;

/// Why an instruction took more than its own cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum Stall {
    /// Its bytes came from the instruction cache or beyond.
    Fetch,
    /// Its address had to be translated.
    Itlb,
    /// It waited for a load.
    Load,
    /// It waited for a store or an atomic.
    Store,
    /// The address of its data had to be translated.
    Dtlb,
    /// It waited for a device.
    Io,
    /// It waited for a cache operation.
    CacheOperation,
}

/// What an access to the memory system is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum Stream {
    /// Instructions.
    Instruction,
    /// Data.
    Data,
    /// Page-table entries.
    Walk,
}

/// What a line is touched as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum Touched {
    /// Instructions.
    Instruction,
    /// Data.
    Data,
}

/// The distinct lines of 64 bytes that instructions touched between the beginning of a window and
/// their commit, at any privilege.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct FootprintStats {
    /// Distinct lines of 64 bytes touched since the window began.
    #[stat(unit = "lines")]
    pub lines: Counter,
    /// Of those, the ones touched in the window before as well.
    #[stat(unit = "lines")]
    pub again: Counter,
    /// Distinct lines touched in the window before, and from its end to the beginning of this one.
    #[stat(unit = "lines")]
    pub before: Counter,
    /// Likeness to the window before, if there was one: lines that both touched, of those that either
    /// touched.
    #[stat(unit = "ratio", formula = "again / either()")]
    pub jaccard: Derived,
}

/// Counters of one core.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct CoreStats {
    /// At user privilege.
    pub user: PrivilegeStats,
    /// At supervisor and machine privilege.
    pub kernel: PrivilegeStats,
    /// Cycles waiting for an interrupt.
    #[stat(unit = "cycles")]
    pub idle_cycles: Counter,
    /// Distinct lines touched, at any privilege.
    pub footprint: PerKind<Touched, FootprintStats>,
    /// What a restoration unit counts.
    pub restoration: Option<RestorationStats>,
    /// Cycles per instruction, idle cycles left out.
    #[stat(
        unit = "cycles/instruction",
        formula = "(user.cycles + kernel.cycles) / (user.instructions + kernel.instructions)"
    )]
    pub cpi: Derived,
}

/// Counters of one core at one privilege.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct PrivilegeStats {
    /// Cycles from the start of each instruction to the start of the next.
    #[stat(unit = "cycles")]
    pub cycles: Counter,
    /// Instructions retired.
    #[stat(unit = "instructions")]
    pub instructions: Counter,
    /// Cycles beyond one per instruction, by cause.
    #[stat(unit = "cycles")]
    pub stalls: PerKind<Stall>,
    /// Accesses to cached memory, by the level that had the line.
    #[stat(unit = "accesses")]
    pub found: PerKind<Level, PerKind<Stream>>,
    /// Instruction fetches that missed the first-level TLB.
    #[stat(unit = "accesses")]
    pub itlb_misses: Counter,
    /// Loads and stores that missed the first-level TLB.
    #[stat(unit = "accesses")]
    pub dtlb_misses: Counter,
    /// Accesses to devices.
    #[stat(unit = "accesses")]
    pub io_accesses: Counter,
    /// Branches of all kinds.
    #[stat(unit = "instructions")]
    pub branches: Counter,
    /// Distinct lines of 64 bytes touched since the window began, by those first touched here.
    #[stat(unit = "lines")]
    pub footprint: PerKind<Touched>,
    /// Distinct branches since the window began, by those that first committed here.
    #[stat(unit = "branches")]
    pub static_branches: Counter,
    /// Distinct branches that were taken since the window began: the working set of a branch target
    /// buffer.
    #[stat(unit = "branches")]
    pub static_taken_branches: Counter,
    /// Interrupts taken before an instruction at this privilege, which is their handler's first.
    #[stat(unit = "events")]
    pub interrupts: Counter,
    /// Instructions that trapped.
    #[stat(unit = "events")]
    pub exceptions: Counter,
    /// What only an out-of-order core counts.
    pub out_of_order: Option<OutOfOrderStats>,
    /// Cycles per instruction.
    #[stat(unit = "cycles/instruction", formula = "cycles / instructions")]
    pub cpi: Derived,
    /// Instruction fetches that missed the first-level cache, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * (found[Level::L2][Stream::Instruction] + found[Level::Llc][Stream::Instruction] + found[Level::Memory][Stream::Instruction]) / instructions"
    )]
    pub l1i_mpki: Derived,
    /// Loads and stores that missed the first-level cache, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * (found[Level::L2][Stream::Data] + found[Level::Llc][Stream::Data] + found[Level::Memory][Stream::Data]) / instructions"
    )]
    pub l1d_mpki: Derived,
    /// Instruction fetches that no private cache could serve, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * (found[Level::Llc][Stream::Instruction] + found[Level::Memory][Stream::Instruction]) / instructions"
    )]
    pub private_instruction_mpki: Derived,
    /// Loads and stores that no private cache could serve, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * (found[Level::Llc][Stream::Data] + found[Level::Memory][Stream::Data]) / instructions"
    )]
    pub private_data_mpki: Derived,
    /// Instruction fetches that went to memory, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * found[Level::Memory][Stream::Instruction] / instructions"
    )]
    pub llc_instruction_mpki: Derived,
    /// Loads and stores that went to memory, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * found[Level::Memory][Stream::Data] / instructions"
    )]
    pub llc_data_mpki: Derived,
    /// Page-table entries that came from memory, per thousand instructions.
    #[stat(
        unit = "misses/1000 instructions",
        formula = "1000 * found[Level::Memory][Stream::Walk] / instructions"
    )]
    pub llc_walk_mpki: Derived,
    /// Instruction TLB misses per thousand instructions.
    #[stat(unit = "misses/1000 instructions", formula = "1000 * itlb_misses / instructions")]
    pub itlb_mpki: Derived,
    /// Data TLB misses per thousand instructions.
    #[stat(unit = "misses/1000 instructions", formula = "1000 * dtlb_misses / instructions")]
    pub dtlb_mpki: Derived,
}

impl FootprintStats {
    /// Lines that this window or the one before it touched; none where there is none before.
    fn either(&self) -> f64 {
        let [lines, again, before] = [&self.lines, &self.again, &self.before].map(Counter::amount);
        if before > 0.0 { lines + before - again } else { 0.0 }
    }
}

impl PrivilegeStats {
    /// The counters of an out-of-order core.
    #[inline]
    pub(crate) fn out_of_order_mut(&mut self) -> &mut OutOfOrderStats {
        self.out_of_order.as_mut().expect("an out-of-order core has them from the start")
    }
}

impl CoreStats {
    /// The counters of `privilege`.
    #[inline]
    pub fn at(&mut self, privilege: Privilege) -> &mut PrivilegeStats {
        match privilege {
            Privilege::User => &mut self.user,
            Privilege::Supervisor | Privilege::Machine => &mut self.kernel,
        }
    }

    /// Both privileges together.
    #[must_use]
    pub fn total(&self) -> PrivilegeStats {
        self.user.plus(&self.kernel)
    }

    /// What does not add up, in words; empty when every cycle has exactly one cause. `elapsed` is
    /// what the core's clock moved while these counters counted, if the caller measured it.
    #[must_use]
    pub fn audit(&self, elapsed: Option<u64>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, side) in [("user", &self.user), ("kernel", &self.kernel)] {
            let (cycles, instructions) = (side.cycles.get(), side.instructions.get());
            if let Some(out_of_order) = &side.out_of_order {
                let of_it = out_of_order.audit(cycles, instructions);
                wrong.extend(of_it.into_iter().map(|what| format!("{name} {what}")));
                continue;
            }
            let stalls = side.stalls.sum();
            if cycles != instructions + stalls {
                wrong.push(format!(
                    "{name} cycles: {cycles} passed, {instructions} instructions and {stalls} stalls"
                ));
            }
        }
        if let Some(both) = &self.total().out_of_order {
            // Those in flight at the edges of the window; the core itself knows how many there are.
            let (renamed, left) = (both.renamed.get(), both.left());
            if renamed.abs_diff(left) > branch::MAX_IN_FLIGHT as u64 {
                wrong.push(format!("instructions: {renamed} renamed and {left} left the core"));
            }
        }
        for ((what, total), name) in self.footprint.iter().zip(Touched::NAMES) {
            let (user, kernel) =
                (self.user.footprint[what].get(), self.kernel.footprint[what].get());
            let (lines, again, before) = (total.lines.get(), total.again.get(), total.before.get());
            if lines != user + kernel || again > lines {
                wrong.push(format!(
                    "{name} footprint: {lines} lines, {user} of user and {kernel} of kernel, {again} \
                     of {before} again"
                ));
            }
        }
        let counted = self.user.cycles.get() + self.kernel.cycles.get() + self.idle_cycles.get();
        if let Some(elapsed) = elapsed.filter(|elapsed| *elapsed != counted) {
            wrong.push(format!("cycles: the clock moved {elapsed}, counted {counted}"));
        }
        wrong
    }
}
