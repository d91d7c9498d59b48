//! What every prefetcher must do, whatever its idea. [`prefetcher_contract!`](crate::prefetcher_contract)
//! makes tests of it.

use super::{Observed, Pages, Prefetcher, Requests};
use crate::{AccessKind, Cycle, Problems};
use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use stream::{LineAddr, VirtAddr};

/// Makes one test of each clause of the contract, for the type given.
#[macro_export]
macro_rules! prefetcher_contract {
    ($type:ty) => {
        $crate::prefetcher_contract! { $type:
            the_default_configuration_is_valid
            the_same_accesses_give_the_same_requests
            requests_stay_in_the_page_of_the_access
            no_line_is_asked_for_twice_or_by_its_own_access
            random_traffic_causes_no_more_requests_than_a_stream
            a_sequential_stream_is_covered_at_least_in_part
            time_may_stand_still
            fills_that_it_does_not_see_change_nothing
        }
    };
    ($type:ty: $($clause:ident)+) => {
        $(#[test]
        fn $clause() {
            $crate::prefetch::contract::$clause::<$type>();
        })+
    };
}

/// A cache that never evicts and whose lines take the same time from everywhere.
#[derive(Debug)]
pub(crate) struct Bench<P> {
    pub(crate) prefetcher: P,
    pages: Pages,
    latency: u64,
    /// Lines present or outstanding, with whether they are prefetched and yet unused.
    lines: BTreeMap<LineAddr, bool>,
    outstanding: VecDeque<(Cycle, LineAddr, bool)>,
    /// First uses of prefetched lines, whether they had arrived or not.
    pub(crate) covered: usize,
    loads: u64,
    /// The prefetcher is told of what arrives.
    tells: bool,
}

impl<P: Prefetcher> Bench<P> {
    pub(crate) fn new(config: &P::Config, line_bytes: u64, latency: u64) -> Self {
        let pages = Pages::of_lines(line_bytes);
        let prefetcher = P::new(config, pages);
        let (lines, outstanding) = (BTreeMap::new(), VecDeque::new());
        Self { prefetcher, pages, latency, lines, outstanding, covered: 0, loads: 0, tells: true }
    }

    fn published() -> Self {
        Self::new(&P::Config::default(), 64, 100)
    }

    /// Makes a load; returns the lines the prefetcher asks for.
    pub(crate) fn load(&mut self, now: u64, pc: u64, line: u64) -> Vec<LineAddr> {
        let (now, line) = (Cycle(now), LineAddr(line));
        while let Some(&(at, line, prefetched)) = self.outstanding.front()
            && at <= now
        {
            self.outstanding.pop_front();
            if self.tells {
                self.prefetcher.filled(line, at, prefetched);
            }
        }
        let before = self.lines.insert(line, false);
        self.loads += 1;
        let (hit, first_use) = (before.is_some(), before == Some(true));
        self.covered += usize::from(first_use);
        let (pc, kind) = (VirtAddr(pc), AccessKind::Load);
        let mut requests = Requests::new(self.pages);
        requests.begin(line);
        let access = Observed { now, pc, line, kind, hit, first_use };
        self.prefetcher.observe(&access, &mut requests);
        if !hit {
            self.outstanding.push_back((now + self.latency, line, false));
        }
        for &line in requests.lines() {
            if let Entry::Vacant(absent) = self.lines.entry(line) {
                absent.insert(true);
                self.outstanding.push_back((now + self.latency, line, true));
            }
        }
        requests.lines().to_vec()
    }
}

/// A fixed, scattered sequence of numbers.
fn scattered(step: u64) -> u64 {
    let mixed = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 17
}

/// Streams, strides and noise from several instructions: time, pc and line.
fn mixture(step: u64) -> (u64, u64, u64) {
    let (pc, turn) = (0x1_0000 + step % 5 * 4, step / 5);
    let line = match step % 5 {
        0 => 0x1000 + turn,
        1 => 0x80_0000 + turn * 3,
        2 => 0x200_0000 - turn * 2,
        3 => 0x300_0000 + scattered(step) % 256,
        _ => scattered(step) % (1 << 40),
    };
    (step * 30, pc, line)
}

/// The default, published parameters can be built.
pub fn the_default_configuration_is_valid<P: Prefetcher>() {
    let mut problems = Problems::default();
    P::validate(&P::Config::default(), "prefetcher", &mut problems);
    assert_eq!(problems.0, []);
}

/// No run differs from another.
pub fn the_same_accesses_give_the_same_requests<P: Prefetcher>() {
    let run = || {
        let mut bench = Bench::<P>::published();
        (0..20_000).map(mixture).map(|(at, pc, line)| bench.load(at, pc, line)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

/// Lines of other pages are never asked for, whatever the size of a line.
pub fn requests_stay_in_the_page_of_the_access<P: Prefetcher>() {
    for line_bytes in [16, 32, 64, 128, 256] {
        let mut bench = Bench::<P>::new(&P::Config::default(), line_bytes, 100);
        for (at, pc, line) in (0..20_000).map(mixture) {
            for request in bench.load(at, pc, line) {
                let page = |line| line * line_bytes / 4096;
                assert_eq!(page(request.0), page(line), "{request:?} for {line:#x}");
            }
        }
    }
}

/// Requests are useful in themselves.
pub fn no_line_is_asked_for_twice_or_by_its_own_access<P: Prefetcher>() {
    let mut bench = Bench::<P>::published();
    for (at, pc, line) in (0..20_000).map(mixture) {
        let mut requests = bench.load(at, pc, line);
        requests.push(LineAddr(line));
        let count = requests.len();
        requests.sort_unstable();
        requests.dedup();
        assert_eq!(requests.len(), count, "for line {line:#x}");
    }
}

/// Where there is nothing to learn it does not flood the memory.
pub fn random_traffic_causes_no_more_requests_than_a_stream<P: Prefetcher>() {
    let run = |line: fn(u64) -> u64| {
        let mut bench = Bench::<P>::published();
        let loads = (0..20_000).map(|step| bench.load(step * 30, 0x1_0000, line(step)).len());
        loads.fold((0, 0), |(sum, most), count| (sum + count, most.max(count)))
    };
    let ((random, _), (_, most)) = (run(|step| scattered(step) % (1 << 40)), run(|step| step));
    assert!(most <= Requests::CAPACITY);
    assert!(
        random <= most * 20_000,
        "{random} requests for 20000 loads, at most {most} in a stream"
    );
}

/// Of a sequential stream, each line loaded twice, it fetches a third of the lines or more.
pub fn a_sequential_stream_is_covered_at_least_in_part<P: Prefetcher>() {
    let covered = covered::<P>(100, |step| step * 20);
    assert!(covered >= 10_000 / 3, "{covered} of 10000 lines");
}

/// Warming mode shows all accesses and fills at the same time; it learns there too.
pub fn time_may_stand_still<P: Prefetcher>() {
    let covered = covered::<P>(0, |_| 7);
    assert!(covered >= 10_000 / 3, "{covered} of 10000 lines");
}

/// A prefetcher that need not be told of fills asks for the same without.
pub fn fills_that_it_does_not_see_change_nothing<P: Prefetcher>() {
    let run = |tells| {
        let mut bench = Bench::<P> { tells, ..Bench::published() };
        (0..20_000).map(mixture).map(|(at, pc, line)| bench.load(at, pc, line)).collect::<Vec<_>>()
    };
    assert!(P::SEES_FILLS || run(true) == run(false));
}

/// The lines covered of 10000, after 20000 to learn from.
fn covered<P: Prefetcher>(latency: u64, time: fn(u64) -> u64) -> usize {
    let mut bench = Bench::<P>::new(&P::Config::default(), 64, latency);
    let mut covered_by = |loads: u64| {
        while bench.loads < loads {
            bench.load(time(bench.loads), 0x1_0000, 0x1000 + bench.loads / 2);
        }
        bench.covered
    };
    let learning = covered_by(40_000);
    covered_by(60_000) - learning
}
