//! The record of an instruction.
//!
//! ```text
//! flags, [pc - foreseen pc], then
//!   if foreseen:  [target - last target] [data address - last] [physical - foreseen, each] [event]
//!   if WHOLE:     everything
//! ```

use super::bytes::{Cursor, Malformed, put_difference, put_unsigned};
use super::codes;
use super::history::{History, Place};
use stream::{Branch, Instr, MemAccess, Operands, PhysAddr, VirtAddr};

/// Its pc is not the foreseen one.
const JUMPED: u8 = 1 << 0;
/// Its branch is taken (in a foreseen record).
const TAKEN: u8 = 1 << 1;
/// Its branch goes elsewhere than last time.
const TARGET: u8 = 1 << 2;
/// Its access goes elsewhere than last time.
const MOVED: u8 = 1 << 3;
/// Its physical addresses are not the foreseen ones.
const REMAPPED: u8 = 1 << 4;
/// Something interrupted the flow.
const EVENT: u8 = 1 << 5;
/// It is written whole.
const WHOLE: u8 = 1 << 6;

/// Appends the record of `instr`.
#[inline]
pub(super) fn put(history: &mut History, instr: &Instr, out: &mut Vec<u8>) {
    let start = out.len();
    let mut flags = 0;
    out.push(flags);
    if instr.pc.0 != history.next {
        flags |= JUMPED;
        put_difference(out, instr.pc.0, history.next);
    }
    let foreseen_at = out.len();
    let mut guess = history.foresee(instr.pc);
    let amendments = amend(history, &mut guess, instr, out);
    if guess == *instr {
        flags |= amendments;
    } else {
        out.truncate(foreseen_at);
        flags |= WHOLE;
        put_whole(history, instr, out);
    }
    out[start] = flags;
    history.learn(instr);
}

/// Makes of `guess` what can be made of it with few bytes, and appends those.
#[inline]
fn amend(history: &History, guess: &mut Instr, instr: &Instr, out: &mut Vec<u8>) -> u8 {
    let mut flags = 0;
    if let (Some(guess), Some(branch)) = (&mut guess.branch, &instr.branch) {
        guess.taken = branch.taken;
        flags |= if branch.taken { TAKEN } else { 0 };
        if guess.target != branch.target {
            flags |= TARGET;
            put_difference(out, branch.target.0, guess.target.0);
            guess.target = branch.target;
        }
    }
    if let (Some(access), Some(actual)) = (&mut guess.mem, &instr.mem) {
        if access.va != actual.va {
            flags |= MOVED;
            put_difference(out, actual.va.0, access.va.0);
        }
        history.aim(guess.asid, access, actual.va);
    }
    if guess.fetch_pa != instr.fetch_pa || pa(&guess.mem) != pa(&instr.mem) {
        flags |= REMAPPED;
        put_difference(out, instr.fetch_pa.0, guess.fetch_pa.0);
        guess.fetch_pa = instr.fetch_pa;
        if let (Some(access), Some(actual)) = (&mut guess.mem, &instr.mem) {
            put_difference(out, actual.pa.0, access.pa.0);
            access.pa = actual.pa;
        }
    }
    if guess.event != instr.event {
        flags |= EVENT;
        out.push(codes::of_event(instr.event));
        guess.event = instr.event;
    }
    flags
}

#[inline]
fn pa(access: &Option<MemAccess>) -> Option<PhysAddr> {
    access.as_ref().map(|access| access.pa)
}

/// Reads the record whose first byte is `flags`.
#[inline]
pub(super) fn get(history: &mut History, flags: u8, from: &mut Cursor) -> Result<Instr, Malformed> {
    let mut pc = history.next;
    if flags & JUMPED != 0 {
        pc = from.difference(pc)?;
    }
    let instr = if flags & WHOLE == 0 {
        let mut guess = history.foresee(VirtAddr(pc));
        amend_from(history, &mut guess, flags, from)?;
        guess
    } else {
        get_whole(history, VirtAddr(pc), from)?
    };
    history.learn(&instr);
    Ok(instr)
}

/// Does what [`amend`] did.
#[inline]
fn amend_from(
    history: &History,
    guess: &mut Instr,
    flags: u8,
    from: &mut Cursor,
) -> Result<(), Malformed> {
    if let Some(branch) = &mut guess.branch {
        branch.taken = flags & TAKEN != 0;
        if flags & TARGET != 0 {
            branch.target = VirtAddr(from.difference(branch.target.0)?);
        }
    }
    if let Some(access) = &mut guess.mem {
        let mut va = access.va;
        if flags & MOVED != 0 {
            va = VirtAddr(from.difference(va.0)?);
        }
        history.aim(guess.asid, access, va);
    }
    if flags & REMAPPED != 0 {
        guess.fetch_pa = PhysAddr(from.difference(guess.fetch_pa.0)?);
        if let Some(access) = &mut guess.mem {
            access.pa = PhysAddr(from.difference(access.pa.0)?);
        }
    }
    if flags & EVENT != 0 {
        guess.event = codes::event(from.byte()?)?;
    }
    Ok(())
}

const TRANSLATED: u8 = 1 << 2;
const SERIALISING: u8 = 1 << 3;
const FETCH_TAIL: u8 = 1 << 6;
const MOVE: u8 = 1 << 7;

const MEM: u8 = 1 << 0;
const MEM_TAIL: u8 = 1 << 1;
const BRANCH: u8 = 1 << 2;
const BRANCH_TAKEN: u8 = 1 << 3;

/// `flag` if `set`.
fn bit(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

#[cold]
fn put_whole(history: &History, instr: &Instr, out: &mut Vec<u8>) {
    out.push(codes::of_class(instr.class));
    out.push(instr.len);
    out.push(
        codes::of_privilege(instr.privilege)
            | bit(instr.translated, TRANSLATED)
            | bit(instr.serialising, SERIALISING)
            | codes::of_event(instr.event) << 4
            | bit(instr.fetch_tail.is_some(), FETCH_TAIL)
            | bit(instr.is_move, MOVE),
    );
    let (kind, taken) =
        instr.branch.map_or((0, false), |branch| (codes::of_branch(branch.kind), branch.taken));
    out.push(
        bit(instr.mem.is_some(), MEM)
            | bit(instr.mem_tail.is_some(), MEM_TAIL)
            | bit(instr.branch.is_some(), BRANCH)
            | bit(taken, BRANCH_TAKEN)
            | kind << 4,
    );
    put_unsigned(out, u64::from(instr.asid));
    out.extend(instr.operands.srcs.map(codes::of_reg));
    out.push(codes::of_reg(instr.operands.dst));
    put_difference(out, instr.fetch_pa.0, history.code.carry(instr.pc.0));
    if let Some(tail) = instr.fetch_tail {
        put_difference(out, tail.0, instr.fetch_pa.0);
    }
    let mut last = history.data;
    for access in instr.mem.iter().chain(&instr.mem_tail) {
        put_access(access, last, out);
        last = Place::of(access);
    }
    if let Some(branch) = instr.branch {
        put_difference(out, branch.target.0, instr.pc.0);
    }
}

#[cold]
fn get_whole(history: &History, pc: VirtAddr, from: &mut Cursor) -> Result<Instr, Malformed> {
    let class = codes::class(from.byte()?)?;
    let len = from.byte()?;
    let state = from.byte()?;
    let parts = from.byte()?;
    let asid = from.short()?;
    let mut reg = || codes::reg(from.byte()?);
    let operands = Operands { srcs: [reg()?, reg()?, reg()?], dst: reg()? };
    let fetch_pa = PhysAddr(from.difference(history.code.carry(pc.0))?);
    let mut instr = Instr { pc, fetch_pa, len, class, operands, asid, ..Instr::default() };
    instr.privilege = codes::privilege(state & 3)?;
    instr.translated = state & TRANSLATED != 0;
    instr.serialising = state & SERIALISING != 0;
    instr.is_move = state & MOVE != 0;
    instr.event = codes::event(state >> 4 & 3)?;
    if state & FETCH_TAIL != 0 {
        instr.fetch_tail = Some(PhysAddr(from.difference(fetch_pa.0)?));
    }
    let mut last = history.data;
    for (part, flag) in [(&mut instr.mem, MEM), (&mut instr.mem_tail, MEM_TAIL)] {
        if parts & flag != 0 {
            let access = get_access(last, from)?;
            last = Place::of(&access);
            *part = Some(access);
        }
    }
    if parts & BRANCH != 0 {
        let kind = codes::branch(parts >> 4)?;
        let target = VirtAddr(from.difference(pc.0)?);
        instr.branch = Some(Branch { kind, taken: parts & BRANCH_TAKEN != 0, target });
    }
    Ok(instr)
}

const ACCESS_IO: u8 = 1 << 4;
const ACCESS_TRANSLATED: u8 = 1 << 5;

fn put_access(access: &MemAccess, last: Place, out: &mut Vec<u8>) {
    out.push(
        codes::of_mem(access.kind)
            | bit(access.io, ACCESS_IO)
            | bit(access.translated, ACCESS_TRANSLATED),
    );
    out.push(access.size);
    put_difference(out, access.va.0, last.va);
    put_difference(out, access.pa.0, last.carry(access.va.0));
}

fn get_access(last: Place, from: &mut Cursor) -> Result<MemAccess, Malformed> {
    let bits = from.byte()?;
    let size = from.byte()?;
    let va = from.difference(last.va)?;
    let pa = from.difference(last.carry(va))?;
    Ok(MemAccess {
        va: VirtAddr(va),
        pa: PhysAddr(pa),
        size,
        kind: codes::mem(bits & 0xf)?,
        io: bits & ACCESS_IO != 0,
        translated: bits & ACCESS_TRANSLATED != 0,
    })
}
