//! Main memory with a fixed latency and a bandwidth limit, the class of gem5's `SimpleMemory`.
//!
//! A read takes the port for one line's transfer time and returns the line a fixed latency after
//! it got the port. Writes take the port too. Left out: banks, rows, refresh, scheduling.

use crate::occupancy::Port;
use crate::{Cycle, MemoryConfig};
use sim::Clock;
use stats::{Counter, Stats};

/// What memory did.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct MemoryStats {
    /// Lines read.
    #[stat(unit = "lines")]
    pub reads: Counter,
    /// Lines written.
    #[stat(unit = "lines")]
    pub writes: Counter,
    /// Cycles that reads waited for earlier transfers to end.
    #[stat(unit = "cycles")]
    pub port_wait: Counter,
}

/// The timing of memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    latency: u64,
    port: Port,
    pub(crate) stats: MemoryStats,
}

impl Memory {
    pub(crate) fn new(config: &MemoryConfig, clock: Clock, line_bytes: u64) -> Self {
        let transfer = match config.bandwidth_mb_per_s {
            0 => 0,
            // Bytes over 10^6 bytes a second are microseconds; a picosecond is 10^-6 of one.
            rate => (line_bytes * 1_000_000 / rate).div_ceil(clock.period().0),
        };
        let latency = cycles_of(config.latency_ns, clock);
        Self { latency, port: Port::new(transfer), stats: MemoryStats::default() }
    }

    /// When a line asked for at `at` is there.
    pub(crate) fn read(&mut self, at: Cycle) -> Cycle {
        let start = self.port.transfer(at);
        self.stats.port_wait.add(start - at);
        start + self.latency
    }

    /// When a line given at `at` is written.
    pub(crate) fn write(&mut self, at: Cycle) -> Cycle {
        self.port.transfer(at) + self.latency
    }
}

/// Whole cycles that cover `nanos` nanoseconds.
pub(crate) fn cycles_of(nanos: u64, clock: Clock) -> u64 {
    (nanos * 1000).div_ceil(clock.period().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_at_12_8_gb_per_s_takes_the_port_for_5_ns() {
        let config = MemoryConfig { latency_ns: 30, bandwidth_mb_per_s: 12_800 };
        let mut memory = Memory::new(&config, Clock::from_mhz(2500), 64);
        assert_eq!(memory.read(Cycle(0)), Cycle(75));
        assert_eq!(memory.read(Cycle(12)), Cycle(13 + 75), "blocked at 12: 5 ns are 12.5 cycles");
        assert_eq!(memory.read(Cycle(26)), Cycle(26 + 75), "ready at 26");
        assert_eq!(memory.stats.port_wait.get(), 1);
    }
}
