//! DRAM: banks, rows, buses, refresh, and the controllers that schedule them, clock by clock.
//!
//! ```text
//!              push(line)
//!                  | address map
//!        +---------+----------+  ...            one controller a channel
//!   read queue          write queue
//!        |  FR-FCFS, write drain, refresh |
//!        +---------------+----------------+
//!                 command bus                   one command at a time
//!        +---------------+----------------+
//!     rank 0                           rank 1   tRRD, tFAW, tWTR, refresh
//!   bank groups                      bank groups   the long intervals tCCD_L, tRRD_L, tWTR_L
//!     banks                            banks    open row; tRCD, tRAS, tRP, tRC
//!        +---------------+----------------+
//!                   data bus                    one burst at a time, tCS between ranks
//! ```
//!
//! A [`DramConfig`] is one standard: a page of numbers under their JEDEC names. What may come when
//! is in `ranks`, what comes next in `schedule`. Time inside is counted in clocks of the devices;
//! requests enter at the first clock at or after their core cycle and leave at the first core cycle
//! at or after the end of their data.
//!
//! Sources: JESD79-4 (DDR4) and JESD79-5 (DDR5); Rixner et al., "Memory Access Scheduling", ISCA
//! 2000; the constraints as Ramulator 2 lists them, the write drain as gem5's `MemCtrl` has it.
//!
//! Left out: postponed, per-bank and fine-granularity refresh; power-down and self-refresh; ECC and
//! on-die ECC time; rows of other widths than power-of-two ones; calibration; latency of the
//! controller's own pipeline; address hashing; merging of writes to the same line.

mod address;
mod channel;
mod clock;
mod command;
mod config;
mod queue;
mod ranks;
mod schedule;
mod stats;
mod timing;

pub use config::{
    AddressField, ControllerConfig, DramConfig, OrganisationConfig, PagePolicy, TimingConfig,
};
pub use stats::{Direction, DramStats};

use crate::Cycle;
use address::AddressMap;
use channel::{Channel, Log};
use clock::{Clocks, Tick};
use queue::{Request, RowOutcome};
use sim::Clock;
use stream::LineAddr;

/// A memory of one or more channels.
#[derive(Clone, Debug)]
pub struct Dram {
    map: AddressMap,
    clocks: Clocks,
    /// Bursts that a line takes.
    bursts: u64,
    channels: Vec<Channel>,
    /// The first clock that has not been simulated.
    open_from: Tick,
    stats: DramStats,
}

impl Dram {
    /// An idle memory with all rows closed, for cores of `clock` and lines of `line_bytes`. The
    /// configuration must have passed its validation.
    #[must_use]
    pub fn new(config: &DramConfig, clock: Clock, line_bytes: u64) -> Self {
        let clocks = Clocks::new(clock, config.timing.tck_ps);
        let organisation = &config.organisation;
        Self {
            map: AddressMap::new(&config.controller.address_map, organisation, line_bytes),
            clocks,
            bursts: (line_bytes / config.burst_bytes()).max(1),
            // Each made anew: a copy would not have the room that its queues begin with.
            channels: (0..organisation.channels).map(|_| Channel::new(config, clocks)).collect(),
            open_from: Tick(0),
            stats: DramStats::default(),
        }
    }

    /// Whether the queue that a request would go into has room for it.
    #[must_use]
    pub fn can_accept(&self, line: LineAddr, write: bool) -> bool {
        self.channels[self.map.place(line).channel].can_accept(direction(write))
    }

    /// Sends a request at `at`, which may lie ahead: until then it only takes up its place in the
    /// queue. Requests should come nearly in order of `at`, and before time has been advanced there.
    /// Reads are answered under their `id`; writes are not.
    ///
    /// Panics if the queue is full.
    pub fn push(&mut self, at: Cycle, line: LineAddr, write: bool, id: u32) {
        assert!(self.can_accept(line, write), "DRAM: the queue for {line:?} is full at {at:?}");
        let place = self.map.place(line);
        let request = Request {
            line,
            id,
            bank: place.bank,
            row: place.row,
            at,
            arrival: self.clocks.tick_from(at).max(self.open_from),
            seq: 0,
            bursts: self.bursts,
            outcome: RowOutcome::Hit,
        };
        self.channels[place.channel].push(direction(write), request);
    }

    /// Simulates up to and including `now`. Adds to `done` the reads whose data have become certain,
    /// each with the time of its last data, which may lie ahead.
    ///
    /// How far one call goes changes nothing: completions and their order are those of single steps.
    #[inline]
    pub fn advance(&mut self, now: Cycle, done: &mut Vec<(u32, Cycle)>) {
        let limit = self.clocks.tick_until(now);
        let mut log = Log { done, stats: &mut self.stats };
        while let Some(channel) = self.channels.iter_mut().min_by_key(|channel| channel.wake())
            && channel.wake() <= limit
        {
            channel.step(limit, &mut log);
        }
        self.open_from.raise(limit + 1);
    }

    /// The earliest cycle at which a request may move on, `None` while there is no request.
    #[must_use]
    pub fn next_event(&self) -> Option<Cycle> {
        let working = self.channels.iter().filter(|channel| !channel.is_idle());
        working.map(Channel::wake).min().map(|wake| self.clocks.cycle_from(wake))
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> &DramStats {
        &self.stats
    }
}

fn direction(write: bool) -> Direction {
    if write { Direction::Write } else { Direction::Read }
}

#[cfg(test)]
mod tests;
