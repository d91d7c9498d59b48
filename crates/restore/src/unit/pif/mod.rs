//! Proactive instruction fetch: prefetches the instruction lines that followed the last time into the first level.
//!
//! M. Ferdman, C. Kaynak, B. Falsafi, "Proactive instruction fetch", MICRO 2011. What retires says what will
//! be executed again, free of wrong paths and of what a cache happened to hold.
//!
//! ```text
//!  retired lines -> spatial -> temporal compaction -> history, index          record
//!  fetched line  -> index -> stream address buffer -> queue -> I-TLB -> L1I   prefetch
//! ```
//!
//! - **Record.** By trap level, retired lines become [regions](regions), and those enter a circular
//!   [history](history) whose index knows where each trigger was last.
//! - **Prefetch.** A fetch of a line that no [stream](streams) expects, and that the first level lacks, is
//!   looked up. Where it is an indexed trigger, a stream opens there, and the regions ahead are prefetched.
//!   As the front end reaches a later region the stream reads on.
//!
//! Unlike units that wait for the function it acts at all times and in every address space, and what it has recorded
//! lies in the core: others who have it take it away. As D. Schall et al., "Lukewarm serverless functions",
//! ISCA 2022, section 5.5, compare it: with 164 KB of history and 49 KB of index, or without
//! limits; `persistent` tables are ours.
//!
//! Ours: the kernel is one trap level and the user the other, told apart by the half of the addresses, and
//! each has half of the tables; every recorded region is indexed; a change of the address space ends streams.

mod history;
mod queue;
mod regions;
mod streams;

use super::{RestorationUnit, Surroundings};
use crate::Ports;
use history::{History, WAYS};
use mem::{Arrival, Cycle, Problems};
use queue::{Queue, line_of};
use regions::{Compactor, Region};
use serde::{Deserialize, Serialize};
use stats::{Counter, Stats};
use stream::{HartId, VirtAddr};
use streams::Streams;

/// User and kernel.
const LEVELS: usize = 2;
/// Bits of the number of a line as storage counts it: of a virtual address of 48.
const LINE_BITS: u64 = 48 - 6;
/// Bits of a region in the history.
const RECORD_BITS: u64 = LINE_BITS + Region::NEIGHBOURS;

/// Parameters of proactive instruction fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PifConfig {
    /// Storage of the history, of both trap levels.
    pub history_kib: u32,
    /// Storage of the index, of both trap levels.
    pub index_kib: u32,
    /// Regions of a trap level that another is compared with before it is recorded.
    pub temporal_entries: u32,
    /// Stream address buffers.
    pub streams: u32,
    /// Regions that a stream is ahead.
    pub regions_ahead: u32,
    /// Miss registers of the first level that are left to fetches.
    pub spare_mshrs: u32,
    /// History and index outlast others' use of the core.
    pub persistent: bool,
}

impl Default for PifConfig {
    fn default() -> Self {
        Self {
            history_kib: 164,
            index_kib: 49,
            temporal_entries: 4,
            streams: 4,
            regions_ahead: 7,
            spare_mshrs: 1,
            persistent: false,
        }
    }
}

impl PifConfig {
    /// Regions in the history of a trap level.
    fn regions(&self) -> u64 {
        bits(self.history_kib) / RECORD_BITS / LEVELS as u64
    }

    /// Bits of an entry of the index: the trigger, and where it is in the history.
    fn index_bits(&self) -> u64 {
        LINE_BITS + u64::from(self.regions().next_power_of_two().ilog2())
    }

    /// Entries in the index of a trap level, in whole sets.
    fn index_entries(&self) -> u64 {
        let entries = bits(self.index_kib) / self.index_bits() / LEVELS as u64;
        entries - entries % WAYS as u64
    }
}

fn bits(kib: u32) -> u64 {
    u64::from(kib) * 1024 * 8
}

/// What proactive instruction fetch counts beside what the first level does of its prefetches.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct PifStats {
    /// Regions recorded.
    #[stat(unit = "regions")]
    pub recorded: Counter,
    /// Regions that were not, since one of the last few covers them.
    #[stat(unit = "regions")]
    pub compacted: Counter,
    /// Streams opened.
    #[stat(unit = "streams")]
    pub opened: Counter,
    /// Fetches that missed, were expected by no stream, and were no indexed trigger.
    #[stat(unit = "fetches")]
    pub unindexed: Counter,
    /// Regions by which streams were followed.
    #[stat(unit = "regions")]
    pub followed: Counter,
    /// Lines asked for.
    #[stat(unit = "lines")]
    pub prefetches: Counter,
    /// Lines of streams that were there already.
    #[stat(unit = "lines")]
    pub present: Counter,
    /// Cycles in which no miss register was there for the next line.
    #[stat(unit = "cycles")]
    pub stalled_cycles: Counter,
    /// Lines for which there was no page.
    #[stat(unit = "lines")]
    pub untranslated: Counter,
}

/// Proactive instruction fetch.
#[derive(Clone, Debug)]
pub struct Pif {
    config: PifConfig,
    compactors: [Compactor; LEVELS],
    histories: [History; LEVELS],
    streams: Streams,
    queue: Queue,
    /// The address space that streams are in.
    asid: Option<u16>,
    stats: PifStats,
}

/// The trap level of what lies at an address.
fn level_of(va: VirtAddr) -> usize {
    (va.0 >> 63) as usize
}

impl Pif {
    fn stop_streams(&mut self) {
        self.streams.clear();
        self.queue.clear();
    }
}

impl RestorationUnit for Pif {
    type Config = PifConfig;
    type Stats = PifStats;

    const RECORDS_RETIRED: bool = true;

    fn validate(config: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems) {
        let PifConfig { history_kib, index_kib, temporal_entries, streams, .. } = *config;
        let PifConfig { regions_ahead, spare_mshrs, .. } = *config;
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            problems.require((least..=most).contains(&value), &format!("{path}.{name}"), || {
                format!("{value} is not from {least} to {most}")
            });
        };
        range("history_kib", history_kib, 1, 1 << 18);
        range("index_kib", index_kib, 1, 1 << 16);
        range("temporal_entries", temporal_entries, 1, 1024);
        range("streams", streams, 1, 64);
        range("regions_ahead", regions_ahead, 1, 64);
        let fewest = system.l1i_mshrs;
        problems.require(spare_mshrs < fewest, &format!("{path}.spare_mshrs"), || {
            format!(
                "{spare_mshrs} of {fewest} miss registers are spared: none is left for prefetches"
            )
        });
        system.require_out_of_order("pif", path, problems);
        system.require_lines_of_64("pif", path, problems);
    }

    fn new(config: &Self::Config, _hart: HartId) -> Self {
        let history = History::new(config.regions(), config.index_entries());
        let compactor = Compactor::new(config.temporal_entries);
        let (streams, ahead) = (config.streams, config.regions_ahead);
        Self {
            compactors: [compactor.clone(), compactor],
            histories: [history.clone(), history],
            streams: Streams::new(streams, ahead),
            queue: Queue::new((streams * (ahead + 1)) as usize, config.spare_mshrs),
            asid: None,
            stats: PifStats::default(),
            config: config.clone(),
        }
    }

    fn stats(&self) -> PifStats {
        self.stats.clone()
    }

    fn retired(&mut self, va: VirtAddr) {
        let level = level_of(va);
        let Some(region) = self.compactors[level].retired(line_of(va)) else { return };
        if self.compactors[level].is_new(region) {
            self.stats.recorded.inc();
            self.histories[level].record(region);
        } else {
            self.stats.compacted.inc();
        }
    }

    fn fetched(&mut self, va: VirtAddr, missed: bool) {
        let (place, queue) = ((level_of(va), line_of(va)), &mut self.queue);
        let followed = self.streams.follow(place, &self.histories, |region| queue.push(region));
        if let Some(regions) = followed {
            return self.stats.followed.add(regions);
        }
        if !missed {
            return;
        }
        let (level, line) = place;
        let Some(position) = self.histories[level].find(line) else {
            return self.stats.unindexed.inc();
        };
        self.stats.opened.inc();
        self.streams.open((level, position), &self.histories, |region| queue.push(region));
    }

    fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        if self.asid.replace(ports.asid).is_some_and(|before| before != ports.asid) {
            self.stop_streams();
        }
        self.queue.step(ports, &mut self.stats)
    }

    fn next_at(&self, now: Cycle) -> Option<Cycle> {
        self.queue.next_at(now)
    }

    fn arrived(&mut self, arrival: &Arrival) {
        self.queue.arrived(arrival);
    }

    fn forget_under_way(&mut self) {
        self.queue.forget_under_way();
    }

    fn lose(&mut self) {
        self.compactors.iter_mut().for_each(Compactor::clear);
        self.stop_streams();
        if !self.config.persistent {
            self.histories.iter_mut().for_each(History::clear);
        }
    }

    /// History and index; for each stream its regions and a place in the history; for each trap level the
    /// region that is gathered and those that are compared.
    fn storage_bits(&self) -> u64 {
        let config = &self.config;
        let levels = LEVELS as u64;
        let position = config.index_bits() - LINE_BITS;
        let tables = levels
            * (config.regions() * RECORD_BITS + config.index_entries() * config.index_bits());
        let stream = u64::from(config.regions_ahead + 1) * RECORD_BITS + position;
        let compactor = u64::from(config.temporal_entries + 1) * RECORD_BITS;
        tables + u64::from(config.streams) * stream + levels * compactor
    }
}

#[cfg(test)]
mod tests;
