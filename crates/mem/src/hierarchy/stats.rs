//! Counters of the whole memory system, and the identities that must hold between them.

use crate::cache::{CacheStats, RestoredStats};
use crate::dram::DramStats;
use crate::memory::{MemoryStats, ReadFor};
use crate::mmu::WalkerStats;
use crate::tlb::TlbStats;
use crate::walk_cache::WalkCacheStats;
use stats::{Kind, Stats};

/// Where a line can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Level {
    /// The first-level cache that was asked.
    L1,
    /// The private second level.
    L2,
    /// The shared last level, or another hart's private cache through it.
    Llc,
    /// Main memory.
    Memory,
}

/// Counters of what belongs to one hart.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct PrivateStats {
    /// First-level instruction cache.
    pub l1i: CacheStats,
    /// First-level data cache.
    pub l1d: CacheStats,
    /// Private second level.
    pub l2: Option<CacheStats>,
    /// Instruction TLB.
    pub itlb: TlbStats,
    /// Data TLB.
    pub dtlb: TlbStats,
    /// Second-level TLB.
    pub l2_tlb: Option<TlbStats>,
    /// Page walker.
    pub walker: WalkerStats,
    /// Caches of upper page-table levels.
    pub walk_cache: Option<WalkCacheStats>,
    /// Lines that a restoration unit had fetched.
    pub restored: Option<RestoredStats>,
}

/// Counters of the whole memory system.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct HierarchyStats {
    /// Private caches and TLBs, by hart.
    pub harts: Vec<PrivateStats>,
    /// Shared last level.
    pub llc: Option<CacheStats>,
    /// Main memory.
    pub memory: MemoryStats,
    /// The DRAM behind it.
    pub dram: Option<DramStats>,
}

impl HierarchyStats {
    /// What does not add up, in words; empty when the books balance. Every line that one level asks
    /// of the next must have been asked there, and every changed line that is passed on must
    /// arrive once. It holds for any window, warmed or timed.
    #[must_use]
    pub fn audit(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        // What restoration units read and write passes the caches by.
        let reads = self.memory.reads.get() - self.memory.read_for[ReadFor::Metadata].get();
        let writes = self.memory.writes.get() - self.memory.metadata_writes.get();
        let mut equal = |what: &str, given: u64, taken: u64| {
            if given != taken {
                wrong.push(format!("{what}: {given} given, {taken} taken"));
            }
        };
        // Requests that leave the private levels, and changed lines on the move.
        let (mut asked, mut passed, mut received) = (0, 0, 0);
        // Unchanged lines on the move, to exclusive levels.
        let (mut clean_passed, mut clean_received) = (0, 0);
        for (index, hart) in self.harts.iter().enumerate() {
            let walks_below = hart.walker.reads_below_l1.get();
            let l1_misses = hart.l1i.asked() + hart.l1d.asked() + walks_below;
            passed += outgoing(&hart.l1i) + outgoing(&hart.l1d);
            clean_passed += hart.l1i.clean_victims.get() + hart.l1d.clean_victims.get();
            match &hart.l2 {
                Some(l2) => {
                    let what = format!("requests to the second level of hart {index}");
                    equal(&what, l1_misses, l2.requests());
                    asked += l2.asked();
                    passed += outgoing(l2);
                    received += l2.write_backs_received.get();
                    clean_passed += l2.clean_victims.get();
                    clean_received += l2.clean_victims_received.get();
                }
                None => asked += l1_misses,
            }
        }
        match &self.llc {
            Some(llc) => {
                equal("requests to the last level", asked, llc.requests());
                equal("lines from memory", llc.asked(), reads);
                clean_received += llc.clean_victims_received.get();
                received += llc.write_backs_received.get();
                equal("changed lines within the caches", passed, received);
                equal("lines to memory", llc.write_backs.get(), writes);
            }
            None => {
                equal("lines from memory", asked, reads);
                received += writes;
                equal("changed lines", passed, received);
            }
        }
        equal("unchanged lines within the caches", clean_passed, clean_received);
        equal("lines from memory by purpose", self.memory.reads.get(), self.memory.read_for.sum());
        let private =
            self.harts.iter().flat_map(|hart| [&hart.l1i, &hart.l1d].into_iter().chain(&hart.l2));
        let prefetches = private.chain(&self.llc).filter_map(|cache| cache.prefetch.audit());
        wrong.extend(prefetches.map(|what| format!("prefetches: {what}")));
        wrong
    }
}

/// Changed lines a cache passed on.
fn outgoing(cache: &CacheStats) -> u64 {
    cache.write_backs.get() + cache.supplied.get()
}
