//! Issue: the oldest instructions that are ready and find a port go; the result's time is told to
//! whoever waits for it.
//!
//! Ready times are exact: dependants of a load are woken when its data will be there, not when it was
//! hoped to be, so nothing is issued in vain. Left out, then: replays after a missed cache hit, and
//! conflicts on write-back ports.

use super::ready::{Ready, Search};
use super::slot::{NEVER, NOWHERE, Position, Slot};
use super::stats::{IssueSlot, OutOfOrderStats, Side, Spent};
use super::{Happening, OutOfOrder};
use mem::{Cycle, Hierarchy};
use stream::{Class, MemKind, Source};

/// A scheduler and its ports.
#[derive(Clone, Debug)]
pub(super) struct Scheduler {
    pub(super) free: u32,
    /// Instructions whose operands are there; none that was squashed.
    pub(super) ready: Ready,
    /// For each class, the ports that take it.
    pub(super) ports: [u32; Class::ALL.len()],
    /// For each port, when it is free again.
    pub(super) busy_until: Vec<Cycle>,
    /// The ports that may not be free: those of instructions that are not pipelined.
    pub(super) busy: u32,
}

impl Scheduler {
    /// Drops from the ports that may not be free those that are at `now`.
    #[inline]
    fn release(&mut self, now: Cycle) {
        let mut busy = self.busy;
        while busy != 0 {
            let port = busy.trailing_zeros();
            busy &= busy - 1;
            if self.busy_until[port as usize] <= now {
                self.busy &= !(1 << port);
            }
        }
    }

    /// Takes the port for longer than this cycle.
    fn occupy(&mut self, port: u32, until: Cycle) {
        self.busy_until[port as usize] = until;
        self.busy |= 1 << port;
    }
}

/// What the slots at issue of one or more cycles went to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    /// Something was issued.
    pub(super) any: bool,
    /// Slots of instructions of the right path.
    right: u64,
    /// Slots of instructions of wrong paths.
    wrong: u64,
    /// Slots that none took, and why.
    left: u64,
    why: IssueSlot,
}

impl Issued {
    #[inline]
    pub(super) fn count(&self, stats: &mut OutOfOrderStats) {
        stats.issue[self.why].add(self.left);
        stats.issue[IssueSlot::Base].add(self.right);
        stats.issue[IssueSlot::WrongPath].add(self.wrong);
    }
}

impl OutOfOrder {
    /// The issue stage; returns what its slots went to.
    #[inline]
    pub(super) fn issue(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> Issued {
        let mut left = self.config.issue_width;
        let mut issued = [0, 0];
        for index in 0..self.schedulers.len() {
            if left == 0 {
                break;
            }
            if !self.schedulers[index].ready.is_empty() {
                left -= self.issue_from(index, left, &mut issued, source, mem);
            }
        }
        self.issued(1, issued)
    }

    /// Issues at most `most` instructions from a scheduler; returns how many.
    fn issue_from(
        &mut self,
        index: usize,
        most: u32,
        issued: &mut [u64; 2],
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> u32 {
        self.schedulers[index].release(self.now);
        let mut taken = self.schedulers[index].busy;
        let mut oldest = Search::new(self.window.head, self.window.renamed, self.order_limit());
        let (mut left, mut unseen) = (most, self.schedulers[index].ready.len());
        while left > 0
            && unseen > 0
            && let Some(at) = oldest.next(&self.schedulers[index].ready)
        {
            unseen -= 1;
            let slot = self.window.get(at);
            let (class, off_path) = (slot.instr.class, slot.off_path);
            let free = self.schedulers[index].ports[class as usize] & !taken;
            if free == 0 || !self.may_issue(at, class) {
                continue;
            }
            let port = free.trailing_zeros();
            taken |= 1 << port;
            left -= 1;
            issued[usize::from(off_path)] += 1;
            self.start(at, index, port, source, mem);
        }
        most - left
    }

    /// The first position from which on nothing that is [ordered](is_ordered) may be issued: behind the
    /// oldest barrier, or at it until it is the oldest of all.
    #[inline]
    fn order_limit(&self) -> Position {
        match self.barriers.front() {
            Some(&barrier) => barrier + Position::from(barrier == self.window.head),
            None => Position::MAX,
        }
    }

    /// The instruction at `at`, whose operands are there, can be issued from now on.
    #[inline]
    pub(super) fn may_be_issued(&mut self, at: Position) {
        let slot = self.window.get(at);
        let (scheduler, ordered) = (usize::from(slot.scheduler), is_ordered(slot.instr.class));
        let place = self.window.place(at);
        self.schedulers[scheduler].ready.insert(place, ordered);
    }

    /// What the slots of `cycles` cycles went to in which together so many instructions of the right
    /// path and of wrong ones were issued.
    #[inline(always)]
    pub(super) fn issued(&mut self, cycles: u64, issued: [u64; 2]) -> Issued {
        let slots = self.issue_slots * cycles;
        let any = issued != [0, 0];
        if !any && self.issued_ahead == [0, 0] {
            let why = self.why_not_issued();
            return Issued { any, right: 0, wrong: 0, left: slots, why };
        }
        let [right, wrong] = issued;
        let [right, wrong] = [right + self.issued_ahead[0], wrong + self.issued_ahead[1]];
        let taken_right = right.min(slots);
        let taken_wrong = wrong.min(slots - taken_right);
        self.issued_ahead = [right - taken_right, wrong - taken_wrong];
        let left = slots - taken_right - taken_wrong;
        let why = if left > 0 { self.why_not_issued() } else { IssueSlot::Base };
        Issued { any, right: taken_right, wrong: taken_wrong, left, why }
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
        let Some(producer) = self.awaited_by(slot) else { return IssueSlot::Dispatch };
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
    pub(super) fn awaited_by_issue(&self) -> Option<&Slot> {
        let oldest = self.oldest_unissued;
        if oldest < self.window.head || oldest >= self.window.renamed {
            return None;
        }
        self.awaited_by(self.window.get(oldest))
    }

    /// The instruction whose result that in `slot` waits for.
    #[inline]
    fn awaited_by(&self, slot: &Slot) -> Option<&Slot> {
        let awaited = slot.awaited();
        (awaited != NOWHERE).then(|| self.window.get(Position::from(awaited)))
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
                debug_assert!(at < self.order_limit());
                self.may_go_before_stores(at)
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
        at: Position,
        scheduler: usize,
        port: u32,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) {
        let now = self.now;
        let slot = self.window.get_mut(at);
        debug_assert!(slot.ready_at <= now, "issued before its operands are there");
        slot.issued_at = now;
        let class = slot.instr.class;
        let touches_memory = slot.instr.mem.is_some();
        let latency = self.latency[class as usize];
        let done = now + latency;
        let place = self.window.place(at);
        self.schedulers[scheduler].free += 1;
        self.schedulers[scheduler].ready.remove(place);
        if self.unpipelined[class as usize] {
            self.schedulers[scheduler].occupy(port, done);
        }
        if touches_memory {
            self.begin_access(at, done, source, mem);
        } else {
            self.complete(at, done);
        }
    }

    /// The result of the instruction at `at` is there at `done`: tells those that wait for it.
    pub(super) fn complete(&mut self, at: Position, done: Cycle) {
        let slot = self.window.get_mut(at);
        debug_assert!(slot.done_at == NEVER, "completed twice at {}", self.now.0);
        slot.done_at = done;
        let wrong = slot.wrong.is_some();
        let mut link = std::mem::replace(&mut slot.consumers, NOWHERE);
        if wrong {
            let name = self.window.name(at);
            self.wheel.put(done.max(self.now + 1), Happening::Resolve(name));
        }
        let place = self.window.place(at);
        while link != NOWHERE {
            let (consumer, operand) = (self.window.position(link / 4), (link % 4) as usize);
            let slot = self.window.get_mut(consumer);
            link = slot.next_consumer[operand];
            slot.producers[operand] = NOWHERE;
            if done > slot.ready_at {
                slot.ready_at = done;
                slot.latest_producer = place;
            }
            slot.waiting -= 1;
            if slot.waiting == 0 {
                let when = slot.ready_at;
                self.ready(consumer, when);
            }
        }
    }
}

/// Whether instructions of a class wait for barriers that are older, or are barriers.
#[inline]
pub(super) fn is_ordered(class: Class) -> bool {
    matches!(class, Class::Load | Class::Store | Class::Atomic | Class::Fence)
}

/// Whether a cache operation is a hint that nobody waits for.
pub(super) fn is_hint(instr: &stream::Instr) -> bool {
    use stream::CacheOp::{PrefetchInstruction, PrefetchRead, PrefetchWrite};
    let op = instr.mem.map(|access| access.kind);
    matches!(op, Some(MemKind::Cache(PrefetchInstruction | PrefetchRead | PrefetchWrite)))
}
