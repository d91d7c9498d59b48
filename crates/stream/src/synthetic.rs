//! A source that plays back made-up instructions, for tests and benchmarks.

use crate::{Fetched, HartId, Instr, Page, PhysAddr, Source, Translate, VirtAddr, Walk};
use std::collections::VecDeque;

/// Plays a list of instructions per hart, once or in a loop, over an identity-mapped page table.
///
/// Virtual addresses map to themselves in pages of one size. The three table levels of a walk lie
/// in a region of their own from [`Synthetic::TABLES`], 8 bytes an entry, laid out as a radix tree
/// of 512-entry tables, so neighbouring pages share lines of table entries as they do in life.
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

    /// Makes `hart` start over whenever it reaches the end of its list.
    pub fn repeat(&mut self, hart: HartId) {
        self.harts[hart.index()].looped = true;
    }
}

impl Source for Synthetic {
    fn next(&mut self, hart: HartId) -> Fetched {
        let program = &mut self.harts[hart.index()];
        if program.looped {
            let Some(next) = program.instrs.get(program.at) else { return Fetched::Stopped };
            program.at = (program.at + 1) % program.instrs.len();
            *next
        } else {
            program.instrs.pop_front().unwrap_or(Fetched::Stopped)
        }
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
