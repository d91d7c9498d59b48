//! Buddy-line prefetching: a line that misses brings the other half of its aligned pair.
//!
//! The "spatial prefetcher" of the Intel 64 and IA-32 Architectures Optimization Reference Manual,
//! which completes 64-byte lines to aligned chunks of 128 bytes.

use super::{Observed, Pages, Prefetcher, Requests};
use crate::Problems;
use serde::{Deserialize, Serialize};

/// Parameters of the buddy prefetcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuddyConfig {}

/// A buddy prefetcher.
#[derive(Clone, Debug)]
pub struct Buddy;

impl Prefetcher for Buddy {
    type Config = BuddyConfig;

    fn validate(_config: &Self::Config, _path: &str, _problems: &mut Problems) {}

    fn new(_config: &Self::Config, _pages: Pages) -> Self {
        Self
    }

    #[inline]
    fn observe(&mut self, access: &Observed, requests: &mut Requests) {
        if !access.hit {
            let is_second = access.line.0 & 1 == 1;
            requests.push(if is_second { -1 } else { 1 });
        }
    }

    fn storage_bits(&self) -> u64 {
        0
    }
}
