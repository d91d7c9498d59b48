//! A trace of ChampSim's as a source.

use super::input::Input;
use super::kind::Kind;
use super::record::Record;
use super::{registers, tables};
use crate::TraceError;
use std::collections::HashMap;
use std::path::Path;
use stream::{
    Branch, Class, Fetched, HartId, Instr, MemAccess, MemKind, Privilege, Source, Translate,
    VirtAddr, Walk,
};

/// The longest instruction of x86 (Intel SDM vol. 2, section 2.3.11).
const LONGEST: u64 = 15;

/// The length of an instruction that the next record does not tell.
const LENGTH: u8 = 4;

/// The line that an access does not leave, and the size it has within.
const LINE: u64 = 64;
const ACCESS: u64 = 8;

/// Replays a trace of ChampSim's on hart 0.
///
/// It ends as [`Fetched::Stopped`]; ChampSim starts over instead. A fault found on the way ends it,
/// too, and is kept for [`ChampSimSource::error`].
#[derive(Debug)]
pub struct ChampSimSource {
    input: Input,
    /// The record after the one handed out last.
    next: Option<Record>,
    /// Where conditional branches went when they were taken last. Only looked up, never listed.
    targets: HashMap<u64, u64>,
    dropped_accesses: u64,
    error: Option<TraceError>,
}

impl ChampSimSource {
    /// Opens a trace, plain or compressed.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no such trace.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let mut input = Input::open(path)?;
        let next = input.next()?;
        let targets = HashMap::new();
        Ok(Self { input, next, targets, dropped_accesses: 0, error: None })
    }

    /// What ended the replay before its time.
    #[must_use]
    pub fn error(&self) -> Option<&TraceError> {
        self.error.as_ref()
    }

    /// How many memory operands were dropped, because an instruction had more than it can have
    /// here.
    #[must_use]
    pub fn dropped_accesses(&self) -> u64 {
        self.dropped_accesses
    }

    fn instr(&mut self, record: &Record) -> Instr {
        let next_ip = self.next.map(|next| next.ip);
        let kind = Kind::of(record);
        let taken = kind.is_some_and(|kind| record.taken || !kind.has_direction());
        let len = length(record.ip, next_ip.filter(|_| !taken));
        let [mem, mem_tail] = self.accesses(record);
        let class = match mem {
            _ if kind.is_some() => Class::Branch,
            Some(MemAccess { kind: MemKind::Load, .. }) => Class::Load,
            Some(_) => Class::Store,
            None => Class::IntAlu,
        };
        Instr {
            pc: VirtAddr(record.ip),
            fetch_pa: tables::translate(record.ip),
            fetch_tail: tail(record.ip, len).map(tables::translate),
            len,
            class,
            operands: registers::operands(record, kind.is_some()),
            mem,
            mem_tail,
            branch: kind.map(|kind| Branch {
                kind: kind.seen_as(taken),
                taken,
                target: self.target(record.ip, taken, next_ip, len),
            }),
            privilege: Privilege::User,
            translated: true,
            ..Instr::default()
        }
    }

    /// Where a branch goes when it is taken, as far as the trace has shown.
    fn target(&mut self, ip: u64, taken: bool, next: Option<u64>, len: u8) -> VirtAddr {
        let follows = ip.wrapping_add(u64::from(len));
        VirtAddr(match (taken, next) {
            (true, Some(next)) => {
                self.targets.insert(ip, next);
                next
            }
            _ => self.targets.get(&ip).copied().unwrap_or(follows),
        })
    }

    /// Two loads, or two stores if there is no load.
    fn accesses(&mut self, record: &Record) -> [Option<MemAccess>; 2] {
        let used = |address: &u64| *address != 0;
        let loads = record.loads.into_iter().filter(used);
        let stores = record.stores.into_iter().filter(used);
        let operands = loads.clone().count() + stores.clone().count();
        let mut kept = loads.map(|address| access(address, MemKind::Load));
        let mut accesses = [kept.next(), kept.next()];
        if accesses[0].is_none() {
            let mut kept = stores.map(|address| access(address, MemKind::Store));
            accesses = [kept.next(), kept.next()];
        }
        self.dropped_accesses += (operands - accesses.iter().flatten().count()) as u64;
        accesses
    }
}

fn access(address: u64, kind: MemKind) -> MemAccess {
    MemAccess {
        va: VirtAddr(address),
        pa: tables::translate(address),
        size: ACCESS.min(LINE - address % LINE) as u8,
        kind,
        io: false,
        translated: true,
    }
}

/// The length of an instruction that `next` follows.
fn length(ip: u64, next: Option<u64>) -> u8 {
    match next.map(|next| next.wrapping_sub(ip)) {
        Some(distance @ 1..=LONGEST) => distance as u8,
        _ => LENGTH,
    }
}

/// The first byte of an instruction on a second page.
fn tail(ip: u64, len: u8) -> Option<u64> {
    let last = ip.wrapping_add(u64::from(len) - 1);
    (last >> 12 != ip >> 12).then_some(last & !0xfff)
}

impl Source for ChampSimSource {
    fn next(&mut self, hart: HartId) -> Fetched {
        if hart != HartId(0) {
            return Fetched::Stopped;
        }
        let Some(record) = self.next else { return Fetched::Stopped };
        self.next = self.input.next().unwrap_or_else(|error| {
            self.error = Some(error);
            None
        });
        Fetched::Instr(self.instr(&record))
    }

    fn walk(&mut self, _: HartId, va: VirtAddr, _: Translate) -> Walk {
        tables::walk(va)
    }
}
