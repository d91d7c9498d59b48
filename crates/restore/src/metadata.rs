//! What a unit records and replays: two buffers in memory, reached line by line.
//!
//! An invocation replays one buffer and fills the other, then they change places (D. Schall et al.,
//! "Lukewarm serverless functions", ISCA 2022, section 3.4). Records are packed bit by bit. A line is
//! written when it is full, and read ahead of its use; both pass through the unit's line buffers and not
//! through the caches.
//!
//! Left out: translation of the buffers' addresses (they are physical) and the instructions by which the
//! operating system sets the registers that name them.

use crate::{Asked, Ports};
use mem::{Cycle, Ticket};
use stats::{Counter, Stats};
use std::collections::VecDeque;
use stream::{HartId, PhysAddr};

/// Bytes of a line of metadata.
const LINE_BYTES: u64 = 64;
const LINE_BITS: u64 = 8 * LINE_BYTES;

/// Lines that were read or are on their way, and not used up: the one in use and the next, which hides
/// what memory takes.
const READ_AHEAD: usize = 2;

/// Where the buffers of hart 0 lie: above any memory that a guest is given. Those of the next hart follow
/// at the distance of [`PER_HART`].
const BASE: u64 = 1 << 39;
const PER_HART: u64 = 1 << 28;

/// Counters of recording and replaying.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct MetadataStats {
    /// Bytes recorded, written to memory in whole lines.
    #[stat(unit = "bytes")]
    pub written_bytes: Counter,
    /// Bytes read from memory to be replayed, in whole lines.
    #[stat(unit = "bytes")]
    pub read_bytes: Counter,
    /// Records made.
    #[stat(unit = "records")]
    pub recorded: Counter,
    /// Records not made because the buffer was full.
    #[stat(unit = "records")]
    pub over_limit: Counter,
    /// Records replayed.
    #[stat(unit = "records")]
    pub replayed: Counter,
    /// Cycles from the beginning of each replay to the end of its last record.
    #[stat(unit = "cycles")]
    pub replay_cycles: Counter,
}

/// A buffer in memory: records in order, each with the bit it ends at.
#[derive(Clone, Debug)]
struct Buffer<R> {
    base: PhysAddr,
    records: Vec<(R, u64)>,
}

impl<R> Buffer<R> {
    fn bits(&self) -> u64 {
        self.records.last().map_or(0, |(_, end)| *end)
    }

    fn line(&self, number: u64) -> PhysAddr {
        PhysAddr(self.base.0 + number * LINE_BYTES)
    }
}

/// A line that is read.
#[derive(Clone, Copy, Debug)]
enum Line {
    Pending(Ticket),
    At(Cycle),
}

/// The metadata of a function, of records `R`.
#[derive(Clone, Debug)]
pub struct Metadata<R> {
    limit_bits: u64,
    recording: Buffer<R>,
    replaying: Buffer<R>,
    /// Lines of the recording that memory has taken.
    written: u64,
    /// The recording is complete: its last line is written although it is not full.
    complete: bool,
    /// Lines of the replay that were used up.
    used: u64,
    lines: VecDeque<Line>,
    /// The record that is replayed next.
    next: usize,
    /// When the replay was last seen to go on, if time has passed for it since.
    stepped_at: Option<Cycle>,
    /// What was counted.
    pub stats: MetadataStats,
}

impl<R: Copy> Metadata<R> {
    /// Two empty buffers of `limit_kib` KiB for the unit of `hart`, with records of `least_bits` bits at
    /// least.
    #[must_use]
    pub fn new(hart: HartId, limit_kib: u32, least_bits: u64) -> Self {
        let bytes = u64::from(limit_kib) << 10;
        let most = (8 * bytes / least_bits) as usize;
        let buffer = |half| Buffer {
            base: PhysAddr(BASE + u64::from(hart.0) * PER_HART + half * bytes),
            records: Vec::with_capacity(most),
        };
        Self {
            limit_bits: 8 * bytes,
            recording: buffer(0),
            replaying: buffer(1),
            written: 0,
            complete: true,
            used: 0,
            lines: VecDeque::with_capacity(READ_AHEAD),
            next: 0,
            stepped_at: None,
            stats: MetadataStats::default(),
        }
    }

    /// An invocation begins: what the last one recorded is replayed, and the other buffer filled
    /// anew.
    pub fn begin(&mut self) {
        std::mem::swap(&mut self.recording, &mut self.replaying);
        self.recording.records.clear();
        (self.written, self.complete) = (0, false);
        (self.used, self.next) = (0, 0);
        self.lines.clear();
        self.stepped_at = None;
    }

    /// Appends a record of `bits` bits, unless the buffer is full: then nothing is recorded any more.
    /// Returns whether it was recorded.
    pub fn record(&mut self, record: R, bits: u64) -> bool {
        let end = self.recording.bits() + bits;
        if self.complete || end > self.limit_bits {
            self.complete = true;
            self.stats.over_limit.inc();
            return false;
        }
        self.recording.records.push((record, end));
        self.stats.recorded.inc();
        true
    }

    /// Nothing more is recorded: the last line may go.
    pub fn finish(&mut self) {
        self.complete = true;
    }

    /// Lets the line buffers move, at most one line each; returns whether there is more to do in the next
    /// cycle.
    pub fn step(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let time = (ports.is_timed() && self.is_replaying()).then(|| ports.now());
        if let (Some(before), Some(now)) = (self.stepped_at, time) {
            self.stats.replay_cycles.add(now - before);
        }
        self.stepped_at = time;
        let wrote = self.write_line(ports);
        let read = self.read_line(ports);
        wrote || read
    }

    fn write_line(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let bits = self.recording.bits();
        let whole = if self.complete { bits.div_ceil(LINE_BITS) } else { bits / LINE_BITS };
        if self.written == whole {
            return false;
        }
        if ports.write_metadata(self.recording.line(self.written)) {
            self.written += 1;
            self.stats.written_bytes.add(LINE_BYTES);
        }
        true
    }

    fn read_line(&mut self, ports: &mut Ports<'_, '_>) -> bool {
        let asked = self.used + self.lines.len() as u64;
        if self.lines.len() == READ_AHEAD || asked == self.replaying.bits().div_ceil(LINE_BITS) {
            return false;
        }
        let line = match ports.read_metadata(self.replaying.line(asked)) {
            Asked::At(at, ()) => Line::At(at),
            Asked::Pending(ticket) => Line::Pending(ticket),
            Asked::Busy => return true,
        };
        self.lines.push_back(line);
        self.stats.read_bytes.add(LINE_BYTES);
        true
    }

    /// The line that `ticket` was asked for, if it was one, arrives at `at`.
    pub fn arrived(&mut self, ticket: Ticket, at: Cycle) {
        let pending = |line: &&mut Line| matches!(line, Line::Pending(held) if *held == ticket);
        if let Some(line) = self.lines.iter_mut().find(pending) {
            *line = Line::At(at);
        }
    }

    /// The record to be replayed, once all lines it lies in are there.
    #[must_use]
    pub fn next_record(&self, now: Cycle) -> Option<R> {
        let &(record, end) = self.replaying.records.get(self.next)?;
        let there = |line: &&Line| matches!(line, Line::At(at) if *at <= now);
        let lines = self.lines.iter().take_while(there).count() as u64;
        (end <= (self.used + lines) * LINE_BITS).then_some(record)
    }

    /// The record is replayed.
    pub fn advance(&mut self) {
        self.next += 1;
        self.stats.replayed.inc();
        let begin = self.replaying.records[self.next - 1].1;
        let used = match self.is_replaying() {
            // The line in which the next record begins is still in use.
            true => begin / LINE_BITS,
            false => begin.div_ceil(LINE_BITS),
        };
        while self.used < used {
            self.lines.pop_front();
            self.used += 1;
        }
    }

    /// Whether there is something left to replay.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.next < self.replaying.records.len()
    }

    /// When the next line is known to arrive after `now`.
    #[must_use]
    pub fn next_at(&self, now: Cycle) -> Option<Cycle> {
        let times = self.lines.iter().filter_map(|line| match line {
            Line::At(at) if *at > now => Some(*at),
            _ => None,
        });
        times.min()
    }

    /// What was asked for and has not arrived never will: it is asked for again, from the first such line
    /// on.
    pub fn forget_under_way(&mut self) {
        let there = self.lines.iter().take_while(|line| matches!(line, Line::At(_))).count();
        self.lines.truncate(there);
        self.stepped_at = None;
    }

    /// Ends the replay. What lies in memory stays there.
    pub fn stop_replay(&mut self) {
        self.next = self.replaying.records.len();
        self.used = self.replaying.bits().div_ceil(LINE_BITS);
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests;
