//! A recording hands on what it records, and its replay is as good as the source it was made from.

mod common;

use common::{Program, scattered};
use std::path::Path;
use stream::{
    Branch, BranchKind, Fetched, FlushScope, HartId, Instr, MemAccess, MemKind, Page, PhysAddr,
    Source, Synthetic, Translate, VirtAddr, Walk,
};
use system::{Timing, TimingStats};
use trace::{
    AnySource, ChampSimWriter, Metadata, Recorder, Recording, Sink, Summary, TraceSource, Writer,
};

const HART: HartId = HartId(0);

fn recording(path: &Path) -> Recording {
    let metadata = Metadata { harts: 1, ..Metadata::default() };
    let writer: Box<dyn Sink> = Box::new(Writer::create(path, &metadata).expect("a new file"));
    Recording::new(writer, 1)
}

/// Records `steps` of `source`, which nobody asks for walks.
fn record(path: &Path, source: &mut dyn Source, steps: usize) -> (Vec<Fetched>, Summary) {
    let mut recording = recording(path);
    let mut recorder = Recorder::new(source, &mut recording);
    let all = (0..steps).map(|_| recorder.next(HART)).collect();
    (all, recording.finish().expect("a file"))
}

/// The pages of an instruction, by an address in each.
fn pages(instr: &Instr) -> Vec<VirtAddr> {
    let tail = instr.fetch_tail.map(|_| VirtAddr(instr.pc.0 + u64::from(instr.len) - 1));
    let data = instr.mem.iter().chain(&instr.mem_tail).map(|access| access.va);
    [instr.pc].into_iter().chain(tail).chain(data).collect()
}

#[test]
fn a_replay_hands_out_the_same_and_answers_every_walk_as_the_source_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut live = Program::new(700);
    let (recorded, _) = record(&path, &mut live, 5000);
    let mut live = Program::new(700);
    let mut replay = TraceSource::open(&path).unwrap();
    for fetched in recorded {
        assert_eq!(live.next(HART), fetched);
        assert_eq!(replay.next(HART), fetched);
        if let Fetched::Instr(instr) = fetched {
            for va in pages(&instr) {
                let walk = replay.walk(HART, va, Translate::Load);
                assert_eq!(walk, live.walk(HART, va, Translate::Load), "{va:?}");
            }
        }
    }
    assert_eq!(replay.next(HART), Fetched::Stopped);
    assert!(replay.error().is_none());
    assert_eq!(replay.unknown_walks(), 0);
    replay.walk(HART, VirtAddr(0x10), Translate::Load);
    assert_eq!(replay.unknown_walks(), 1);
}

#[test]
fn a_page_is_walked_once_until_it_is_flushed_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let at = |pc: u64| Instr {
        pc: VirtAddr(pc),
        fetch_pa: PhysAddr(pc),
        len: 4,
        translated: true,
        ..Instr::default()
    };
    let mut source = Synthetic::new(1);
    source.push(HART, [at(0x1000), at(0x1004), at(0x2000), at(0x1008)]);
    source.push_fetched(HART, Fetched::Flush(FlushScope::Page(VirtAddr(0x1000))));
    source.push(HART, [at(0x1000), at(0x2000)]);
    let path = folder.path().join("t");
    let (_, quiet) = record(&path, &mut source.clone(), 7);
    assert_eq!(quiet.records, 7 + 3, "two pages, and one of them again");
    let mut recording = recording(&path);
    let mut recorder = Recorder::new(&mut source, &mut recording);
    for _ in 0..7 {
        recorder.next(HART);
        recorder.walk(HART, VirtAddr(0x1000), Translate::Fetch);
        recorder.walk(HART, VirtAddr(0x2ff8), Translate::Store);
    }

    // After the flush nothing was fetched yet when the page was asked for: that makes no more walks.
    assert_eq!(recording.finish().unwrap().records, quiet.records);
}

/// A source whose page moves without a flush at every second instruction.
struct Moving(u64);

impl Source for Moving {
    fn next(&mut self, _: HartId) -> Fetched {
        self.0 += 1;
        let instr = Instr { len: 4, translated: true, pc: VirtAddr(0x1000), ..Instr::default() };
        Fetched::Instr(Instr { fetch_pa: PhysAddr(self.0 / 2 * 0x1000), ..instr })
    }

    fn walk(&mut self, _: HartId, _: VirtAddr, _: Translate) -> Walk {
        let base = PhysAddr(self.0 / 2 * 0x1000);
        let mut walk = Walk::new();
        walk.page = Some(Page { base, size_log2: 12, global: false });
        walk
    }

    fn wrong_path(&mut self, _: HartId, pc: VirtAddr) {
        self.0 = pc.0;
    }

    fn next_wrong(&mut self, _: HartId, into: &mut Instr) -> bool {
        *into = Instr { pc: VirtAddr(self.0), ..Instr::default() };
        true
    }

    fn squash(&mut self, _: HartId) {
        self.0 = 0;
    }
}

#[test]
fn a_page_that_moves_without_a_flush_is_walked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let (_, summary) = record(&path, &mut Moving(1), 6);
    assert_eq!(summary.records, 6 + 3, "it is in three frames, for two instructions each");
    let mut replay = TraceSource::open(&path).unwrap();
    for _ in 0..6 {
        let Fetched::Instr(instr) = replay.next(HART) else { panic!("six instructions") };
        let walk = replay.walk(HART, VirtAddr(0x1000), Translate::Fetch);
        assert_eq!(walk.page.unwrap().base, instr.fetch_pa);
    }
}

#[test]
fn a_wrong_path_passes_through_and_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut source = Moving(0);
    let mut recording = recording(&path);
    let mut recorder = Recorder::new(&mut source, &mut recording);
    recorder.wrong_path(HART, VirtAddr(0x77));
    let mut wrong = Instr::default();
    assert!(recorder.next_wrong(HART, &mut wrong));
    assert_eq!(wrong.pc, VirtAddr(0x77));
    recorder.squash(HART);
    assert_eq!(source.0, 0);
    assert_eq!(recording.finish().unwrap().records, 0);
    let mut replay = TraceSource::open(&path).unwrap();
    replay.wrong_path(HART, VirtAddr(0x77));
    assert!(!replay.next_wrong(HART, &mut wrong));
}

#[test]
fn a_hart_that_is_asked_again_and_again_waits_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut source = Synthetic::new(1);
    let idle = Fetched::Idle { until: None };
    let instr = Fetched::Instr(Instr { len: 4, ..Instr::default() });
    for fetched in [idle, idle, idle, instr, Fetched::Later, idle, Fetched::Stopped] {
        source.push_fetched(HART, fetched);
    }
    let (all, summary) = record(&path, &mut source, 7);
    assert_eq!((all[2], all[4], all[6]), (idle, Fetched::Later, Fetched::Stopped));
    assert_eq!(summary.records, 3);
    let mut replay = TraceSource::open(&path).unwrap();
    let replayed: Vec<_> = (0..4).map(|_| replay.next(HART)).collect();
    assert_eq!(replayed, [idle, instr, idle, Fetched::Stopped]);
}

#[test]
fn a_recording_that_cannot_be_written_keeps_the_source_going_and_says_so_at_the_end() {
    #[derive(Debug)]
    struct Full;
    impl Sink for Full {
        fn keeps_walks(&self) -> bool {
            false
        }
        fn write(&mut self, _: HartId, _: &Fetched) -> Result<(), trace::TraceError> {
            let cause = std::io::Error::other("no space");
            Err(trace::TraceError::Io { doing: "writing", path: "t".into(), cause })
        }
        fn walk(&mut self, _: HartId, _: VirtAddr, _: &Walk) -> Result<(), trace::TraceError> {
            unreachable!("after an error nothing is written")
        }
        fn mark(&mut self, _: trace::Mark) -> Result<(), trace::TraceError> {
            unreachable!("after an error nothing is written")
        }
        fn finish(self: Box<Self>) -> Result<Summary, trace::TraceError> {
            unreachable!("after an error nothing is finished")
        }
    }
    let mut recording = Recording::new(Box::new(Full), 1);
    let mut program = Program::new(100);
    for _ in 0..10 {
        let mut recorder = Recorder::new(&mut program, &mut recording);
        recorder.next(HART);
        recorder.walk(HART, VirtAddr(0x1000), Translate::Load);
    }
    recording.mark(trace::Mark::Begin(1));
    assert!(recording.error().is_some());
    assert!(recording.finish().unwrap_err().to_string().contains("no space"));
}

fn timing(entries: u32) -> Timing {
    let overrides = ["itlb", "dtlb"]
        .iter()
        .flat_map(|tlb| ["entries", "ways"].map(|key| format!("tlbs.{tlb}.{key}={entries}")))
        .collect::<Vec<_>>();
    let system = system::load("simple", &overrides).expect("a valid system");
    Timing::new(&system.config).expect("a valid system")
}

fn run(timing: &mut Timing, source: &mut dyn Source, steps: usize) -> TimingStats {
    for _ in 0..steps {
        timing.step(HART, source);
    }
    timing.stats()
}

#[test]
fn a_replay_takes_the_cycles_of_the_live_run_on_every_size_of_tlb() {
    const STEPS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut program = Program::new(3000);
    let mut recording = recording(&path);
    let mut recorder = Recorder::new(&mut program, &mut recording);
    run(&mut timing(64), &mut recorder, STEPS);
    recording.finish().unwrap();
    for entries in [4, 64, 512] {
        let live = run(&mut timing(entries), &mut Program::new(3000), STEPS);
        let mut replay = TraceSource::open(&path).unwrap();
        let replayed = run(&mut timing(entries), &mut replay, STEPS);
        assert_eq!(stats::json(&replayed), stats::json(&live), "{entries} entries");
        assert_eq!(replay.unknown_walks(), 0);
    }
}

#[test]
fn a_format_is_told_by_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    record(&path, &mut Program::new(100), 50);
    let mut native = trace::open(&path).unwrap();
    assert!(matches!(native, AnySource::Native(_)) && native.harts() == 1);
    let writer = ChampSimWriter::create(&path, HART).unwrap();
    let mut recording = Recording::new(Box::new(writer), 2);
    let mut program = Program::new(100);
    for step in 0..50 {
        Recorder::new(&mut program, &mut recording).next(HartId(step % 2));
    }
    assert_eq!(
        recording.finish().unwrap().instructions,
        24,
        "one hart's, and the first is a flush"
    );
    assert_eq!(program.walks, 0, "the format has no walks");
    let mut theirs = trace::open(&path).unwrap();
    assert!(matches!(theirs, AnySource::ChampSim(_)) && theirs.harts() == 1);
    for source in [&mut native, &mut theirs] {
        while source.next(HART) != Fetched::Stopped {}
        assert!(source.error().is_none());
    }
}

#[test]
fn a_plausible_program_takes_few_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let (_, summary) = record(&path, &mut Program::new(50_000), 400_000);
    let per_instruction = |bytes: u64| bytes as f64 / summary.instructions as f64;
    assert!(per_instruction(summary.raw_bytes) < 4.0, "{summary:?}");
    assert!(per_instruction(summary.file_bytes) < 3.0, "{summary:?}");
}

#[test]
fn accesses_of_two_pages_and_branches_of_all_kinds_are_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut source = Synthetic::new(1);
    for step in 0..500 {
        let n = scattered(step);
        let va = 0x8000_0000 + n % 64 * 0x1000 + 0xffc;
        let mem = MemAccess {
            va: VirtAddr(va),
            pa: PhysAddr(va),
            size: 4,
            kind: MemKind::Store,
            io: false,
            translated: true,
        };
        let tail = MemAccess { va: VirtAddr(va + 4), pa: PhysAddr(va + 4), ..mem };
        let branch =
            Branch { kind: BranchKind::ReturnAndCall, taken: true, target: VirtAddr(n % 0x1000) };
        let pc = n % 0x4000 / 2 * 2 + 0xffe;
        source.push(
            HART,
            [Instr {
                pc: VirtAddr(pc),
                fetch_pa: PhysAddr(pc),
                fetch_tail: (pc % 0x1000 == 0xffe).then_some(PhysAddr(pc + 2)),
                len: 4,
                mem: Some(mem),
                mem_tail: (n.is_multiple_of(3)).then_some(tail),
                branch: (n.is_multiple_of(5)).then_some(branch),
                translated: true,
                ..Instr::default()
            }],
        );
    }
    let (recorded, _) = record(&path, &mut source.clone(), 500);
    let mut replay = TraceSource::open(&path).unwrap();
    for fetched in recorded {
        assert_eq!(replay.next(HART), fetched);
        let Fetched::Instr(instr) = fetched else { panic!("only instructions were pushed") };
        for va in pages(&instr) {
            let expected = source.walk(HART, va, Translate::Store);
            assert_eq!(replay.walk(HART, va, Translate::Store), expected);
        }
    }
}
