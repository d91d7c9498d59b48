//! How large traces are, and how fast they are written and read on this host (in time on the processor
//! where the host tells it), for a made-up program that is kept in memory so that making it costs
//! nothing. `cargo run --release -p trace --example trace_speed`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::Program;
use std::error::Error;
use std::fs;
use std::sync::LazyLock;
use std::time::Instant;
use stream::{Fetched, HartId, Source, Translate, VirtAddr, Walk};
use trace::{
    ChampSimSource, ChampSimWriter, Metadata, Recorder, Recording, Sink, TraceSource, Writer,
};

const HART: HartId = HartId(0);
const INSTRUCTIONS: usize = 4_000_000;

/// What the program did, and a program that is at no place in it but knows the page tables.
struct Kept {
    all: std::vec::IntoIter<Fetched>,
    tables: Program,
}

impl Source for Kept {
    fn next(&mut self, _: HartId) -> Fetched {
        self.all.next().unwrap_or(Fetched::Stopped)
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        self.tables.walk(hart, va, kind)
    }
}

/// Seconds this thread has run: processor time on Linux, the wall clock elsewhere.
fn seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let scheduled = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = scheduled.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| START.elapsed().as_secs_f64(), |nanos| nanos * 1e-9)
}

/// Records the program and tells how that went.
fn write(sink: Box<dyn Sink>, instructions: usize) -> Result<(), Box<dyn Error>> {
    let mut program = Program::new(u64::MAX);
    let all: Vec<_> = (0..instructions).map(|_| program.next(HART)).collect();
    let mut source = Kept { all: all.into_iter(), tables: program };
    let mut recording = Recording::new(sink, 1);
    let start = seconds();
    let mut recorder = Recorder::new(&mut source, &mut recording);
    while recorder.next(HART) != Fetched::Stopped {}
    let summary = recording.finish()?;
    let each = |bytes: u64| bytes as f64 / summary.instructions as f64;
    let million_a_second = summary.instructions as f64 / (seconds() - start) / 1e6;
    println!(
        "written {million_a_second:6.2} M/s, {:.2} bytes an instruction, {:.2} compressed",
        each(summary.raw_bytes),
        each(summary.file_bytes)
    );
    Ok(())
}

fn read(source: &mut dyn Source) {
    let start = seconds();
    let mut instructions = 0_u64;
    while source.next(HART) != Fetched::Stopped {
        instructions += 1;
    }
    let million_a_second = instructions as f64 / (seconds() - start) / 1e6;
    println!("read    {million_a_second:6.2} M/s");
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trace");
    println!("native");
    let metadata = Metadata { harts: 1, ..Metadata::default() };
    write(Box::new(Writer::create(&path, &metadata)?), INSTRUCTIONS)?;
    read(&mut TraceSource::open(&path)?);
    println!("ChampSim");
    write(Box::new(ChampSimWriter::create(&path, HART)?), INSTRUCTIONS / 4)?;
    read(&mut ChampSimSource::open(&path)?);
    Ok(())
}
