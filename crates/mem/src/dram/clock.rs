//! The clock of the memory devices, and how it meets that of the cores.

use crate::Cycle;
use sim::Clock;
use std::ops::{Add, Sub};

/// A point in time, counted in clocks of the memory devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub u64);

impl Tick {
    /// A time that never comes.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// Moves a "not before" later; it never moves earlier.
    #[inline]
    pub(super) fn raise(&mut self, to: Self) {
        *self = (*self).max(to);
    }

    /// This time less `clocks`, or the start of time.
    #[inline]
    pub(super) fn less(self, clocks: u64) -> Self {
        Self(self.0.saturating_sub(clocks))
    }
}

impl Add<u64> for Tick {
    type Output = Self;
    #[inline]
    fn add(self, clocks: u64) -> Self {
        Self(self.0 + clocks)
    }
}

impl Sub for Tick {
    type Output = u64;
    #[inline]
    fn sub(self, earlier: Self) -> u64 {
        self.0 - earlier.0
    }
}

/// Conversion between core cycles and device clocks. Both count from the same start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    core_ps: u64,
    tck_ps: u64,
}

impl Clocks {
    pub(super) fn new(core: Clock, tck_ps: u64) -> Self {
        Self { core_ps: core.period().0, tck_ps }
    }

    /// The first tick at or after `cycle`: a request cannot be seen before it is there.
    pub(super) fn tick_from(self, cycle: Cycle) -> Tick {
        Tick((cycle.0 * self.core_ps).div_ceil(self.tck_ps))
    }

    /// The last tick at or before `cycle`.
    pub(super) fn tick_until(self, cycle: Cycle) -> Tick {
        Tick(cycle.0 * self.core_ps / self.tck_ps)
    }

    /// The first cycle at or after `tick`: data cannot be used before it is there.
    pub(super) fn cycle_from(self, tick: Tick) -> Cycle {
        Cycle((tick.0 * self.tck_ps).div_ceil(self.core_ps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_round_up_and_the_horizon_rounds_down() {
        let clocks = Clocks::new(Clock::from_mhz(2500), 625);
        assert_eq!(clocks.tick_from(Cycle(25)), Tick(16), "25 cycles are 10 ns are 16 clocks");
        assert_eq!(clocks.tick_from(Cycle(26)), Tick(17));
        assert_eq!(clocks.tick_until(Cycle(26)), Tick(16));
        assert_eq!(clocks.cycle_from(Tick(16)), Cycle(25));
        assert_eq!(clocks.cycle_from(Tick(17)), Cycle(27), "10.625 ns are 26.6 cycles");
    }

    #[test]
    fn a_tick_is_inside_the_horizon_of_its_own_cycle() {
        for (mhz, tck) in [(2500, 833), (3000, 416), (1000, 625)] {
            let clocks = Clocks::new(Clock::from_mhz(mhz), tck);
            for tick in (0..5000).map(Tick) {
                assert!(clocks.tick_until(clocks.cycle_from(tick)) >= tick);
            }
        }
    }
}
