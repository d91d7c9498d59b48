//! Ignite: restores the branch target buffer, the base table of the direction predictor, and the lines of the
//! branches, from the branches that entered the buffer in the last invocation.
//!
//! D. Schall, A. Sandberg, B. Grot, "Warming up a cold front-end with Ignite", MICRO 2023, sections 4.1 to 4.3.
//!
//! - **Record.** A branch that enters the branch target buffer, in order, relative to the one before
//!   ([`records`]). Branches that were restored are recorded again when they are first used, so that live ones
//!   stay and dead ones drop out (recording and replaying at once, section 4.3).
//! - **Replay.** Record by record from when the function is scheduled, one a cycle at most: the branch goes
//!   into the buffer; if it is conditional its bimodal counter becomes weakly taken; its address is
//!   translated, which fills the instruction TLB, and its line prefetched into the second level.
//! - **Throttle.** Replay waits while more than so many restored entries have been neither used nor displaced.
//!
//! Left out: tagged tables of the direction predictor, as in the paper. While the hart waits for an interrupt,
//! the unit stands still with it. That a restored entry was displaced is found out while replay waits, an
//! entry a cycle; the paper's bits tell at once.

mod records;

use super::{RestorationUnit, Surroundings};
use crate::{Asked, Metadata, MetadataStats, Ports};
use branch::{KnownBranch, Learned};
use mem::{Arrival, Cycle, Prefetched, Problems, Ticket};
use records::{Record, Widths};
use serde::{Deserialize, Serialize};
use stats::{Counter, Stats};
use stream::{BranchKind, HartId, PhysAddr, VirtAddr};

/// Parameters of Ignite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IgniteConfig {
    /// Bits of the distance from the last target to a branch. The paper gives 7 and 21 in section 4.1 and
    /// the other way round in its methodology.
    pub pc_delta_bits: u32,
    /// Bits of the distance from a branch to its target.
    pub target_delta_bits: u32,
    /// What an invocation may record.
    pub metadata_kib: u32,
    /// Restored entries that may be unused before replay waits.
    pub throttle_entries: u32,
    /// Whether the base table of the direction predictor is restored.
    pub restore_bimodal: bool,
    /// Miss registers of the second and of the last level that are left to others.
    pub spare_mshrs: u32,
}

impl Default for IgniteConfig {
    fn default() -> Self {
        Self {
            pc_delta_bits: 7,
            target_delta_bits: 21,
            metadata_kib: 120,
            throttle_entries: 1024,
            restore_bimodal: true,
            spare_mshrs: 1,
        }
    }
}

impl IgniteConfig {
    fn widths(&self) -> Widths {
        Widths { pc: self.pc_delta_bits, target: self.target_delta_bits }
    }
}

/// What Ignite counts beside what becomes of the lines, which the second level counts (`restored`).
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct IgniteStats {
    /// Recording and replaying, a record a branch.
    pub metadata: MetadataStats,
    /// Records that took the short form.
    #[stat(unit = "records")]
    pub short: Counter,
    /// Branches put into the branch target buffer.
    #[stat(unit = "branches")]
    pub branches: Counter,
    /// Branches of a replay that the buffer knew.
    #[stat(unit = "branches")]
    pub known: Counter,
    /// Restored branches that were used, on a wrong path too.
    #[stat(unit = "branches")]
    pub used: Counter,
    /// Restored branches that were displaced unused, as far as replay waited long enough to notice.
    #[stat(unit = "branches")]
    pub displaced: Counter,
    /// Branches that entered the buffer because they were not restored.
    #[stat(unit = "branches")]
    pub uncovered: Counter,
    /// Counters of the base table of the direction predictor that were made weakly taken.
    #[stat(unit = "branches")]
    pub directions: Counter,
    /// Lines asked for in replay.
    #[stat(unit = "lines")]
    pub prefetches: Counter,
    /// Cycles in which the second level had no miss register for the next line.
    #[stat(unit = "cycles")]
    pub stalled_cycles: Counter,
    /// Cycles in which too many restored branches were unused.
    #[stat(unit = "cycles")]
    pub throttled_cycles: Counter,
    /// Share of the branches that would have entered the buffer that were there.
    #[stat(unit = "ratio", formula = "used / (used + uncovered)")]
    pub coverage: stats::Derived,
    /// Branches restored and not used in this window, relative to the same.
    #[stat(unit = "ratio", formula = "(branches - used) / (used + uncovered)")]
    pub overrestored: stats::Derived,
}

/// Ignite.
#[derive(Clone, Debug)]
pub struct Ignite {
    config: IgniteConfig,
    metadata: Metadata<Record>,
    /// Where the branch recorded last went, and the one replayed last.
    recorded_to: VirtAddr,
    replayed_to: VirtAddr,
    replay: Replay,
    stats: IgniteStats,
}

/// How far the branch that is replayed is.
#[derive(Clone, Copy, Debug)]
enum Replay {
    /// The next one is to be taken.
    Next,
    /// It is in the buffer, and its address is to be translated.
    Restored(VirtAddr),
    /// It is translated.
    Translating(VirtAddr, Ticket),
    /// It is translated then.
    Translated(Cycle, Option<PhysAddr>),
}

impl Ignite {
    /// Restores the next branch of the replay, if there is one and it may come.
    fn take_branch(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let Some(record) = self.metadata.next_record(ports.now()) else { return false };
        let timed = ports.is_timed();
        let Some(predictor) = &mut ports.predictor else { return false };
        if timed && predictor.unused_restored() > self.config.throttle_entries as usize {
            self.stats.throttled_cycles.inc();
            self.stats.displaced.add(u64::from(predictor.look_for_displaced()));
            return true;
        }
        let branch = record.decode(self.replayed_to, self.config.widths());
        match predictor.restore_target(&branch) {
            true => self.stats.branches.inc(),
            false => self.stats.known.inc(),
        }
        if branch.kind == BranchKind::Conditional && self.config.restore_bimodal {
            let restored = predictor.restore_direction(branch.pc);
            self.stats.directions.add(u64::from(restored));
        }
        self.replayed_to = branch.target;
        self.replay = Replay::Restored(branch.pc);
        true
    }

    /// Goes on with the branch as far as it can in this cycle; returns whether it did something or must
    /// come again.
    fn go_on(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let mut moved = false;
        if let Replay::Restored(pc) = self.replay {
            moved = true;
            match ports.translate(pc) {
                Asked::At(at, pa) => self.replay = Replay::Translated(at, pa),
                Asked::Pending(ticket) => self.replay = Replay::Translating(pc, ticket),
                Asked::Busy => {}
            }
        }
        if let Replay::Translated(at, pa) = self.replay
            && at <= ports.now()
        {
            self.ask_for_line(pa, ports);
            moved = true;
        }
        moved
    }

    /// Asks for the line of the branch, which ends its replay.
    fn ask_for_line(&mut self, pa: Option<PhysAddr>, ports: &mut Ports<'_, '_>) {
        match pa.map(|pa| ports.restore_line(pa, self.config.spare_mshrs)) {
            Some(Prefetched::Dropped) => return self.stats.stalled_cycles.inc(),
            Some(Prefetched::Issued) => self.stats.prefetches.inc(),
            Some(Prefetched::Present) | None => {}
        }
        self.metadata.advance();
        self.replay = Replay::Next;
    }
}

impl RestorationUnit for Ignite {
    type Config = IgniteConfig;
    type Stats = IgniteStats;

    const RECORDS_FETCHES: bool = true;
    const RECORDS_BRANCHES: bool = true;

    fn validate(config: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems) {
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            problems.require((least..=most).contains(&value), &format!("{path}.{name}"), || {
                format!("{value} is not from {least} to {most}")
            });
        };
        range("pc_delta_bits", config.pc_delta_bits, 1, 48);
        range("target_delta_bits", config.target_delta_bits, 1, 48);
        range("metadata_kib", config.metadata_kib, 1, 1024);
        range("throttle_entries", config.throttle_entries, 1, 1 << 20);
        system.require_out_of_order("ignite", path, problems);
        system.require_l2("ignite", path, problems);
        system.require_spare(config.spare_mshrs, path, problems);
    }

    fn new(config: &Self::Config, hart: HartId) -> Self {
        Self {
            metadata: Metadata::new(hart, config.metadata_kib, config.widths().short_bits()),
            recorded_to: VirtAddr(0),
            replayed_to: VirtAddr(0),
            replay: Replay::Next,
            stats: IgniteStats::default(),
            config: config.clone(),
        }
    }

    fn stats(&self) -> IgniteStats {
        IgniteStats { metadata: self.metadata.stats.clone(), ..self.stats.clone() }
    }

    fn begin(&mut self) {
        (self.recorded_to, self.replayed_to) = (VirtAddr(0), VirtAddr(0));
        self.replay = Replay::Next;
        self.metadata.begin();
    }

    fn end(&mut self) {
        self.metadata.finish();
    }

    fn learned(&mut self, learned: &Learned) {
        let Learned { branch, restored } = learned;
        match restored {
            true => self.stats.used.inc(),
            false => self.stats.uncovered.inc(),
        }
        self.record(branch);
    }

    fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let moved = self.metadata.step(ports);
        let taken = matches!(self.replay, Replay::Next) && self.take_branch(ports);
        let went_on = self.go_on(ports);
        moved || taken || went_on
    }

    fn next_at(&self, now: Cycle) -> Option<Cycle> {
        let translated = match self.replay {
            Replay::Translated(at, _) if at > now => Some(at),
            _ => None,
        };
        [translated, self.metadata.next_at(now)].into_iter().flatten().min()
    }

    fn arrived(&mut self, arrival: &Arrival) {
        match (*arrival, self.replay) {
            (Arrival::Access(ticket, access), _) => self.metadata.arrived(ticket, access.at),
            (Arrival::Translation(ticket, translation), Replay::Translating(_, held))
                if held == ticket =>
            {
                self.replay = Replay::Translated(translation.at, translation.pa);
            }
            _ => {}
        }
    }

    fn forget_under_way(&mut self) {
        self.metadata.forget_under_way();
        if let Replay::Translating(pc, _) = self.replay {
            self.replay = Replay::Restored(pc);
        }
    }

    fn lose(&mut self) {
        self.replay = Replay::Next;
        self.metadata.stop_replay();
    }

    /// A bit for each of 12K entries of the branch target buffer, four address registers of 48 bits, two
    /// counters of 32 bits, two line buffers and two registers of the last record (section 4.3). The number of
    /// entries is that of the paper.
    fn storage_bits(&self) -> u64 {
        12 * 1024 + 4 * 48 + 2 * 32 + 2 * 512 + 2 * 96
    }
}

impl Ignite {
    fn record(&mut self, branch: &KnownBranch) {
        let widths = self.config.widths();
        let record = Record::encode(branch, self.recorded_to, widths);
        if self.metadata.record(record, record.bits(widths)) {
            self.stats.short.add(u64::from(record.is_short()));
            self.recorded_to = branch.target;
        }
    }
}

#[cfg(test)]
mod tests;
