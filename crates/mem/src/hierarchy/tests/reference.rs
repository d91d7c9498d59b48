//! Random traffic against a second, slow model of tags that shares no code with the first.

use super::coherence::check_invariants;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use stream::CacheOp;

/// A set-associative cache as lists: each set in order of use, the latest last.
struct ListCache {
    sets: Vec<Vec<(u64, char)>>,
    ways: usize,
}

impl ListCache {
    fn new(sets: usize, ways: usize) -> Self {
        Self { sets: vec![Vec::new(); sets], ways }
    }

    fn set(&mut self, line: u64) -> &mut Vec<(u64, char)> {
        let count = self.sets.len() as u64;
        &mut self.sets[(line % count) as usize]
    }

    fn state(&mut self, line: u64) -> Option<&mut char> {
        self.set(line).iter_mut().find(|entry| entry.0 == line).map(|entry| &mut entry.1)
    }

    fn take(&mut self, line: u64) -> Option<char> {
        let set = self.set(line);
        let at = set.iter().position(|entry| entry.0 == line)?;
        Some(set.remove(at).1)
    }

    /// Makes `line` the latest of its set; returns the oldest if the set overflows.
    fn put(&mut self, line: u64, state: char) -> Option<(u64, char)> {
        let ways = self.ways;
        let set = self.set(line);
        set.push((line, state));
        (set.len() > ways).then(|| set.remove(0))
    }
}

/// Two harts with first-level caches (instruction, data) over a non-inclusive last level.
pub(super) struct Lists {
    l1: [[ListCache; 2]; 2],
    llc: ListCache,
}

impl Lists {
    pub(super) fn new() -> Self {
        let l1 = || [ListCache::new(16, 4), ListCache::new(16, 4)];
        Self { l1: [l1(), l1()], llc: ListCache::new(64, 4) }
    }

    fn write_back(&mut self, line: u64) {
        self.llc.take(line);
        self.llc.put(line, 'M');
    }

    pub(super) fn access(&mut self, hart: usize, kind: AccessKind, line: u64) -> Level {
        let side = usize::from(kind != AccessKind::Instruction);
        let writes = kind == AccessKind::Store;
        let held = self.l1[hart][side].take(line);
        let mut others = Vec::new();
        if held.is_none() || writes && held == Some('S') {
            // Own sibling first, then the other hart, as requests meet them.
            others = vec![(hart, 1 - side), (1 - hart, 0), (1 - hart, 1)];
        }
        let mut shared = false;
        for (hart, side) in others {
            if let Some(state) = self.l1[hart][side].state(line) {
                let changed = *state == 'M';
                *state = 'S';
                shared = true;
                if writes {
                    self.l1[hart][side].take(line);
                }
                if changed {
                    self.write_back(line);
                }
            }
        }
        let (found, state) = match held {
            Some(state) => (Level::L1, state),
            None => {
                let found = match self.llc.take(line) {
                    Some(state) => {
                        self.llc.put(line, state);
                        Level::Llc
                    }
                    None => {
                        self.llc.put(line, 'E');
                        Level::Memory
                    }
                };
                (found, if shared || side == 0 { 'S' } else { 'E' })
            }
        };
        if let Some((victim, 'M')) = self.l1[hart][side].put(line, if writes { 'M' } else { state })
        {
            self.write_back(victim);
        }
        found
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) hart: u32,
    pub(super) kind: AccessKind,
    pub(super) line: u64,
}

/// Up to `count` accesses.
pub(super) fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        Just(AccessKind::Instruction),
        Just(AccessKind::Load),
        Just(AccessKind::Store),
        Just(AccessKind::Walk)
    ];
    // Few sets and many tags, so that every set overflows.
    let line = (0u64..4, 0u64..12).prop_map(|(set, tag)| set + 64 * tag);
    let step = (0u32..2, kind, line).prop_map(|(hart, kind, line)| Step { hart, kind, line });
    proptest::collection::vec(step, 1..count)
}

/// Plays `steps` on both models, timed or warming, and compares where each line was found.
fn compare(config: &HierarchyConfig, steps: &[Step], timed: bool) -> Result<(), TestCaseError> {
    let mut mem = Hierarchy::new(config);
    let mut lists = Lists::new();
    for (index, step) in steps.iter().enumerate() {
        let (hart, pa) = (HartId(step.hart), line(step.line));
        let found = if timed {
            mem.access(Cycle(index as u64 * 7), hart, step.kind, pa, PC).found
        } else {
            mem.warm(hart, step.kind, pa, PC)
        };
        let expected = lists.access(step.hart as usize, step.kind, step.line);
        prop_assert_eq!(found, expected, "step {}: {:?}", index, step);
    }
    check_invariants(&mem);
    Ok(())
}

/// A fixed workload that reuses lines in an order only true LRU keeps.
fn reuse() -> Vec<Step> {
    let load = |tag: u64| Step { hart: 0, kind: AccessKind::Load, line: 64 * tag };
    [0, 1, 2, 3, 1, 0, 3, 4, 2, 0, 3, 5, 1, 4, 0].map(load).to_vec()
}

proptest! {
    #[test]
    fn lines_are_where_the_reference_has_them(steps in steps(800)) {
        compare(&small(), &steps, false)?;
        compare(&small(), &steps, true)?;
    }

    #[test]
    fn warming_and_timing_leave_the_same_state_and_counts(steps in steps(800)) {
        for config in [small(), with_l2()] {
            let (mut warmed, mut timed) = (Hierarchy::new(&config), Hierarchy::new(&config));
            for (index, step) in steps.iter().enumerate() {
                let (hart, pa) = (HartId(step.hart), line(step.line));
                // Far enough apart that nothing waits: waits are all that timing adds.
                timed.access(Cycle(index as u64 * 1000), hart, step.kind, pa, PC);
                warmed.warm(hart, step.kind, pa, PC);
            }
            prop_assert_eq!(warmed.stats(), timed.stats());
        }
    }

    #[test]
    fn any_traffic_keeps_every_kind_of_hierarchy_coherent_and_its_books_balanced(
        steps in steps(800), inclusive in any::<bool>(), second_level in any::<bool>(),
        last_level in any::<bool>(), maintained in any::<bool>()
    ) {
        let mut config = if second_level { with_l2() } else { small() };
        if inclusive {
            for cache in config.caches.l2.iter_mut().chain(&mut config.caches.llc) {
                cache.inclusion = Inclusion::Inclusive;
            }
        }
        if !last_level {
            config.caches.llc = None;
        }
        let mut mem = Hierarchy::new(&config);
        for (index, step) in steps.iter().enumerate() {
            let (hart, pa, now) = (HartId(step.hart), line(step.line), Cycle(index as u64 * 7));
            let access = mem.access(now, hart, step.kind, pa, PC);
            prop_assert!(access.at > now);
            if maintained && index % 13 == 0 {
                let op = [CacheOp::Clean, CacheOp::Flush, CacheOp::Invalidate][index % 3];
                mem.maintain(now, hart, op, pa);
            }
            if index % 50 == 0 {
                check_invariants(&mem);
            }
        }
        check_invariants(&mem);
    }
}

#[test]
fn a_policy_that_is_not_lru_is_noticed() {
    assert!(compare(&small(), &reuse(), true).is_ok());
    for other in [ReplacementKind::TreePlru, ReplacementKind::Random] {
        let mut config = small();
        config.caches.l1d.replacement = other;
        assert!(compare(&config, &reuse(), true).is_err(), "{other:?} passed for LRU");
    }
}
