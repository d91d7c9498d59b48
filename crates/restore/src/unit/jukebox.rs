//! Jukebox: prefetches the instruction lines that the last invocation missed into the second level.
//!
//! D. Schall, A. Margaritov, D. Ustiugov, A. Sandberg, B. Grot, "Lukewarm serverless functions:
//! characterization and optimization", ISCA 2022, sections 3.2 to 3.4.
//!
//! ```text
//!  L1I misses that missed L2 -> [CRRB] -> [line buffer] -> memory       record
//!  memory -> [line buffers] -> region -> I-TLB -> line by line -> L2    replay
//! ```
//!
//! - **Record.** Virtual addresses of missed lines are gathered by region of code. A region leaves for memory
//!   when 16 others have come after it, so the order is that of first touches. What hits in the second
//!   level only because it was replayed counts as missed: what is replayed usefully is recorded again, what
//!   is not drops out.
//! - **Replay.** From the moment the function is scheduled, without regard to what the core does: a region is
//!   translated through the instruction TLB, which so is filled, too, and its lines are asked for one a cycle
//!   as long as the second level has miss registers for them.
//!
//! Both at once, from one buffer in memory and into the other. Left out: while the hart waits for an
//! interrupt, the unit stands still with it.

use super::crrb::{Crrb, Region};
use super::{RestorationUnit, Surroundings};
use crate::{Asked, Metadata, MetadataStats, Ports};
use mem::{Arrival, Cycle, Prefetched, Problems, Ticket};
use serde::{Deserialize, Serialize};
use stats::{Counter, Stats};
use stream::{HartId, PhysAddr, VirtAddr};

const LINE_LOG2: u32 = 6;
/// Bits of a virtual address as storage counts it.
const ADDRESS_BITS: u64 = 48;

/// Parameters of Jukebox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JukeboxConfig {
    /// Regions in the code region reference buffer.
    pub crrb_entries: u32,
    /// Size of a region of code; not larger than a page.
    pub region_bytes: u32,
    /// What an invocation may record.
    pub metadata_kib: u32,
    /// Miss registers of the second and of the last level that are left to others. The paper has an L2
    /// prefetch queue; gem5, which it was evaluated with, keeps one register for demand misses
    /// (`demand_mshr_reserve`).
    pub spare_mshrs: u32,
}

impl Default for JukeboxConfig {
    fn default() -> Self {
        Self { crrb_entries: 16, region_bytes: 1024, metadata_kib: 16, spare_mshrs: 1 }
    }
}

impl JukeboxConfig {
    fn lines(&self) -> u32 {
        self.region_bytes >> LINE_LOG2
    }

    /// Bits of a region: its number and a bit a line.
    fn record_bits(&self) -> u64 {
        ADDRESS_BITS - u64::from(self.region_bytes.ilog2()) + u64::from(self.lines())
    }

    /// The number of the region that `va` lies in, and of the line in it.
    fn place(&self, va: VirtAddr) -> (u64, u32) {
        let address = va.0 & ((1 << ADDRESS_BITS) - 1);
        let size = u64::from(self.region_bytes);
        (address / size, ((address % size) >> LINE_LOG2) as u32)
    }

    /// The first address of a region: the upper bits repeat the highest that is recorded (Sv39, Sv48).
    fn base(&self, region: Region) -> VirtAddr {
        let unused = u64::BITS as u64 - ADDRESS_BITS;
        let address = (region.number * u64::from(self.region_bytes)) << unused;
        VirtAddr((address as i64 >> unused) as u64)
    }
}

/// What Jukebox counts beside what becomes of the lines, which the second level counts (`restored`).
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct JukeboxStats {
    /// Recording and replaying, a record a region.
    pub metadata: MetadataStats,
    /// Misses recorded.
    #[stat(unit = "lines")]
    pub recorded_lines: Counter,
    /// Lines asked for in replay.
    #[stat(unit = "lines")]
    pub prefetches: Counter,
    /// Lines of a replay that were there already.
    #[stat(unit = "lines")]
    pub present: Counter,
    /// Cycles in which the second level had no miss register for the next line.
    #[stat(unit = "cycles")]
    pub stalled_cycles: Counter,
    /// Regions of a replay for which there was no page.
    #[stat(unit = "regions")]
    pub untranslated: Counter,
}

/// Jukebox.
#[derive(Clone, Debug)]
pub struct Jukebox {
    config: JukeboxConfig,
    crrb: Crrb,
    metadata: Metadata<Region>,
    replay: Replay,
    stats: JukeboxStats,
}

/// How far the region that is replayed is.
#[derive(Clone, Copy, Debug)]
enum Replay {
    /// The next one is to be taken.
    Next,
    /// It is translated.
    Translating(Region, Ticket),
    /// It is translated then.
    Translated(Region, Cycle, Option<PhysAddr>),
}

impl Jukebox {
    fn record(&mut self, region: Region) {
        self.metadata.record(region, self.config.record_bits());
    }

    /// Asks for the translation of the next region of the replay, if there is one.
    fn take_region(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let Some(region) = self.metadata.next_record(ports.now()) else { return false };
        self.replay = match ports.translate(self.config.base(region)) {
            Asked::At(at, pa) => Replay::Translated(region, at, pa),
            Asked::Pending(ticket) => Replay::Translating(region, ticket),
            Asked::Busy => return true,
        };
        true
    }

    /// Asks for the next line of a region that lies at `base`, as is known since `at`; its last ends it.
    fn ask_for_line(
        &mut self,
        (region, at, base): (Region, Cycle, PhysAddr),
        ports: &mut Ports<'_, '_>,
    ) {
        let line = u64::from(region.lines.trailing_zeros());
        let pa = PhysAddr(base.0 + (line << LINE_LOG2));
        match ports.restore_line(pa, self.config.spare_mshrs) {
            Prefetched::Issued => self.stats.prefetches.inc(),
            Prefetched::Present => self.stats.present.inc(),
            Prefetched::Dropped => return self.stats.stalled_cycles.inc(),
        }
        let lines = region.lines & (region.lines - 1);
        match lines {
            0 => self.end_region(),
            _ => self.replay = Replay::Translated(Region { lines, ..region }, at, Some(base)),
        }
    }

    fn end_region(&mut self) {
        self.metadata.advance();
        self.replay = Replay::Next;
    }

    fn replay(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        match self.replay {
            Replay::Next => self.take_region(ports),
            Replay::Translated(region, at, pa) if at <= ports.now() => {
                match pa {
                    Some(base) => self.ask_for_line((region, at, base), ports),
                    None => {
                        self.stats.untranslated.inc();
                        self.end_region();
                    }
                }
                true
            }
            Replay::Translating(..) | Replay::Translated(..) => false,
        }
    }
}

impl RestorationUnit for Jukebox {
    type Config = JukeboxConfig;
    type Stats = JukeboxStats;

    const RECORDS_FETCHES: bool = true;

    fn validate(config: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems) {
        let &JukeboxConfig { crrb_entries, region_bytes, metadata_kib, spare_mshrs } = config;
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            problems.require((least..=most).contains(&value), &format!("{path}.{name}"), || {
                format!("{value} is not from {least} to {most}")
            });
        };
        range("crrb_entries", crrb_entries, 1, 1024);
        range("region_bytes", region_bytes, 64, 4096);
        range("metadata_kib", metadata_kib, 1, 1024);
        problems.require(region_bytes.is_power_of_two(), &format!("{path}.region_bytes"), || {
            format!("{region_bytes} is not a power of two")
        });
        system.require_out_of_order("jukebox", path, problems);
        system.require_l2("jukebox", path, problems);
        system.require_spare(spare_mshrs, path, problems);
    }

    fn new(config: &Self::Config, hart: HartId) -> Self {
        Self {
            crrb: Crrb::new(config.crrb_entries),
            metadata: Metadata::new(hart, config.metadata_kib, config.record_bits()),
            replay: Replay::Next,
            stats: JukeboxStats::default(),
            config: config.clone(),
        }
    }

    fn stats(&self) -> JukeboxStats {
        JukeboxStats { metadata: self.metadata.stats.clone(), ..self.stats.clone() }
    }

    fn begin(&mut self) {
        self.crrb.clear();
        self.replay = Replay::Next;
        self.metadata.begin();
    }

    fn end(&mut self) {
        while let Some(region) = self.crrb.pop() {
            self.record(region);
        }
        self.metadata.finish();
    }

    fn missed(&mut self, va: VirtAddr) {
        self.stats.recorded_lines.inc();
        let (number, line) = self.config.place(va);
        if let Some(region) = self.crrb.missed(number, line) {
            self.record(region);
        }
    }

    fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let moved = self.metadata.step(ports);
        let replayed = self.replay(ports);
        moved || replayed
    }

    fn next_at(&self, now: Cycle) -> Option<Cycle> {
        let translated = match self.replay {
            Replay::Translated(_, at, _) if at > now => Some(at),
            _ => None,
        };
        translated.or_else(|| self.metadata.next_at(now))
    }

    fn arrived(&mut self, arrival: &Arrival) {
        match (*arrival, self.replay) {
            (Arrival::Access(ticket, access), _) => self.metadata.arrived(ticket, access.at),
            (Arrival::Translation(ticket, translation), Replay::Translating(region, held))
                if held == ticket =>
            {
                self.replay = Replay::Translated(region, translation.at, translation.pa);
            }
            _ => {}
        }
    }

    fn forget_under_way(&mut self) {
        self.metadata.forget_under_way();
        if let Replay::Translating(..) = self.replay {
            self.replay = Replay::Next;
        }
    }

    fn lose(&mut self) {
        self.crrb.clear();
        self.replay = Replay::Next;
        self.metadata.stop_replay();
    }

    /// Four address registers of 48 bits, the code region reference buffer, two counters of 32 bits and two
    /// line buffers (section 3.4).
    fn storage_bits(&self) -> u64 {
        let crrb = u64::from(self.config.crrb_entries) * self.config.record_bits();
        4 * 48 + crrb + 2 * 32 + 2 * 512
    }
}

#[cfg(test)]
mod tests;
