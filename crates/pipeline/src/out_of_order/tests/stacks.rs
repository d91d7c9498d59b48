//! Programs that wait for one thing, and where the stacks at issue and at commit say their time went.

use super::forms::straight;
use super::guesses::{guess_wrong, mispredicted};
use super::run::Bench;
use super::*;
use crate::IssueSlot;
use ::stats::Kind;

/// Slots at issue in a cycle of the narrow core of these tests.
const WIDTH: u64 = 4;

/// The counters of `program` after it has been run once.
fn warmed(core: &OutOfOrderConfig, program: &[Instr]) -> OutOfOrderStats {
    let mut bench = Bench::new(core, &hierarchy());
    bench.warm(program);
    counted(bench, program)
}

fn counted(mut bench: Bench, program: &[Instr]) -> OutOfOrderStats {
    bench.push(program);
    bench.run();
    let total = bench.core.stats.total();
    assert_eq!(bench.core.stats.audit(None), Vec::<String>::new());
    let ours = total.out_of_order.expect("counted");
    assert_eq!(ours.issue.sum(), WIDTH * total.cycles.get(), "slots at issue");
    ours
}

/// A chain of instructions, each of which waits for the one before it.
fn chain(count: u64, body: impl Fn(Instr, u64) -> Instr) -> Vec<Instr> {
    straight(count, |instr, n| reads(body(instr, n), 5, 5))
}

/// Short enough to stay in the reorder buffer; filling and draining the pipeline takes this many cycles.
const COUNT: u64 = 32;
const ENDS: u64 = 40;

/// All but the ends of the program goes to `what`, as far as the width leaves slots.
fn assert_most(ours: &OutOfOrderStats, what: IssueSlot, slots: u64) {
    let found = ours.issue[what].get();
    assert!(found <= slots && found + WIDTH * ENDS >= slots, "{what:?}: {found} of {slots}");
    let largest = IssueSlot::ALL.iter().max_by_key(|slot| ours.issue[**slot].get());
    assert_eq!(largest, Some(&what));
}

#[test]
fn a_chain_of_one_cycle_leaves_all_slots_but_one_to_dependence() {
    let ours = warmed(&config(), &chain(COUNT, |instr, _| instr));
    assert_eq!(ours.issue[IssueSlot::Base].get(), COUNT);
    // The last of the chain is issued with nothing behind it, the first with nothing before it.
    let expected = (COUNT - 2) * (WIDTH - 1);
    let found = ours.issue[IssueSlot::Dependence].get();
    assert!(found.abs_diff(expected) <= WIDTH, "{found} of {expected}");
}

#[test]
fn a_chain_of_divisions_waits_for_divisions_at_both_stages() {
    let ours = warmed(&config(), &chain(COUNT, |instr, _| of_class(instr, Class::IntDiv)));
    assert_most(&ours, IssueSlot::Divide, WIDTH * COUNT * 20);
    assert!(ours.spent[Spent::Divide].get() >= COUNT * 18, "{:?}", ours.spent);
    assert_eq!(ours.issue[IssueSlot::Execute].get(), 0);
}

#[test]
fn a_chain_of_multiplications_waits_for_their_execution() {
    let ours = warmed(&config(), &chain(COUNT, |instr, _| of_class(instr, Class::IntMul)));
    assert_most(&ours, IssueSlot::Execute, WIDTH * COUNT * 3);
    assert_eq!(ours.issue[IssueSlot::Divide].get(), 0);
}

#[test]
fn divisions_that_do_not_depend_on_each_other_wait_for_their_port() {
    let program = straight(COUNT, |instr, _| of_class(instr, Class::IntDiv));
    let ours = warmed(&config(), &program);
    assert_most(&ours, IssueSlot::Port, WIDTH * COUNT * 20);
    assert_eq!(ours.issue[IssueSlot::Dependence].get(), 0);
}

#[test]
fn a_pointer_chase_waits_for_the_level_that_has_its_lines() {
    let loads = |address: fn(u64) -> u64| {
        chain(COUNT, move |instr, n| access(instr, address(n), MemKind::Load))
    };
    let same = loads(|_| DATA);
    assert_most(&warmed(&config(), &same), IssueSlot::L1d, WIDTH * COUNT * 5);
    let apart = loads(|n| DATA + 4096 * 16 * n);
    let mut bench = Bench::new(&config(), &hierarchy());
    bench.warm_code(&apart);
    let ours = counted(bench, &apart);
    assert_most(&ours, IssueSlot::Memory, WIDTH * COUNT * 121);
    assert!(ours.spent[Spent::Memory].get() >= COUNT * 100);
}

#[test]
fn independent_instructions_leave_no_slot_while_there_are_any() {
    let program = straight(400, |instr, _| instr);
    let mut core = config();
    core.front.fetch_bytes = 64;
    let ours = warmed(&core, &program);
    assert_eq!(ours.issue[IssueSlot::Base].get(), 400);
    let waits = [IssueSlot::Dependence, IssueSlot::Execute, IssueSlot::L1d, IssueSlot::Memory];
    assert!(waits.iter().all(|wait| ours.issue[*wait].get() == 0), "{:?}", ours.issue);
}

#[test]
fn what_is_issued_beyond_the_width_takes_slots_of_the_next_cycles() {
    // Four a cycle find ports once the division they all wait for is done; rename is one wide.
    let mut core = config();
    core.rename_width = 1;
    let mut program = straight(21, |instr, _| reads(instr, 5, 6));
    program[0] = reads(of_class(program[0], Class::IntDiv), 0, 5);
    let mut bench = Bench::new(&core, &hierarchy());
    bench.warm(&program);
    bench.push(&program);
    bench.run();
    let with_slot = |bench: &Bench| {
        let total = bench.core.stats.total();
        let ours = total.out_of_order.expect("counted");
        assert_eq!(ours.issue.sum(), total.cycles.get());
        ours.issue[IssueSlot::Base].get()
    };
    let ahead = bench.core.issued_ahead[0];
    assert!(ahead >= 10, "{ahead}");
    assert_eq!(with_slot(&bench), 21 - ahead);
    bench.push(&straight(1, |instr, _| of_class(instr, Class::IntDiv)));
    bench.run();
    assert_eq!((bench.core.issued_ahead, with_slot(&bench)), ([0, 0], 22));
}

#[test]
fn a_wrong_path_takes_slots_of_its_own_and_the_squash_leaves_some_empty() {
    let wrong = straight(33, |instr, _| instr);
    let mut core = config();
    core.latency_cycles.insert(Class::Branch, 20);
    let bench = guess_wrong(&core, &hierarchy(), &mispredicted(8), &wrong[1..]);
    let ours = bench.core.stats.total().out_of_order.expect("counted");
    assert_eq!(ours.issue[IssueSlot::Base].get(), 9);
    assert!(ours.issue[IssueSlot::WrongPath].get() >= 20, "{:?}", ours.issue);
    assert!(ours.issue[IssueSlot::Resteer].get() >= WIDTH * 4, "{:?}", ours.issue);
}

#[test]
fn an_empty_core_whose_committed_stores_fill_the_queue_waits_for_stores() {
    let program = straight(200, |instr, n| access(instr, DATA + 64 * n, MemKind::Store));
    let mut mem = hierarchy();
    mem.caches.l1d.mshrs = 1;
    let mut bench = Bench::new(&config(), &mem);
    bench.warm_code(&program);
    let ours = counted(bench, &program);
    assert!(ours.lost[Lost::StoreQueueFull].get() > WIDTH * 10_000, "{:?}", ours.lost);
    assert!(ours.spent[Spent::Store].get() > 10_000, "{:?}", ours.spent);
    assert!(ours.issue[IssueSlot::Store].get() > WIDTH * 10_000, "{:?}", ours.issue);
    assert!(ours.spent[Spent::Front].get() < 200, "{:?}", ours.spent);
}

#[test]
fn a_line_that_a_prefetch_brings_too_late_is_told_from_one_that_nothing_asked_for() {
    let program = straight(800, |instr, _| instr);
    let lost = |prefetch| {
        let mut core = config();
        core.front.prefetch = prefetch;
        // Four lines ahead are sixteen cycles: less than memory takes.
        core.front.ftq = 4;
        counted(Bench::new(&core, &hierarchy()), &program).lost
    };
    let (alone, ahead) = (lost(false), lost(true));
    assert_eq!(alone[Lost::IcacheInFlight].get(), 0);
    assert!(alone[Lost::IcacheMemory].get() > 5_000, "{alone:?}");
    assert!(ahead[Lost::IcacheInFlight].get() > ahead[Lost::IcacheMemory].get(), "{ahead:?}");
    assert!(ahead[Lost::Branch].get() <= alone[Lost::Branch].get() + 100, "{ahead:?}");
}

#[test]
fn a_fetch_that_walks_is_told_from_one_that_the_second_level_tlb_serves() {
    // Two pages in turn, one entry in the instruction TLB.
    let page = |n: u64| {
        jump(alu(CODE + n % 2 * 0x1000), BranchKind::Jump, true, CODE + (n + 1) % 2 * 0x1000)
    };
    let program: Vec<_> = (0..40).map(|n| Instr { translated: true, ..page(n) }).collect();
    let lost = |second| {
        let mut mem = hierarchy();
        mem.tlbs.itlb.entries = 1;
        mem.tlbs.itlb.ways = 1;
        mem.tlbs.l2_tlb = second;
        let mut bench = Bench::new(&config(), &mem);
        bench.push(&program);
        bench.run();
        let ours = bench.core.stats.total().out_of_order.expect("counted");
        [Lost::Itlb, Lost::ItlbWalk].map(|cause| ours.lost[cause].get())
    };
    let [itlb, walks] = lost(None);
    assert_eq!(itlb, 0);
    assert!(walks > 0);
    let mut second = hierarchy().tlbs.itlb;
    second.latency_cycles = 9;
    // The two walks there are lie behind refills.
    let [itlb, fewer_walks] = lost(Some(second));
    assert!(itlb > 0 && fewer_walks < walks / 10, "{itlb} {fewer_walks} {walks}");
}
