//! The rules by which records are told apart, and what survives a round trip.

use super::kind::Kind;
use super::record::Record;
use super::registers::{self, FLAGS, INSTRUCTION_POINTER as IP, STACK_POINTER as SP};
use super::writer::record;
use super::{ChampSimSource, ChampSimWriter};
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use stream::{
    Branch, BranchKind, CacheOp, Class, Fetched, HartId, Instr, MemAccess, MemKind, Operands,
    PhysAddr, Reg, RegKind, Source, Translate, VirtAddr,
};

const HART: HartId = HartId(0);

fn branch_record(sources: &[u8], destinations: &[u8]) -> Record {
    let mut record = Record { ip: 0x1000, is_branch: true, taken: true, ..Record::default() };
    record.sources[..sources.len()].copy_from_slice(sources);
    record.destinations[..destinations.len()].copy_from_slice(destinations);
    record
}

#[test]
fn branches_of_x86_are_what_champsim_takes_them_for() {
    // Register operands as Pin lists them: 10 is rax, 3 rdi.
    let cases = [
        ("jmp label", &[IP][..], &[IP][..], Some(Kind::DirectJump)),
        ("jmp [rip + x]", &[IP], &[IP], Some(Kind::DirectJump)),
        ("jmp rax", &[10], &[IP], Some(Kind::Indirect)),
        ("jmp [rax + rdi]", &[10, 3], &[IP], Some(Kind::Indirect)),
        ("je label", &[IP, FLAGS], &[IP], Some(Kind::Conditional)),
        ("jrcxz label", &[IP, 9], &[IP], Some(Kind::Conditional)),
        ("cbz of AArch64", &[IP, 9, 10], &[IP], Some(Kind::Conditional)),
        ("call label", &[IP, SP], &[IP, SP], Some(Kind::DirectCall)),
        ("call rax", &[10, IP, SP], &[IP, SP], Some(Kind::IndirectCall)),
        ("ret", &[SP], &[SP, IP], Some(Kind::Return)),
        ("iret", &[SP, FLAGS], &[SP, IP], Some(Kind::Return)),
        ("jmp [rsp]", &[SP], &[IP], Some(Kind::Other)),
        ("je rax", &[FLAGS, 10], &[IP], Some(Kind::Other)),
        ("push rax", &[SP, 10], &[SP], None),
        ("cmp rax, rdi", &[10, 3], &[FLAGS], None),
        ("nop", &[], &[], None),
    ];
    for (name, sources, destinations, kind) in cases {
        assert_eq!(Kind::of(&branch_record(sources, destinations)), kind, "{name}");
    }
}

fn reg(number: u8) -> Option<Reg> {
    Some(Reg::int(number))
}

fn at(pc: u64) -> Instr {
    Instr { pc: VirtAddr(pc), fetch_pa: PhysAddr(pc), len: 4, ..Instr::default() }
}

fn branch(kind: BranchKind, srcs: [Option<Reg>; 3], dst: Option<Reg>) -> Instr {
    let branch = Branch { kind, taken: true, target: VirtAddr(0x2000) };
    Instr {
        class: Class::Branch,
        operands: Operands { srcs, dst },
        branch: Some(branch),
        ..at(0x1000)
    }
}

#[test]
fn champsim_takes_every_kind_of_ours_for_what_it_is_whatever_its_registers() {
    use BranchKind::{Call, Conditional, IndirectCall, IndirectJump, Jump, Return, ReturnAndCall};
    let kinds = [
        (Conditional, Kind::Conditional),
        (Jump, Kind::DirectJump),
        (IndirectJump, Kind::Indirect),
        (Call, Kind::DirectCall),
        (IndirectCall, Kind::IndirectCall),
        (ReturnAndCall, Kind::IndirectCall),
        (Return, Kind::Return),
    ];
    for (ours, theirs) in kinds {
        for first in (0..32).map(reg).chain([None]) {
            for (second, dst) in [(None, None), (reg(6), reg(25)), (reg(26), reg(6))] {
                let record = record(&branch(ours, [first, second, None], dst));
                assert_eq!(Kind::of(&record), Some(theirs), "{ours:?} of {first:?}, {second:?}");
                assert!(record.is_branch && record.taken);
            }
        }
    }
}

#[test]
fn registers_of_ours_are_told_apart_and_come_back() {
    let mut seen = std::collections::BTreeSet::new();
    for kind in [RegKind::Int, RegKind::Fp, RegKind::Vector, RegKind::Status] {
        for number in 0..32 {
            let reg = Reg::new(kind, number);
            let code = registers::number(reg);
            assert!(![0, IP, SP, FLAGS].contains(&code) && seen.insert(code), "{reg:?}");
            let record = Record { destinations: [code, 0], ..Record::default() };
            assert_eq!(registers::operands(&record, false).dst, Some(reg));
        }
    }
}

#[test]
fn the_stack_pointer_carries_a_dependence_only_where_it_moves_by_what_is_read() {
    let dst = |sources: &[u8], loads: u64| {
        let mut record = branch_record(sources, &[SP]);
        record.loads[0] = loads;
        registers::operands(&record, false).dst
    };
    assert_eq!(dst(&[SP], 0), None, "sub rsp, 16");
    assert_eq!(dst(&[SP, 10], 0), reg(6), "sub rsp, rax");
    assert_eq!(dst(&[SP, 10], 0x100), None, "pop");
    let call = registers::operands(&branch_record(&[SP, IP, 10], &[SP, IP]), true);
    assert_eq!(call, Operands { srcs: [reg(10), None, None], dst: None });
}

#[test]
fn a_result_goes_before_the_flags_it_sets() {
    let dst =
        |destinations: &[u8]| registers::operands(&branch_record(&[], destinations), false).dst;
    assert_eq!(dst(&[FLAGS, 10]), reg(10));
    assert_eq!(dst(&[FLAGS]), Some(Reg::new(RegKind::Status, 31)));
}

#[test]
fn a_record_lies_in_memory_as_champsim_declares_it() {
    let record = Record {
        ip: 0x0807_0605_0403_0201,
        is_branch: true,
        taken: true,
        destinations: [0x11, 0x12],
        sources: [0x13, 0x14, 0x15, 0x16],
        stores: [0x21, 0x22],
        loads: [0x31, 0x32, 0x33, 0x34],
    };
    let bytes = record.to_bytes();
    assert_eq!(bytes[..16], [1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16]);
    let firsts: Vec<_> = bytes[16..].chunks(8).map(|word| word[0]).collect();
    assert_eq!(firsts, [0x21, 0x22, 0x31, 0x32, 0x33, 0x34]);
    assert_eq!(Record::parse(&bytes), Ok(record));
}

fn file(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("trace");
    fs::write(&path, bytes).unwrap();
    path
}

fn bytes_of(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|record| record.to_bytes()).collect()
}

fn drain(source: &mut ChampSimSource) -> Vec<Instr> {
    std::iter::from_fn(|| match source.next(HART) {
        Fetched::Instr(instr) => Some(instr),
        _ => None,
    })
    .collect()
}

/// The instructions of a trace of `records`.
fn read(records: &[Record]) -> Vec<Instr> {
    let folder = tempfile::tempdir().unwrap();
    let mut source = ChampSimSource::open(&file(&folder, &bytes_of(records))).unwrap();
    let instrs = drain(&mut source);
    assert!(source.error().is_none());
    instrs
}

fn plain(ip: u64) -> Record {
    Record { ip, ..Record::default() }
}

#[test]
fn lengths_come_from_the_next_record_where_it_can_follow() {
    let ips = [0x1000, 0x1001, 0x1010, 0x1020, 0x1020, 0x0f00];
    let lens: Vec<_> = read(&ips.map(plain)).iter().map(|instr| instr.len).collect();
    assert_eq!(lens, [1, 15, 4, 4, 4, 4]);
    let mut jump = branch_record(&[IP], &[IP]);
    jump.ip = 0x1000;
    assert_eq!(read(&[jump, plain(0x1005)])[0].len, 4, "a taken branch does not tell its length");
}

#[test]
fn a_target_is_the_next_pc_and_is_remembered_for_a_branch_not_taken() {
    let taken = branch_record(&[IP, FLAGS], &[IP]);
    let not_taken = Record { taken: false, ..taken };
    let instrs = read(&[not_taken, plain(0x1002), taken, plain(0x3000), not_taken]);
    let branches: Vec<_> = instrs.iter().filter_map(|instr| instr.branch).collect();
    let is =
        |taken, target| Branch { kind: BranchKind::Conditional, taken, target: VirtAddr(target) };
    assert_eq!(branches, [is(false, 0x1002), is(true, 0x3000), is(false, 0x3000)]);
}

#[test]
fn what_champsim_cannot_name_is_conditional_when_it_is_not_taken() {
    let taken = branch_record(&[SP], &[IP]);
    let not_taken = Record { taken: false, ..taken };
    let kinds: Vec<_> =
        read(&[taken, not_taken]).iter().map(|instr| instr.branch.unwrap().kind).collect();
    assert_eq!(kinds, [BranchKind::IndirectJump, BranchKind::Conditional]);
}

#[test]
fn an_unconditional_branch_is_taken_whatever_its_flag_says() {
    let jump = Record { taken: false, ..branch_record(&[IP], &[IP]) };
    assert!(read(&[jump, plain(0x2000)])[0].branch.unwrap().taken);
}

#[test]
fn two_loads_are_kept_or_two_stores_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let both = Record { loads: [0, 0x103c, 0x2000, 0x3000], stores: [0x4000, 0], ..plain(0x1000) };
    let stores = Record { stores: [0x5000, 0x6000], ..plain(0x1004) };
    let path = file(&folder, &bytes_of(&[both, stores]));
    let mut source = ChampSimSource::open(&path).unwrap();
    let instrs = drain(&mut source);
    let kept = |instr: &Instr| {
        [instr.mem, instr.mem_tail].map(|access| {
            let access = access.unwrap();
            (access.kind, access.va.0, access.size)
        })
    };
    assert_eq!(kept(&instrs[0]), [(MemKind::Load, 0x103c, 4), (MemKind::Load, 0x2000, 8)]);
    assert_eq!(kept(&instrs[1]), [(MemKind::Store, 0x5000, 8), (MemKind::Store, 0x6000, 8)]);
    assert_eq!([instrs[0].class, instrs[1].class], [Class::Load, Class::Store]);
    assert_eq!(source.dropped_accesses(), 2);
}

#[test]
fn walks_map_pages_to_themselves_through_four_levels_that_do_not_meet_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = ChampSimSource::open(&file(&folder, &bytes_of(&[plain(1)]))).unwrap();
    let mut entries = std::collections::BTreeSet::new();
    for va in [0x1000, 0x7fff_ffff_f123, 0xffff_ffff_8100_0000] {
        let walk = source.walk(HART, VirtAddr(va), Translate::Load);
        let page = walk.page.unwrap();
        assert_eq!((page.base.0, page.size_log2), (va << 16 >> 16 & !0xfff, 12));
        assert_eq!(walk.entries().len(), 4);
        assert!(walk.entries().iter().all(|entry| entry.0 >> 48 != 0 && entries.insert(*entry)));
    }
}

#[test]
fn a_second_page_is_told_by_the_length() {
    let instrs = read(&[plain(0x1ffd), plain(0x2001)]);
    assert_eq!(instrs[0].fetch_tail, Some(PhysAddr(0x2000)));
    assert_eq!(read(&[plain(0x1ffc), plain(0x2000)])[0].fetch_tail, None);
}

fn compressed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name {
        "xz" => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "gz" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "zst" => zstd::encode_all(bytes, 1).unwrap(),
        _ => bytes.to_vec(),
    }
}

/// More than a chunk of the reader.
fn many() -> Vec<u8> {
    bytes_of(&(1..3000).map(|n| plain(n * 4)).collect::<Vec<_>>())
}

#[test]
fn every_compression_is_told_by_the_content() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["plain", "xz", "gz", "zst"] {
        let path = file(&folder, &compressed(name, &many()));
        let mut source = ChampSimSource::open(&path).unwrap();
        assert_eq!(drain(&mut source).len(), 2999, "{name}");
        assert!(source.error().is_none());
    }
}

/// What is said of a file, at once or when it is read to its end.
fn complaint(path: &Path) -> String {
    match ChampSimSource::open(path) {
        Err(error) => error.to_string(),
        Ok(mut source) => {
            drain(&mut source);
            source.error().map(ToString::to_string).unwrap_or_default()
        }
    }
}

#[test]
fn a_compressed_file_that_is_cut_or_holds_part_of_a_record_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["xz", "gz", "zst"] {
        let whole = compressed(name, &many());
        for cut in [1, 9, whole.len() / 2, whole.len() - 7] {
            let said = complaint(&file(&folder, &whole[..whole.len() - cut]));
            assert!(said.contains("cut short after"), "{name}, {cut}: {said}");
        }
        let said = complaint(&file(&folder, &compressed(name, &many()[..70_000])));
        assert!(said.contains("cut short after 1093 whole records: 48 bytes follow"), "{said}");
    }
}

#[test]
fn a_plain_file_that_is_no_trace_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"not a trace, but a text that has just the right length: 64 bytes";
    let cases: [(&[u8], &str); 5] = [
        (b"", "it is empty"),
        (&many()[..100], "its 100 bytes are no multiple of 64"),
        (&[0; 128], "the record 1 is none: its instruction pointer is 0"),
        (text, "the record 1 is none: its branch flags are neither 0 nor 1"),
        (&compressed("zst", b""), "it is empty once decompressed"),
    ];
    for (bytes, what) in cases {
        let error = ChampSimSource::open(&file(&folder, bytes)).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("expected a ChampSim trace"), "{error}");
    }
}

#[test]
fn garbage_in_the_middle_is_named_by_its_record_and_ends_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = many();
    bytes[2000 * 64 + 8] = 7;
    let mut source = ChampSimSource::open(&file(&folder, &bytes)).unwrap();
    assert_eq!(drain(&mut source).len(), 2000);
    let error = source.error().unwrap().to_string();
    assert!(error.contains("damaged at record 2001"), "{error}");
}

#[test]
fn there_is_one_hart() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = ChampSimSource::open(&file(&folder, &many())).unwrap();
    assert_eq!(source.next(HartId(1)), Fetched::Stopped);
}

/// What is left of `instrs` after they were written and read.
fn round_trip(instrs: &[Instr]) -> Vec<Instr> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.xz");
    let mut writer = ChampSimWriter::create(&path, HART).unwrap();
    instrs.iter().for_each(|instr| writer.write(instr).unwrap());
    let summary = writer.finish().unwrap();
    assert_eq!(summary.instructions, instrs.len() as u64);
    assert_eq!(summary.raw_bytes, 64 * instrs.len() as u64);
    let mut source = ChampSimSource::open(&path).unwrap();
    let read = drain(&mut source);
    assert!(source.error().is_none());
    read
}

#[test]
fn accesses_of_ours_are_loads_stores_both_or_nothing() {
    let accesses = |kind| {
        let mem = MemAccess {
            va: VirtAddr(0x1ffc),
            pa: PhysAddr(0x9ffc),
            size: 4,
            kind,
            io: false,
            translated: true,
        };
        let tail = MemAccess { va: VirtAddr(0x2000), ..mem };
        let record = record(&Instr { mem: Some(mem), mem_tail: Some(tail), ..at(0x1000) });
        (record.loads != [0; 4], record.stores != [0; 2])
    };
    assert_eq!(accesses(MemKind::Load), (true, false));
    assert_eq!(accesses(MemKind::Store), (false, true));
    assert_eq!(accesses(MemKind::Amo), (true, true));
    assert_eq!(accesses(MemKind::Cache(CacheOp::Zero)), (false, true));
    assert_eq!(accesses(MemKind::Cache(CacheOp::PrefetchWrite)), (true, false));
    assert_eq!(accesses(MemKind::Cache(CacheOp::PrefetchInstruction)), (false, false));
    assert_eq!(accesses(MemKind::Cache(CacheOp::Clean)), (false, false));
}

/// A walk through code that any branch can be part of: each instruction begins where the one before
/// went.
fn program() -> impl Strategy<Value = Vec<Instr>> {
    let reg = || {
        proptest::option::of((1_u8..64).prop_map(|index| {
            let kind = if index < 32 { RegKind::Int } else { RegKind::Fp };
            Reg::new(kind, index % 32)
        }))
    };
    let kind = proptest::sample::select(vec![
        BranchKind::Conditional,
        BranchKind::Jump,
        BranchKind::IndirectJump,
        BranchKind::Call,
        BranchKind::IndirectCall,
        BranchKind::Return,
    ]);
    let branch = proptest::option::of((kind, any::<bool>(), 0x800_u64..0x1000));
    let access = proptest::option::of((any::<bool>(), 0x100_u64..0x10_0000));
    let step = (branch, access, [reg(), reg()], reg(), any::<bool>());
    proptest::collection::vec(step, 1..200).prop_map(|steps| {
        let mut pc = 0x1000;
        let mut instrs = Vec::new();
        for (branch, access, [one, two], dst, short) in steps {
            let two = two.filter(|reg| Some(*reg) != one);
            let srcs = if one.is_none() { [two, None, None] } else { [one, two, None] };
            let mut instr = Instr { operands: Operands { srcs, dst }, ..at(pc) };
            if let Some((kind, taken, target)) = branch {
                let taken = taken || kind != BranchKind::Conditional;
                let target = VirtAddr(target * 0x40);
                instr.class = Class::Branch;
                instr.branch = Some(Branch { kind, taken, target });
                instr.operands.dst =
                    dst.filter(|_| matches!(kind, BranchKind::Jump | BranchKind::IndirectJump));
                pc = if taken { target.0 } else { pc + 4 };
            } else {
                instr.len = if short { 2 } else { 4 };
                instr.mem = access.map(|(load, va)| MemAccess {
                    va: VirtAddr(va * 8),
                    pa: PhysAddr(va * 8),
                    size: 8,
                    kind: if load { MemKind::Load } else { MemKind::Store },
                    io: false,
                    translated: true,
                });
                instr.class = match instr.mem {
                    None => Class::IntAlu,
                    Some(MemAccess { kind: MemKind::Load, .. }) => Class::Load,
                    Some(_) => Class::Store,
                };
                pc += u64::from(instr.len);
            }
            instrs.push(instr);
        }
        // The last one's length and target are not in a trace.
        instrs.push(at(pc));
        instrs
    })
}

/// What the format has a place for.
#[derive(Debug, PartialEq)]
struct Facts {
    pc: VirtAddr,
    len: u8,
    class: Class,
    srcs: Vec<Reg>,
    dst: Option<Reg>,
    mem: Option<(VirtAddr, u8, MemKind)>,
    branch: Option<(BranchKind, Option<VirtAddr>)>,
}

fn facts(instr: &Instr) -> Facts {
    let names_its_registers =
        !matches!(instr.branch, Some(Branch { kind: BranchKind::Jump | BranchKind::Call, .. }));
    Facts {
        pc: instr.pc,
        len: instr.len,
        class: instr.class,
        srcs: instr.operands.srcs.into_iter().flatten().filter(|_| names_its_registers).collect(),
        dst: instr.operands.dst,
        mem: instr.mem.map(|access| (access.va, access.size, access.kind)),
        branch: instr.branch.map(|branch| (branch.kind, branch.taken.then_some(branch.target))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_the_format_has_a_place_for_comes_back(program in program()) {
        let read = round_trip(&program);
        prop_assert_eq!(read.len(), program.len());
        for (read, written) in read.iter().zip(&program) {
            let (mut read, mut written) = (facts(read), facts(written));
            // A register that says no more than the kind of the branch stands for none.
            if written.srcs.is_empty() && written.branch.is_some() {
                read.srcs.clear();
            }
            written.srcs.truncate(3);
            prop_assert_eq!(read, written);
        }
    }
}
