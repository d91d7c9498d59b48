//! Address translation: page tables of every shape, accesses of every kind through them.
//!
//! Each program has its own tables and data pages. Memory is mapped as it is for S mode (one gigapage) and
//! at [`level::ALIAS`] for U mode; the rest of the tables is random: leaves of all sizes, aligned or not, with
//! random permissions and A/D bits, NAPOT and PBMT, pointers that must not be, addresses outside.
//!
//! Not generated because QEMU decides otherwise than the manual: reserved bits of entries, PBMT = 3, tables
//! where there is no memory.

use super::level::{self, Level};
use super::mixed;
use crate::body::Body;
use crate::elf::Segment;
use crate::layout::{self, CODE};
use crate::random::Random;
use isa::{Class, Extension, Op, csr};

const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const U: u64 = 16;
const G: u64 = 32;
const A: u64 = 64;
const D: u64 = 128;
const NAPOT: u64 = 1 << 63;

const SUM: u64 = 1 << 18;
const MXR: u64 = 1 << 19;
const MPRV: u64 = 1 << 17;
const MPP: u64 = 3 << 11;

/// Pages of tables at the start of a program's area; data pages follow.
const TABLE_PAGES: usize = 8;
const DATA_PAGES: usize = (layout::TABLES_STRIDE / 0x1000) as usize - TABLE_PAGES;
/// The page that is the root of Sv39 and the second level of Sv48.
const ROOT39: usize = 0;
const ROOT48: usize = 7;
/// The 2 MiB table below entry [`GIG`] of the root, and its two 4 KiB tables.
const MIDDLE: usize = 1;
const LOW: [usize; 2] = [2, 3];
const ENDLESS: usize = 4;
/// A second Sv39 space, in which the two 4 KiB tables have changed places.
const OTHER_ROOT39: usize = 5;
const OTHER_MIDDLE: usize = 6;
/// Address-space identifiers are 1 to this; each has its own tables.
const SPACES: u64 = 3;
/// Root entry of the region with smaller pages.
const GIG: u64 = 4;

/// A program's tables.
struct Tables<'a> {
    base: u64,
    words: Vec<u64>,
    random: &'a mut Random,
}

impl Tables<'_> {
    fn set(&mut self, page: usize, entry: usize, pte: u64) {
        self.words[page * 512 + entry] = pte;
    }

    fn pointer(&self, page: usize) -> u64 {
        entry(self.base + page as u64 * 0x1000) | V
    }

    fn data_page(&mut self) -> u64 {
        self.base + ((TABLE_PAGES + self.random.below(DATA_PAGES)) as u64) * 0x1000
    }

    fn fill(&mut self) {
        let all = V | R | W | X | A | D;
        self.set(ROOT39, 2, entry(CODE) | all);
        self.set(ROOT39, 3, entry(CODE) | all | U);
        let middle = self.pointer(MIDDLE);
        self.set(ROOT39, GIG as usize, middle);
        let giant = entry(CODE) | permissions(self.random);
        self.set(ROOT39, 5, giant);
        self.set(ROOT39, 510, giant);
        let misaligned = giant | 1 << (10 + self.random.below(18));
        self.set(ROOT39, 6, misaligned);
        let bad_pointer = middle | self.random.pick(&[A, D, U]);
        self.set(ROOT39, 7, bad_pointer);
        let root39 = self.pointer(ROOT39);
        let vast = permissions(self.random);
        for (index, pte) in
            [(0, root39), (1, vast), (2, vast | 1 << (10 + self.random.below(27))), (511, root39)]
        {
            self.set(ROOT48, index, pte);
        }
        for n in 0..512 {
            let same = self.words[ROOT39 * 512 + n];
            self.set(OTHER_ROOT39, n, same);
        }
        let other = self.pointer(OTHER_MIDDLE);
        self.set(OTHER_ROOT39, GIG as usize, other);
        self.fill_middle(MIDDLE, LOW);
        self.fill_middle(OTHER_MIDDLE, [LOW[1], LOW[0]]);
        for low in LOW {
            self.fill_low(low);
        }
        for n in 0..512 {
            let endless = self.pointer(ENDLESS);
            self.set(ENDLESS, n, endless);
        }
    }

    fn fill_middle(&mut self, middle: usize, low: [usize; 2]) {
        let block = entry(self.base & !0x1f_ffff);
        for (n, page) in low.into_iter().enumerate() {
            let pointer = self.pointer(page);
            self.set(middle, 4 * n, pointer);
        }
        for n in [1, 5, 6] {
            let pte = block | permissions(self.random) & !G;
            self.set(middle, n, pte);
        }
        let misaligned = block | permissions(self.random) | 1 << (10 + self.random.below(9));
        self.set(middle, 2, misaligned);
        let endless = self.pointer(ENDLESS);
        self.set(middle, 3, endless);
    }

    fn fill_low(&mut self, page: usize) {
        for n in 0..32 {
            let pte = self.small();
            self.set(page, n, pte);
        }
        // A 64 KiB page takes sixteen entries, all alike; some have a size that is not defined.
        let size = if self.random.one_in(3) { 1 << self.random.below(4) } else { 8 };
        let block = self.base + 0x1_0000 * (1 + self.random.below(3) as u64);
        // QEMU marks an entry as accessed before it looks at the size.
        let marked = if size == 8 { 0 } else { A | D };
        let pte = entry(block) | size << 10 | permissions(self.random) | marked | NAPOT;
        for n in 32..48 {
            self.set(page, n, pte);
        }
    }

    /// An entry for a 4 KiB page. Not global, so that fences for one address space reach it.
    fn small(&mut self) -> u64 {
        let pbmt = if self.random.one_in(12) { (1 + self.random.below(2) as u64) << 61 } else { 0 };
        entry(self.data_page()) | useful(self.random) | pbmt
    }
}

fn entry(pa: u64) -> u64 {
    pa >> 12 << 10
}

/// Random flags of a leaf, mostly useful ones.
fn permissions(random: &mut Random) -> u64 {
    let r = random.bits();
    let flags = match r & 7 {
        0 => r >> 3 & 0xff,
        1..=3 => V | R | W | r >> 3 & (X | U | G | A | D),
        _ => V | R | r >> 3 & (W | X | U | A | D),
    };
    // Without these it would be a pointer.
    if flags & (R | W | X) == 0 { flags | X } else { flags }
}

/// Flags that mostly permit everything, never global.
fn useful(random: &mut Random) -> u64 {
    match random.below(3) {
        0 => permissions(random) & !G,
        _ => V | R | W | X | random.bits() & (U | A | D),
    }
}

/// Makes the program's tables and data pages part of the image and turns translation on.
pub fn set_up(body: &mut Body<'_>) {
    assert!(
        body.index < layout::MAX_TRANSLATED,
        "the image has room for fewer programs with tables"
    );
    let base = layout::tables(body.index);
    let words = vec![0; TABLE_PAGES * 512];
    let mut tables = Tables { base, words, random: &mut body.random };
    tables.fill();
    let mut bytes: Vec<u8> = tables.words.iter().flat_map(|word| word.to_le_bytes()).collect();
    for page in 0..DATA_PAGES {
        data_page(&mut bytes, page as u64, &mut body.random);
    }
    body.memory.push(Segment { address: base, bytes });
    switch_space(body);
}

/// A page whose first half tells it from others as data, and whose second half does as code: a register is
/// loaded with a number, then a breakpoint, over and over. Its last halfword begins a four-byte instruction
/// that ends on the next page: `ecall` or `ebreak`.
fn data_page(bytes: &mut Vec<u8>, page: u64, random: &mut Random) {
    for n in 0..256 {
        let name = if n == 0 { (page & 1) << 4 } else { page << 8 | n };
        bytes.extend((random.bits() << 16 | name).to_le_bytes());
    }
    for n in 0..1023 {
        let load = 0x4281 | (page as u16 & 31) << 2; // c.li t0, page
        let code = if n % 2 == 0 { load } else { 0x9002 };
        bytes.extend(code.to_le_bytes());
    }
    bytes.extend([0x73, 0x00]);
}

/// One access or change of the tables.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(16) {
        0..=6 => data_probe(body),
        7..=9 => fetch_probe(body),
        10 => change_large_entry(body),
        11 => change_entry(body),
        12 => switch_space(body),
        _ => visit(body),
    }
}

/// One of the spaces, or seldom none. Nothing changed in them, so a fence is not needed.
fn switch_space(body: &mut Body<'_>) {
    let base = layout::tables(body.index) >> 12;
    let satp = match body.random.below(8) {
        0..=2 => 8 << 60 | 1 << 44 | (base + ROOT39 as u64),
        3 | 4 => 8 << 60 | 2 << 44 | (base + OTHER_ROOT39 as u64),
        5 | 6 => 9 << 60 | 3 << 44 | (base + ROOT48 as u64),
        _ => 0,
    };
    body.translated = satp != 0;
    level::set(body, csr::SATP, satp);
    if body.random.one_in(3) {
        fence(body, None, None);
    }
}

/// An address that the tables say something about, at `offset` in its page.
fn address(body: &mut Body<'_>, offset: u64) -> u64 {
    let base = layout::tables(body.index);
    let data = ((TABLE_PAGES + body.random.below(DATA_PAGES - 1)) as u64) * 0x1000 + offset;
    let in_block = (base & 0x1f_ffff) + data;
    let in_ram = base - CODE + data;
    match body.random.below(20) {
        0 => 5 << 30 | in_ram,
        1 => 6 << 30 | in_ram,
        2 => (GIG << 30) + (2 << 21) + in_block,
        3 | 4 => (GIG << 30) + (body.random.pick(&[1, 5, 6]) << 21) + in_block,
        5 => (GIG << 30) + (3 << 21) + in_block,
        6 => 7 << 30 | offset,
        7 => 1 << 39 | (base + data),
        8 => 2 << 39 | (base + data),
        9 => 0xffff_ffff_8000_0000 + in_ram,
        10 => 0xffff_ff80_0000_0000 | 510 << 30 | in_ram,
        11 => 1 << 47 | in_ram,
        12 => base + data,
        13 => base + data + level::ALIAS,
        _ => small_page(body) + offset,
    }
}

/// The address of a 4 KiB or 64 KiB page.
fn small_page(body: &mut Body<'_>) -> u64 {
    let block = body.random.pick(&[0, 4]);
    let pages = body.random.pick(&[12, 12, 49]);
    let page = body.random.below(pages) as u64;
    (GIG << 30) + (block << 21) + (page << 12)
}

/// A load, store, reservation or atomic from machine mode with the privilege of S or U (MPRV).
fn data_probe(body: &mut Body<'_>) {
    let page = address(body, 0);
    let who = any_level(body);
    data_probe_at(body, page, who);
}

fn any_level(body: &mut Body<'_>) -> Level {
    body.random.pick(&[Level::Supervisor, Level::User])
}

fn data_probe_at(body: &mut Body<'_>, page: u64, who: Level) {
    // Of an atomic where there is no memory, QEMU reports a load.
    let classes = [Class::Load, Class::Store, Class::LoadReserved, Class::Amo];
    let ops = super::of_classes(body, &classes[..if body.translated { 4 } else { 3 }]);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    let bytes = u64::from(inst.access_bytes());
    let mut offset = body.random.below(0x800) as u64;
    let atomic = matches!(op.class(), Class::Amo | Class::LoadReserved);
    inst.imm = if atomic { inst.imm } else { 0 };
    // Of a misaligned access where there is no memory, QEMU reports an aligned address.
    if atomic || !body.translated {
        offset &= !(bytes - 1);
    } else if body.random.one_in(4) {
        offset = 0x1000 - body.random.below(9) as u64;
    }
    let va = page + offset;
    let base = body.temporary();
    body.reserved |= 1 << base;
    body.asm.constant(base, va);
    let how = body.random.bits() & (SUM | MXR);
    level::status(body, MPP | SUM | MXR, MPRV | who.previous() | how);
    inst.rs1 = base;
    if op.operand_kinds().rd == Some(isa::RegFile::X) {
        inst.rd = body.destination();
    }
    body.asm.put(&inst);
    level::status(body, MPRV, 0);
    body.reserved &= !(1 << base);
}

/// A jump to a page, onto a breakpoint or an instruction that ends on the next page.
fn fetch_probe(body: &mut Body<'_>) {
    let offset =
        if body.random.one_in(4) { 0xffe } else { 0x800 + 2 * body.random.below(0x3fe) as u64 };
    let va = address(body, offset);
    let who = any_level(body);
    fetch_probe_at(body, va, who);
}

fn fetch_probe_at(body: &mut Body<'_>, va: u64, who: Level) {
    level::status(body, SUM, 0);
    level::fetch(body, who, va);
}

/// Rewrites an entry for a 4 KiB page and fences. The page is used before and after, so that a translation
/// kept by mistake would show.
fn change_entry(body: &mut Body<'_>) {
    let base = layout::tables(body.index);
    let low = body.random.pick(&LOW);
    let page = body.random.below(12) as u64;
    // The page is in either block, depending on the space.
    let blocks = [0, 4].map(|block| (GIG << 30) + (block << 21) + (page << 12));
    let used = body.random.pick(&blocks);
    let code = used + 0x800 + 4 * body.random.below(0x1ff) as u64;
    let who = any_level(body);
    use_page(body, used, code, who);
    let mut tables = Tables { base, words: Vec::new(), random: &mut body.random };
    let pte = tables.small();
    write_entry(body, base + low as u64 * 0x1000 + page * 8, pte);
    fence_everywhere(body, blocks);
    use_page(body, used, code, who);
}

/// The same for a 2 MiB page, which the fence names by any address in it.
fn change_large_entry(body: &mut Body<'_>) {
    let base = layout::tables(body.index);
    let n = body.random.pick(&[1, 5, 6]);
    let page = (GIG << 30) + (n << 21);
    let data = (TABLE_PAGES + body.random.below(DATA_PAGES - 1)) as u64 * 0x1000;
    let used = page + (base & 0x1f_ffff) + data;
    let code = used + 0x800 + 4 * body.random.below(0x1ff) as u64;
    let who = any_level(body);
    use_page(body, used, code, who);
    let pte = entry(base & !0x1f_ffff) | useful(&mut body.random);
    for middle in [MIDDLE, OTHER_MIDDLE] {
        write_entry(body, base + middle as u64 * 0x1000 + n * 8, pte);
    }
    let named = page + (body.random.bits() & 0x1f_ffff);
    fence_everywhere(body, [named; 2]);
    use_page(body, used, code, who);
}

fn write_entry(body: &mut Body<'_>, address: u64, pte: u64) {
    let (t, u) = level::two_temporaries(body);
    body.asm.constant(t, address);
    body.asm.constant(u, pte);
    body.asm.store(Op::Sd, u, t, 0);
}

/// A fence in one of the ways that reach all `addresses` in every space.
fn fence_everywhere(body: &mut Body<'_>, addresses: [u64; 2]) {
    match body.random.below(4) {
        0 => fence(body, None, None),
        1 => addresses.into_iter().for_each(|va| fence(body, Some(va), None)),
        2 => (1..=SPACES).for_each(|asid| fence(body, None, Some(asid))),
        _ => (1..=SPACES)
            .flat_map(|asid| addresses.map(|va| (asid, va)))
            .for_each(|(asid, va)| fence(body, Some(va), Some(asid))),
    }
}

/// Two accesses to `page` as data and one to `code` on it.
fn use_page(body: &mut Body<'_>, page: u64, code: u64, who: Level) {
    data_probe_at(body, page, who);
    data_probe_at(body, page, who);
    fetch_probe_at(body, code, who);
}

/// A fence for an address or all and a space or all; seldom by the finer instructions of Svinval.
fn fence(body: &mut Body<'_>, va: Option<u64>, asid: Option<u64>) {
    let fine = body.features.has(Extension::Svinval) && body.random.one_in(3);
    let op = if fine { Op::SinvalVma } else { Op::SfenceVma };
    let (t, u) = level::two_temporaries(body);
    let mut operand = |register: u8, value: Option<u64>| {
        value.map_or(0, |value| {
            body.asm.constant(register, value);
            register
        })
    };
    let (rs1, rs2) = (operand(t, va), operand(u, asid));
    if fine {
        body.asm.op(Op::SfenceWInval, 0, 0, 0, 0);
    }
    body.asm.op(op, 0, rs1, rs2, 0);
    if fine {
        body.asm.op(Op::SfenceInvalIr, 0, 0, 0, 0);
    }
}

/// Some random instructions in S or U mode with translation on.
fn visit(body: &mut Body<'_>) {
    let who = body.random.pick(&[Level::Supervisor, Level::UserAlias]);
    if who == Level::UserAlias {
        // The alias exists only while translation is on.
        let base = layout::tables(body.index) >> 12;
        level::set(body, csr::SATP, 8 << 60 | 1 << 44 | (base + ROOT39 as u64));
        body.translated = true;
    }
    level::delegate(body);
    level::enter(body, who);
    for _ in 0..=body.random.below(4) {
        mixed(body);
    }
    level::back(body, who);
}
