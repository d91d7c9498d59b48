//! Tests of the memory system as a whole.

mod banks;
mod coherence;
mod dram;
mod exclusive;
mod loss;
mod overlap;
mod prefetch;
mod reference;
mod restoring;
mod timing;
mod traffic;
mod translation;
mod walks;

use super::{Hierarchy, HierarchyConfig, Level};
use crate::cache::AccessKind;
use crate::replacement::ReplacementKind;
use crate::{CacheConfig, CachesConfig, Cycle, Inclusion, IoConfig, MemoryConfig};
use crate::{TlbConfig, TlbsConfig, WalkThrough};
use sim::Clock;
use stream::{HartId, LineAddr, PhysAddr, VirtAddr};

const ONE: HartId = HartId(0);
const OTHER: HartId = HartId(1);
const PC: VirtAddr = VirtAddr(0x1000);

/// A cache with distinct latencies, so that a test sees which of them were added up.
fn cache(size_kib: u64, ways: u32, [tag, data, response]: [u64; 3]) -> CacheConfig {
    CacheConfig {
        size_kib,
        ways,
        tag_latency_cycles: tag,
        data_latency_cycles: data,
        response_latency_cycles: response,
        sequential_access: false,
        mshrs: 4,
        mshr_targets: 4,
        write_buffers: 4,
        replacement: ReplacementKind::Lru,
        inclusion: Inclusion::NonInclusive,
        banks: None,
        prefetcher: None,
    }
}

/// Two harts, small caches: L1s of 16 sets of 4 ways, a last level of 64 sets of 4 ways.
pub(super) fn small() -> HierarchyConfig {
    let tlb =
        TlbConfig { entries: 4, ways: 4, latency_cycles: 0, replacement: ReplacementKind::Lru };
    HierarchyConfig {
        harts: 2,
        clock: Clock::from_mhz(1000),
        caches: CachesConfig {
            line_bytes: 64,
            l1i: cache(4, 4, [1, 2, 3]),
            l1d: cache(4, 4, [1, 2, 3]),
            l2: None,
            llc: Some(cache(16, 4, [10, 20, 5])),
        },
        tlbs: TlbsConfig {
            itlb: tlb.clone(),
            dtlb: tlb,
            l2_tlb: None,
            walk_through: WalkThrough::L1d,
            walkers: 1,
            walk_cache: None,
        },
        memory: MemoryConfig::Fixed { latency_ns: 100, bandwidth_mb_per_s: 0 },
        io: IoConfig { latency_ns: 50 },
    }
}

/// The same with a private second level of 32 sets of 4 ways.
fn with_l2() -> HierarchyConfig {
    let mut config = small();
    config.caches.l2 = Some(cache(8, 4, [4, 6, 2]));
    config
}

fn line(number: u64) -> PhysAddr {
    PhysAddr(number * 64)
}

fn load(mem: &mut Hierarchy, now: u64, number: u64) -> (u64, Level) {
    let access = mem.access(Cycle(now), ONE, AccessKind::Load, line(number), PC);
    (access.at.0, access.found)
}
