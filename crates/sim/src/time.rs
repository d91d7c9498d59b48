//! Points and spans of virtual time, and clock domains.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point or a span of virtual time in picoseconds. 64 bits hold 213 days.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Picos(pub u64);

impl Picos {
    /// The start of virtual time.
    pub const ZERO: Self = Self(0);
    /// A time that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// A span of whole nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos * 1_000)
    }

    /// A span of whole microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros * 1_000_000)
    }

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000_000)
    }

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000_000)
    }

    /// Whole nanoseconds, rounded down.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds, for people.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-12
    }

    /// The span from `earlier` to here, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// Sum that stops at [`Picos::NEVER`].
    #[must_use]
    pub const fn saturating_add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Picos {
    type Output = Self;
    fn add(self, span: Self) -> Self {
        Self(self.0 + span.0)
    }
}

impl AddAssign for Picos {
    fn add_assign(&mut self, span: Self) {
        self.0 += span.0;
    }
}

impl Sub for Picos {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self(self.0 - earlier.0)
    }
}

impl fmt::Display for Picos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} ms", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}

/// A clock domain: cycles of a fixed period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    period: Picos,
}

impl Clock {
    /// A clock of `period` picoseconds a cycle. Panics if the period is zero.
    #[must_use]
    pub fn from_period(period: Picos) -> Self {
        assert!(period > Picos::ZERO, "a clock needs a period");
        Self { period }
    }

    /// A clock of `mhz` million cycles a second, its period rounded to picoseconds.
    #[must_use]
    pub fn from_mhz(mhz: u64) -> Self {
        Self::from_period(Picos((1_000_000 + mhz / 2) / mhz))
    }

    /// The length of one cycle.
    #[must_use]
    pub fn period(self) -> Picos {
        self.period
    }

    /// The span of `cycles` cycles.
    #[must_use]
    pub fn span(self, cycles: u64) -> Picos {
        Picos(self.period.0 * cycles)
    }

    /// The number of whole cycles in `span`.
    #[must_use]
    pub fn cycles(self, span: Picos) -> u64 {
        span.0 / self.period.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_2500_mhz_cycle_is_400_picoseconds() {
        let clock = Clock::from_mhz(2500);
        assert_eq!(clock.period(), Picos(400));
        assert_eq!(clock.span(5), Picos(2000));
        assert_eq!(clock.cycles(Picos(1999)), 4);
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(Picos::NEVER.saturating_add(Picos(1)), Picos::NEVER);
    }
}
