//! Main memory, behind one small interface: it takes reads and writes of lines and says when.
//!
//! - **Fixed latency**, the class of gem5's `SimpleMemory`: answers at once. A read takes the port
//!   for one line's transfer time and returns the line a fixed latency after it got the port.
//!   Writes take the port too. Left out: banks, rows, refresh, scheduling.
//! - **A controller** that chooses among the requests it holds: answers when it has chosen, which
//!   [`Memory::advance`] brings about. Writes are posted: who writes waits until the controller takes
//!   the line and no longer. Where its queue is full, lines stay in the write buffers of the last
//!   cache; that cache then turns misses away.

#[cfg(test)]
pub(crate) mod double;

use crate::cache::AccessKind;
use crate::dram::{Dram, DramStats};
use crate::occupancy::Port;
use crate::when::{FillId, When};
use crate::{Cycle, MemoryConfig};
use sim::Clock;
use stats::{Counter, Kind, PerKind, Stats};
use std::collections::VecDeque;
use stream::LineAddr;

/// What a line is read from memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum ReadFor {
    /// An instruction fetch.
    Instruction,
    /// A load.
    Load,
    /// A store or an atomic.
    Store,
    /// A page walk.
    Walk,
    /// A prefetch, useful or not.
    Prefetch,
    /// What a restoration unit recorded.
    Metadata,
}

/// What memory did.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct MemoryStats {
    /// Lines read.
    #[stat(unit = "lines")]
    pub reads: Counter,
    /// Lines read, by what for: as often as reads.
    #[stat(unit = "lines")]
    pub read_for: PerKind<ReadFor>,
    /// Lines written.
    #[stat(unit = "lines")]
    pub writes: Counter,
    /// Of those, lines of what a restoration unit records.
    #[stat(unit = "lines")]
    pub metadata_writes: Counter,
    /// Cycles that reads waited for earlier transfers to end.
    #[stat(unit = "cycles")]
    pub port_wait: Counter,
    /// Requests turned away, to be made again, because a queue was full.
    #[stat(unit = "requests")]
    pub turned_away: Counter,
}

/// The timing of memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    device: Device,
    /// What the controller says of its next event, if there is one: [`NEVER`] if none is to come. Every
    /// cycle asks for it.
    next_event: Cycle,
    pub(crate) stats: MemoryStats,
}

#[derive(Clone, Debug)]
enum Device {
    Fixed { latency: u64, port: Port },
    Queued(Queued),
}

/// No cycle is as late.
const NEVER: Cycle = Cycle(u64::MAX);

/// Cycles by which requests of different harts are less apart.
const SHORTLY: u64 = 1 << 20;

/// A controller and the lines that wait for room in it.
#[derive(Clone, Debug)]
struct Queued {
    controller: Controller,
    /// How far it has been advanced: it cannot take requests of earlier times.
    reached: Cycle,
    /// What the controller says of its next event.
    next_event: Option<Cycle>,
    /// Lines that the access being made has to write.
    leaving: Vec<LineAddr>,
    /// Lines in write buffers, with when they got there.
    waiting: VecDeque<(Cycle, LineAddr)>,
    write_buffers: usize,
}

/// A memory controller that answers later.
///
/// Contract: `push` is called when `can_accept` says so, with any time from that of the last
/// `advance` on. `advance` acts up to and including `now` and gives every read its time once, which
/// may lie ahead; writes have no answer. `next_event` is when it will next act by itself, `None`
/// when it has nothing to do.
#[derive(Clone, Debug)]
enum Controller {
    Dram(Box<Dram>),
    #[cfg(test)]
    Double(double::Double),
}

/// Passes a call on to the controller there is.
macro_rules! to_controller {
    ($controller:expr, $call:ident($($argument:expr),*)) => {
        match $controller {
            Controller::Dram(controller) => controller.$call($($argument),*),
            #[cfg(test)]
            Controller::Double(controller) => controller.$call($($argument),*),
        }
    };
}

impl MemoryStats {
    /// A line is read for an access, or to be prefetched.
    pub(crate) fn read(&mut self, kind: AccessKind, prefetch: bool) {
        let what = match kind {
            _ if prefetch => ReadFor::Prefetch,
            AccessKind::Instruction => ReadFor::Instruction,
            AccessKind::Load => ReadFor::Load,
            AccessKind::Store => ReadFor::Store,
            AccessKind::Walk => ReadFor::Walk,
        };
        self.reads.inc();
        self.read_for[what].inc();
    }

    /// A line of what a restoration unit recorded is read.
    pub(crate) fn read_metadata(&mut self) {
        self.reads.inc();
        self.read_for[ReadFor::Metadata].inc();
    }

    /// A line of what a restoration unit records is written.
    pub(crate) fn write_metadata(&mut self) {
        self.writes.inc();
        self.metadata_writes.inc();
    }
}

impl Memory {
    /// A memory behind caches that can hold `write_buffers` lines for it.
    pub(crate) fn new(
        config: &MemoryConfig,
        clock: Clock,
        line_bytes: u64,
        write_buffers: u32,
    ) -> Self {
        let device = match config {
            MemoryConfig::Fixed { latency_ns, bandwidth_mb_per_s } => {
                let transfer = match bandwidth_mb_per_s {
                    0 => 0,
                    // Bytes over 10^6 bytes a second are microseconds; a picosecond is 10^-6 of one.
                    rate => (line_bytes * 1_000_000 / rate).div_ceil(clock.period().0),
                };
                let latency = cycles_of(*latency_ns, clock);
                Device::Fixed { latency, port: Port::new(transfer) }
            }
            MemoryConfig::Dram(dram) => {
                let dram = Box::new(Dram::new(dram, clock, line_bytes));
                Device::Queued(Queued::new(Controller::Dram(dram), write_buffers))
            }
        };
        let mut memory = Self { device, next_event: NEVER, stats: MemoryStats::default() };
        memory.note_next_event();
        memory
    }

    /// What the DRAM counted, if it is one.
    pub(crate) fn dram_stats(&self) -> Option<DramStats> {
        match &self.device {
            Device::Queued(Queued { controller: Controller::Dram(dram), .. }) => {
                Some(dram.stats().clone())
            }
            _ => None,
        }
    }

    /// Whether reads are answered by [`Memory::advance`] and not at once.
    #[inline]
    pub(crate) fn answers_later(&self) -> bool {
        matches!(self.device, Device::Queued(_))
    }

    /// Whether a miss can be sent on its way that reads `line`, if any, and may displace others.
    pub(crate) fn has_room(&self, line: Option<LineAddr>) -> bool {
        let Device::Queued(queued) = &self.device else { return true };
        let free = |line| to_controller!(&queued.controller, can_accept(line, false));
        line.is_none_or(free) && queued.waiting.len() < queued.write_buffers
    }

    /// When a line asked for at `at` is there. `fill` names the read where that is not known yet.
    #[inline]
    pub(crate) fn read(
        &mut self,
        at: Cycle,
        line: LineAddr,
        fill: impl FnOnce() -> FillId,
    ) -> When {
        match &mut self.device {
            Device::Fixed { latency, port } => {
                let start = port.transfer(at);
                self.stats.port_wait.add(start - at);
                When::At(start + *latency)
            }
            Device::Queued(queued) => {
                let (fill, at) = (fill(), at.max(queued.reached));
                queued.push(at, line, false, fill.number());
                self.note_next_event();
                When::answer_to(fill)
            }
        }
    }

    /// When a line given at `at` is written, or taken by the controller.
    pub(crate) fn write(&mut self, at: Cycle) -> Cycle {
        match &mut self.device {
            Device::Fixed { latency, port } => port.transfer(at) + *latency,
            Device::Queued(queued) => {
                queued.send(at);
                self.note_next_event();
                at
            }
        }
    }

    /// Counts a line that has to be written; [`Memory::write`] or [`Memory::send`] follows.
    #[inline]
    pub(crate) fn leaves(&mut self, line: LineAddr) {
        self.stats.writes.inc();
        self.is_to_be_written(line);
    }

    /// The same for a line that is counted elsewhere.
    #[inline]
    pub(crate) fn is_to_be_written(&mut self, line: LineAddr) {
        if let Device::Queued(queued) = &mut self.device {
            queued.leaving.push(line);
        }
    }

    /// Gives the lines that have to be written to the controller, if there is one.
    #[inline]
    pub(crate) fn send(&mut self, at: Cycle) {
        if let Device::Queued(queued) = &mut self.device
            && !queued.leaving.is_empty()
        {
            queued.send(at);
            self.note_next_event();
        }
    }

    /// Forgets the lines that have to be written, in the mode without time.
    #[inline]
    pub(crate) fn forget(&mut self) {
        if let Device::Queued(queued) = &mut self.device {
            queued.leaving.clear();
        }
    }

    /// Acts up to and including `now`; appends the reads that got their time.
    pub(crate) fn advance(&mut self, now: Cycle, answers: &mut Vec<(u32, Cycle)>) {
        let Device::Queued(queued) = &mut self.device else { return };
        // A caller who waited has run it ahead of others.
        queued.reached = queued.reached.max(now);
        to_controller!(&mut queued.controller, advance(queued.reached, answers));
        queued.next_event = to_controller!(&queued.controller, next_event());
        queued.drain();
        self.note_next_event();
    }

    fn note_next_event(&mut self) {
        self.next_event = match &self.device {
            Device::Fixed { .. } => NEVER,
            Device::Queued(queued) => queued.next_event.unwrap_or(NEVER),
        };
    }

    /// Whether it will act by itself by `now`.
    #[inline]
    pub(crate) fn acts_by(&self, now: Cycle) -> bool {
        self.next_event <= now
    }

    /// When it will next act by itself, if it will.
    #[inline]
    pub(crate) fn next_event(&self) -> Option<Cycle> {
        (self.next_event != NEVER).then_some(self.next_event)
    }
}

impl Queued {
    fn new(controller: Controller, write_buffers: u32) -> Self {
        let room = write_buffers.max(1) as usize * 2;
        let (leaving, waiting) = (Vec::with_capacity(room), VecDeque::with_capacity(room));
        let write_buffers = write_buffers as usize;
        let next_event = to_controller!(&controller, next_event());
        Self { controller, reached: Cycle(0), next_event, leaving, waiting, write_buffers }
    }

    /// Before the first request after a long time, lets the controller act up to shortly before it. With
    /// nothing to do it counts its refreshes; with a request it would make one after the other, which
    /// after the minutes of virtual time that another mode took are millions.
    fn catch_up(&mut self, at: Cycle) {
        let before = Cycle(at.0.saturating_sub(SHORTLY));
        if self.next_event.is_none() && before > self.reached {
            let mut answers = Vec::new();
            to_controller!(&mut self.controller, advance(before, &mut answers));
            debug_assert!(answers.is_empty(), "a controller with nothing to do answers");
            self.reached = before;
        }
    }

    fn push(&mut self, at: Cycle, line: LineAddr, write: bool, id: u32) {
        self.catch_up(at);
        to_controller!(&mut self.controller, push(at, line, write, id));
        self.next_event = to_controller!(&self.controller, next_event());
    }

    fn send(&mut self, at: Cycle) {
        if self.leaving.is_empty() {
            return;
        }
        self.waiting.extend(self.leaving.drain(..).map(|line| (at, line)));
        self.drain();
    }

    /// Moves lines from write buffers into the controller while it takes them.
    fn drain(&mut self) {
        while let Some(&(at, line)) = self.waiting.front() {
            if !to_controller!(&self.controller, can_accept(line, true)) {
                break;
            }
            let at = at.max(self.reached);
            self.push(at, line, true, 0);
            self.waiting.pop_front();
        }
    }
}

/// Whole cycles that cover `nanos` nanoseconds.
pub(crate) fn cycles_of(nanos: u64, clock: Clock) -> u64 {
    (nanos * 1000).div_ceil(clock.period().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(memory: &mut Memory, at: u64) -> When {
        memory.read(Cycle(at), LineAddr(0), || unreachable!("a fixed latency is known"))
    }

    #[test]
    fn a_line_at_12_8_gb_per_s_takes_the_port_for_5_ns() {
        let config = MemoryConfig::Fixed { latency_ns: 30, bandwidth_mb_per_s: 12_800 };
        let mut memory = Memory::new(&config, Clock::from_mhz(2500), 64, 1);
        assert_eq!(read(&mut memory, 0), When::At(Cycle(75)));
        let blocked = When::At(Cycle(13 + 75));
        assert_eq!(read(&mut memory, 12), blocked, "blocked at 12: 5 ns are 12.5 cycles");
        assert_eq!(read(&mut memory, 26), When::At(Cycle(26 + 75)), "ready at 26");
        assert_eq!(memory.stats.port_wait.get(), 1);
    }
}
