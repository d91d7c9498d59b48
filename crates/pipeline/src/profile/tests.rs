//! Tests with made-up streams: every count is derived by hand.

use super::*;
use stream::{Branch, Operands};

const THREAD: u64 = 0xffff_ffd8_0000_1000;
const OTHER: u64 = 0xffff_ffd8_0000_2000;

fn at(pc: u64, privilege: Privilege) -> Instr {
    Instr { pc: VirtAddr(pc), len: 4, privilege, ..Instr::default() }
}

fn user(pc: u64) -> Instr {
    at(pc, Privilege::User)
}

fn kernel(pc: u64) -> Instr {
    at(pc, Privilege::Supervisor)
}

fn branch(instr: Instr, kind: BranchKind, target: u64) -> Instr {
    let branch = Branch { kind, taken: true, target: VirtAddr(target) };
    Instr { branch: Some(branch), ..instr }
}

fn call(pc: u64, target: u64) -> Instr {
    branch(user(pc), BranchKind::Call, target)
}

fn ret(pc: u64, target: u64) -> Instr {
    branch(user(pc), BranchKind::Return, target)
}

fn system(instr: Instr) -> Instr {
    Instr { class: Class::System, serialising: true, ..instr }
}

fn trapping(instr: Instr) -> Instr {
    Instr { event: Event::Exception, ..instr }
}

/// Commits one instruction a cycle.
fn run(profile: &mut Profile, instrs: &[Instr]) {
    run_in(profile, THREAD, instrs);
}

fn run_in(profile: &mut Profile, thread: u64, instrs: &[Instr]) {
    for instr in instrs {
        profile.commit(instr, || Some(thread));
        profile.pass(1, instr.privilege);
    }
}

/// Address, callers' entries from the innermost, cycles and instructions of each place.
fn places(profile: &mut Profile) -> Vec<(u64, Vec<u64>, u64, u64)> {
    let end = profile.read();
    let start = Reading::default();
    let profile = &*profile;
    let all = profile.between(&start, &end);
    all.map(|(place, spending)| {
        let entries = profile.contexts().entries(place.context).map(|entry| entry.0).collect();
        (place.pc.0, entries, spending.cycles, spending.instructions)
    })
    .collect()
}

/// The callers' entries of the place at `pc`.
fn callers(profile: &mut Profile, pc: u64) -> Vec<u64> {
    let found = places(profile).into_iter().find(|(at, ..)| *at == pc);
    found.unwrap_or_else(|| panic!("nothing was counted at {pc:#x}")).1
}

#[test]
fn a_cycle_belongs_to_the_oldest_that_commits_in_it_or_to_the_next_that_does() {
    let mut profile = Profile::new();
    let thread = || Some(THREAD);
    // Ten cycles without a commit, then two commit in one, then a third three cycles later.
    profile.pass(10, Privilege::User);
    profile.commit(&branch(user(0x100), BranchKind::Jump, 0x200), thread);
    profile.commit(&branch(user(0x200), BranchKind::Jump, 0x300), thread);
    profile.pass(1, Privilege::User);
    profile.pass(2, Privilege::User);
    profile.commit(&user(0x300), thread);
    profile.pass(1, Privilege::User);
    // What has passed since belongs to the last.
    profile.pass(4, Privilege::User);
    let counts = [(0x100, vec![], 11, 1), (0x200, vec![], 0, 1), (0x300, vec![], 7, 1)];
    assert_eq!(places(&mut profile), counts);
}

#[test]
fn what_lies_between_two_taken_branches_is_counted_together() {
    let mut profile = Profile::new();
    let mut not_taken = branch(user(0x104), BranchKind::Conditional, 0x900);
    not_taken.branch.as_mut().unwrap().taken = false;
    let jump = branch(user(0x108), BranchKind::Conditional, 0x100);
    run(&mut profile, &[user(0x100), not_taken, jump, user(0x100), not_taken]);
    assert_eq!(places(&mut profile), [(0x100, vec![], 5, 5)]);
}

#[test]
fn cycles_of_a_privilege_stay_with_it_when_another_is_entered() {
    let mut profile = Profile::new();
    let thread = || Some(THREAD);
    profile.commit(&trapping(system(user(0x100))), thread);
    profile.pass(1, Privilege::User);
    // The core empties at the old privilege, fills at the new one.
    profile.pass(5, Privilege::User);
    profile.pass(7, Privilege::Supervisor);
    profile.commit(&kernel(0x8000), thread);
    profile.pass(1, Privilege::Supervisor);
    let counts = [(0x100, vec![], 6, 1), (0x8000, vec![0x8000], 8, 1)];
    assert_eq!(places(&mut profile), counts);
}

#[test]
fn a_window_is_the_difference_of_two_readings_and_its_parts_sum_to_what_passed_in_it() {
    let mut profile = Profile::new();
    run(&mut profile, &[user(0x100), user(0x104)]);
    profile.pass(3, Privilege::User);
    let before = profile.read();
    profile.pass(2, Privilege::User);
    run(&mut profile, &[branch(user(0x108), BranchKind::Jump, 0x200), user(0x200)]);
    let after = profile.read();
    let spent: Vec<_> = profile.between(&before, &after).map(|(_, spending)| spending).collect();
    let [first, second] = spent[..] else { panic!("two places, not {spent:?}") };
    assert_eq!(first, Spending { cycles: 3, instructions: 1 });
    assert_eq!(second, Spending { cycles: 1, instructions: 1 });
    assert_eq!(after.total().cycles - before.total().cycles, 4);
}

#[test]
fn calls_and_returns_are_followed() {
    let mut profile = Profile::new();
    let path =
        [call(0x100, 0x200), call(0x200, 0x300), ret(0x300, 0x204), ret(0x204, 0x104), user(0x104)];
    run(&mut profile, &path);
    assert_eq!(callers(&mut profile, 0x300), [0x300, 0x200]);
    assert_eq!(callers(&mut profile, 0x204), [0x200]);
    assert_eq!(callers(&mut profile, 0x104), [0; 0]);
}

#[test]
fn a_return_over_several_frames_ends_them_all() {
    let mut profile = Profile::new();
    let path = [call(0x100, 0x200), call(0x200, 0x300), ret(0x300, 0x104), user(0x104)];
    run(&mut profile, &path);
    assert_eq!(callers(&mut profile, 0x104), [0; 0]);
}

#[test]
fn a_return_to_nobody_s_caller_forgets_who_called() {
    let mut profile = Profile::new();
    let path = [call(0x100, 0x200), ret(0x200, 0x700), call(0x700, 0x800), user(0x800)];
    run(&mut profile, &path);
    assert_eq!(callers(&mut profile, 0x700), [0; 0]);
    assert_eq!(callers(&mut profile, 0x800), [0x800]);
}

#[test]
fn a_linkage_stub_is_not_a_function_but_a_switch_is_no_call() {
    let mut profile = Profile::new();
    let jump = |pc, target| branch(user(pc), BranchKind::IndirectJump, target);
    let stub = [call(0x100, 0x200), user(0x200), user(0x204), jump(0x208, 0x400)];
    run(&mut profile, &stub);
    run(&mut profile, &[user(0x400), user(0x404), user(0x408), user(0x40c), jump(0x410, 0x500)]);
    run(&mut profile, &[user(0x500)]);
    assert_eq!(callers(&mut profile, 0x400), [0x400]);
    assert_eq!(callers(&mut profile, 0x500), [0x400]);
}

#[test]
fn deep_recursion_is_counted_back_to_where_it_began() {
    let mut profile = Profile::new();
    let depth = 3 * contexts::DEEPEST as u64;
    run(&mut profile, &[call(0x100, 0x200)]);
    for _ in 1..depth {
        run(&mut profile, &[call(0x200, 0x200)]);
    }
    for _ in 1..depth {
        run(&mut profile, &[ret(0x300, 0x204)]);
    }
    run(&mut profile, &[ret(0x300, 0x104), user(0x104)]);
    assert_eq!(callers(&mut profile, 0x104), [0; 0]);
}

#[test]
fn a_handler_is_called_by_what_it_interrupts_and_goes_back_there() {
    let mut profile = Profile::new();
    let handler = Instr { event: Event::Interrupt, ..kernel(0x8000) };
    let path = [
        call(0x100, 0x200),
        trapping(system(user(0x200))),
        kernel(0x8000),
        branch(kernel(0x8004), BranchKind::Call, 0x9000),
        // An interrupt within the system call, and its end.
        handler,
        system(kernel(0x8004)),
        kernel(0x9000),
        // The end of the system call, by way of a return to an address that was put there by hand.
        branch(kernel(0x9004), BranchKind::Return, 0x8100),
        system(kernel(0x8100)),
        user(0x204),
        ret(0x208, 0x104),
        user(0x104),
    ];
    run(&mut profile, &path);
    assert_eq!(callers(&mut profile, 0x9000), [0x9000, 0x8000, 0x200]);
    assert_eq!(callers(&mut profile, 0x8100), [0x8000, 0x200]);
    assert_eq!(callers(&mut profile, 0x204), [0x200]);
    assert_eq!(callers(&mut profile, 0x104), [0; 0]);
    let interrupted = places(&mut profile).into_iter().filter(|(pc, ..)| *pc == 0x8000);
    let deepest = interrupted.map(|(_, callers, ..)| callers.len()).max();
    assert_eq!(deepest, Some(4), "the handler within the system call within the function");
}

#[test]
fn every_thread_has_a_stack_of_its_own() {
    let mut profile = Profile::new();
    let to_other = Instr {
        operands: Operands { dst: Some(THREAD_POINTER), ..Operands::default() },
        ..kernel(0x8004)
    };
    run(&mut profile, &[branch(kernel(0x8000), BranchKind::Call, 0x8004)]);
    run_in(&mut profile, OTHER, &[to_other]);
    run_in(&mut profile, OTHER, &[kernel(0x8008)]);
    run_in(&mut profile, THREAD, &[to_other, branch(kernel(0x8008), BranchKind::Return, 0x8004)]);
    run(&mut profile, &[kernel(0x8004)]);
    let end = profile.read();
    let thread_at = |pc, instructions| {
        let start = Reading::default();
        let mut all = profile.between(&start, &end);
        let spending = Spending { cycles: instructions, instructions };
        let place = all.find(|(place, spent)| place.pc.0 == pc && *spent == spending);
        let place = place.map(|(place, _)| place.context);
        place.and_then(|context| profile.contexts().thread_of(context))
    };
    assert_eq!(thread_at(0x8000, 1), Some(THREAD));
    assert_eq!(thread_at(0x8008, 2), Some(OTHER), "that and the switch back");
    assert_eq!(profile.contexts().threads().collect::<Vec<_>>(), [THREAD, OTHER]);
}

#[test]
fn after_a_gap_nothing_is_known_of_callers() {
    let mut profile = Profile::new();
    run(&mut profile, &[call(0x100, 0x200), user(0x200)]);
    profile.pass(5, Privilege::User);
    profile.lose_track();
    run(&mut profile, &[user(0x300)]);
    assert_eq!(callers(&mut profile, 0x300), [0; 0]);
    assert_eq!(profile.read().total(), Spending { cycles: 8, instructions: 3 });
}
