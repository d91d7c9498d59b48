//! The first instruction lines that an invocation missed are prefetched when the next begins.
//!
//! A strawman of ours: without an order of regions and a buffer in memory, the unit has to keep every
//! address itself, so it can keep few.

use super::{RestorationUnit, Surroundings};
use crate::{Asked, Ports};
use mem::{Arrival, Cycle, Prefetched, Problems, Ticket};
use serde::{Deserialize, Serialize};
use stats::{Counter, Stats};
use stream::{HartId, PhysAddr, VirtAddr};

/// Parameters of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirstLinesConfig {
    /// Lines it keeps of an invocation.
    pub lines: u32,
}

impl Default for FirstLinesConfig {
    fn default() -> Self {
        Self { lines: 64 }
    }
}

/// What it counts.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct FirstLinesStats {
    /// Lines asked for.
    #[stat(unit = "lines")]
    pub prefetches: Counter,
}

/// The unit.
#[derive(Clone, Debug)]
pub struct FirstLines {
    lines: usize,
    missed: Vec<VirtAddr>,
    replayed: Vec<VirtAddr>,
    /// The translation of the last of `replayed`, which comes next.
    translation: Translation,
    stats: FirstLinesStats,
}

#[derive(Clone, Copy, Debug)]
enum Translation {
    NotAskedFor,
    Pending(Ticket),
    At(Cycle, Option<PhysAddr>),
}

impl RestorationUnit for FirstLines {
    type Config = FirstLinesConfig;
    type Stats = FirstLinesStats;

    const RECORDS_FETCHES: bool = true;

    fn validate(config: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems) {
        let lines = config.lines;
        problems.require((1..=4096).contains(&lines), &format!("{path}.lines"), || {
            format!("{lines} is not from 1 to 4096")
        });
        system.require_out_of_order("first_lines", path, problems);
        system.require_l2("first_lines", path, problems);
    }

    fn new(config: &Self::Config, _hart: HartId) -> Self {
        let lines = config.lines as usize;
        let list = || Vec::with_capacity(lines);
        let translation = Translation::NotAskedFor;
        let stats = FirstLinesStats::default();
        Self { lines, missed: list(), replayed: list(), translation, stats }
    }

    fn stats(&self) -> FirstLinesStats {
        self.stats.clone()
    }

    fn begin(&mut self) {
        std::mem::swap(&mut self.missed, &mut self.replayed);
        self.missed.clear();
        self.replayed.reverse();
        self.translation = Translation::NotAskedFor;
    }

    fn missed(&mut self, va: VirtAddr) {
        if self.missed.len() < self.lines {
            self.missed.push(va);
        }
    }

    fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let Some(&va) = self.replayed.last() else { return false };
        match self.translation {
            Translation::NotAskedFor => match ports.translate(va) {
                Asked::At(at, pa) => self.translation = Translation::At(at, pa),
                Asked::Pending(ticket) => self.translation = Translation::Pending(ticket),
                Asked::Busy => {}
            },
            Translation::At(at, pa) if at <= ports.now() => {
                let asked = pa.map(|pa| ports.restore_line(pa, 1));
                if asked != Some(Prefetched::Dropped) {
                    self.stats.prefetches.inc();
                    self.replayed.pop();
                    self.translation = Translation::NotAskedFor;
                }
            }
            Translation::Pending(_) | Translation::At(..) => return false,
        }
        true
    }

    fn next_at(&self, now: Cycle) -> Option<Cycle> {
        match self.translation {
            Translation::At(at, _) if at > now => Some(at),
            _ => None,
        }
    }

    fn arrived(&mut self, arrival: &Arrival) {
        if let (Arrival::Translation(ticket, it), Translation::Pending(held)) =
            (*arrival, self.translation)
            && ticket == held
        {
            self.translation = Translation::At(it.at, it.pa);
        }
    }

    fn forget_under_way(&mut self) {
        if let Translation::Pending(_) = self.translation {
            self.translation = Translation::NotAskedFor;
        }
    }

    fn storage_bits(&self) -> u64 {
        2 * 42 * self.lines as u64
    }
}
