//! All kinds of records.

use super::bytes::{Cursor, Malformed, put_difference, put_unsigned};
use super::history::History;
use super::instr;
use crate::Mark;
use sim::Picos;
use stream::{FlushScope, Instr, Page, PhysAddr, VirtAddr, Walk};

/// One record of a hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Instr(Instr),
    Flush(FlushScope),
    Idle(Option<Picos>),
    /// What a walk for an address found, in the address space of the instruction before.
    Walk(VirtAddr, Walk),
    Mark(Mark),
}

/// Set in the first byte of all records but those of instructions.
const OTHER: u8 = 0x80;
const FLUSH_ALL: u8 = OTHER;
const FLUSH_ASID: u8 = OTHER | 1;
const FLUSH_PAGE: u8 = OTHER | 2;
const FLUSH_PAGE_ASID: u8 = OTHER | 3;
const IDLE: u8 = OTHER | 4;
const IDLE_UNTIL: u8 = OTHER | 5;
pub(super) const WALK: u8 = OTHER | 6;
const BEGIN: u8 = OTHER | 7;
const END: u8 = OTHER | 8;
const MAY_END: u8 = OTHER | 9;
const ENDED_AT: u8 = OTHER | 10;
const WARMING: u8 = OTHER | 11;
const DETAILED: u8 = OTHER | 12;

/// A page was found.
const FOUND: u8 = 1 << 3;
const GLOBAL: u8 = 1 << 4;

/// The largest page that an address of 64 bits can have is smaller.
const MAX_PAGE_LOG2: u8 = 63;

pub(super) fn put_flush(scope: FlushScope, out: &mut Vec<u8>) {
    match scope {
        FlushScope::All => out.push(FLUSH_ALL),
        FlushScope::Asid(asid) => {
            out.push(FLUSH_ASID);
            put_unsigned(out, u64::from(asid));
        }
        FlushScope::Page(va) => {
            out.push(FLUSH_PAGE);
            put_unsigned(out, va.0);
        }
        FlushScope::PageAsid(va, asid) => {
            out.push(FLUSH_PAGE_ASID);
            put_unsigned(out, va.0);
            put_unsigned(out, u64::from(asid));
        }
    }
}

pub(super) fn put_idle(until: Option<Picos>, out: &mut Vec<u8>) {
    match until {
        None => out.push(IDLE),
        Some(time) => {
            out.push(IDLE_UNTIL);
            put_unsigned(out, time.0);
        }
    }
}

pub(super) fn put_mark(mark: Mark, out: &mut Vec<u8>) {
    let (kind, number) = match mark {
        Mark::Begin(number) => (BEGIN, number),
        Mark::End(number) => (END, number),
        Mark::MayEnd(number) => (MAY_END, number),
        Mark::EndedAt(number) => (ENDED_AT, number),
        Mark::Warming => return out.push(WARMING),
        Mark::Detailed => return out.push(DETAILED),
    };
    out.push(kind);
    put_unsigned(out, number);
}

/// Appends a walk, as it differs from the last one: neighbours share the upper levels.
pub(super) fn put_walk(history: &mut History, va: VirtAddr, walk: &Walk, out: &mut Vec<u8>) {
    let (last_va, last) = &history.walk;
    let global = walk.page.is_some_and(|page| page.global);
    out.push(WALK);
    out.push(
        walk.entries().len() as u8
            | if walk.page.is_some() { FOUND } else { 0 }
            | if global { GLOBAL } else { 0 },
    );
    put_difference(out, va.0, last_va.0);
    for (level, entry) in walk.entries().iter().enumerate() {
        put_difference(out, entry.0, entry_of(last, level));
    }
    if let Some(page) = walk.page {
        assert!(page.size_log2 <= MAX_PAGE_LOG2, "a page of 2^{} bytes", page.size_log2);
        out.push(page.size_log2);
        put_difference(out, page.base.0, base_of(last));
    }
    history.walk = (va, *walk);
}

fn get_walk(history: &mut History, from: &mut Cursor) -> Result<Record, Malformed> {
    let bits = from.byte()?;
    let levels = usize::from(bits & 7);
    if levels > Walk::MAX_LEVELS {
        return Err(Malformed("a walk has too many levels"));
    }
    let (last_va, last) = &history.walk;
    let va = VirtAddr(from.difference(last_va.0)?);
    let mut walk = Walk::new();
    for level in 0..levels {
        walk.read(PhysAddr(from.difference(entry_of(last, level))?));
    }
    if bits & FOUND != 0 {
        let size_log2 = from.byte()?;
        if size_log2 > MAX_PAGE_LOG2 {
            return Err(Malformed("a page is larger than the address space"));
        }
        let base = PhysAddr(from.difference(base_of(last))?);
        walk.page = Some(Page { base, size_log2, global: bits & GLOBAL != 0 });
    }
    history.walk = (va, walk);
    Ok(Record::Walk(va, walk))
}

fn entry_of(walk: &Walk, level: usize) -> u64 {
    walk.entries().get(level).map_or(0, |entry| entry.0)
}

fn base_of(walk: &Walk) -> u64 {
    walk.page.map_or(0, |page| page.base.0)
}

/// Reads the next record.
#[inline]
pub(super) fn get(history: &mut History, from: &mut Cursor) -> Result<Record, Malformed> {
    let kind = from.byte()?;
    if kind & OTHER == 0 {
        return instr::get(history, kind, from).map(Record::Instr);
    }
    get_other(history, kind, from)
}

fn get_other(history: &mut History, kind: u8, from: &mut Cursor) -> Result<Record, Malformed> {
    Ok(match kind {
        FLUSH_ALL => Record::Flush(FlushScope::All),
        FLUSH_ASID => Record::Flush(FlushScope::Asid(from.short()?)),
        FLUSH_PAGE => Record::Flush(FlushScope::Page(VirtAddr(from.unsigned()?))),
        FLUSH_PAGE_ASID => {
            let va = VirtAddr(from.unsigned()?);
            Record::Flush(FlushScope::PageAsid(va, from.short()?))
        }
        IDLE => Record::Idle(None),
        IDLE_UNTIL => Record::Idle(Some(Picos(from.unsigned()?))),
        WALK => return get_walk(history, from),
        BEGIN => Record::Mark(Mark::Begin(from.unsigned()?)),
        END => Record::Mark(Mark::End(from.unsigned()?)),
        MAY_END => Record::Mark(Mark::MayEnd(from.unsigned()?)),
        ENDED_AT => Record::Mark(Mark::EndedAt(from.unsigned()?)),
        WARMING => Record::Mark(Mark::Warming),
        DETAILED => Record::Mark(Mark::Detailed),
        _ => return Err(Malformed("there is no such record")),
    })
}
