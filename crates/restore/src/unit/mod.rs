//! Restoration units: what is recorded of one invocation and brought back for the next.
//!
//! To add one, write one file with a type that implements [`RestorationUnit`] and add one line to the
//! registry below; `docs/howto/add-a-restoration-unit.md` goes through it. The registry yields the
//! configuration enum (`kind = "jukebox"`), the dispatch, the statistics, and one instance of the contract
//! tests per unit.

mod crrb;
mod ignite;
mod jukebox;
mod perfect_front_end;
mod perfect_l1i;
mod pif;

pub mod contract;

pub use ignite::{IgniteConfig, IgniteStats};
pub use jukebox::{JukeboxConfig, JukeboxStats};
pub use perfect_front_end::PerfectFrontEndConfig;
pub use perfect_l1i::PerfectL1iConfig;
pub use pif::{PifConfig, PifStats};

use crate::Ports;
use branch::Learned;
use mem::{Arrival, Cycle, Hierarchy, Problems};
use serde::{Deserialize, Serialize};
use stats::Stats;
use std::fmt::Debug;
use stream::{HartId, VirtAddr};

/// What of the front end is perfect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Perfect {
    /// Nothing.
    #[default]
    Nothing,
    /// Every fetch hits in the first-level instruction cache.
    L1i,
    /// That, and fetches are translated in no time and every branch is foreseen.
    FrontEnd,
}

/// What a unit must know of the system to say whether it can be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Size of a cache line.
    pub line_bytes: u64,
    /// Miss registers of the first-level instruction cache.
    pub l1i_mshrs: u32,
    /// Miss registers of the second level; none without one.
    pub l2_mshrs: Option<u32>,
    /// Miss registers of the last level; none without one.
    pub llc_mshrs: Option<u32>,
    /// The core is out of order: it has a front end that runs ahead, and goes cycle by cycle.
    pub out_of_order: bool,
}

impl Surroundings {
    /// Notes that `unit` needs the out-of-order core where there is another.
    pub fn require_out_of_order(self, unit: &str, path: &str, problems: &mut Problems) {
        problems.require(self.out_of_order, &format!("{path}.kind"), || {
            format!("{unit} is for core.model = \"out_of_order\"")
        });
    }

    /// Notes that no miss register is left where `spare` of each lower cache are.
    pub fn require_spare(self, spare: u32, path: &str, problems: &mut Problems) {
        let fewest = [self.l2_mshrs, self.llc_mshrs].into_iter().flatten().min();
        let Some(fewest) = fewest else { return };
        problems.require(spare < fewest, &format!("{path}.spare_mshrs"), || {
            format!("{spare} of {fewest} miss registers are spared: none is left for replay")
        });
    }

    /// Notes that `unit` brings lines into a second level of cache lines of 64 bytes where there is none.
    pub fn require_l2(self, unit: &str, path: &str, problems: &mut Problems) {
        let kind = format!("{path}.kind");
        problems.require(self.l2_mshrs.is_some(), &kind, || {
            format!("{unit} brings lines into the second level, and caches.l2 is not there")
        });
        self.require_lines_of_64(unit, path, problems);
    }

    /// Notes that `unit` is for cache lines of 64 bytes where they are others.
    pub fn require_lines_of_64(self, unit: &str, path: &str, problems: &mut Problems) {
        problems.require(self.line_bytes == 64, &format!("{path}.kind"), || {
            format!("{unit} is for caches.line_bytes = 64, not {}", self.line_bytes)
        });
    }
}

/// A unit of one core.
///
/// Contract: the core tells of everything in the order in which it happens, and calls `step` once a cycle,
/// but for cycles in which nothing can happen: `step` says whether the next cycle must not be passed over,
/// `next_at` up to when. A further `step` in between changes nothing. Without time all that can be done is
/// done by calling `step` again and again. `step` does not allocate. The same calls
/// have the same consequences in every run.
pub trait RestorationUnit: Debug + Clone {
    /// Its parameters; the default is the published design.
    type Config: Debug + Clone + Default + PartialEq + Serialize;
    /// What it counts.
    type Stats: Stats + Debug + Clone + Default + PartialEq;

    /// What of the front end is perfect with it.
    const PERFECT: Perfect = Perfect::Nothing;
    /// It is to be told of [missed](Self::missed) fetches.
    const RECORDS_FETCHES: bool = false;
    /// It is to be told of [learned](Self::learned) branches.
    const RECORDS_BRANCHES: bool = false;
    /// It is to be told of [fetched](Self::fetched) and [retired](Self::retired) lines, whosever they are,
    /// and acts in every address space.
    const RECORDS_RETIRED: bool = false;

    /// Notes what cannot be in a configuration, or not in that system, with paths below `path`.
    fn validate(config: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems);
    /// A unit that has recorded nothing. The configuration is valid.
    fn new(config: &Self::Config, hart: HartId) -> Self;
    /// What was counted.
    fn stats(&self) -> Self::Stats;

    /// The function is scheduled for a request.
    fn begin(&mut self) {}
    /// The reply of a request that the function was scheduled for has left.
    fn end(&mut self) {}
    /// The function asked for instructions that were in no private cache, or only because the unit had
    /// them fetched.
    fn missed(&mut self, _va: VirtAddr) {}
    /// A taken branch of the function entered the branch target buffer, or is used there because the unit
    /// put it in.
    fn learned(&mut self, _learned: &Learned) {}
    /// The front end asked for a line, on a wrong path perhaps, which was not in the first level if it
    /// `missed`. Without time, when nobody knows, all are told of as missed.
    fn fetched(&mut self, _va: VirtAddr, _missed: bool) {}
    /// An instruction of another line than the one before it retired.
    fn retired(&mut self, _va: VirtAddr) {}
    /// Does what can be done in this cycle, in the address space of the function. Returns whether there
    /// is more to do in the next one, or may be.
    fn step(&mut self, _ports: &mut Ports<'_, '_>) -> bool {
        false
    }
    /// When something it waits for is known to be there, after `now`.
    fn next_at(&self, _now: Cycle) -> Option<Cycle> {
        None
    }
    /// Memory answered one of its requests.
    fn arrived(&mut self, _arrival: &Arrival) {}
    /// Its requests under way were dropped with everything else in the core.
    fn forget_under_way(&mut self) {}
    /// Others had the core: what the unit itself holds is lost, what lies in memory is not.
    fn lose(&mut self) {}
    /// Bits of storage in the core.
    fn storage_bits(&self) -> u64;
}

macro_rules! restoration_units {
    ($($(#[doc = $doc:literal])* $name:ident => $module:ident::$type:ident = $key:literal;)+) => {
        /// A restoration unit and its parameters, as configuration files name them.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum RestorationConfig {
            $($(#[doc = $doc])* #[serde(rename = $key)]
            $name(<$module::$type as RestorationUnit>::Config),)+
        }

        impl RestorationConfig {
            /// The names of all units in configuration files.
            pub const ALL: &'static [&'static str] = &[$($key),+];

            /// All units with the parameters of the published designs.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name(Default::default())),+]
            }

            /// The name in configuration files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $key,)+ }
            }

            /// What of the front end is perfect with it.
            #[must_use]
            pub fn perfect(&self) -> Perfect {
                match self { $(Self::$name(_) => <$module::$type as RestorationUnit>::PERFECT,)+ }
            }

            /// Whether the unit must be told of fetches that missed.
            #[must_use]
            pub fn records_fetches(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$module::$type as RestorationUnit>::RECORDS_FETCHES,)+
                }
            }

            /// Whether the unit must be told of branches that were learned.
            #[must_use]
            pub fn records_branches(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$module::$type as RestorationUnit>::RECORDS_BRANCHES,)+
                }
            }

            /// Whether the unit must be told of lines that are fetched and that retire.
            #[must_use]
            pub fn records_retired(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$module::$type as RestorationUnit>::RECORDS_RETIRED,)+
                }
            }

            /// Notes what is wrong, with paths below `path`.
            pub fn validate(&self, system: &Surroundings, path: &str, problems: &mut Problems) {
                match self {
                    $(Self::$name(it) => $module::$type::validate(it, system, path, problems),)+
                }
            }
        }

        /// What the restoration unit of a core counts.
        #[derive(Clone, Debug, Default, PartialEq, Stats)]
        pub struct RestorationStats {
            $($(#[doc = $doc])*
            pub $module: Option<<$module::$type as RestorationUnit>::Stats>,)+
        }

        /// A unit of the kind the configuration names; see [`RestorationUnit`].
        #[derive(Clone, Debug)]
        pub(crate) enum Unit {
            $($name(Box<$module::$type>),)+
        }

        impl Unit {
            pub(crate) fn new(config: &RestorationConfig, hart: HartId) -> Self {
                match config {
                    $(RestorationConfig::$name(it) => {
                        Self::$name(Box::new($module::$type::new(it, hart)))
                    })+
                }
            }

            pub(crate) fn stats(&self) -> RestorationStats {
                match self {
                    $(Self::$name(it) => RestorationStats {
                        $module: Some(it.stats()),
                        ..RestorationStats::default()
                    },)+
                }
            }

            pub(crate) fn begin(&mut self) {
                match self { $(Self::$name(it) => it.begin(),)+ }
            }

            pub(crate) fn end(&mut self) {
                match self { $(Self::$name(it) => it.end(),)+ }
            }

            pub(crate) fn missed(&mut self, va: VirtAddr) {
                match self { $(Self::$name(it) => it.missed(va),)+ }
            }

            pub(crate) fn learned(&mut self, learned: &Learned) {
                match self { $(Self::$name(it) => it.learned(learned),)+ }
            }

            pub(crate) fn fetched(&mut self, va: VirtAddr, missed: bool) {
                match self { $(Self::$name(it) => it.fetched(va, missed),)+ }
            }

            pub(crate) fn retired(&mut self, va: VirtAddr) {
                match self { $(Self::$name(it) => it.retired(va),)+ }
            }

            pub(crate) fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
                match self { $(Self::$name(it) => it.step(ports),)+ }
            }

            pub(crate) fn next_at(&self, now: Cycle) -> Option<Cycle> {
                match self { $(Self::$name(it) => it.next_at(now),)+ }
            }

            pub(crate) fn arrived(&mut self, arrival: &Arrival) {
                match self { $(Self::$name(it) => it.arrived(arrival),)+ }
            }

            pub(crate) fn forget_under_way(&mut self) {
                match self { $(Self::$name(it) => it.forget_under_way(),)+ }
            }

            pub(crate) fn lose(&mut self) {
                match self { $(Self::$name(it) => it.lose(),)+ }
            }

            pub(crate) fn storage_bits(&self) -> u64 {
                match self { $(Self::$name(it) => it.storage_bits(),)+ }
            }
        }

        #[cfg(test)]
        mod contracts {
            $(mod $module {
                crate::restoration_contract!(crate::unit::$module::$type);
            })+
        }
    };
}

impl RestorationConfig {
    /// Whether the unit records something to restore it.
    #[must_use]
    pub fn records(&self) -> bool {
        self.perfect() == Perfect::Nothing
    }

    /// Makes the memory system of `hart` what the unit there needs.
    pub fn prepare(&self, hart: HartId, mem: &mut Hierarchy) {
        if self.perfect() != Perfect::Nothing {
            mem.make_fetches_hit(hart);
        }
        if self.records_fetches() {
            mem.watch_fetches(hart);
        }
    }
}

restoration_units! {
    /// Every fetch hits in the first-level instruction cache: an upper bound.
    PerfectL1i => perfect_l1i::PerfectL1i = "perfect_l1i";
    /// Nothing stops the front end but the instructions themselves: an upper bound.
    PerfectFrontEnd => perfect_front_end::PerfectFrontEnd = "perfect_front_end";
    /// Instruction lines of the last invocation are prefetched into the second level.
    Jukebox => jukebox::Jukebox = "jukebox";
    /// Branches of the last invocation are restored, and their lines prefetched into the second level.
    Ignite => ignite::Ignite = "ignite";
    /// Lines that followed what is fetched the last time are prefetched into the first level.
    Pif => pif::Pif = "pif";
}

#[cfg(test)]
mod tests;
