//! A stand-in for a memory controller: reveals late when a read is done, in any order.

use super::{Controller, Device, Memory, Queued};
use crate::Cycle;
use stream::LineAddr;

/// How the stand-in behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    /// From the request of a line to the line.
    pub(crate) latency: u64,
    /// Reads take up to this much longer, by what their number scatters to.
    pub(crate) spread: u64,
    /// How long before a line is there its time becomes known.
    pub(crate) notice: u64,
    /// Reads it holds until their time is known.
    pub(crate) reads: usize,
    /// Writes it holds, each for as long as a read takes.
    pub(crate) writes: usize,
}

/// A memory controller without a memory.
#[derive(Clone, Debug)]
pub(crate) struct Double {
    behaviour: Behaviour,
    /// When each request will be told of, the number of a read, and when it is done.
    held: Vec<(Cycle, Option<u32>, Cycle)>,
    pushed: u64,
    reached: Cycle,
}

impl Memory {
    /// Puts a stand-in in the place of this memory, behind `write_buffers` buffers.
    pub(crate) fn double(&mut self, behaviour: Behaviour, write_buffers: u32) {
        let (held, pushed, reached) = (Vec::new(), 0, Cycle(0));
        let controller = Controller::Double(Double { behaviour, held, pushed, reached });
        self.device = Device::Queued(Queued::new(controller, write_buffers));
    }
}

impl Double {
    pub(crate) fn can_accept(&self, _line: LineAddr, write: bool) -> bool {
        let held = self.held.iter().filter(|(_, id, _)| id.is_none() == write).count();
        held < if write { self.behaviour.writes } else { self.behaviour.reads }
    }

    pub(crate) fn push(&mut self, at: Cycle, line: LineAddr, write: bool, id: u32) {
        assert!(self.can_accept(line, write), "pushed into a full queue");
        assert!(at >= self.reached, "pushed at {at:?}, advanced to {:?}", self.reached);
        self.pushed += 1;
        let scattered = self.pushed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let done = at + self.behaviour.latency + scattered % (self.behaviour.spread + 1);
        let told = Cycle((done.0 - self.behaviour.notice).max(at.0 + 1));
        self.held.push((told, (!write).then_some(id), done));
    }

    pub(crate) fn advance(&mut self, now: Cycle, done: &mut Vec<(u32, Cycle)>) {
        self.reached = self.reached.max(now);
        self.held.sort_unstable();
        let told = self.held.partition_point(|(told, ..)| *told <= now);
        done.extend(self.held.drain(..told).filter_map(|(_, id, at)| Some((id?, at))));
    }

    pub(crate) fn next_event(&self) -> Option<Cycle> {
        self.held.iter().map(|(told, ..)| *told).min()
    }
}
