//! Loads and stores: translation, forwarding, order, and the way to the data cache.
//!
//! A load generates its address, is translated, looks for older stores in the queue and reads the
//! cache. It goes ahead of older stores whose address is not known unless its store set says otherwise;
//! a store that finds a younger load has read what it writes squashes from that load on. Stores write
//! the cache after they commit, in order, several at a time on their way: the order that RVWMO needs
//! is that of their requests.
//!
//! Addresses of stores are taken to be known when address and data are there: one operation, as in
//! gem5's O3 model. Left out: store address and data as separate operations, and merging in the queue.
//! Both pages of an access that crosses one are looked up in the same cycle.

use super::issue::is_hint;
use super::queues::{ALL_REQUESTED, Bytes, Lines, Older};
use super::slot::{NOBODY, Name, Position, Slot};
use super::{Claimant, Happening, OutOfOrder};
use crate::Stream;
use crate::in_order::translation_for;
use mem::{AccessKind, Cycle, Hierarchy, Level, Reply};
use stream::{CacheOp, Class, Instr, MemAccess, MemKind, PhysAddr, Source, VirtAddr};

impl OutOfOrder {
    /// Whether the store set of the load at `at` lets it go.
    pub(super) fn may_go_before_stores(&self, at: Position) -> bool {
        let wait_for = self.window.get(at).access.wait_for;
        if wait_for == NOBODY || wait_for < self.window.head {
            return true;
        }
        self.window.get(wait_for).access.performed
    }

    /// The address of an access is generated at `ready`: translates it.
    pub(super) fn begin_access(
        &mut self,
        at: Position,
        ready: Cycle,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) {
        let instr = &self.window.get(at).instr;
        let access = instr.mem.as_ref().expect("the caller saw it");
        if access.io {
            let done = mem.uncached(ready);
            self.stats.at(self.privilege).io_accesses.inc();
            self.finish_alone(at, done);
            return;
        }
        if !access.translated {
            self.translated(at, ready);
            return;
        }
        let (what, whole) = (translation_for(access.kind), instr.mem_tail.is_none());
        loop {
            let slot = self.window.get(at);
            let Some(page) = next_page(slot) else { break };
            let address = (page.va, slot.instr.asid);
            match mem.demand_translation(ready, self.hart, address, what, source) {
                Reply::Done(translation) => {
                    self.count_translation(&translation, what);
                    if whole {
                        return self.translated(at, translation.at);
                    }
                    self.page_there(at, translation.at);
                }
                Reply::Pending(ticket) => {
                    self.window.get_mut(at).access.outstanding += 1;
                    self.claims.push((ticket, Claimant::Translation(self.window.name(at), what)));
                }
                Reply::Busy => {
                    self.count_retry();
                    self.wheel.put(self.now + 1, Happening::Translate(self.window.name(at)));
                    return;
                }
            }
            self.window.get_mut(at).access.requested += 1;
        }
        self.go_on_if_translated(at);
    }

    fn page_there(&mut self, at: Position, when: Cycle) {
        let access = &mut self.window.get_mut(at).access;
        access.there_at = access.there_at.max(when);
    }

    /// A translation that was pending has its time.
    pub(super) fn page_arrived(&mut self, at: Position, when: Cycle) {
        self.page_there(at, when);
        self.window.get_mut(at).access.outstanding -= 1;
        self.go_on_if_translated(at);
    }

    /// Goes on when all pages of an access are translated: from the later time of two.
    fn go_on_if_translated(&mut self, at: Position) {
        let slot = self.window.get_mut(at);
        if slot.access.outstanding > 0 || next_page(slot).is_some() {
            return;
        }
        let when = slot.access.there_at;
        slot.access.requested = 0;
        slot.access.there_at = Cycle(0);
        self.translated(at, when);
    }

    /// The physical address of an access is known at `when`.
    fn translated(&mut self, at: Position, when: Cycle) {
        self.window.get_mut(at).access.translated_at = when;
        self.wheel.put(when.max(self.now + 1), Happening::Access(self.window.name(at)));
    }

    /// An access has its physical address and goes on.
    pub(super) fn access(&mut self, at: Position, source: &mut dyn Source, mem: &mut Hierarchy) {
        let instr = &self.window.get(at).instr;
        let kind = instr.mem.expect("only accesses come here").kind;
        match (instr.class, kind) {
            (Class::Store, _) => self.store_is_known(at, source),
            (Class::Load, _) => self.load(at, mem),
            (_, MemKind::Cache(op)) => self.cache_operation(at, op, mem),
            (_, MemKind::Load) => self.request_parts(at, AccessKind::Load, mem),
            _ => self.request_parts(at, AccessKind::Store, mem),
        }
    }

    fn load(&mut self, at: Position, mem: &mut Hierarchy) {
        let slot = self.window.get(at);
        if slot.access.requested == 0 {
            match self.stores.older(slot.access.store, &Bytes::of(&slot.instr)) {
                Older::None => {}
                Older::Covers(store) => return self.forward(at, store),
                Older::Overlaps => {
                    // Asked again when that store has gone to the cache.
                    let slot = self.window.get_mut(at);
                    if slot.access.forwarded_from == NOBODY {
                        slot.access.forwarded_from = 0;
                        self.stats.at(self.privilege).out_of_order_mut().forward_blocked.inc();
                    }
                    self.blocked_loads.push(self.window.name(at));
                    return;
                }
            }
        }
        let access = &mut self.window.get_mut(at).access;
        access.performed = true;
        access.forwarded_from = NOBODY;
        self.request_parts(at, AccessKind::Load, mem);
    }

    fn forward(&mut self, at: Position, store: Position) {
        let done = self.now + u64::from(self.config.memory.forward_cycles);
        let access = &mut self.window.get_mut(at).access;
        access.performed = true;
        access.forwarded_from = store;
        self.stats.at(self.privilege).out_of_order_mut().forwarded.inc();
        self.complete(at, done.max(self.now + 1));
    }

    /// Requests the lines of an access that have not been requested.
    fn request_parts(&mut self, at: Position, kind: AccessKind, mem: &mut Hierarchy) {
        let instr = &self.window.get(at).instr;
        let pc = instr.pc;
        if let Some(pa) = only_line(instr, mem) {
            if self.request_part(at, kind, pa, pc, mem) {
                self.finish_if_there(at, 1);
            }
            return;
        }
        let lines = Lines::of(&Bytes::of(instr), mem);
        while let Some(pa) = lines.get(self.window.get(at).access.requested) {
            if !self.request_part(at, kind, pa, pc, mem) {
                return;
            }
        }
        self.finish_if_there(at, lines.count());
    }

    /// Requests a line of an access; returns whether memory took the request. It comes again if not.
    #[inline]
    fn request_part(
        &mut self,
        at: Position,
        kind: AccessKind,
        pa: PhysAddr,
        pc: VirtAddr,
        mem: &mut Hierarchy,
    ) -> bool {
        match mem.demand(self.now, self.hart, kind, pa, pc) {
            Reply::Done(done) => {
                self.count_access(done.found, Stream::Data);
                self.part_there(at, done.at, done.found);
            }
            Reply::Pending(ticket) => {
                self.window.get_mut(at).access.outstanding += 1;
                self.claims.push((ticket, Claimant::Data(self.window.name(at))));
            }
            Reply::Busy => {
                self.count_retry();
                self.wheel.put(self.now + 1, Happening::Access(self.window.name(at)));
                return false;
            }
        }
        self.window.get_mut(at).access.requested += 1;
        true
    }

    #[inline]
    fn part_there(&mut self, at: Position, when: Cycle, found: Level) {
        let access = &mut self.window.get_mut(at).access;
        access.there_at = access.there_at.max(when);
        access.found = access.found.max(Some(found));
    }

    /// A part that was pending has its time.
    pub(super) fn data_arrived(
        &mut self,
        at: Position,
        when: Cycle,
        found: Level,
        mem: &Hierarchy,
    ) {
        self.part_there(at, when, found);
        let lines = Lines::of(&Bytes::of(&self.window.get(at).instr), mem);
        self.window.get_mut(at).access.outstanding -= 1;
        self.finish_if_there(at, lines.count());
    }

    fn finish_if_there(&mut self, at: Position, lines: u8) {
        let access = &self.window.get(at).access;
        if access.outstanding > 0 || access.requested < lines {
            return;
        }
        let done = access.there_at.max(self.now + 1);
        if self.window.get(at).instr.class == Class::Load {
            self.complete(at, done);
        } else {
            self.finish_alone(at, done);
        }
    }

    /// An access that was alone is done: what waited behind it may go when it is.
    fn finish_alone(&mut self, at: Position, done: Cycle) {
        let slot = self.window.get_mut(at);
        slot.access.performed = true;
        if super::is_store(&slot.instr) {
            // The device has it: nothing is left to write.
            let entry = self.stores.is_known(slot.access.store);
            entry.requested = ALL_REQUESTED;
            entry.written_at = done;
        }
        self.complete(at, done);
    }

    fn cache_operation(&mut self, at: Position, op: CacheOp, mem: &mut Hierarchy) {
        let slot = self.window.get(at);
        let (instr, hint) = (slot.instr, is_hint(&slot.instr));
        let pa = instr.mem.expect("a cache operation has an address").pa;
        if hint {
            let kind = match op {
                CacheOp::PrefetchInstruction => AccessKind::Instruction,
                CacheOp::PrefetchWrite => AccessKind::Store,
                _ => AccessKind::Load,
            };
            if let Reply::Pending(ticket) = mem.demand(self.now, self.hart, kind, pa, instr.pc) {
                self.claims.push((ticket, Claimant::Nobody));
            }
            self.complete(at, self.now + 1);
        } else if op == CacheOp::Zero {
            self.request_parts(at, AccessKind::Store, mem);
        } else {
            let done = mem.maintain(self.now, self.hart, op, pa);
            self.finish_alone(at, done.max(self.now + 1));
        }
    }

    /// The address of a store is known: younger loads that have read what it writes are wrong.
    fn store_is_known(&mut self, at: Position, source: &mut dyn Source) {
        let slot = self.window.get_mut(at);
        slot.access.performed = true;
        let (bytes, next_load) = (Bytes::of(&slot.instr), slot.access.load);
        if super::is_store(&slot.instr) {
            self.stores.is_known(slot.access.store);
        }
        self.complete(at, self.now + 1);
        let wrong = self.loads.find(next_load, &bytes, |load| {
            let slot = self.window.get(load);
            let from = slot.access.forwarded_from;
            let newer = from != NOBODY && from > at;
            slot.access.performed && !newer && bytes.overlaps(&Bytes::of(&slot.instr))
        });
        if let Some(load) = wrong {
            let (load_pc, store_pc) =
                (self.window.get(load).instr.pc, self.window.get(at).instr.pc);
            self.store_sets.violated(load_pc, store_pc);
            self.violate(load, source);
        }
    }

    /// Writes committed stores to the cache; returns whether it did something.
    #[inline]
    pub(super) fn write_stores(&mut self, mem: &mut Hierarchy) -> bool {
        self.stores.has_committed() && (self.request_stores(mem) | self.retire_stores())
    }

    /// Requests the lines of the oldest stores that have not been.
    fn request_stores(&mut self, mem: &mut Hierarchy) -> bool {
        let mut active = false;
        for _ in 0..self.config.memory.stores_per_cycle {
            let Some(index) = self.stores.next_to_request() else { break };
            if !self.write_store(index, mem) {
                break;
            }
            active = true;
        }
        active
    }

    /// Requests the lines of a store; returns whether all are requested.
    fn write_store(&mut self, index: usize, mem: &mut Hierarchy) -> bool {
        let entry = *self.stores.entry(index);
        let lines = Lines::of(&entry.bytes, mem);
        let mut part = entry.requested;
        while let Some(pa) = lines.get(part) {
            match mem.demand(self.now, self.hart, AccessKind::Store, pa, entry.pc) {
                Reply::Done(access) => {
                    self.count_access(access.found, Stream::Data);
                    self.stores.entry(index).part_written(access.at);
                }
                Reply::Pending(ticket) => {
                    self.stores.entry(index).outstanding += 1;
                    self.claims.push((ticket, Claimant::Store(entry.name)));
                }
                Reply::Busy => {
                    self.count_retry();
                    self.wake_at(self.now + 1);
                    return false;
                }
            }
            part += 1;
            self.stores.entry(index).requested = part;
        }
        self.stores.entry(index).requested = ALL_REQUESTED;
        true
    }

    /// A line of a committed store that was pending has its time.
    pub(super) fn store_arrived(&mut self, name: Name, at: Cycle) {
        let entry = self.stores.committed(name);
        let entry = entry.expect("a committed store stays until it is written");
        entry.outstanding -= 1;
        entry.part_written(at);
    }

    /// Frees the entries of stores that are written, in order.
    fn retire_stores(&mut self) -> bool {
        let mut active = false;
        while self.stores.pop_written(self.now) {
            active = true;
        }
        if active && !self.blocked_loads.is_empty() {
            for name in self.blocked_loads.drain(..) {
                self.wheel.put(self.now + 1, Happening::Access(name));
            }
        }
        active
    }

    fn count_retry(&mut self) {
        self.stats.at(self.privilege).out_of_order_mut().busy_retries.inc();
    }
}

/// The line of an access that lies in one and has not been requested.
#[inline]
fn only_line(instr: &Instr, mem: &Hierarchy) -> Option<PhysAddr> {
    let access = instr.mem.as_ref()?;
    let last = PhysAddr(access.pa.0 + u64::from(access.size.max(1)) - 1);
    let whole =
        instr.mem_tail.is_none() && access.size > 0 && mem.line(access.pa) == mem.line(last);
    whole.then_some(access.pa)
}

/// The first page of an access, or its second, whose translation has not been asked for.
#[inline]
fn next_page(slot: &Slot) -> Option<&MemAccess> {
    match slot.access.requested {
        0 => slot.instr.mem.as_ref(),
        1 => slot.instr.mem_tail.as_ref(),
        _ => None,
    }
}
