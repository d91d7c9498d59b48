//! The base table of TAGE predictors: two-bit counters of which several share the weaker bit
//! (Seznec, "A 256 Kbits L-TAGE branch predictor", JILP 2007, section 2).

use crate::bits::{low, site_bits, step_unsigned};
use stream::VirtAddr;

/// Four neighbouring entries share a hysteresis bit.
const SHARE_LOG2: u32 = 2;

#[derive(Clone, Debug)]
pub(super) struct SharedBimodal {
    log2_entries: u32,
    direction: Vec<bool>,
    hysteresis: Vec<bool>,
}

impl SharedBimodal {
    pub(super) fn new(log2_entries: u32) -> Self {
        let direction = vec![false; 1 << log2_entries];
        Self { log2_entries, direction, hysteresis: vec![true; 1 << (log2_entries - SHARE_LOG2)] }
    }

    pub(super) fn index(&self, pc: VirtAddr) -> u32 {
        low(site_bits(pc), self.log2_entries) as u32
    }

    /// The counter, 0 to 3: taken from 2.
    pub(super) fn counter(&self, index: u32) -> u8 {
        let hysteresis = self.hysteresis[(index >> SHARE_LOG2) as usize];
        u8::from(self.direction[index as usize]) << 1 | u8::from(hysteresis)
    }

    pub(super) fn train(&mut self, index: u32, actual: bool) {
        let counter = step_unsigned(self.counter(index), actual, 2);
        self.direction[index as usize] = counter >= 2;
        self.hysteresis[(index >> SHARE_LOG2) as usize] = counter & 1 == 1;
    }

    /// Makes the counter the weakest that goes this way. Its neighbours share the weaker bit.
    pub(super) fn set(&mut self, index: u32, taken: bool) {
        self.direction[index as usize] = taken;
        self.hysteresis[(index >> SHARE_LOG2) as usize] = !taken;
    }

    pub(super) fn storage_bits(&self) -> u64 {
        (1 << self.log2_entries) + (1 << (self.log2_entries - SHARE_LOG2))
    }
}
