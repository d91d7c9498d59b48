//! Tests of the memory, on every standard in `configs/dram`.

mod bandwidth;
mod checker;
mod config;
mod latency;
mod random;
mod scheduling;
mod tight;

use super::command::Command;
use super::{Dram, DramConfig, PagePolicy, Tick};
use crate::Cycle;
use sim::{Clock, Picos};
use std::fs;
use std::path::PathBuf;
use stream::LineAddr;

const LINE_BYTES: u64 = 64;

/// The files that describe standards, by name, with their text.
fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs/dram");
    let entries = fs::read_dir(folder).expect("standards").map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// All standards by name.
fn standards() -> Vec<(String, DramConfig)> {
    files().into_iter().map(|(name, text)| (name, toml::from_str(&text).expect("valid"))).collect()
}

fn standard(name: &str) -> DramConfig {
    standards().into_iter().find(|(known, _)| known == name).expect("a standard").1
}

/// The same without refreshes for a millisecond.
fn without_refresh(mut config: DramConfig) -> DramConfig {
    config.timing.refi_ns = 1_000_000;
    config
}

/// A core clock with the period of the devices' clock, so that cycles are clocks.
fn same_clock(config: &DramConfig) -> Clock {
    Clock::from_period(Picos(config.timing.tck_ps))
}

/// A memory with cores at its own clock.
fn memory(config: &DramConfig) -> Dram {
    Dram::new(config, same_clock(config), LINE_BYTES)
}

/// The commands of a channel so far, without their times.
fn commands(dram: &Dram, channel: usize) -> Vec<Command> {
    dram.channels[channel].trace.iter().map(|&(_, command)| command).collect()
}

/// Lets a memory finish all requests it has, reads and writes; returns the reads as they came.
fn drain(dram: &mut Dram) -> Vec<(u32, Cycle)> {
    let mut done = Vec::new();
    while let Some(next) = dram.next_event() {
        dram.advance(next, &mut done);
    }
    done
}

/// Where things are in memory: the first line with the given place in channel 0.
struct Lines(DramConfig);

impl Lines {
    /// A line of `row` in `bank` of `group` in rank 0, `column` lines into the row.
    fn at(&self, row: u64, group: u64, bank: u64, column: u64) -> LineAddr {
        self.in_rank(0, row, group, bank, column)
    }

    fn in_rank(&self, rank: u64, row: u64, group: u64, bank: u64, column: u64) -> LineAddr {
        use super::AddressField::*;
        let o = &self.0.organisation;
        let mut line = 0;
        for field in &self.0.controller.address_map {
            let (value, count) = match field {
                Row => (row, u64::from(o.rows)),
                Rank => (rank, u64::from(o.ranks)),
                BankGroup => (group, u64::from(o.bank_groups)),
                Bank => (bank, u64::from(o.banks_per_group)),
                Column => (column, o.row_bytes / LINE_BYTES),
                Channel => (0, u64::from(o.channels)),
            };
            assert!(value < count);
            line = line * count + value;
        }
        LineAddr(line)
    }
}

/// Numbers from a seed (Marsaglia's xorshift).
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }
}
