//! What a cache counts.

use super::Mark;
use stats::{Counter, Derived, Kind, PerKind, Stats};

/// Who asks a cache for a line, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum AccessKind {
    /// An instruction fetch.
    Instruction,
    /// A load.
    Load,
    /// A store or an atomic: the requester needs the only copy.
    Store,
    /// A page walker reading a table entry.
    Walk,
}

/// Counters of one cache.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct CacheStats {
    /// Accesses that found their line, whether it had arrived or was outstanding.
    #[stat(unit = "accesses")]
    pub hits: PerKind<AccessKind>,
    /// Accesses that did not find their line.
    #[stat(unit = "accesses")]
    pub misses: PerKind<AccessKind>,
    /// Share of accesses that did not find their line.
    #[stat(unit = "ratio", formula = "misses / (hits + misses)")]
    pub miss_ratio: Derived,
    /// Hits on an outstanding line: they waited for it in a register that an earlier miss holds.
    #[stat(unit = "accesses")]
    pub merged: Counter,
    /// Stores that found their line but had to make other copies go first.
    #[stat(unit = "accesses")]
    pub upgrades: Counter,
    /// Lines that left to make room.
    #[stat(unit = "lines")]
    pub evictions: Counter,
    /// Changed lines passed to the next level when they left or were cleaned.
    #[stat(unit = "lines")]
    pub write_backs: Counter,
    /// Changed lines taken from the levels above.
    #[stat(unit = "lines")]
    pub write_backs_received: Counter,
    /// Changed lines handed over because another cache or a cache operation asked for them.
    #[stat(unit = "lines")]
    pub supplied: Counter,
    /// Copies lost to another cache's store, an inclusive lower level, or a cache operation.
    #[stat(unit = "lines")]
    pub invalidations: Counter,
    /// Copies that became shared because another cache reads the line.
    #[stat(unit = "lines")]
    pub downgrades: Counter,
    /// Cycles misses waited with every miss register taken.
    #[stat(unit = "cycles")]
    pub mshr_full: Counter,
    /// Cycles accesses waited because a miss register could take no more targets.
    #[stat(unit = "cycles")]
    pub targets_full: Counter,
    /// Cycles misses waited with every write buffer taken.
    #[stat(unit = "cycles")]
    pub write_buffer_full: Counter,
    /// Requests turned away, to be made again: a miss register, or room for another target in one,
    /// was taken until memory answers.
    #[stat(unit = "requests")]
    pub turned_away: Counter,
    /// Cycles accesses waited because another one used their bank.
    #[stat(unit = "cycles")]
    pub bank_conflicts: Counter,
    /// Unchanged lines passed to an exclusive next level when they left.
    #[stat(unit = "lines")]
    pub clean_victims: Counter,
    /// Unchanged lines taken from the levels above by an exclusive level.
    #[stat(unit = "lines")]
    pub clean_victims_received: Counter,
    /// Prefetches.
    pub prefetch: PrefetchStats,
    /// Prefetches by the misses there would have been without them: the part that they covered.
    #[stat(unit = "ratio", formula = "prefetch.useful / (prefetch.useful + misses)")]
    pub prefetch_coverage: Derived,
    /// The part that they did not cover.
    #[stat(unit = "ratio", formula = "misses / (prefetch.useful + misses)")]
    pub prefetch_uncovered: Derived,
    /// What was prefetched in vain, relative to those misses.
    #[stat(unit = "ratio", formula = "prefetch.useless / (prefetch.useful + misses)")]
    pub prefetch_overpredicted: Derived,
}

/// What became of prefetches into a cache and through it. Prefetches are not among its accesses.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct PrefetchStats {
    /// Lines this cache asked the next level for before anyone needed them.
    #[stat(unit = "lines")]
    pub issued: Counter,
    /// Prefetches not made: the line was there or outstanding, or a miss could not be made then.
    #[stat(unit = "lines")]
    pub dropped: Counter,
    /// Prefetched lines that were asked for before they left.
    #[stat(unit = "lines")]
    pub useful: Counter,
    /// Of those, the ones asked for before they had arrived.
    #[stat(unit = "lines")]
    pub late: Counter,
    /// Prefetched lines that left without having been asked for.
    #[stat(unit = "lines")]
    pub useless: Counter,
    /// Of those, the ones that had come from memory.
    #[stat(unit = "lines")]
    pub useless_from_memory: Counter,
    /// Misses on lines that had left for prefetched ones; an estimate, see `pollution`.
    #[stat(unit = "accesses")]
    pub polluting: Counter,
    /// Share of prefetched lines that were asked for, of those whose fate is known.
    #[stat(unit = "ratio", formula = "useful / (useful + useless)")]
    pub accuracy: Derived,
    /// Share of useful prefetches that had arrived when they were asked for.
    #[stat(unit = "ratio", formula = "(useful - late) / useful")]
    pub timeliness: Derived,
    /// Prefetches of the level above that found their line here.
    #[stat(unit = "lines")]
    pub hits: Counter,
    /// Prefetches of the level above that did not.
    #[stat(unit = "lines")]
    pub misses: Counter,
}

impl PrefetchStats {
    /// What does not add up, in words. Lines that were prefetched before a window count in it when they
    /// are used or leave, so `issued` bounds nothing there.
    pub(crate) fn audit(&self) -> Option<String> {
        let (useful, late) = (self.useful.get(), self.late.get());
        let (useless, from_memory) = (self.useless.get(), self.useless_from_memory.get());
        let wrong = late > useful || from_memory > useless;
        wrong.then(|| {
            format!("{useful} useful, {late} late; {useless} useless, {from_memory} from memory")
        })
    }
}

impl CacheStats {
    /// Requests made of this cache.
    pub(crate) fn requests(&self) -> u64 {
        let prefetches = self.prefetch.hits.get() + self.prefetch.misses.get();
        self.hits.sum() + self.misses.sum() + prefetches
    }

    /// Lines asked of the next level.
    pub(crate) fn asked(&self) -> u64 {
        let prefetches = self.prefetch.issued.get() + self.prefetch.misses.get();
        self.misses.sum() + prefetches
    }
}

/// Lines that a restoration unit had fetched into the second level ahead of their use, and the
/// instruction misses that it left.
///
/// A line that is still unused when a window ends counts as unused when it leaves, which may be in no
/// window; what a window's replay fetched in vain is therefore `lines - used`.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct RestoredStats {
    /// Lines fetched.
    #[stat(unit = "lines")]
    pub lines: Counter,
    /// Of those, the ones that came from memory.
    #[stat(unit = "lines")]
    pub from_memory: Counter,
    /// Lines not fetched because a private cache of the hart held them.
    #[stat(unit = "lines")]
    pub present: Counter,
    /// Fetched lines that were asked for before they left.
    #[stat(unit = "lines")]
    pub used: Counter,
    /// Of those, the ones that had come from memory.
    #[stat(unit = "lines")]
    pub used_from_memory: Counter,
    /// Of the used ones, those asked for before they had arrived.
    #[stat(unit = "lines")]
    pub late: Counter,
    /// Fetched lines that left without having been asked for.
    #[stat(unit = "lines")]
    pub unused: Counter,
    /// Instruction lines that no private cache had, asked for by fetches and by prefetches for the
    /// first level.
    #[stat(unit = "lines")]
    pub uncovered: Counter,
    /// Share of the instruction misses there would have been that were avoided.
    #[stat(unit = "ratio", formula = "used / (used + uncovered)")]
    pub coverage: Derived,
    /// Lines fetched and not used in this window, relative to the same misses.
    #[stat(unit = "ratio", formula = "(lines - used) / (used + uncovered)")]
    pub overpredicted: Derived,
    /// Share of used lines that had arrived when they were asked for.
    #[stat(unit = "ratio", formula = "(used - late) / used")]
    pub timeliness: Derived,
    /// Bytes read from memory that were used.
    #[stat(unit = "bytes", formula = "64 * used_from_memory")]
    pub useful_bytes: Derived,
    /// Bytes read from memory that were not used in this window.
    #[stat(unit = "bytes", formula = "64 * (from_memory - used_from_memory)")]
    pub overfetched_bytes: Derived,
}

impl RestoredStats {
    /// A prefetched line is used for the first time.
    pub(super) fn used(&mut self, mark: Mark) {
        self.used.add(u64::from(mark.is_restored()));
        self.used_from_memory.add(u64::from(mark == Mark::RestoredFromMemory));
    }
}
