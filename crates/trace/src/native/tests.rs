//! What is written is read back; the public behaviour of damaged files is under `tests/`.

use super::block::{self, Header};
use super::bytes::Cursor;
use super::history::History;
use super::reader::Reader;
use super::record::{self, Record};
use super::{Writer, instr};
use crate::{Mark, Metadata, TraceError};
use proptest::prelude::*;
use sim::Picos;
use std::fs;
use std::path::Path;
use stream::{
    Branch, BranchKind, CacheOp, Class, Event, Fetched, FlushScope, HartId, Instr, MemAccess,
    MemKind, Operands, Page, PhysAddr, Privilege, Reg, RegKind, VirtAddr, Walk,
};

const HARTS: u32 = 2;

/// Addresses near one another, so that predictions hit, and far away.
fn address() -> impl Strategy<Value = u64> {
    let (near, far) = (0x8000_0000_u64..0x8000_0040, 0x7f00_0000_0000_u64..0x7f00_0001_0000);
    prop_oneof![4 => near, 2 => far, 1 => any::<u64>()]
}

fn va() -> impl Strategy<Value = VirtAddr> {
    address().prop_map(VirtAddr)
}

fn pa() -> impl Strategy<Value = PhysAddr> {
    address().prop_map(PhysAddr)
}

fn class() -> impl Strategy<Value = Class> {
    proptest::sample::select(vec![
        Class::IntAlu,
        Class::IntMul,
        Class::IntDiv,
        Class::FpAdd,
        Class::FpMul,
        Class::FpFma,
        Class::FpDiv,
        Class::FpSqrt,
        Class::FpConvert,
        Class::Load,
        Class::Store,
        Class::Atomic,
        Class::Branch,
        Class::Csr,
        Class::Fence,
        Class::Cache,
        Class::System,
        Class::Nop,
    ])
}

fn operands() -> impl Strategy<Value = Operands> {
    let kinds = vec![RegKind::Int, RegKind::Fp, RegKind::Vector, RegKind::Status];
    let reg = (proptest::sample::select(kinds), 0_u8..32).prop_map(|(kind, n)| Reg::new(kind, n));
    let reg = proptest::option::of(reg);
    ([reg.clone(), reg.clone(), reg.clone()], reg).prop_map(|(srcs, dst)| Operands { srcs, dst })
}

fn access() -> impl Strategy<Value = MemAccess> {
    let kinds = vec![
        MemKind::Load,
        MemKind::Store,
        MemKind::Amo,
        MemKind::Cache(CacheOp::Clean),
        MemKind::Cache(CacheOp::Flush),
        MemKind::Cache(CacheOp::Invalidate),
        MemKind::Cache(CacheOp::Zero),
        MemKind::Cache(CacheOp::PrefetchInstruction),
        MemKind::Cache(CacheOp::PrefetchRead),
        MemKind::Cache(CacheOp::PrefetchWrite),
    ];
    let kind = proptest::sample::select(kinds);
    (va(), pa(), any::<u8>(), kind, any::<bool>(), any::<bool>()).prop_map(
        |(va, pa, size, kind, io, translated)| MemAccess { va, pa, size, kind, io, translated },
    )
}

fn branch() -> impl Strategy<Value = Branch> {
    let kinds = vec![
        BranchKind::Conditional,
        BranchKind::Jump,
        BranchKind::IndirectJump,
        BranchKind::Call,
        BranchKind::IndirectCall,
        BranchKind::Return,
        BranchKind::ReturnAndCall,
    ];
    (proptest::sample::select(kinds), any::<bool>(), va())
        .prop_map(|(kind, taken, target)| Branch { kind, taken, target })
}

fn any_instr() -> impl Strategy<Value = Instr> {
    let privileges = vec![Privilege::User, Privilege::Supervisor, Privilege::Machine];
    let events = vec![Event::None, Event::Interrupt, Event::Exception];
    let state = (
        proptest::sample::select(privileges),
        prop_oneof![0_u16..3, any::<u16>()],
        any::<bool>(),
        (any::<bool>(), any::<bool>()),
        proptest::sample::select(events),
    );
    let memory = (proptest::option::of(access()), proptest::option::of(access()));
    let what = (any::<u8>(), class(), operands(), proptest::option::of(branch()));
    (va(), pa(), proptest::option::of(pa()), what, memory, state).prop_map(
        |(pc, fetch_pa, fetch_tail, (len, class, operands, branch), (mem, mem_tail), state)| {
            let (privilege, asid, translated, (serialising, is_move), event) = state;
            Instr {
                pc,
                fetch_pa,
                fetch_tail,
                len,
                class,
                operands,
                mem,
                mem_tail,
                branch,
                privilege,
                asid,
                translated,
                serialising,
                is_move,
                event,
            }
        },
    )
}

/// What an instruction that is executed again does differently.
#[derive(Clone, Debug)]
struct Again {
    which: prop::sample::Index,
    moved: Option<u64>,
    remapped: Option<u64>,
    taken: bool,
    elsewhere: Option<u64>,
    event: Event,
}

fn again() -> impl Strategy<Value = Again> {
    let few = |strategy: BoxedStrategy<u64>| proptest::option::weighted(0.3, strategy);
    let events = prop_oneof![8 => Just(Event::None), 1 => Just(Event::Exception)];
    let address = || address().boxed();
    let parts = (
        any::<prop::sample::Index>(),
        few(address()),
        few(address()),
        any::<bool>(),
        few(address()),
    );
    (parts, events).prop_map(|((which, moved, remapped, taken, elsewhere), event)| Again {
        which,
        moved,
        remapped,
        taken,
        elsewhere,
        event,
    })
}

/// A program of a few instructions, executed again and again with other outcomes.
fn execution() -> impl Strategy<Value = Vec<Instr>> {
    let program = proptest::collection::vec(any_instr(), 1..12);
    let steps = proptest::collection::vec(again(), 0..120);
    (program, steps).prop_map(|(program, steps)| {
        steps
            .iter()
            .map(|step| {
                let mut instr = program[step.which.index(program.len())];
                instr.event = step.event;
                if let (Some(mem), Some(va)) = (&mut instr.mem, step.moved) {
                    mem.va = VirtAddr(va);
                    mem.pa = PhysAddr(step.remapped.unwrap_or(va ^ 0x1_0000_0000));
                }
                if let Some(branch) = &mut instr.branch {
                    branch.taken = step.taken;
                    branch.target = step.elsewhere.map_or(branch.target, VirtAddr);
                }
                instr
            })
            .collect()
    })
}

fn walk() -> impl Strategy<Value = Walk> {
    let entries = proptest::collection::vec(pa(), 0..=Walk::MAX_LEVELS);
    let page = (pa(), 0_u8..=63, any::<bool>()).prop_map(|(base, size_log2, global)| Page {
        base,
        size_log2,
        global,
    });
    (entries, proptest::option::of(page)).prop_map(|(entries, page)| {
        let mut walk = Walk::new();
        entries.into_iter().for_each(|entry| walk.read(entry));
        walk.page = page;
        walk
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    let scope = prop_oneof![
        Just(FlushScope::All),
        any::<u16>().prop_map(FlushScope::Asid),
        va().prop_map(FlushScope::Page),
        (va(), any::<u16>()).prop_map(|(va, asid)| FlushScope::PageAsid(va, asid)),
    ];
    let until = proptest::option::of(any::<u64>().prop_map(Picos));
    prop_oneof![
        6 => any_instr().prop_map(Record::Instr),
        1 => scope.prop_map(Record::Flush),
        1 => until.prop_map(Record::Idle),
        2 => (va(), walk()).prop_map(|(va, walk)| Record::Walk(va, walk)),
    ]
}

fn metadata(harts: u32) -> Metadata {
    Metadata { function: "f".into(), harts, ..Metadata::default() }
}

fn write(writer: &mut Writer, hart: u32, record: &Record) {
    let hart = HartId(hart);
    match *record {
        Record::Instr(instr) => writer.write(hart, &Fetched::Instr(instr)),
        Record::Flush(scope) => writer.write(hart, &Fetched::Flush(scope)),
        Record::Idle(until) => writer.write(hart, &Fetched::Idle { until }),
        Record::Walk(va, walk) => writer.walk(hart, va, &walk),
        Record::Mark(mark) => writer.mark(mark),
    }
    .unwrap();
}

fn read(path: &Path, hart: usize) -> Vec<Record> {
    let mut reader = Reader::open(path).unwrap();
    std::iter::from_fn(|| reader.next(hart).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_record_comes_back_to_the_hart_it_was_written_for(
        records in proptest::collection::vec((0..HARTS, any_record()), 0..200)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let mut writer = Writer::create(&path, &metadata(HARTS)).unwrap();
        records.iter().for_each(|(hart, record)| write(&mut writer, *hart, record));
        let summary = writer.finish().unwrap();
        prop_assert_eq!(summary.records, records.len() as u64);
        for hart in 0..HARTS {
            let own: Vec<_> =
                records.iter().filter(|(of, _)| *of == hart).map(|(_, record)| *record).collect();
            prop_assert_eq!(read(&path, hart as usize), own);
        }
    }

    #[test]
    fn instructions_executed_again_come_back_as_they_were(execution in execution()) {
        let mut bytes = Vec::new();
        let mut history = History::new();
        execution.iter().for_each(|instr| instr::put(&mut history, instr, &mut bytes));
        let mut cursor = Cursor { bytes, at: 0 };
        let mut history = History::new();
        for instr in &execution {
            prop_assert_eq!(record::get(&mut history, &mut cursor), Ok(Record::Instr(*instr)));
        }
        prop_assert_eq!(cursor.peek(), None);
    }
}

/// The bytes that an instruction takes after others.
fn bytes_of(before: &[Instr], instr: &Instr) -> usize {
    let mut history = History::new();
    let mut bytes = Vec::new();
    before.iter().for_each(|instr| instr::put(&mut history, instr, &mut bytes));
    let start = bytes.len();
    instr::put(&mut history, instr, &mut bytes);
    bytes.len() - start
}

fn load(pc: u64, va: u64) -> Instr {
    let frame = |va: u64| PhysAddr(va ^ 0x8_0000_0000);
    let mem = MemAccess {
        va: VirtAddr(va),
        pa: frame(va),
        size: 8,
        kind: MemKind::Load,
        io: false,
        translated: true,
    };
    Instr {
        pc: VirtAddr(pc),
        fetch_pa: frame(pc),
        len: 4,
        class: Class::Load,
        mem: Some(mem),
        translated: true,
        ..Instr::default()
    }
}

#[test]
fn an_instruction_that_does_what_it_did_last_time_takes_a_byte() {
    let mut plain = load(0x1000, 0);
    plain.mem = None;
    let mut jump = load(0x1004, 0);
    jump.mem = None;
    jump.branch = Some(Branch { kind: BranchKind::Jump, taken: true, target: VirtAddr(0x1000) });
    assert_eq!(bytes_of(&[plain, jump], &plain), 1);
    let body = [load(0x1000, 0x9000), jump];
    assert_eq!(bytes_of(&body, &load(0x1000, 0x9000)), 1);
    assert_eq!(bytes_of(&body, &load(0x1000, 0x9008)), 2, "a stride in one byte");
    assert!(bytes_of(&body, &load(0x1000, 0xf_9000)) > 3, "another page must be written");
}

#[test]
fn a_page_seen_before_costs_no_physical_address() {
    let visits = [load(0x1000, 0x9000), load(0x1004, 0xa000), load(0x1008, 0x9000)];
    // Flags, a jump back of 4 bytes, and 0x1010 bytes from the last address in two.
    assert_eq!(bytes_of(&visits, &load(0x1008, 0xa010)), 1 + 1 + 2);
}

#[test]
fn a_mark_is_seen_by_every_hart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let mut writer = Writer::create(&path, &metadata(HARTS)).unwrap();
    let instr = load(0x1000, 0x2000);
    write(&mut writer, 1, &Record::Instr(instr));
    writer.mark(Mark::Begin(4)).unwrap();
    writer.mark(Mark::End(u64::MAX)).unwrap();
    let others = [Mark::MayEnd(3), Mark::EndedAt(3), Mark::Warming, Mark::Detailed];
    for mark in others {
        writer.mark(mark).unwrap();
    }
    writer.finish().unwrap();
    let marks = [Mark::Begin(4), Mark::End(u64::MAX)].into_iter().chain(others).map(Record::Mark);
    let marks: Vec<Record> = marks.collect();
    assert_eq!(read(&path, 0), marks);
    let all: Vec<Record> = [Record::Instr(instr)].into_iter().chain(marks).collect();
    assert_eq!(read(&path, 1), all);
}

/// A trace of several blocks, its blocks, and where they begin.
fn blocks(path: &Path) -> (Vec<u8>, Vec<(usize, Header)>) {
    let mut writer = Writer::create(path, &metadata(HARTS)).unwrap();
    for n in 0..300_000_u64 {
        let scattered = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 30;
        let instr = load(0x1000 + n % 64 * 4, scattered);
        write(&mut writer, (n % 2) as u32, &Record::Instr(instr));
    }
    writer.finish().unwrap();
    let bytes = fs::read(path).unwrap();
    let mut at = block::file_head(&metadata(HARTS)).len();
    let mut found = Vec::new();
    while at < bytes.len() {
        let header = Header::parse(bytes[at..][..Header::SIZE].try_into().unwrap()).unwrap();
        found.push((at, header));
        at += Header::SIZE + header.packed as usize;
    }
    (bytes, found)
}

#[test]
fn harts_can_be_read_in_any_order_across_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let (_, blocks) = blocks(&path);
    assert!(blocks.len() > 5, "{} blocks", blocks.len());
    let mut reader = Reader::open(&path).unwrap();
    let last: Vec<_> = std::iter::from_fn(|| reader.next(1).unwrap()).collect();
    let first: Vec<_> = std::iter::from_fn(|| reader.next(0).unwrap()).collect();
    assert_eq!((first.len(), last.len()), (150_000, 150_000));
    assert_eq!(reader.instructions(), [150_000, 150_000]);
    assert!(first.iter().all(|record| matches!(record, Record::Instr(i) if i.pc.0 % 8 == 0)));
}

#[test]
fn a_lost_a_doubled_and_an_exchanged_block_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let (bytes, blocks) = blocks(&path);
    let [(one, _), (two, _), (three, _)] = blocks[1..4] else { panic!("too few blocks") };
    let lost = [&bytes[..one], &bytes[two..]].concat();
    let doubled = [&bytes[..two], &bytes[one..two], &bytes[two..]].concat();
    let exchanged = [&bytes[..one], &bytes[two..three], &bytes[one..two], &bytes[three..]].concat();
    for changed in [lost, doubled, exchanged] {
        fs::write(&path, changed).unwrap();
        let error = Reader::open(&path).err().expect("the file is damaged");
        assert!(matches!(error, TraceError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_block_with_the_wrong_number_of_records_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let (bytes, blocks) = blocks(&path);
    let (at, header) = blocks[0];
    for records in [header.records - 1, header.records + 1] {
        let mut changed = bytes.clone();
        changed[at..][..Header::SIZE].copy_from_slice(&Header { records, ..header }.to_bytes());
        fs::write(&path, changed).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        let error = loop {
            match reader.next(header.hart as usize) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("nothing was noticed"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, TraceError::Damaged { .. }), "{error}");
    }
}
