//! Replacement policies: which line of a full set makes room for a new one.
//!
//! To add a policy, write one file with a type that implements [`Replacement`] and add one line to
//! the registry below; `docs/howto/add-a-replacement-policy.md` goes through it. The registry yields
//! the configuration enum, the dispatch, and one instance of the contract tests per policy.

pub mod contract;
mod drrip;
mod lru;
mod random;
mod srrip;
#[cfg(test)]
mod testing;
mod tree_plru;

use crate::Problems;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// The state of a replacement policy for all sets of a cache or TLB.
///
/// Contract: `victim` is asked only of full sets and returns a way below `ways`; the caller then
/// fills that way and says so. The same calls give the same victims in every run. Ways that were
/// invalidated are refilled by the cache without asking. The use of a line does not reach other
/// sets; what is filled may, where sets duel. To use the line again that was used last in its set, with
/// nothing filled there since, changes nothing: a cache need not say so.
pub trait Replacement: Debug + Clone {
    /// A policy for `sets` sets of `ways` ways.
    fn new(sets: usize, ways: usize) -> Self;
    /// The line in `way` was used.
    fn touch(&mut self, set: usize, way: usize);
    /// A new line was put into `way`.
    fn fill(&mut self, set: usize, way: usize) {
        self.touch(set, way);
    }
    /// The way whose line should leave a full set.
    fn victim(&mut self, set: usize) -> usize;
    /// The largest and the only kind of associativity it can handle; see [`Associativity`].
    fn associativity() -> Associativity {
        Associativity::Any
    }
}

/// The numbers of ways a policy can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Associativity {
    /// Any.
    Any,
    /// Powers of two.
    PowerOfTwo,
}

macro_rules! replacement_policies {
    ($($(#[$doc:meta])* $name:ident => $module:ident::$policy:ident = $key:literal;)+) => {
        /// The replacement policies by name.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ReplacementKind {
            $($(#[$doc])* #[serde(rename = $key)] $name,)+
        }

        impl ReplacementKind {
            /// All policies.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name in configuration files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            fn associativity(self) -> Associativity {
                match self { $(Self::$name => $module::$policy::associativity(),)+ }
            }
        }

        /// A policy of the kind the configuration names.
        ///
        /// Its tag lies beside what the policies keep, where every use of a line finds it at once.
        #[derive(Clone, Debug)]
        #[repr(u8)]
        pub(crate) enum Policy {
            $($name($module::$policy),)+
        }

        impl Policy {
            pub(crate) fn new(kind: ReplacementKind, sets: usize, ways: usize) -> Self {
                match kind {
                    $(ReplacementKind::$name => Self::$name($module::$policy::new(sets, ways)),)+
                }
            }

            #[inline(always)]
            pub(crate) fn touch(&mut self, set: usize, way: usize) {
                match self { $(Self::$name(policy) => policy.touch(set, way),)+ }
            }

            #[inline]
            pub(crate) fn fill(&mut self, set: usize, way: usize) {
                match self { $(Self::$name(policy) => policy.fill(set, way),)+ }
            }

            /// The way whose line leaves a full set; a new one is put there.
            #[inline]
            pub(crate) fn replace(&mut self, set: usize) -> usize {
                match self {
                    $(Self::$name(policy) => {
                        let way = policy.victim(set);
                        policy.fill(set, way);
                        way
                    })+
                }
            }

            #[inline]
            pub(crate) fn victim(&mut self, set: usize) -> usize {
                match self { $(Self::$name(policy) => policy.victim(set),)+ }
            }
        }

        #[cfg(test)]
        mod contracts {
            $(mod $module {
                crate::replacement_contract!(crate::replacement::$module::$policy);
            })+
        }
    };
}

replacement_policies! {
    /// The line that was used longest ago.
    #[default] Lru => lru::Lru = "lru";
    /// The line a binary tree of most-recent bits points away from.
    TreePlru => tree_plru::TreePlru = "tree_plru";
    /// Any line.
    Random => random::Random = "random";
    /// The line whose next use is predicted to be farthest away.
    Srrip => srrip::Srrip = "srrip";
    /// The same, with a second guess for new lines where that does better.
    Drrip => drrip::Drrip = "drrip";
}

impl ReplacementKind {
    /// Notes a number of ways that the policy cannot handle.
    pub(crate) fn validate(self, path: &str, ways: u32, problems: &mut Problems) {
        let fine = match self.associativity() {
            Associativity::Any => true,
            Associativity::PowerOfTwo => ways.is_power_of_two() && ways <= 64,
        };
        problems.require(fine, path, || {
            format!("{} needs a power of two of at most 64 ways, not {ways}", self.name())
        });
    }
}
