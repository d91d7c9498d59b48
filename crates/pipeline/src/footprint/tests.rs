//! The sets are exact, and windows are told apart.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use stream::{Branch, BranchKind, PhysAddr, VirtAddr};

proptest! {
    #[test]
    fn the_set_answers_as_one_of_the_standard_library_over_many_generations(
        windows in vec(vec(0..20_000_u64, 0..400), 1..6),
        spread in prop_oneof![Just(1_u64), Just(64), Just(4096), Just(1 << 40)],
    ) {
        let mut set = Distinct::default();
        for window in windows {
            let (mut reference, mut recent) = (BTreeSet::new(), Recent::default());
            for member in window {
                let member = member * spread;
                prop_assert_eq!(set.contains(member), reference.contains(&member));
                prop_assert!(!recent.has(member) || set.contains(member));
                recent.put(member);
                prop_assert_eq!(set.insert(member), reference.insert(member));
                prop_assert!(set.contains(member));
            }
            prop_assert_eq!(set.len(), reference.len() as u64);
            set.clear();
            prop_assert_eq!(set.len(), 0);
        }
    }
}

proptest! {
    #[test]
    fn branches_count_once_by_place_and_once_when_taken(
        branches in vec((0..600_u64, any::<bool>()), 0..600),
    ) {
        let mut bench = Bench::default();
        let (mut places, mut taken_places) = (BTreeSet::new(), BTreeSet::new());
        for (place, taken) in branches {
            let pc = place * 6;
            let first = bench.footprint.touch_branch(pc, taken, Privilege::User, &mut bench.stats);
            prop_assert_eq!(first, places.insert(pc));
            if taken {
                taken_places.insert(pc);
            }
            let counts = &bench.stats.user;
            prop_assert_eq!(counts.static_branches.get(), places.len() as u64);
            prop_assert_eq!(counts.static_taken_branches.get(), taken_places.len() as u64);
        }
    }
}

#[test]
fn a_set_that_grows_keeps_its_members() {
    let mut set = Distinct::default();
    for member in 0..10 * Distinct::FIRST_BLOCKS as u64 {
        assert!(set.insert(member * 64));
    }
    assert!((0..10 * Distinct::FIRST_BLOCKS as u64).all(|member| set.contains(member * 64)));
    assert!(!set.contains(1));
}

/// A core's sets with its counters.
#[derive(Default)]
struct Bench {
    footprint: Footprint,
    stats: CoreStats,
}

impl Bench {
    fn touch(&mut self, instr: &Instr) -> bool {
        self.footprint.touch(instr, instr.privilege, &mut self.stats)
    }

    /// Distinct lines: of user and kernel, and the others of [`FootprintStats`](crate::FootprintStats).
    fn lines(&self, what: Touched) -> [u64; 5] {
        let sides = [&self.stats.user, &self.stats.kernel];
        let [user, kernel] = sides.map(|side| side.footprint[what].get());
        let total = &self.stats.footprint[what];
        [user, kernel, total.lines.get(), total.again.get(), total.before.get()]
    }
}

fn at(pc: u64, privilege: Privilege) -> Instr {
    Instr { pc: VirtAddr(pc), fetch_pa: PhysAddr(pc), len: 4, privilege, ..Instr::default() }
}

fn accessing(kind: MemKind, pa: u64, size: u8) -> Instr {
    let mem =
        MemAccess { va: VirtAddr(pa), pa: PhysAddr(pa), size, kind, io: false, translated: false };
    Instr { mem: Some(mem), ..at(0x1000, Privilege::User) }
}

#[test]
fn a_line_counts_once_for_the_privilege_that_touched_it_first() {
    let mut bench = Bench::default();
    bench.touch(&at(0x1000, Privilege::User));
    bench.touch(&at(0x1020, Privilege::Supervisor));
    bench.touch(&at(0x1040, Privilege::Supervisor));
    bench.touch(&at(0x1000, Privilege::User));
    assert_eq!(bench.lines(Touched::Instruction), [1, 1, 2, 0, 0]);
    assert_eq!(bench.lines(Touched::Data), [0; 5]);
}

#[test]
fn instructions_and_accesses_that_lie_in_two_lines_touch_both() {
    let mut bench = Bench::default();
    bench.touch(&at(0x103e, Privilege::User));
    assert_eq!(bench.lines(Touched::Instruction)[0], 2);
    bench.touch(&accessing(MemKind::Load, 0x203c, 8));
    assert_eq!(bench.lines(Touched::Data)[0], 2);
    let mut crossing = accessing(MemKind::Store, 0x4ffc, 4);
    crossing.mem_tail = accessing(MemKind::Store, 0x9000, 4).mem;
    bench.touch(&crossing);
    assert_eq!(bench.lines(Touched::Data)[0], 4);
}

#[test]
fn a_second_page_of_an_instruction_is_where_it_is_mapped() {
    let mut bench = Bench::default();
    let mut instr = at(0x1ffe, Privilege::User);
    instr.fetch_tail = Some(PhysAddr(0x8000));
    bench.touch(&instr);
    bench.touch(&at(0x8000, Privilege::User));
    assert_eq!(bench.lines(Touched::Instruction)[0], 2);
}

#[test]
fn devices_hints_and_cleaning_touch_nothing() {
    let mut bench = Bench::default();
    let mut device = accessing(MemKind::Load, 0x2000, 8);
    device.mem.as_mut().unwrap().io = true;
    bench.touch(&device);
    for op in [CacheOp::PrefetchRead, CacheOp::Flush, CacheOp::Clean] {
        bench.touch(&accessing(MemKind::Cache(op), 0x3000, 64));
    }
    assert_eq!(bench.lines(Touched::Data), [0; 5]);
    bench.touch(&accessing(MemKind::Cache(CacheOp::Zero), 0x3000, 64));
    assert_eq!(bench.lines(Touched::Data)[0], 1);
}

#[test]
fn a_window_knows_what_the_one_before_it_touched() {
    let mut bench = Bench::default();
    bench.touch(&at(0, Privilege::User));
    bench.footprint.begin_window(&mut bench.stats);
    assert_eq!(bench.lines(Touched::Instruction)[4], 0, "there was no window before");
    let jaccard = stats::derived(&bench.stats.footprint[Touched::Instruction]);
    assert_eq!(jaccard[0], ("jaccard".to_owned(), None));
    for line in [1, 2, 3, 4] {
        bench.touch(&at(line * 64, Privilege::User));
    }
    let before = bench.stats.clone();
    bench.footprint.begin_window(&mut bench.stats);
    for line in [3, 4, 5, 3, 5] {
        bench.touch(&at(line * 64, Privilege::User));
    }
    let window = stats::Stats::since(&bench.stats, &before);
    let lines = &window.footprint[Touched::Instruction];
    assert_eq!([lines.lines.get(), lines.again.get(), lines.before.get()], [3, 2, 4]);
    let jaccard = stats::derived(&window.footprint[Touched::Instruction]);
    assert_eq!(jaccard[0], ("jaccard".to_owned(), Some(2.0 / 5.0)));
    assert_eq!(window.audit(None), Vec::<String>::new());
    // Two windows on, the first is forgotten.
    bench.footprint.begin_window(&mut bench.stats);
    bench.footprint.begin_window(&mut bench.stats);
    bench.touch(&at(64, Privilege::User));
    assert_eq!(bench.stats.footprint[Touched::Instruction].again.get(), 2);
}

#[test]
fn a_branch_is_new_once_a_window_and_in_the_working_set_when_it_is_taken() {
    let mut bench = Bench::default();
    let branch = |pc, taken| {
        let branch = Branch { kind: BranchKind::Conditional, taken, target: VirtAddr(0) };
        Instr { branch: Some(branch), ..at(pc, Privilege::User) }
    };
    assert!(bench.touch(&branch(0x1000, false)));
    assert!(!bench.touch(&branch(0x1000, true)));
    assert!(bench.touch(&branch(0x1002, false)), "the next halfword is another branch");
    assert!(!bench.touch(&at(0x1000, Privilege::User)), "no branch");
    let counted = |bench: &Bench| {
        let user = &bench.stats.user;
        [user.static_branches.get(), user.static_taken_branches.get()]
    };
    assert_eq!(counted(&bench), [2, 1]);
    bench.footprint.begin_window(&mut bench.stats);
    assert!(bench.touch(&branch(0x1000, true)));
    assert_eq!(counted(&bench), [3, 2]);
}

#[test]
fn footprints_that_do_not_add_up_are_told_of() {
    let mut bench = Bench::default();
    bench.touch(&at(0x1000, Privilege::User));
    assert_eq!(bench.stats.audit(None), Vec::<String>::new());
    bench.stats.user.footprint[Touched::Instruction].inc();
    assert_eq!(bench.stats.audit(None).len(), 1);
}
