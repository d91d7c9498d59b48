//! Hardware prefetchers: which lines a cache should fetch before anyone asks for them.
//!
//! To add one, write one file with a type that implements [`Prefetcher`] and add one line to the
//! registry below; `docs/howto/add-a-prefetcher.md` goes through it. The registry yields the
//! configuration enum (`kind = "next_line"`), the dispatch, and one instance of the contract tests
//! per prefetcher.
//!
//! A prefetcher belongs to one cache, sees the accesses that the cache shows it and asks for lines.
//! The cache drops requests for lines it holds or has outstanding, keeps the tag that tells
//! prefetched lines, and decides what priority the rest gets. Not here: prefetching that follows the
//! branch predictor (B. Calder, G. Reinman, "Fetch directed instruction prefetching", MICRO 1999),
//! which the front end drives, and software prefetches, which are instructions.

mod best_offset;
pub mod contract;
mod next_line;
mod requests;
mod stride;

pub use best_offset::BestOffsetConfig;
pub use next_line::NextLineConfig;
pub use requests::{Pages, Requests};
pub use stride::StrideConfig;

use crate::{AccessKind, Cycle, Problems};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use stream::{LineAddr, VirtAddr};

/// A demand access, as the cache shows it to its prefetcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When the cache looks it up. Stands still in warming mode.
    pub now: Cycle,
    /// The instruction that makes it.
    pub pc: VirtAddr,
    /// The physical line.
    pub line: LineAddr,
    /// What it is for.
    pub kind: AccessKind,
    /// The line is present or outstanding.
    pub hit: bool,
    /// It is the first demand access to a line that was prefetched.
    pub first_use: bool,
}

impl Observed {
    /// A miss, or what would have been one without prefetching: what triggers most prefetchers.
    #[inline]
    #[must_use]
    pub fn is_trigger(&self) -> bool {
        !self.hit || self.first_use
    }
}

/// A prefetcher of one cache.
///
/// Contract: the same accesses give the same requests in every run. `observe` and `filled` do not
/// allocate. Nothing depends on time moving on: warming shows all accesses at one time. A fill may
/// be told of before it takes place; accesses at earlier times can still follow.
pub trait Prefetcher: Debug + Clone {
    /// Its parameters; the default is the published design.
    type Config: Debug + Clone + Default + Eq + Serialize;

    /// Notes what cannot be in a configuration, with paths below `path`.
    fn validate(config: &Self::Config, path: &str, problems: &mut Problems);
    /// A prefetcher that has seen nothing. The configuration is valid.
    fn new(config: &Self::Config, pages: Pages) -> Self;
    /// Learns from an access and asks for lines. `requests` was begun for the accessed line.
    fn observe(&mut self, access: &Observed, requests: &mut Requests);
    /// Whether accesses that are no [trigger](Observed::is_trigger), which most are, mean anything to it:
    /// one that says no need not be shown them.
    const SEES_PLAIN_HITS: bool = true;
    /// Whether it does something when it is told of what was [filled](Self::filled): one that says no
    /// need not be told.
    const SEES_FILLS: bool = true;

    /// `line` arrives in the cache at `at`. It is `prefetched` if a prefetch asked for it first, even
    /// if a demand access has joined since.
    fn filled(&mut self, _line: LineAddr, _at: Cycle, _prefetched: bool) {}
    /// Bits of storage, without the tags of prefetched lines, which the cache has.
    fn storage_bits(&self) -> u64;
}

macro_rules! prefetchers {
    ($($(#[$doc:meta])* $name:ident => $module:ident::$type:ident = $key:literal;)+) => {
        /// A prefetcher and its parameters, as configuration files name them.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum PrefetcherConfig {
            $($(#[$doc])* #[serde(rename = $key)]
            $name(<$module::$type as Prefetcher>::Config),)+
        }

        impl PrefetcherConfig {
            /// The names of all prefetchers in configuration files.
            pub const ALL: &'static [&'static str] = &[$($key),+];

            /// All prefetchers with the parameters of the published designs.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name(Default::default())),+]
            }

            /// Whether the prefetcher must be shown accesses that are no trigger; see
            /// [`Prefetcher::SEES_PLAIN_HITS`].
            #[must_use]
            pub fn sees_plain_hits(&self) -> bool {
                match self { $(Self::$name(_) => <$module::$type as Prefetcher>::SEES_PLAIN_HITS,)+ }
            }

            /// Whether the prefetcher must be told of fills; see [`Prefetcher::SEES_FILLS`].
            #[must_use]
            pub fn sees_fills(&self) -> bool {
                match self { $(Self::$name(_) => <$module::$type as Prefetcher>::SEES_FILLS,)+ }
            }

            /// The name in configuration files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $key,)+ }
            }

            /// Notes what is wrong, with paths below `path`.
            pub fn validate(&self, path: &str, problems: &mut Problems) {
                match self {
                    $(Self::$name(config) => $module::$type::validate(config, path, problems),)+
                }
            }
        }

        #[derive(Clone, Debug)]
        enum Any {
            $($name($module::$type),)+
        }

        /// A prefetcher of the kind the configuration names; see [`Prefetcher`].
        #[derive(Clone, Debug)]
        pub struct Policy(Any);

        impl Policy {
            /// Builds the prefetcher of a cache with lines of `line_bytes`. The configuration is
            /// valid.
            #[must_use]
            pub fn new(config: &PrefetcherConfig, line_bytes: u64) -> Self {
                let pages = Pages::of_lines(line_bytes);
                Self(match config {
                    $(PrefetcherConfig::$name(config) => {
                        Any::$name($module::$type::new(config, pages))
                    })+
                })
            }

            /// Learns from an access; afterwards `requests` holds the lines it asks for.
            #[inline]
            pub fn observe(&mut self, access: &Observed, requests: &mut Requests) {
                requests.begin(access.line);
                match &mut self.0 { $(Any::$name(it) => it.observe(access, requests),)+ }
            }

            /// `line` arrives in the cache at `at`; `prefetched` if a prefetch asked for it first.
            #[inline]
            pub fn filled(&mut self, line: LineAddr, at: Cycle, prefetched: bool) {
                match &mut self.0 { $(Any::$name(it) => it.filled(line, at, prefetched),)+ }
            }

            /// Bits of storage, without the tags of prefetched lines.
            #[must_use]
            pub fn storage_bits(&self) -> u64 {
                match &self.0 { $(Any::$name(it) => it.storage_bits(),)+ }
            }
        }

        #[cfg(test)]
        mod contracts {
            $(mod $module {
                crate::prefetcher_contract!(crate::prefetch::$module::$type);
            })+
        }
    };
}

prefetchers! {
    /// The lines after one that missed.
    NextLine => next_line::NextLine = "next_line";
    /// The lines at the distance a load has been moving by.
    Stride => stride::Stride = "stride";
    /// The line at the one distance that would have been best lately.
    BestOffset => best_offset::BestOffset = "best_offset";
}

#[cfg(test)]
mod tests;
