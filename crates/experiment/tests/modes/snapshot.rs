//! Snapshots in the middle of detailed mode.
//!
//! A snapshot holds what the guest computes from, not what caches and predictors hold: those are cold
//! after it is restored. So a machine that is restored goes on like the one that was saved, on a cold
//! system, to the last bit of state and of statistics; and what it leaves in memory is what a run
//! without a pause leaves.

use super::harts::{check, program};
use super::{LONG, detailed, machine, model, to_the_end};
use experiment::Detailed;
use machine::snapshot::{Key, SnapshotStore};
use machine::{Event, Machine, SaveTo};
use sim::Picos;
use std::sync::Arc;
use system::TimingStats;

const HARTS: u64 = 2;
const ROUNDS: u64 = 30;
const SYSTEMS: [&str; 2] = ["simple", "skylake"];

/// What a run on a cold system leaves and counts.
fn go_on(machine: &mut Machine, system: &str) -> ([u8; 32], TimingStats) {
    let mut model = model(system, &[]);
    let before = model.stats();
    let mut timing = Detailed::new(&mut model, machine.now());
    to_the_end(machine, |machine| machine.run_timed(&mut timing, machine.now() + LONG));
    let window = model.window(&before);
    check(system, machine, HARTS, ROUNDS);
    (machine.state_digest(), window)
}

#[test]
fn a_restored_machine_goes_on_like_the_one_that_was_saved() {
    let elf = program(HARTS, ROUNDS);
    for system in SYSTEMS {
        let mut whole = detailed(HARTS as usize, &elf, &mut model(system, &[]));
        let memory = check(system, &mut whole, HARTS, ROUNDS);
        for part in 1..8 {
            let pause = Picos(whole.now().0 * part / 8 + part * 17);
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            let store = SnapshotStore::new(folder.path()).expect("it can be written to");
            let key = Key::of(&[b"pause"]);
            let mut saved = machine(HARTS as usize, &elf);
            let mut before = model(system, &[]);
            let mut timing = Detailed::new(&mut before, Picos::ZERO);
            assert_eq!(saved.run_timed(&mut timing, pause), Event::Deadline, "{system}, {part}");
            let to = SaveTo { store: &store, key, label: "pause", parent: None, sections: &[] };
            saved.save(&to, None).expect("it can be saved");
            let snapshot = Arc::new(store.open(key).expect("it was saved"));
            let mut restored = Machine::restore(&snapshot, None).expect("it fits");
            assert_eq!(restored.state_digest(), saved.state_digest(), "{system}, {part}: at once");
            let (continued, again) = (go_on(&mut saved, system), go_on(&mut restored, system));
            assert_eq!(continued, again, "{system}, paused at {pause:?}");
            assert_eq!(saved.memory_digest(), memory, "{system}, paused at {pause:?}");
        }
    }
}
