//! Rename and dispatch: gives instructions their registers, a place in the reorder buffer, in a
//! scheduler, and in the load or store queue, all in one step and in program order.
//!
//! The slots of the top-down accounting are counted here (see `stats`). What moves are spared is in
//! `sharing`. Left out: instructions that split into several operations.

use super::issue::is_ordered;
use super::ready::NEAR;
use super::sharing::move_source;
use super::slot::{NEVER, NOBODY, Place, Position};
use super::stats::{Lost, OutOfOrderStats};
use super::{OutOfOrder, is_load, is_store};
use mem::Cycle;
use stream::{Class, Operands, Reg, RegKind};

/// Free physical registers, by file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    int: u32,
    fp: u32,
}

impl Registers {
    /// Those that do not hold the architectural state.
    pub(super) fn new(int: u32, fp: u32) -> Self {
        Self { int: int - 32, fp: fp - 32 }
    }

    /// All that are free.
    pub(super) fn spare(self) -> u32 {
        self.int + self.fp
    }

    /// How many are free of those that may hold `register`.
    #[inline]
    pub(super) fn free(&mut self, register: Reg) -> &mut u32 {
        match register.kind() {
            RegKind::Int => &mut self.int,
            RegKind::Fp | RegKind::Vector | RegKind::Status => &mut self.fp,
        }
    }
}

/// What the slots at rename of a cycle went to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renamed {
    /// Slots of instructions.
    pub(super) taken: u64,
    /// Slots that none took, and why.
    left: u64,
    why: Lost,
}

impl Renamed {
    #[inline]
    pub(super) fn count(&self, stats: &mut OutOfOrderStats) {
        stats.slots.add(self.taken + self.left);
        stats.renamed.add(self.taken);
        stats.lost[self.why].add(self.left);
    }
}

impl OutOfOrder {
    /// The rename stage; returns what its slots went to.
    pub(super) fn rename(&mut self) -> Renamed {
        let width = self.config.rename_width;
        let mut taken = 0;
        let mut refused = None;
        if self.now < self.recovered_at {
            refused = Some(Lost::Recovery);
        } else {
            while taken < width {
                let at = self.window.renamed;
                if at == self.window.decoded || self.window.get(at).rename_at > self.now {
                    break;
                }
                if let Err(why) = self.place(at) {
                    refused = Some(why);
                    break;
                }
                taken += 1;
            }
        }
        self.last_lost = match refused {
            Some(why) => why,
            None if taken > 0 => Lost::Bandwidth,
            None => self.front_reason(),
        };
        let (taken, width) = (u64::from(taken), u64::from(width));
        Renamed { taken, left: width - taken, why: self.last_lost }
    }

    /// Why fetch delivered nothing when what is missing now would have been fetched.
    fn front_reason(&self) -> Lost {
        let then = self.now.0.wrapping_sub(self.front_depth);
        self.front.log[then as usize % super::front::Front::LOG]
    }

    /// Renames the instruction at `at`, or says what it lacks.
    #[inline]
    fn place(&mut self, at: Position) -> Result<(), Lost> {
        let instr = &self.window.get(at).instr;
        if instr.serialising && self.window.in_rob() > 0 {
            return Err(Lost::Alone);
        }
        if self.window.in_rob() >= u64::from(self.config.rob) {
            return Err(Lost::RobFull);
        }
        if self.config.move_elimination
            && let Some(source) = move_source(instr)
        {
            self.eliminate(at, source);
            return Ok(());
        }
        let (load, store) = (is_load(instr), is_store(instr));
        if load && self.loads.len() >= self.config.memory.load_queue as usize {
            return Err(Lost::LoadQueueFull);
        }
        if store && self.stores.len() >= self.config.memory.store_queue as usize {
            return Err(Lost::StoreQueueFull);
        }
        let class = instr.class;
        if let Some(register) = instr.operands.dst
            && *self.registers.free(register) == 0
        {
            return Err(Lost::RegistersFull);
        }
        let Some(scheduler) = self.scheduler_for(class) else {
            return Err(Lost::SchedulerFull);
        };
        self.schedulers[scheduler].free -= 1;
        self.link(at, scheduler);
        if load {
            self.enter_load_queue(at);
        } else if store {
            self.enter_store_queue(at);
        }
        if matches!(class, Class::Fence | Class::Atomic) {
            self.barriers.push_back(at);
        }
        Ok(())
    }

    /// The scheduler with the most free entries of those that take the class.
    #[inline]
    fn scheduler_for(&self, class: Class) -> Option<usize> {
        if let [only] = &self.schedulers[..] {
            return (only.free > 0).then_some(0);
        }
        let takers = &self.takers[class as usize];
        let takes = takers.iter().map(|&index| usize::from(index));
        takes.filter(|&i| self.schedulers[i].free > 0).max_by_key(|&i| {
            // The first of several equals.
            (self.schedulers[i].free, std::cmp::Reverse(i))
        })
    }

    /// Looks up its sources and makes it the producer of its destination.
    #[inline]
    fn link(&mut self, at: Position, scheduler: usize) {
        let now = self.now;
        let slot = self.window.get_mut(at);
        slot.enter_back_end(now);
        slot.scheduler = scheduler as u8;
        slot.ready_at = now + u64::from(self.config.rename_to_issue_cycles);
        let Operands { srcs: [first, second, third], dst } = slot.instr.operands;
        self.link_source(at, 0, first);
        self.link_source(at, 1, second);
        self.link_source(at, 2, third);
        let slot = self.window.get_mut(at);
        let (waiting, ready_at) = (slot.waiting, slot.ready_at);
        if let Some(register) = dst {
            slot.previous = std::mem::replace(&mut self.map[register.index()], at);
            *self.registers.free(register) -= 1;
            if let Some(sharing) = &mut self.sharing {
                slot.replaced = sharing.take(register);
            }
        }
        self.window.renamed += 1;
        if waiting == 0 {
            self.ready(at, ready_at);
        }
    }

    /// Waits for the instruction in the core that makes a source, if there is one.
    #[inline]
    fn link_source(&mut self, at: Position, operand: usize, source: Option<Reg>) {
        let Some(source) = source else { return };
        let producer = self.map[source.index()];
        if producer == NOBODY {
            return;
        }
        let link = self.window.place(at) * 4 + operand as Place;
        let made_by = self.window.place(producer);
        let maker = self.window.get_mut(producer);
        let known = maker.done_at;
        if known == NEVER {
            let next = std::mem::replace(&mut maker.consumers, link);
            let slot = self.window.get_mut(at);
            slot.next_consumer[operand] = next;
            slot.producers[operand] = made_by;
            slot.waiting += 1;
        } else {
            let slot = self.window.get_mut(at);
            if known > slot.ready_at {
                slot.ready_at = known;
                slot.latest_producer = made_by;
            }
        }
    }

    /// Renames the move at `at`: its destination names what `source` names, and it is done.
    fn eliminate(&mut self, at: Position, source: Reg) {
        let producer = self.map[source.index()];
        if producer != NOBODY {
            self.window.get_mut(producer).shared = true;
        }
        let now = self.now;
        let slot = self.window.get_mut(at);
        slot.enter_back_end(now);
        (slot.ready_at, slot.issued_at, slot.done_at) = (now, now, now);
        slot.eliminated = true;
        // It takes a slot of the stack at issue, too, whose base is then that of the other stages.
        self.issued_ahead[usize::from(slot.off_path)] += 1;
        let destination = slot.instr.operands.dst.expect("a move has a destination");
        slot.previous = std::mem::replace(&mut self.map[destination.index()], producer);
        let sharing = self.sharing.as_mut().expect("moves are eliminated");
        slot.replaced = sharing.share(destination, source);
        self.window.renamed += 1;
    }

    fn enter_load_queue(&mut self, at: Position) {
        let instr = &self.window.get(at).instr;
        self.loads.push(at, instr);
        let store = self.store_sets.load(instr.pc);
        let store = store.and_then(|store| self.window.find(store));
        let wait_for = store.filter(|&store| !self.window.get(store).access.performed);
        let access = &mut self.window.get_mut(at).access;
        access.store = self.stores.next();
        if let Some(store) = wait_for {
            access.wait_for = store;
            self.stats.at(self.privilege).out_of_order_mut().store_set_waits.inc();
        }
    }

    fn enter_store_queue(&mut self, at: Position) {
        let name = self.window.name(at);
        let slot = self.window.get_mut(at);
        self.store_sets.store(slot.instr.pc, name);
        slot.access.store = self.stores.next();
        slot.access.load = self.loads.next();
        self.stores.push(name, at, &slot.instr);
    }

    /// All operands of the instruction at `at` are there at `when`.
    #[inline]
    pub(super) fn ready(&mut self, at: Position, when: Cycle) {
        // It is looked at in the next cycle at the earliest: issue comes before rename in a cycle.
        let when = when.max(self.now + 1);
        if when - self.now < NEAR {
            let slot = self.window.get_mut(at);
            slot.ready_at = when;
            let (scheduler, ordered) = (usize::from(slot.scheduler), is_ordered(slot.instr.class));
            self.schedulers[scheduler].ready.insert_for(when, self.window.place(at), ordered);
            self.soon |= 1 << (when.0 % NEAR);
        } else {
            self.ready_later(at, when);
        }
    }

    /// The same, for a cycle that is far ahead. Apart, so that the usual way needs no registers for it.
    #[inline(never)]
    fn ready_later(&mut self, at: Position, when: Cycle) {
        self.wheel.put(when, super::Happening::Ready(self.window.name(at)));
    }
}
