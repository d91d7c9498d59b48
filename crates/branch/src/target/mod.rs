//! Branch target buffers: which addresses hold branches, of what kind, and where those go.
//!
//! A front end that runs ahead of fetch knows no instructions, only what its branch target buffer
//! (BTB) remembers (Lee and Smith, "Branch prediction strategies and branch target buffer design",
//! IEEE Computer, 1984). Each cycle it asks for the first branch of a fetch block.
//!
//! To add one, write one file with a type that implements [`TargetBuffer`] and add one line to the
//! registry below. The registry yields the configuration enum, the dispatch, and one instance of the
//! contract tests per buffer.

mod direct_mapped;
mod multi_level;
mod presence;
mod set_associative;
mod table;
mod unlimited;

pub use direct_mapped::DirectMappedConfig;
pub use multi_level::{LevelConfig, MultiLevelConfig};
pub use set_associative::SetAssociativeConfig;
pub use unlimited::UnlimitedConfig;

use crate::{ConfigError, Problems};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use stream::{BranchKind, VirtAddr};

/// Bits of a target as storage counts it: a virtual address of Sv48.
pub(crate) const TARGET_BITS: u64 = 48;

/// What a branch target buffer knows of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BtbHit {
    /// Where it went when it was last taken.
    pub target: VirtAddr,
    /// Its kind.
    pub kind: BranchKind,
    /// Its length in bytes: where it ends is where a call returns to.
    pub length: u8,
    /// How many cycles the front end idles before it can go on at the target.
    pub latency_cycles: u32,
}

/// A branch target buffer.
///
/// Contract: look-ups only read, so that looking at a fetch block is free of consequences; `touch`
/// follows when the front end goes by a hit, right or wrong path. `insert` is called at commit or
/// when decode finds a branch, for taken branches only; right after it `look_up` finds the branch.
/// `next_branch` is the first halfword at which `look_up` hits, no more and no less.
pub trait TargetBuffer: Debug + Clone {
    /// Its parameters; the default is a published design.
    type Config: Debug + Clone + Default + PartialEq + Serialize;

    /// Notes what cannot be in a configuration.
    fn validate(config: &Self::Config, problems: &mut Problems);
    /// A buffer that knows no branch. The configuration is valid.
    fn new(config: &Self::Config) -> Self;
    /// What it knows of a branch at `pc`.
    fn look_up(&self, pc: VirtAddr) -> Option<BtbHit>;
    /// The first hit from `start` to below `end`, in steps of two bytes.
    fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)>;
    /// The front end goes by what it knows of `pc`.
    fn touch(&mut self, _pc: VirtAddr) {}
    /// Remembers a branch of `length` bytes, in place of what it knew of `pc`.
    fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8);
    /// Forgets what it knows of `pc`.
    fn remove(&mut self, pc: VirtAddr);
    /// Forgets everything.
    fn flush(&mut self);
    /// Bits of storage.
    fn storage_bits(&self) -> u64;
}

/// The first halfword from `start` to below `end` that is set in `map`, which gives the aligned 16
/// halfwords around one.
#[inline]
fn first_in_maps(start: VirtAddr, end: VirtAddr, map: impl Fn(u64) -> u16) -> Option<VirtAddr> {
    let (mut at, stop) = (start.0 >> 1, end.0 >> 1);
    while at < stop {
        let found = map(at) >> (at & 15);
        if found != 0 {
            let first = at + u64::from(found.trailing_zeros());
            return (first < stop).then_some(VirtAddr(first << 1));
        }
        at = (at | 15) + 1;
    }
    None
}

macro_rules! target_buffers {
    ($($(#[$doc:meta])* $name:ident => $module:ident::$type:ident = $key:literal;)+) => {
        /// A branch target buffer and its parameters, as configuration files name them.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum BtbConfig {
            $($(#[$doc])* #[serde(rename = $key)]
            $name(<$module::$type as TargetBuffer>::Config),)+
        }

        impl BtbConfig {
            /// All buffers with the parameters of published designs.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name(Default::default())),+]
            }

            /// The name in configuration files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $key,)+ }
            }

            /// Notes what cannot be.
            pub(crate) fn validate(&self, problems: &mut Problems) {
                match self { $(Self::$name(it) => $module::$type::validate(it, problems),)+ }
            }
        }

        #[derive(Clone, Debug)]
        enum Any {
            $($name(Box<$module::$type>),)+
        }

        /// A branch target buffer of the kind the configuration names; see [`TargetBuffer`] for
        /// when to call what.
        #[derive(Clone, Debug)]
        pub struct Btb(Any);

        impl Btb {
            /// Builds the buffer, unless its parameters cannot be.
            pub fn new(config: &BtbConfig) -> Result<Self, ConfigError> {
                let mut problems = Problems::default();
                config.validate(&mut problems);
                problems.into_result()?;
                Ok(Self(match config {
                    $(BtbConfig::$name(it) => Any::$name(Box::new($module::$type::new(it))),)+
                }))
            }

            /// What it knows of a branch at `pc`.
            #[must_use]
            #[inline]
            pub fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
                match &self.0 { $(Any::$name(it) => it.look_up(pc),)+ }
            }

            /// The first branch it knows from `start` to below `end`, in steps of two bytes.
            #[must_use]
            #[inline]
            pub fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)> {
                match &self.0 { $(Any::$name(it) => it.next_branch(start, end),)+ }
            }

            /// The front end goes by what it knows of `pc`.
            #[inline]
            pub fn touch(&mut self, pc: VirtAddr) {
                match &mut self.0 { $(Any::$name(it) => it.touch(pc),)+ }
            }

            /// Remembers a branch that was taken.
            #[inline]
            pub fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8) {
                match &mut self.0 { $(Any::$name(it) => it.insert(pc, kind, target, length),)+ }
            }

            /// Forgets what it knows of `pc`.
            pub fn remove(&mut self, pc: VirtAddr) {
                match &mut self.0 { $(Any::$name(it) => it.remove(pc),)+ }
            }

            /// Forgets everything.
            pub fn flush(&mut self) {
                match &mut self.0 { $(Any::$name(it) => it.flush(),)+ }
            }

            /// Bits of storage.
            #[must_use]
            pub fn storage_bits(&self) -> u64 {
                match &self.0 { $(Any::$name(it) => it.storage_bits(),)+ }
            }
        }

        #[cfg(test)]
        mod contracts {
            $(mod $module {
                use crate::target::{contract, $module::$type};

                #[test]
                fn what_is_inserted_is_found_until_it_is_removed() {
                    contract::what_is_inserted_is_found_until_it_is_removed::<$type>();
                }

                #[test]
                fn the_next_branch_is_the_first_halfword_that_hits() {
                    contract::the_next_branch_is_the_first_halfword_that_hits::<$type>();
                }

                #[test]
                fn a_flush_leaves_it_as_new() {
                    contract::a_flush_leaves_it_as_new::<$type>();
                }

                #[test]
                fn the_default_configuration_is_valid() {
                    contract::the_default_configuration_is_valid::<$type>();
                }
            })+
        }
    };
}

target_buffers! {
    /// One entry an index, as gem5's.
    DirectMapped => direct_mapped::DirectMapped = "direct_mapped";
    /// Sets of entries, the least recently used of which is replaced.
    SetAssociative => set_associative::SetAssociative = "set_associative";
    /// Small and fast before large and slow.
    MultiLevel => multi_level::MultiLevel = "multi_level";
    /// Never forgets and never confuses.
    Unlimited => unlimited::Unlimited = "unlimited";
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;
