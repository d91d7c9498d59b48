use super::super::contract::Bench;
use super::*;

fn bench(config: IgniteConfig) -> Bench<Ignite> {
    Bench::new(&config)
}

/// Numbers of lines of a chain of branches.
fn chain(count: u64) -> impl Iterator<Item = u64> + Clone {
    (0..=count).map(|step| 0x1_0000 + 3 * step)
}

#[test]
fn the_published_unit_has_the_storage_that_the_paper_says() {
    let unit = Ignite::new(&IgniteConfig::default(), HartId(0));
    // 1.66 KiB.
    let kib = unit.storage_bits() as f64 / 8.0 / 1024.0;
    assert!((1.65..1.70).contains(&kib), "{kib}");
}

#[test]
fn branches_come_back_before_they_are_met() {
    let mut bench = bench(IgniteConfig::default());
    bench.invoke(chain(100));
    assert_eq!(bench.unit.stats().uncovered.get(), 100);
    bench.lose();
    bench.unit.begin();
    bench.run();
    for line in chain(99) {
        let pc = VirtAddr(line * 64 + 60);
        let known = bench.predictor.look_up(pc).expect("it was restored");
        assert_eq!(known.target.0, (line + 3) * 64);
        let guess = bench.predictor.predict(pc, known.kind, known.target, VirtAddr(pc.0 + 4), None);
        assert!(guess.taken, "its counter is weakly taken");
        bench.predictor.squash_to(&guess.record, None);
    }
    // Three of four branches lie two lines behind the last target: too far for 7 bits.
    let stats = bench.unit.stats();
    assert_eq!((stats.branches.get(), stats.directions.get()), (100, 100));
    assert_eq!(stats.prefetches.get(), 100, "the lines of the branches");
    assert!(bench.stats().harts[0].itlb.misses.get() > 0, "translations go through the TLB");
}

#[test]
fn live_branches_are_recorded_again_and_dead_ones_drop_out() {
    let mut bench = bench(IgniteConfig::default());
    bench.invoke(chain(100));
    for (invocation, restored) in [(1, 100), (2, 60), (3, 60)] {
        bench.lose();
        let before = bench.unit.stats();
        bench.invoke(chain(60));
        let window = bench.unit.stats().since(&before);
        assert_eq!(window.branches.get(), restored, "invocation {invocation}");
        assert_eq!((window.used.get(), window.uncovered.get()), (60, 0));
    }
}

#[test]
fn the_bimodal_table_can_be_left_alone() {
    let mut bench = bench(IgniteConfig { restore_bimodal: false, ..IgniteConfig::default() });
    bench.invoke(chain(10));
    bench.lose();
    bench.invoke([]);
    let stats = bench.unit.stats();
    assert_eq!((stats.branches.get(), stats.directions.get()), (10, 0));
}

#[test]
fn replay_waits_while_too_many_restored_branches_are_unused() {
    let mut bench = bench(IgniteConfig { throttle_entries: 20, ..IgniteConfig::default() });
    bench.invoke(chain(100));
    bench.lose();
    bench.unit.begin();
    let step = |bench: &mut Bench<Ignite>, cycles| {
        for _ in 0..cycles {
            bench.step();
            bench.now += 1;
        }
    };
    step(&mut bench, 20_000);
    assert_eq!(bench.unit.stats().branches.get(), 21, "one more than twenty");
    // Ten are used: ten more may come.
    bench.fetch(chain(10));
    step(&mut bench, 20_000);
    assert_eq!(bench.unit.stats().branches.get(), 31);
    assert_eq!(bench.predictor.unused_restored(), 21);
    assert!(bench.unit.stats().throttled_cycles.get() > 30_000);
    assert_eq!(bench.unit.stats().displaced.get(), 0);
}

#[test]
fn a_restored_branch_that_was_displaced_is_not_waited_for() {
    let mut bench = bench(IgniteConfig { throttle_entries: 20, ..IgniteConfig::default() });
    bench.invoke(chain(100));
    bench.lose();
    bench.unit.begin();
    for _ in 0..20_000 {
        bench.step();
        bench.now += 1;
    }
    let restored: Vec<_> = chain(100).map(|line| VirtAddr(line * 64 + 60)).collect();
    restored[..21].iter().for_each(|pc| bench.predictor.forget_target(*pc));
    for _ in 0..20_000 {
        bench.step();
        bench.now += 1;
    }
    let stats = bench.unit.stats();
    assert_eq!((stats.branches.get(), stats.displaced.get()), (42, 21));
}
