//! Requests for fetch targets: their translation, and their bytes from the instruction cache.
//!
//! Targets are translated and requested in order, one a cycle each; with fetch-directed prefetching
//! translation runs ahead over the whole queue and starts fills. Requests of hits overlap, as a
//! pipelined cache allows; behind a miss none is made.
//!
//! Left out: the bytes of an instruction that reaches over the end of a target with no branch are not
//! waited for; they are part of the next target.

use super::targets::{Line, Translating};
use super::{Claimant, OutOfOrder};
use crate::Stream;
use mem::{AccessKind, Hierarchy, Level, Reply};
use stream::{PhysAddr, Source, Translate, VirtAddr};

impl OutOfOrder {
    /// Translates the next target, and prefetches it if that is configured.
    pub(super) fn translate_targets(
        &mut self,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> bool {
        let targets = &self.front.targets;
        let (place, prefetch) = (targets.translated, self.config.front.prefetch);
        let Some(target) = targets.untranslated() else { return false };
        if !prefetch && place > targets.requested {
            return false;
        }
        let start = target.start();
        let translation = match self.known_fetch_address(start) {
            Some(pa) => Some(Translating::Known(self.now, Some(pa))),
            // One translation at a time: the next waits for this one.
            None if targets.before(place).is_some_and(|t| t.translation.is_pending()) => None,
            None => self.ask_for_translation(start, source, mem),
        };
        let Some(translation) = translation else { return false };
        self.front.targets.get_mut(place).translation = translation;
        self.front.targets.translated += 1;
        if prefetch
            && self.front.targets.before(place).is_some()
            && let Translating::Known(_, Some(pa)) = translation
        {
            mem.prefetch_instruction(self.now, self.hart, pa, start);
        }
        true
    }

    /// The physical address of `va` where no TLB need be asked: it is not translated, or lies in the
    /// page translated last.
    #[inline]
    fn known_fetch_address(&self, va: VirtAddr) -> Option<PhysAddr> {
        // A perfect front end needs no address: every fetch hits.
        if !self.fetch_translated || self.perfect_front {
            return Some(PhysAddr(va.0));
        }
        let (page, pa) = self.last_fetch_page?;
        (page == va.0 >> 12).then_some(PhysAddr(pa.0 | va.0 & 0xfff))
    }

    /// Asks for the translation of a fetch address; nothing comes of it while the walker is taken.
    #[inline(never)]
    fn ask_for_translation(
        &mut self,
        va: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> Option<Translating> {
        let what = (va, self.asid);
        match mem.demand_translation(self.now, self.hart, what, Translate::Fetch, source) {
            Reply::Done(translation) => {
                self.count_translation(&translation, Translate::Fetch);
                let place = self.front.targets.translated;
                self.front.targets.get_mut(place).walked = !translation.reads().is_empty();
                self.remember_fetch_page(va, translation.pa);
                Some(Translating::Known(translation.at, translation.pa))
            }
            Reply::Pending(ticket) => {
                self.claims.push((ticket, Claimant::FetchTranslation));
                Some(Translating::Pending(ticket))
            }
            Reply::Busy => {
                self.wake_at(self.now + 1);
                None
            }
        }
    }

    /// The page of the latest fetch translation: targets in it need no other.
    pub(super) fn remember_fetch_page(&mut self, va: VirtAddr, pa: Option<PhysAddr>) {
        self.last_fetch_page = pa.map(|pa| (va.0 >> 12, PhysAddr(pa.0 & !0xfff)));
    }

    /// Requests the bytes of the next target that is translated.
    pub(super) fn request_lines_of_targets(&mut self, mem: &mut Hierarchy) -> bool {
        let targets = &self.front.targets;
        let place = targets.requested;
        if place >= targets.translated {
            return false;
        }
        let target = targets.get(place);
        let Translating::Known(at, pa) = target.translation else { return false };
        if at > self.now || targets.before(place).is_some_and(|before| self.holds_up(before.line)) {
            return false;
        }
        let (line, in_flight) = match pa {
            Some(pa) => match self.request_line(target.start(), pa, mem) {
                Some(found) => found,
                None => return false,
            },
            // No page: fetch will see what the source says.
            None => (Line::Known(self.now, Level::L1), false),
        };
        let target = self.front.targets.get_mut(place);
        (target.line, target.in_flight) = (line, in_flight);
        self.front.targets.requested += 1;
        true
    }

    /// Whether no request follows that of `line` yet: behind a miss the pipeline of the cache stands
    /// still.
    #[inline]
    fn holds_up(&self, line: Line) -> bool {
        !matches!(line, Line::Known(at, level) if level == Level::L1 || at <= self.now)
    }

    /// Requests the bytes of the target at `pc`, and says whether they were on their way already;
    /// nothing comes of it while the cache is taken.
    fn request_line(
        &mut self,
        pc: VirtAddr,
        pa: PhysAddr,
        mem: &mut Hierarchy,
    ) -> Option<(Line, bool)> {
        match mem.demand(self.now, self.hart, AccessKind::Instruction, pa, pc) {
            Reply::Done(access) => {
                self.count_access(access.found, Stream::Instruction);
                self.tell_of_fetch(pc, access.found != Level::L1);
                let there = self.now + mem.instruction_hit_cycles(self.hart);
                Some((Line::Known(access.at, access.found), access.at > there))
            }
            Reply::Pending(ticket) => {
                self.tell_of_fetch(pc, true);
                self.claims.push((ticket, Claimant::FetchLine));
                Some((Line::Pending(ticket), false))
            }
            Reply::Busy => {
                self.wake_at(self.now + 1);
                None
            }
        }
    }
}
