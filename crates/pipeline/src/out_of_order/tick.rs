//! One cycle.

use super::front::Front;
use super::ready::NEAR;
use super::slot::NEVER;
use super::stats::Spent;
use super::targets::{Line, Translating};
use super::{Claimant, Happening, OutOfOrder};
use crate::Stream;
use mem::{Arrival, Cycle, Hierarchy, Ticket};
use stream::{Source, Translate};

/// Cycles without a commit after which something is broken: a thousand times the longest wait that a
/// memory system of today has.
const PATIENCE: u64 = 2_000_000;

impl OutOfOrder {
    /// Lets a cycle pass, and those after it in which nothing can happen. Returns the instructions
    /// that committed.
    pub(super) fn tick(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> u64 {
        self.progress_without_instruction = false;
        // Fetch may enter another privilege: the whole cycle belongs to the one it began at, as its slots.
        let privilege = self.privilege;
        mem.advance(self.now);
        // First, as what arrives in this cycle makes others ready in the next.
        let mut active = self.take_ready();
        active |= self.take_arrivals(mem);
        active |= self.take_happenings(source, mem);
        let committed = self.commit(source);
        active |= committed > 0;
        active |= self.write_stores(mem);
        let issued = self.issue(source, mem);
        let renamed = self.rename();
        active |= issued.any | (renamed.taken > 0);
        active |= self.decode(source);
        active |= self.fetch(source, mem);
        active |= self.predict(source, mem);
        active |= self.restore(source, mem);
        active |= self.progress_without_instruction;
        let spent = if committed > 0 { Spent::Base } else { self.why_no_commit() };
        let skipped = if active || self.waiting.is_some() { 0 } else { self.skip(mem) };
        let stats = self.stats.at(privilege);
        stats.cycles.add(1 + skipped);
        let ours = stats.out_of_order_mut();
        ours.spent[spent].inc();
        issued.count(ours);
        renamed.count(ours);
        if let Some(profile) = &mut self.profile {
            profile.pass(1 + skipped, privilege);
        }
        self.now += 1 + skipped;
        committed
    }

    fn take_arrivals(&mut self, mem: &mut Hierarchy) -> bool {
        let mut any = false;
        while let Some(arrival) = mem.next_arrival(self.hart) {
            any = true;
            let (Arrival::Access(ticket, _) | Arrival::Translation(ticket, _)) = arrival;
            let Some(index) = self.claims.iter().position(|(held, _)| *held == ticket) else {
                self.tell_restoration(&arrival);
                continue;
            };
            let (_, claimant) = self.claims.swap_remove(index);
            self.take_arrival(arrival, claimant, ticket, mem);
        }
        any
    }

    fn take_arrival(
        &mut self,
        arrival: Arrival,
        claimant: Claimant,
        ticket: Ticket,
        mem: &Hierarchy,
    ) {
        match (arrival, claimant) {
            (Arrival::Access(_, access), claimant) => {
                let stream = match claimant {
                    Claimant::FetchLine => Stream::Instruction,
                    _ => Stream::Data,
                };
                self.count_access(access.found, stream);
                match claimant {
                    Claimant::FetchLine => {
                        let known = Line::Known(access.at, access.found);
                        self.line_arrived(ticket, known);
                    }
                    Claimant::Data(name) => {
                        if let Some(at) = self.window.find(name) {
                            self.data_arrived(at, access.at, access.found, mem);
                        }
                    }
                    Claimant::Store(name) => self.store_arrived(name, access.at),
                    _ => {}
                }
            }
            (Arrival::Translation(_, translation), claimant) => match claimant {
                Claimant::FetchTranslation => {
                    self.count_translation(&translation, Translate::Fetch);
                    self.fetch_translated(ticket, &translation);
                }
                Claimant::Translation(name, what) => {
                    self.count_translation(&translation, what);
                    if let Some(at) = self.window.find(name) {
                        self.page_arrived(at, translation.at);
                    }
                }
                _ => {}
            },
        }
    }

    fn line_arrived(&mut self, ticket: Ticket, known: Line) {
        let pending = |line: Line| matches!(line, Line::Pending(held) if held == ticket);
        if let Some(target) = self.front.targets.find_mut(|target| pending(target.line)) {
            target.line = known;
            // A line that is there is answered for at once.
            target.in_flight = true;
        }
    }

    fn fetch_translated(&mut self, ticket: Ticket, translation: &mem::Translation) {
        let pending = |t: Translating| matches!(t, Translating::Pending(held) if held == ticket);
        let target = self.front.targets.find_mut(|target| pending(target.translation));
        if let Some(target) = target {
            target.translation = Translating::Known(translation.at, translation.pa);
            target.walked = true;
            let start = target.start();
            self.remember_fetch_page(start, translation.pa);
        }
    }

    /// Shows the schedulers what is ready from this cycle on.
    #[inline]
    fn take_ready(&mut self) -> bool {
        let cycle = 1 << (self.now.0 % NEAR);
        let any = self.soon & cycle != 0;
        if any {
            self.soon &= !cycle;
            self.schedulers.iter_mut().for_each(|scheduler| scheduler.ready.take_in(self.now));
        }
        any
    }

    fn take_happenings(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        self.wheel.take(self.now, &mut self.happening);
        let any = !self.happening.is_empty();
        if any {
            let mut happening = std::mem::take(&mut self.happening);
            for &what in &happening {
                self.happen(what, source, mem);
            }
            happening.clear();
            self.happening = happening;
        }
        any
    }

    fn happen(&mut self, what: Happening, source: &mut dyn Source, mem: &mut Hierarchy) {
        let (Happening::Ready(name)
        | Happening::Resolve(name)
        | Happening::Access(name)
        | Happening::Translate(name)) = what
        else {
            return;
        };
        let Some(at) = self.window.find(name) else { return };
        match what {
            Happening::Ready(_) => self.may_be_issued(at),
            Happening::Resolve(_) => {
                if let Some(wrong) = self.window.get(at).wrong {
                    self.resolve(at, wrong.cause, source);
                }
            }
            Happening::Access(_) => self.access(at, source, mem),
            Happening::Translate(_) => self.begin_access(at, self.now, source, mem),
            Happening::Wake => {}
        }
    }

    /// Counts the cycles from the next on in which nothing can happen; returns how many. What others
    /// do when the step must end (an interrupt, a request of another hart to memory that both share)
    /// may change what happens here, so it ends there.
    fn skip(&mut self, mem: &Hierarchy) -> u64 {
        let Some(next) = self.next_activity(mem) else { return 0 };
        let cycles = next.min(self.until).0.saturating_sub(self.now.0 + 1);
        if cycles == 0 {
            return 0;
        }
        let (why, width) = (self.last_lost, u64::from(self.config.rename_width));
        let stats = self.stats.at(self.privilege).out_of_order_mut();
        stats.slots.add(width * cycles);
        stats.lost[why].add(width * cycles);
        self.spend(self.now + 1, cycles);
        let reason = self.front.log[self.now.0 as usize % Front::LOG];
        for ahead in 1..=cycles.min(Front::LOG as u64) {
            // The latest cycles are the ones that will be asked for.
            let cycle = self.now.0 + 1 + cycles - ahead;
            self.front.log[cycle as usize % Front::LOG] = reason;
        }
        cycles
    }

    /// Counts what `cycles` cycles from `first` on, in which nothing happens, are spent on at commit and
    /// at issue. What is waited for goes from one wait to the next even so.
    fn spend(&mut self, first: Cycle, cycles: u64) {
        let (now, end) = (self.now, first + cycles);
        self.now = first;
        self.find_oldest_unissued();
        while self.now < end {
            let until = self.next_wait().min(end);
            let (why, cycles) = (self.why_no_commit(), until - self.now);
            let issued = self.issued(cycles, [0, 0]);
            let stats = self.stats.at(self.privilege).out_of_order_mut();
            stats.spent[why].add(cycles);
            issued.count(stats);
            self.now = until;
        }
        self.now = now;
    }

    /// When what commit or issue waits for next gets further on its own: it is translated, or has its
    /// result.
    fn next_wait(&self) -> Cycle {
        let later = |at: Cycle| if at > self.now { at } else { NEVER };
        let mut next = NEVER;
        if self.window.in_rob() > 0 {
            let oldest = self.window.get(self.window.head);
            next = later(oldest.done_at).min(later(oldest.translated_at()));
        }
        match self.awaited_by_issue() {
            Some(producer) => next.min(later(producer.translated_at())),
            None => next,
        }
    }

    /// The first cycle after this one in which something may happen.
    fn next_activity(&self, mem: &Hierarchy) -> Option<Cycle> {
        let now = self.now;
        let mut next = NEVER;
        let mut consider = |at: Cycle| {
            if at > now && at < next {
                next = at;
            }
        };
        self.wheel.next().map(&mut consider);
        if self.soon != 0 {
            let ahead = self.soon.rotate_right(((now.0 + 1) % NEAR) as u32).trailing_zeros();
            consider(now + 1 + u64::from(ahead));
        }
        if let Some(at) = mem.next_event() {
            consider(at.max(now + 1));
        }
        let window = &self.window;
        if window.in_rob() > 0 && window.get(window.head).done_at != NEVER {
            let latency = u64::from(self.config.execute_to_commit_cycles);
            consider(window.get(window.head).done_at + latency);
        }
        if window.renamed < window.decoded {
            consider(window.get(window.renamed).rename_at);
        }
        consider(self.recovered_at);
        if let Some(restoring) = &self.restoring {
            restoring.next_at(now).map(&mut consider);
        }
        if window.decoded < window.tail {
            consider(window.get(window.decoded).decode_at);
        }
        consider(self.stores.next_retirement());
        for scheduler in self.schedulers.iter().filter(|scheduler| !scheduler.ready.is_empty()) {
            scheduler.busy_until.iter().copied().for_each(&mut consider);
        }
        self.front.targets.next_times().into_iter().for_each(&mut consider);
        if self.front.halt.is_some() {
            if self.front.resume_at != NEVER {
                consider(self.front.resume_at);
            }
        } else if self.front.predict.is_some() {
            consider(self.front.predict_at);
        }
        // The reason of what is lost may change when the front end's past reaches rename.
        if self.last_lost.side() == super::stats::Side::Front {
            let past = (now.0 + 1).saturating_sub(self.front_depth)..=now.0;
            let log = |cycle: u64| self.front.log[cycle as usize % Front::LOG];
            if let Some(cycle) = past.into_iter().find(|&cycle| log(cycle) != self.last_lost) {
                consider(Cycle(cycle + self.front_depth));
            }
        }
        (next != NEVER).then_some(next)
    }

    /// Whether the simulation would never end. A core whose source has nothing to execute only waits.
    pub(super) fn is_stuck(&self) -> bool {
        self.now - self.last_commit >= PATIENCE && self.waiting.is_none()
    }

    /// What the core holds and what it waits for.
    pub(super) fn describe(&self) -> String {
        let window = &self.window;
        let mut text = format!(
            "hart {} has committed nothing since cycle {} (now {}): {} in the reorder buffer, {} in the front end, {} loads, {} stores, {} requests to memory under way, halt {:?}",
            self.hart.0,
            self.last_commit.0,
            self.now.0,
            window.in_rob(),
            window.tail - window.renamed,
            self.loads.len(),
            self.stores.len(),
            self.claims.len(),
            self.front.halt,
        );
        if !window.is_empty() {
            let slot = window.get(window.head);
            text += &format!(
                "; the oldest is {:?} at {:?}: fetched {}, renamed {:?}, {} operands missing, issued {:?}, access {:?}",
                slot.instr.class,
                slot.instr.pc,
                slot.fetched_at.0,
                slot.renamed_at,
                slot.waiting,
                slot.issued_at,
                slot.access,
            );
        }
        text
    }
}
