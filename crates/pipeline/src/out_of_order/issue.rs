//! Issue: the oldest instructions that are ready and find a port go; the result's time is told to
//! whoever waits for it.
//!
//! Ready times are exact: dependants of a load are woken when its data will be there, not when it was
//! hoped to be, so nothing is issued in vain. Left out, then: replays after a missed cache hit, and
//! conflicts on write-back ports.

use super::slot::{NEVER, NOBODY, Name, Position, Slot};
use super::stats::{IssueSlot, Side, Spent};
use super::{Happening, OutOfOrder};
use mem::{Cycle, Hierarchy};
use stream::{Class, MemKind, Source};

/// An instruction whose operands are there, with what decides about it in most cycles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    name: Name,
    class: Class,
    off_path: bool,
}

/// A scheduler and its ports.
#[derive(Clone, Debug)]
pub(super) struct Scheduler {
    pub(super) free: u32,
    /// Instructions whose operands are there, the oldest first; none that was squashed.
    pub(super) ready: Vec<Ready>,
    /// For each class, the ports that take it.
    pub(super) ports: [u32; Class::ALL.len()],
    /// For each port, when it is free again.
    pub(super) busy_until: Vec<Cycle>,
}

impl Scheduler {
    /// Puts in an instruction by age.
    pub(super) fn insert(&mut self, name: Name, slot: &Slot) {
        let ready = Ready { name, class: slot.instr.class, off_path: slot.off_path };
        let place = self.ready.partition_point(|other| other.name.at < name.at);
        self.ready.insert(place, ready);
    }

    /// Drops the instructions from `from` on.
    pub(super) fn squash(&mut self, from: Position) {
        let left = self.ready.partition_point(|ready| ready.name.at < from);
        self.ready.truncate(left);
    }

    /// The first port that takes `class` and is not used in this cycle.
    fn port(&self, class: Class, used: u32, now: Cycle) -> Option<u32> {
        let mut candidates = self.ports[class as usize] & !used;
        while candidates != 0 {
            let port = candidates.trailing_zeros();
            if self.busy_until[port as usize] <= now {
                return Some(port);
            }
            candidates &= candidates - 1;
        }
        None
    }
}

impl OutOfOrder {
    /// The issue stage; returns whether something was issued.
    pub(super) fn issue(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let mut left = self.config.issue_width;
        let mut issued = [0, 0];
        for index in 0..self.schedulers.len() {
            if self.schedulers[index].ready.is_empty() {
                continue;
            }
            let mut ready = std::mem::take(&mut self.schedulers[index].ready);
            let mut used = 0;
            let before = left;
            ready.retain(|&Ready { name, class, off_path }| {
                debug_assert!(self.window.holds(name), "a squashed instruction is ready");
                if left == 0 || !self.may_issue(name.at, class) {
                    return true;
                }
                let Some(port) = self.schedulers[index].port(class, used, self.now) else {
                    return true;
                };
                used |= 1 << port;
                left -= 1;
                issued[usize::from(off_path)] += 1;
                self.start(name, index, port, source, mem);
                false
            });
            // Nothing becomes ready within this stage, so the list taken out is the whole.
            debug_assert!(self.schedulers[index].ready.is_empty(), "insertions during issue");
            self.schedulers[index].ready = ready;
            if left == 0 || before == 0 {
                break;
            }
        }
        self.count_issue(1, issued);
        left < self.config.issue_width
    }

    /// Counts the slots of `cycles` cycles in which together so many instructions of the right path and
    /// of wrong ones were issued.
    pub(super) fn count_issue(&mut self, cycles: u64, issued: [u64; 2]) {
        let width = u64::from(self.config.rename_width.min(self.config.issue_width));
        let [right, wrong] = issued;
        let [right, wrong] = [right + self.issued_ahead[0], wrong + self.issued_ahead[1]];
        let taken_right = right.min(width * cycles);
        let taken_wrong = wrong.min(width * cycles - taken_right);
        self.issued_ahead = [right - taken_right, wrong - taken_wrong];
        let left = width * cycles - taken_right - taken_wrong;
        let why = if left > 0 { self.why_not_issued() } else { IssueSlot::Base };
        let slots = &mut self.stats.at(self.privilege).out_of_order_mut().issue;
        slots[IssueSlot::Base].add(taken_right);
        slots[IssueSlot::WrongPath].add(taken_wrong);
        slots[why].add(left);
    }

    /// Why fewer instructions were issued than could have been.
    fn why_not_issued(&mut self) -> IssueSlot {
        let oldest = self.find_oldest_unissued();
        if oldest == self.window.renamed {
            let refused = self.last_lost.side() == Side::Back && self.window.in_rob() > 0;
            let why = if refused { self.why_no_commit() } else { self.last_lost.of_empty_core() };
            return why.into();
        }
        let slot = self.window.get(oldest);
        if slot.waiting == 0 && slot.ready_at <= self.now {
            return IssueSlot::Port;
        }
        let Some(producer) = self.awaited_by_issue() else { return IssueSlot::Dispatch };
        let producer = self.window.get(producer);
        match self.why_executing(producer) {
            Spent::Execute if self.latency[producer.instr.class as usize] == 1 => {
                IssueSlot::Dependence
            }
            why => why.into(),
        }
    }

    /// The first renamed instruction that is not issued, or where the next will be renamed.
    pub(super) fn find_oldest_unissued(&mut self) -> Position {
        let mut oldest = self.oldest_unissued.max(self.window.head);
        while oldest < self.window.renamed && self.window.get(oldest).issued_at != NEVER {
            oldest += 1;
        }
        self.oldest_unissued = oldest;
        oldest
    }

    /// The instruction whose result the oldest that is not issued waits for. All it waits for is older,
    /// and so has been issued.
    pub(super) fn awaited_by_issue(&self) -> Option<Position> {
        let oldest = self.oldest_unissued;
        if oldest < self.window.head || oldest >= self.window.renamed {
            return None;
        }
        let slot = self.window.get(oldest);
        let unknown = slot.producers.into_iter().find(|&producer| producer != NOBODY);
        Some(unknown.unwrap_or(slot.latest_producer)).filter(|&producer| producer != NOBODY)
    }

    /// Whether order allows the instruction at `at`, which is of `class`, to execute.
    #[inline]
    fn may_issue(&self, at: Position, class: Class) -> bool {
        let oldest = at == self.window.head;
        match class {
            Class::Load | Class::Store => {
                let slot = self.window.get(at);
                if slot.instr.mem.is_some_and(|access| access.io) {
                    return oldest && !self.stores.has_committed();
                }
                let barrier = self.barriers.front().is_some_and(|&barrier| barrier < at);
                !barrier && self.may_go_before_stores(at)
            }
            Class::Cache if is_hint(&self.window.get(at).instr) => true,
            Class::Atomic | Class::Fence | Class::Cache => oldest && !self.stores.has_committed(),
            Class::Csr | Class::System => oldest,
            _ => true,
        }
    }

    /// Starts the instruction on a port of a scheduler.
    fn start(
        &mut self,
        name: Name,
        scheduler: usize,
        port: u32,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) {
        let now = self.now;
        let slot = self.window.get_mut(name.at);
        slot.issued_at = now;
        let class = slot.instr.class;
        let touches_memory = slot.instr.mem.is_some();
        let latency = self.latency[class as usize];
        let done = now + latency;
        self.schedulers[scheduler].free += 1;
        if self.unpipelined[class as usize] {
            self.schedulers[scheduler].busy_until[port as usize] = done;
        }
        if touches_memory {
            self.begin_access(name, done, source, mem);
        } else {
            self.complete(name.at, done);
        }
    }

    /// The result of the instruction at `at` is there at `done`: tells those that wait for it.
    pub(super) fn complete(&mut self, at: Position, done: Cycle) {
        let slot = self.window.get_mut(at);
        debug_assert!(slot.done_at == NEVER, "completed twice at {}", self.now.0);
        slot.done_at = done;
        let wrong = slot.wrong.is_some();
        let mut link = std::mem::replace(&mut slot.consumers, NOBODY);
        if wrong {
            let name = self.window.name(at);
            self.wheel.put(done.max(self.now + 1), Happening::Resolve(name));
        }
        while link != NOBODY {
            let (consumer, operand) = (link / 4, (link % 4) as usize);
            let slot = self.window.get_mut(consumer);
            link = slot.next_consumer[operand];
            slot.producers[operand] = NOBODY;
            if done > slot.ready_at {
                slot.ready_at = done;
                slot.latest_producer = at;
            }
            slot.waiting -= 1;
            if slot.waiting == 0 {
                let when = slot.ready_at;
                self.ready(consumer, when);
            }
        }
    }
}

/// Whether a cache operation is a hint that nobody waits for.
pub(super) fn is_hint(instr: &stream::Instr) -> bool {
    use stream::CacheOp::{PrefetchInstruction, PrefetchRead, PrefetchWrite};
    let op = instr.mem.map(|access| access.kind);
    matches!(op, Some(MemKind::Cache(PrefetchInstruction | PrefetchRead | PrefetchWrite)))
}
