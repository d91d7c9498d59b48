//! A source that plays back made-up instructions, for tests and benchmarks.

use crate::{Fetched, HartId, Instead, Instr, Page, PhysAddr, Source, Translate, VirtAddr, Walk};
use std::collections::{BTreeMap, VecDeque};

/// Plays a list of instructions per hart, once or in a loop, over an identity-mapped page table.
///
/// Virtual addresses map to themselves in pages of one size. The three table levels of a walk lie
/// in a region of their own from [`Synthetic::TABLES`], 8 bytes an entry, laid out as a radix tree
/// of 512-entry tables, so neighbouring pages share lines of table entries as they do in life.
///
/// What lies on wrong paths is code by address ([`Synthetic::lay`]), whose branches always go the way
/// their record says. A wrong path ends where no code lies.
///
/// Panics where a caller breaks the contract of [`Source`]: the right path goes on only after the
/// wrong one was squashed.
#[derive(Clone, Debug)]
pub struct Synthetic {
    harts: Vec<Program>,
    page_size_log2: u8,
}

#[derive(Clone, Debug, Default)]
struct Program {
    instrs: VecDeque<Fetched>,
    looped: bool,
    at: usize,
    /// What can be executed speculatively, by address.
    code: BTreeMap<u64, Instr>,
    wrong: Option<Wrong>,
}

/// A wrong path under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    At(VirtAddr),
    Ended,
}

impl Program {
    fn peek(&self) -> Option<Fetched> {
        self.instrs.get(if self.looped { self.at } else { 0 }).copied()
    }

    fn take(&mut self) -> Fetched {
        let Some(next) = self.peek() else { return Fetched::Stopped };
        if self.looped {
            self.at = (self.at + 1) % self.instrs.len();
        } else {
            self.instrs.pop_front();
        }
        next
    }
}

impl Synthetic {
    /// The physical address of the page tables.
    pub const TABLES: u64 = 1 << 40;

    /// A source for `harts` harts that have nothing to do yet.
    #[must_use]
    pub fn new(harts: usize) -> Self {
        Self { harts: vec![Program::default(); harts], page_size_log2: 12 }
    }

    /// Uses pages of `1 << log2` bytes.
    #[must_use]
    pub fn with_pages(mut self, log2: u8) -> Self {
        self.page_size_log2 = log2;
        self
    }

    /// Gives `hart` instructions to execute once, after those it has.
    pub fn push(&mut self, hart: HartId, instrs: impl IntoIterator<Item = Instr>) {
        self.harts[hart.index()].instrs.extend(instrs.into_iter().map(Fetched::Instr));
    }

    /// Gives `hart` something other than an instruction, after what it has.
    pub fn push_fetched(&mut self, hart: HartId, fetched: Fetched) {
        self.harts[hart.index()].instrs.push_back(fetched);
    }

    /// Lays `instrs` at their addresses, for the wrong paths of `hart`.
    pub fn lay(&mut self, hart: HartId, instrs: impl IntoIterator<Item = Instr>) {
        let code = instrs.into_iter().map(|instr| (instr.pc.0, instr));
        self.harts[hart.index()].code.extend(code);
    }

    /// Whether `hart` is on a wrong path.
    #[must_use]
    pub fn is_on_wrong_path(&self, hart: HartId) -> bool {
        self.harts[hart.index()].wrong.is_some()
    }

    /// Makes `hart` start over whenever it reaches the end of its list.
    pub fn repeat(&mut self, hart: HartId) {
        self.harts[hart.index()].looped = true;
    }
}

impl Source for Synthetic {
    fn next(&mut self, hart: HartId) -> Fetched {
        let program = &mut self.harts[hart.index()];
        assert!(program.wrong.is_none(), "the right path goes on before the wrong one is squashed");
        while program.peek() == Some(Fetched::Alone) {
            program.take();
        }
        program.take()
    }

    /// Only instructions, and flushes, overlap.
    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        let program = &mut self.harts[hart.index()];
        assert!(program.wrong.is_none(), "the right path goes on before the wrong one is squashed");
        match program.peek() {
            Some(Fetched::Instr(_) | Fetched::Flush(_) | Fetched::Later) => {
                program.take().overlapped(into)
            }
            _ => Err(Instead::Alone),
        }
    }

    fn wrong_path(&mut self, hart: HartId, pc: VirtAddr) {
        self.harts[hart.index()].wrong = Some(Wrong::At(pc));
    }

    fn next_wrong(&mut self, hart: HartId, into: &mut Instr) -> bool {
        let program = &mut self.harts[hart.index()];
        let Some(Wrong::At(pc)) = program.wrong else { return false };
        let Some(instr) = program.code.get(&pc.0).copied() else {
            program.wrong = Some(Wrong::Ended);
            return false;
        };
        let next = match instr.branch {
            Some(branch) if branch.taken => branch.target,
            _ => VirtAddr(pc.0.wrapping_add(u64::from(instr.len))),
        };
        program.wrong = Some(Wrong::At(next));
        *into = instr;
        true
    }

    fn squash(&mut self, hart: HartId) {
        self.harts[hart.index()].wrong = None;
    }

    fn walk(&mut self, _hart: HartId, va: VirtAddr, _kind: Translate) -> Walk {
        let mut walk = Walk::new();
        for (level, shift) in [30, 21, 12].into_iter().enumerate() {
            if shift < self.page_size_log2 {
                break;
            }
            let level_base = Self::TABLES + ((level as u64) << 36);
            walk.read(PhysAddr(level_base + (va.0 >> shift) * 8));
        }
        let base = PhysAddr(va.0 >> self.page_size_log2 << self.page_size_log2);
        walk.page = Some(Page { base, size_log2: self.page_size_log2, global: false });
        walk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HART: HartId = HartId(0);

    #[test]
    fn a_list_ends_and_a_loop_does_not() {
        let instr = Instr { len: 4, ..Instr::default() };
        let mut source = Synthetic::new(1);
        source.push(HART, [instr]);
        assert_eq!(source.next(HART), Fetched::Instr(instr));
        assert_eq!(source.next(HART), Fetched::Stopped);
        source.push(HART, [instr]);
        source.repeat(HART);
        for _ in 0..3 {
            assert_eq!(source.next(HART), Fetched::Instr(instr));
        }
    }

    #[test]
    fn a_wrong_path_follows_its_code_and_ends_where_there_is_none() {
        let at = |pc| Instr { pc: VirtAddr(pc), len: 4, ..Instr::default() };
        let wrong = |source: &mut Synthetic| {
            let mut instr = Instr::default();
            source.next_wrong(HART, &mut instr).then_some(instr)
        };
        let mut source = Synthetic::new(1);
        source.push(HART, [at(0)]);
        source.lay(HART, [at(0x10), at(0x14)]);
        source.wrong_path(HART, VirtAddr(0x10));
        assert_eq!(wrong(&mut source), Some(at(0x10)));
        assert_eq!(wrong(&mut source), Some(at(0x14)));
        assert_eq!(wrong(&mut source), None);
        source.wrong_path(HART, VirtAddr(0x14));
        assert_eq!(wrong(&mut source), Some(at(0x14)), "sent elsewhere it goes on");
        source.squash(HART);
        assert_eq!(source.next(HART), Fetched::Instr(at(0)));
    }

    #[test]
    fn what_is_no_instruction_waits_for_an_empty_core() {
        let mut source = Synthetic::new(1);
        source.push_fetched(HART, Fetched::Alone);
        source.push_fetched(HART, Fetched::Idle { until: None });
        let mut instr = Instr::default();
        assert_eq!(source.next_overlapped(HART, &mut instr), Err(Instead::Alone));
        assert_eq!(
            source.next_overlapped(HART, &mut instr),
            Err(Instead::Alone),
            "it is not taken"
        );
        assert_eq!(source.next(HART), Fetched::Idle { until: None });
    }

    #[test]
    fn neighbouring_pages_have_neighbouring_table_entries() {
        let mut source = Synthetic::new(1);
        let one = source.walk(HART, VirtAddr(0x4000), Translate::Load);
        let next = source.walk(HART, VirtAddr(0x5000), Translate::Load);
        assert_eq!(one.entries().len(), 3);
        assert_eq!(one.entries()[..2], next.entries()[..2]);
        assert_eq!(one.entries()[2].0 + 8, next.entries()[2].0);
    }

    #[test]
    fn large_pages_have_shorter_walks() {
        let mut source = Synthetic::new(1).with_pages(21);
        assert_eq!(source.walk(HART, VirtAddr(0x4000), Translate::Load).entries().len(), 2);
    }
}
