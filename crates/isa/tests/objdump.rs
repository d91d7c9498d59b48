//! Compares decoding with GNU binutils' disassembler, where that is installed
//! (Debian's binutils-riscv64-linux-gnu); otherwise says that it was skipped.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use isa::{Format, Op, decode, disassemble};

const PREFIX: &str = "riscv64-linux-gnu-";
const ARCH: &str =
    "rv64gc_zicsr_zifencei_zba_zbb_zbs_zicbom_zicboz_zicbop_zawrs_zihintpause_svinval";

/// A small generator with a fixed seed (Steele and others, SplitMix64), so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

fn tool(name: &str) -> Option<Command> {
    let program = format!("{PREFIX}{name}");
    let present =
        Command::new(&program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !present {
        println!("SKIPPED: {program} is not installed (Debian package binutils-riscv64-linux-gnu)");
    }
    present.then(|| Command::new(program))
}

/// What objdump prints for each of `words` (each `len` bytes), as `mnemonic operands`.
fn objdump(words: &[u32], len: usize) -> Option<Vec<String>> {
    let (mut assembler, mut objdump) = (tool("as")?, tool("objdump")?);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, object) = (folder.path().join("words.s"), folder.path().join("words.o"));
    let mut text = String::from(".option norelax\n");
    for word in words {
        writeln!(text, ".insn {len}, {word:#x}").expect("writing to a string");
    }
    std::fs::write(&source, text).expect("the source is written");
    run(assembler.arg(format!("-march={ARCH}")).arg("-o").arg(&object).arg(&source));
    let listing = run(objdump.args(["-d", "-z", "-M", "no-aliases"]).arg(Path::new(&object)));
    let lines: Vec<String> = listing.lines().filter_map(instruction_text).collect();
    assert_eq!(lines.len(), words.len(), "one line a word");
    Some(lines)
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the tool starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the tool prints text")
}

/// The instruction of a listing line such as `   4:\t00a28293\taddi\tt0,t0,10 # comment`.
fn instruction_text(line: &str) -> Option<String> {
    let mut fields = line.split('\t');
    let address = fields.next()?.trim();
    if !address.ends_with(':') || fields.next().is_none() {
        return None;
    }
    let mut text = fields.next()?.trim().to_owned();
    if let Some(operands) = fields.next() {
        let end = [" <", " #"].iter().filter_map(|mark| operands.find(mark)).min();
        let end = end.unwrap_or(operands.len());
        text = format!("{text} {}", operands[..end].trim());
    }
    Some(text)
}

fn is_unknown(text: &str) -> bool {
    text.starts_with('.')
        || text.starts_with("0x")
        || text.starts_with("unimp")
        || text.starts_with("c.unimp")
}

/// False for legal encodings that objdump does not know, or prints by names that we do not have.
fn is_plain(inst: &isa::Inst) -> bool {
    match inst.op {
        Op::Fence => inst.imm >> 8 == 0,
        Op::FcvtDS | Op::FcvtDW | Op::FcvtDWu => inst.rm == 0,
        _ if inst.op.class() == isa::Class::Csr => isa::csr::name(inst.imm as u16).is_some(),
        _ => true,
    }
}

/// Branch targets in objdump's notation (hexadecimal without prefix), for comparison.
fn our_text(raw: u32, pc: u64) -> String {
    let inst = decode(raw).expect("legal");
    let text = disassemble(&inst, pc);
    match inst.op.format() {
        Format::J | Format::B => {
            let (head, target) = text.rsplit_once(",0x").expect("a target");
            format!("{head},{target}")
        }
        _ => text,
    }
}

/// Our expansion written as the compressed instruction is: without the operands it implies.
fn our_compressed_text(raw: u32, pc: u64) -> String {
    let Some(mnemonic) = isa::rvc::mnemonic(raw as u16) else { return "illegal".to_owned() };
    let text = our_text(raw, pc);
    let mut operands: Vec<&str> =
        text.split_once(' ').map_or(vec![], |(_, o)| o.split(',').collect());
    match mnemonic {
        "c.addi" | "c.addiw" | "c.li" | "c.addi16sp" | "c.slli" | "c.srli" | "c.srai"
        | "c.andi" | "c.sub" | "c.xor" | "c.or" | "c.and" | "c.subw" | "c.addw" | "c.mv"
        | "c.add" | "c.beqz" | "c.bnez" => drop(operands.remove(1)),
        "c.j" => drop(operands.remove(0)),
        "c.jr" | "c.jalr" => {
            operands = vec![operands[1].trim_start_matches("0(").trim_end_matches(')')]
        }
        _ => {}
    }
    format!("{mnemonic} {}", operands.join(",")).trim_end().to_owned()
}

/// objdump's text without the names it has for special operands.
fn canonical(text: &str) -> String {
    if is_unknown(text) {
        return "illegal".to_owned();
    }
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    match mnemonic {
        "c.nop" if operands.is_empty() => "c.addi zero,0".to_owned(),
        "c.nop" => format!("c.addi zero,{operands}"),
        "c.slli64" | "c.srli64" | "c.srai64" => format!("{} {operands},0x0", &mnemonic[..6]),
        // The manual reserves this encoding.
        "c.addi16sp" if operands == "sp,0" => "illegal".to_owned(),
        _ => text.to_owned(),
    }
}

/// Fails with the list of differing lines.
fn assert_same(words: &[u32], ours: impl Iterator<Item = String>, theirs: &[String]) {
    let differing: Vec<String> = words
        .iter()
        .zip(ours.zip(theirs))
        .filter(|(_, (ours, theirs))| ours != *theirs)
        .map(|(raw, (ours, theirs))| format!("{raw:#010x}: ours {ours:?}, objdump {theirs:?}"))
        .collect();
    let count = differing.len();
    assert!(differing.is_empty(), "{count} differ:\n{}", differing[..count.min(30)].join("\n"));
}

#[test]
fn random_operands_of_every_row_print_as_objdump_does() {
    let mut random = Random(1);
    let mut words = Vec::new();
    for op in Op::ALL.into_iter().filter(|&op| op != Op::M5op) {
        while words.last().is_none_or(|&(last, n)| last != op || n < 40) {
            let n = words.iter().filter(|(o, _)| *o == op).count();
            words.push((op, n + 1));
        }
    }
    let words: Vec<u32> = words
        .into_iter()
        .map(|(op, _)| {
            loop {
                let layout = op.layout();
                let raw = layout.value | random.next() as u32 & !layout.mask;
                if let Some(inst) = decode(raw).filter(is_plain) {
                    break isa::encode(&inst);
                }
            }
        })
        .collect();
    let Some(theirs) = objdump(&words, 4) else { return };
    let ours = words.iter().enumerate().map(|(i, &raw)| our_text(raw, 4 * i as u64));
    assert_same(&words, ours, &theirs);
    println!("compared {} four-byte encodings with objdump", words.len());
}

#[test]
fn every_control_register_has_the_name_objdump_gives_it() {
    let words: Vec<u32> =
        isa::csr::ALL.iter().map(|csr| 0x0000_2073 | u32::from(csr.number) << 20).collect();
    let Some(theirs) = objdump(&words, 4) else { return };
    assert_same(&words, words.iter().map(|&raw| our_text(raw, 0)), &theirs);
    println!("compared {} control register names with objdump", words.len());
}

#[test]
fn every_compressed_encoding_expands_as_objdump_says() {
    let words: Vec<u32> = (0..0x1_0000).filter(|raw| raw & 3 != 3).collect();
    let Some(theirs) = objdump(&words, 2) else { return };
    let legal = theirs.iter().filter(|text| !is_unknown(text)).count();
    let ours = words.iter().enumerate().map(|(i, &raw)| our_compressed_text(raw, 2 * i as u64));
    let theirs: Vec<String> = theirs.iter().map(|text| canonical(text)).collect();
    assert_same(&words, ours, &theirs);
    println!("compared {} compressed encodings with objdump, {legal} of them legal", words.len());
}
