//! Timing models of caches, TLBs, page walks and memory.
//!
//! A [`Hierarchy`] is the memory system of one simulated machine: private first-level caches and
//! TLBs per hart, an optional private second level, an optional shared last level, and memory. It
//! holds tags and states, never data: the functional side owns the data.
//!
//! Three entry points share one tag-update path. `warm` moves lines and counts; `access` does the
//! same and then works out when the data is there; `demand` does so for cores that do not wait, and
//! may say that the time is not known yet or that the request cannot be made now. So a warmed
//! hierarchy and a timed one hold the same lines by construction, but for prefetches that find no
//! miss register free, and the warming mode is the timed mode minus arithmetic.
//!
//! Time is a timestamp calculus, not an event queue: each bounded resource (miss registers, write
//! buffers, the memory port) remembers when it is busy, and a request that needs it starts when it
//! is free. That is exact for requests that arrive in time order, and close for harts that are
//! stepped instruction by instruction in the order of their clocks. Only a memory controller that
//! reorders its queue acts by itself; what hangs on it gets its time when it answers.
//!
//! Lines change place when they are asked for, not when they arrive: a victim leaves at the miss, and
//! another hart's copy goes when the store is made. Left out: crossbar contention, the bandwidth of
//! fills and of lines on their way down.
#![forbid(unsafe_code)]

mod cache;
mod config;
mod cycle;
pub mod dram;
mod hierarchy;
mod memory;
mod mmu;
mod occupancy;
pub mod prefetch;
pub mod replacement;
mod reply;
mod tlb;
pub mod walk_cache;
mod when;

pub use cache::{AccessKind, CacheStats, PrefetchStats, RestoredStats};
pub use config::{
    CacheConfig, CachesConfig, Inclusion, IoConfig, MemoryConfig, Problem, Problems, TlbConfig,
    TlbsConfig, WalkThrough,
};
pub use cycle::Cycle;
pub use hierarchy::{
    Access, Hierarchy, HierarchyConfig, HierarchyStats, Level, LostMemory, Prefetched, PrivateStats,
};
pub use memory::{MemoryStats, ReadFor};
pub use mmu::{Translation, WalkerStats};
pub use reply::{Arrival, Reply, Ticket};
pub use tlb::TlbStats;
