//! Random overlapping traffic over a memory of random latency: every request is answered once, lines
//! are where the blocking path has them, everything drains, the books balance.

use super::coherence::check_invariants;
use super::dram::over_dram;
use super::overlap::{assert_quiescent, drain, put_in};
use super::prefetch::{assert_prefetches_accounted_for, next_line};
use super::reference::{Lists, Step, steps};
use super::*;
use crate::memory::double::Behaviour;
use crate::reply::{Arrival, Reply, Ticket};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;
use stream::{FlushScope, Synthetic, Translate};

/// What is asked next, and how long after what was asked before.
#[derive(Clone, Copy, Debug)]
struct Event {
    step: Step,
    gap: u64,
    /// A translation of this page instead of an access.
    page: Option<(u64, Translate)>,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let what = prop_oneof![Just(Translate::Fetch), Just(Translate::Load), Just(Translate::Store)];
    let page = proptest::option::weighted(0.2, (0u64..24, what));
    let gap = prop_oneof![Just(0u64), 0u64..6, 0u64..200];
    steps(400).prop_flat_map(move |steps| {
        let with = steps.into_iter().map(Just).collect::<Vec<_>>();
        let count = with.len();
        let others = proptest::collection::vec((gap.clone(), page.clone()), count);
        (with, others).prop_map(|(steps, others)| {
            let both = steps.into_iter().zip(others);
            both.map(|(step, (gap, page))| Event { step, gap, page }).collect()
        })
    })
}

fn behaviours() -> impl Strategy<Value = (Behaviour, u32)> {
    let limits = (1usize..12, 1usize..6, 1u32..5);
    (1u64..150, 0u64..200, 0u64..60, limits).prop_map(|(latency, spread, notice, limits)| {
        let (reads, writes, buffers) = limits;
        let notice = notice.min(latency - 1);
        (Behaviour { latency, spread, notice, reads, writes }, buffers)
    })
}

/// Plays events and keeps account of the tickets.
struct Player {
    mem: Hierarchy,
    source: Synthetic,
    now: u64,
    /// Requests under way, and the earliest times at which they can be done.
    pending: BTreeMap<Ticket, u64>,
}

impl Player {
    fn new(config: &HierarchyConfig, (behaviour, buffers): (Behaviour, u32)) -> Self {
        let mut player = Self::as_configured(config);
        put_in(&mut player.mem, behaviour, buffers);
        player
    }

    fn as_configured(config: &HierarchyConfig) -> Self {
        let mem = Hierarchy::new(config);
        Self { mem, source: Synthetic::new(2), now: 0, pending: BTreeMap::new() }
    }

    /// Table entries are read by whoever counts them, where that matters to the books.
    fn kind(&self, event: &Event) -> AccessKind {
        match event.step.kind {
            AccessKind::Walk if self.mem.walks_below_l1() => AccessKind::Load,
            kind => kind,
        }
    }

    fn collect(&mut self) -> Result<(), TestCaseError> {
        for hart in [ONE, OTHER] {
            while let Some(arrival) = self.mem.next_arrival(hart) {
                let (ticket, at) = match arrival {
                    Arrival::Access(ticket, access) => (ticket, access.at.0),
                    Arrival::Translation(ticket, translation) => (ticket, translation.at.0),
                };
                let earliest = self.pending.remove(&ticket);
                prop_assert!(earliest.is_some_and(|earliest| at >= earliest), "{:?}", arrival);
            }
        }
        Ok(())
    }

    fn advance(&mut self, now: u64) -> Result<(), TestCaseError> {
        self.now = now;
        self.mem.advance(Cycle(now));
        self.collect()
    }

    /// Plays one event, asking again at memory's next event for as long as it is turned away;
    /// returns where an access found its line.
    fn play(&mut self, event: &Event) -> Result<(), TestCaseError> {
        self.advance(self.now + event.gap)?;
        let hart = HartId(event.step.hart);
        loop {
            let now = Cycle(self.now);
            let ticket = match event.page {
                Some((page, what)) => {
                    // Scattered pages, so that walks have entries of their own to read.
                    let place = (VirtAddr(page * 0x0820_0000_1000), 3);
                    match self.mem.demand_translation(now, hart, place, what, &mut self.source) {
                        Reply::Done(translation) => {
                            prop_assert!(translation.at >= now);
                            return Ok(());
                        }
                        Reply::Pending(ticket) => Some(ticket),
                        Reply::Busy => None,
                    }
                }
                None => {
                    let (kind, pa) = (self.kind(event), line(event.step.line));
                    match self.mem.demand(now, hart, kind, pa, PC) {
                        Reply::Done(access) => {
                            prop_assert!(access.at > now);
                            return Ok(());
                        }
                        Reply::Pending(ticket) => Some(ticket),
                        Reply::Busy => None,
                    }
                }
            };
            if let Some(ticket) = ticket {
                prop_assert_eq!(self.pending.insert(ticket, self.now), None, "{:?} twice", ticket);
                return Ok(());
            }
            let next = self.mem.next_event();
            prop_assert!(next.is_some(), "turned away with nothing under way");
            self.advance(next.expect("just seen").0)?;
        }
    }

    fn finish(&mut self) -> Result<(), TestCaseError> {
        drain(&mut self.mem);
        self.collect()?;
        prop_assert!(self.pending.is_empty(), "never answered: {:?}", self.pending);
        assert_quiescent(&self.mem);
        assert_prefetches_accounted_for(&self.mem);
        check_invariants(&self.mem);
        Ok(())
    }
}

/// Caches of every combination of inclusion, tight and wide.
pub(super) fn configs() -> impl Strategy<Value = HierarchyConfig> {
    let inclusion = || {
        prop_oneof![
            Just(Inclusion::NonInclusive),
            Just(Inclusion::Inclusive),
            Just(Inclusion::Exclusive)
        ]
    };
    let levels = (proptest::option::of(inclusion()), proptest::option::of(inclusion()));
    let walks = (1u32..4, any::<bool>());
    let options = (any::<bool>(), any::<[bool; 4]>());
    (levels, walks, 1u32..5, 1u32..5, options).prop_map(
        |((l2, llc), (walkers, below), mshrs, targets, (banked, prefetching))| {
            let mut config = with_l2();
            let caches = &mut config.caches;
            let set = |cache: &mut CacheConfig, inclusion| {
                cache.inclusion = inclusion;
                (cache.mshrs, cache.mshr_targets) = (mshrs, targets);
                cache.banks = banked.then_some(2);
            };
            set(&mut caches.l1i, Inclusion::NonInclusive);
            set(&mut caches.l1d, Inclusion::NonInclusive);
            for (level, inclusion) in [(&mut caches.l2, l2), (&mut caches.llc, llc)] {
                match inclusion {
                    Some(inclusion) => set(level.as_mut().expect("configured"), inclusion),
                    None => *level = None,
                }
            }
            let CachesConfig { l1i, l1d, l2, llc, .. } = &mut config.caches;
            let all = [Some(l1i), Some(l1d), l2.as_mut(), llc.as_mut()];
            for (cache, prefetches) in all.into_iter().zip(prefetching) {
                if let Some(cache) = cache.filter(|_| prefetches) {
                    cache.prefetcher = next_line();
                }
            }
            config.tlbs.walkers = walkers;
            config.tlbs.walk_through = if below { WalkThrough::BelowL1 } else { WalkThrough::L1d };
            config
        },
    )
}

proptest! {
    #[test]
    fn every_request_is_answered_once_and_the_memory_system_drains(
        config in configs(), behaviour in behaviours(), events in events()
    ) {
        let mut player = Player::new(&config, behaviour);
        for (index, event) in events.iter().enumerate() {
            player.play(event)?;
            if index % 97 == 0 {
                player.mem.flush_tlb(HartId(event.step.hart), FlushScope::Page(VirtAddr(0)));
            }
        }
        player.finish()?;
    }

    #[test]
    fn every_request_over_dram_is_answered_once_and_the_memory_system_drains(
        config in configs(), events in events()
    ) {
        let mut player = Player::as_configured(&over_dram(config));
        for event in &events {
            player.play(event)?;
        }
        player.finish()?;
    }

    #[test]
    fn warming_prefetches_what_timing_does_when_nothing_has_to_give_way(
        config in configs(), steps in steps(400)
    ) {
        let mut config = config;
        let CachesConfig { l1i, l1d, l2, llc, .. } = &mut config.caches;
        for cache in [l1i, l1d].into_iter().chain(l2).chain(llc) {
            (cache.mshrs, cache.banks) = (16, None);
        }
        config.tlbs.walk_through = WalkThrough::L1d;
        let (mut timed, mut warmed) = (Hierarchy::new(&config), Hierarchy::new(&config));
        for (index, step) in steps.iter().enumerate() {
            let (hart, pa) = (HartId(step.hart), line(step.line));
            timed.access(Cycle(index as u64 * 10_000), hart, step.kind, pa, PC);
            warmed.warm(hart, step.kind, pa, PC);
        }
        prop_assert_eq!(timed.stats(), warmed.stats());
        check_invariants(&warmed);
        assert_prefetches_accounted_for(&warmed);
    }

    #[test]
    fn overlapping_requests_find_their_lines_where_the_reference_has_them(
        behaviour in behaviours(), events in events()
    ) {
        let mut player = Player::new(&small(), behaviour);
        let mut lists = Lists::new();
        let mut found = [0u64; 4];
        for event in &events {
            let event = Event { page: None, ..*event };
            player.play(&event)?;
            found[lists.access(event.step.hart as usize, event.step.kind, event.step.line) as usize] += 1;
        }
        player.finish()?;
        let stats = player.mem.stats();
        let llc = stats.llc.as_ref().expect("configured");
        prop_assert_eq!(llc.hits.sum(), found[Level::Llc as usize]);
        prop_assert_eq!(llc.misses.sum(), found[Level::Memory as usize]);
        prop_assert_eq!(stats.memory.reads.get(), found[Level::Memory as usize]);
    }

    #[test]
    fn overlapping_and_blocking_leave_the_same_lines_and_counts(
        config in configs(), behaviour in behaviours(), events in events()
    ) {
        // A prefetch that finds no register free is dropped, which cannot be without time.
        let mut config = config;
        let CachesConfig { l1i, l1d, l2, llc, .. } = &mut config.caches;
        for cache in [l1i, l1d].into_iter().chain(l2).chain(llc) {
            cache.prefetcher = None;
        }
        let mut player = Player::new(&config, behaviour);
        let mut warmed = Hierarchy::new(&config);
        for event in &events {
            player.play(&Event { page: None, ..*event })?;
            let (hart, kind) = (HartId(event.step.hart), player.kind(event));
            warmed.warm(hart, kind, line(event.step.line), PC);
        }
        player.finish()?;
        for (one, other) in player.mem.harts.iter().zip(&warmed.harts) {
            for (one, other) in one.l1.iter().chain(&one.l2).zip(other.l1.iter().chain(&other.l2)) {
                prop_assert!(one.lines().eq(other.lines()));
            }
        }
    }
}
