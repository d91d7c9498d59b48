//! Systems run from traces through the built program, with no guest.

mod common;

use common::Place;
use stream::{
    Branch, BranchKind, Class, Fetched, HartId, Instr, MemAccess, MemKind, PhysAddr, VirtAddr,
};
use trace::{Mark, Metadata, Writer};

/// A loop of 16 instructions with a load, each time of another line; `rounds` of it.
fn program(rounds: u64) -> Vec<Instr> {
    let round = |round: u64| {
        (0..16).map(move |n| {
            let pc = 0x1_0000 + 4 * n;
            let mut instr =
                Instr { pc: VirtAddr(pc), fetch_pa: PhysAddr(pc), len: 4, ..Instr::default() };
            if n == 3 {
                let at = 0x100_0000 + 64 * round;
                instr.class = Class::Load;
                instr.mem = Some(MemAccess {
                    va: VirtAddr(at),
                    pa: PhysAddr(at),
                    size: 8,
                    kind: MemKind::Load,
                    io: false,
                    translated: false,
                });
            }
            if n == 15 {
                instr.class = Class::Branch;
                let target = VirtAddr(0x1_0000);
                instr.branch = Some(Branch { kind: BranchKind::Jump, taken: true, target });
            }
            instr
        })
    };
    (0..rounds).flat_map(round).collect()
}

/// A native trace of two harts: 10 rounds that warm, then windows of 100 and 50 rounds on hart 1.
fn native(place: &Place) -> String {
    let path = place.path("f.trace");
    let metadata = Metadata {
        function: "f/../x".to_owned(),
        system: "simple".to_owned(),
        seed: 7,
        creator: "a test".to_owned(),
        harts: 2,
    };
    let mut writer =
        Writer::create(&path, &metadata).expect("a temporary folder can be written to");
    let rounds = |writer: &mut Writer, count| {
        for instr in program(count) {
            writer
                .write(HartId(1), &Fetched::Instr(instr))
                .expect("a temporary folder can be written to");
        }
    };
    writer.mark(Mark::Warming).expect("a temporary folder can be written to");
    rounds(&mut writer, 10);
    writer.mark(Mark::Detailed).expect("a temporary folder can be written to");
    rounds(&mut writer, 1);
    writer.mark(Mark::Begin(0)).expect("a temporary folder can be written to");
    rounds(&mut writer, 100);
    writer.mark(Mark::End(0)).expect("a temporary folder can be written to");
    writer.mark(Mark::Begin(1)).expect("a temporary folder can be written to");
    rounds(&mut writer, 50);
    writer.mark(Mark::MayEnd(0)).expect("a temporary folder can be written to");
    rounds(&mut writer, 1);
    writer.mark(Mark::MayEnd(1)).expect("a temporary folder can be written to");
    writer.mark(Mark::EndedAt(0)).expect("a temporary folder can be written to");
    writer.finish().expect("a temporary folder can be written to");
    path.to_str().expect("a temporary folder can be written to").to_owned()
}

fn replay(place: &Place, trace: &str, more: &[&str]) -> common::Ran {
    let mut args = vec!["run", "--trace", trace, "--json"];
    args.extend(more);
    place.run(&args)
}

fn instructions(run: &serde_json::Value) -> Vec<u64> {
    let windows = run["invocations"].as_array().expect("invocations").iter();
    windows.map(|window| window["instructions"].as_u64().expect("a count")).collect()
}

#[test]
fn windows_are_those_that_the_trace_marks_on_any_system() {
    let place = Place::new();
    let trace = native(&place);
    let run = replay(&place, &trace, &[]).json();
    assert_eq!(instructions(&run), [1600, 800]);
    assert_eq!((&run["function"], &run["seed"]), (&"f-..-x".into(), &7.into()));
    assert_eq!(run["invocations"][0]["hart"], 1);
    assert_eq!(replay(&place, &trace, &[]).json()["invocations"], run["invocations"]);
    let fast = replay(&place, &trace, &["--system", "skylake"]).json();
    for (window, expected) in instructions(&fast).into_iter().zip([1600, 800]) {
        assert!(window.abs_diff(expected) < 450, "fetch is ahead of commit by a core: {window}");
    }
    assert!(fast["invocations"][0]["cycles"].as_u64() < run["invocations"][0]["cycles"].as_u64());
}

#[test]
fn warm_up_and_limit_are_counted_in_instructions() {
    let place = Place::new();
    let trace = native(&place);
    let limited = replay(&place, &trace, &["--max-instructions", "116"]).json();
    assert_eq!(instructions(&limited), [100], "16 of 116 come before the window");
    // The first window begins while caches are warmed: it is left out.
    let warmed = replay(&place, &trace, &["--warmup-instructions", "1000"]).json();
    assert_eq!(instructions(&warmed), [800]);
    replay(&place, &trace, &["--warmup-instructions", "100000"])
        .fails(2, &["f.trace", "--warmup-instructions less"]);
}

#[test]
fn a_champsim_trace_is_one_window() {
    let place = Place::new();
    let path = place.path("x.xz");
    let mut writer = trace::ChampSimWriter::create(&path, HartId(1)).unwrap();
    for instr in program(20) {
        writer.write(&instr).unwrap();
    }
    writer.finish().unwrap();
    let run = replay(&place, path.to_str().unwrap(), &[]).json();
    assert_eq!((instructions(&run), &run["state"]), (vec![320], &"cold".into()));
    let run = replay(&place, path.to_str().unwrap(), &["--warmup-instructions", "160"]).json();
    assert_eq!((instructions(&run), &run["state"]), (vec![160], &"warm".into()));
}

#[test]
fn what_is_no_trace_or_does_not_fit_is_refused() {
    let place = Place::new();
    replay(&place, "missing", &[]).fails(2, &["missing"]);
    let text = place.file("text", "this is no trace");
    replay(&place, &text, &[]).fails(2, &["text", "not a trace", "ChampSim"]);
    let trace = native(&place);
    replay(&place, &trace, &["--set", "harts=1"]).fails(2, &["2 harts", "--set harts=2"]);
    place.run(&["run", "fibonacci-go", "--trace", &trace]).fails(2, &["--trace"]);
    place.run(&["run", "fibonacci-go", "--max-instructions", "5"]).fails(2, &["--trace"]);
    let bytes = std::fs::read(&trace).unwrap();
    let cut = place.file("cut.trace", &bytes[..bytes.len() / 2]);
    replay(&place, &cut, &[]).fails(2, &["cut.trace", "cut short"]);
    assert!(!place.path("results").exists(), "nothing half-done");
}

#[test]
fn a_pipeline_log_needs_a_pipeline_and_an_invocation() {
    let place = Place::new();
    let log = ["run", "fibonacci-go", "--pipeline-log", "p.log"];
    place.run(&log).fails(2, &["simple", "skylake"]);
    let mut late = log.to_vec();
    late.extend(["--system", "skylake", "--pipeline-log-invocation", "10"]);
    place.run(&late).fails(2, &["no invocation 10"]);
    let mut nowhere = log.to_vec();
    nowhere[3] = "no/such/folder/p.log";
    nowhere.extend(["--system", "skylake"]);
    place.run(&nowhere).fails(1, &["no/such/folder/p.log"]);
    place
        .run(&["trace", "fibonacci-go", "--out", "no/such/folder/t"])
        .fails(2, &["no/such/folder"]);
    assert!(!place.path("home/guest").exists(), "nothing was built");
}
