//! What records say of cache management and prefetch hints.

use super::*;
use stream::{CacheOp, MemAccess};

/// Of a block, in the middle of which the operations' addresses lie.
const BLOCK: u64 = DATA + 64;

/// Executes `ops` and then a jump to itself; x8 points into [`BLOCK`], x9 at a device, x10 at nothing.
fn executed(ops: &[(Op, u8, i32)]) -> Vec<Instr> {
    let elf = assembled(|asm| {
        asm.constant(8, BLOCK + 13);
        asm.constant(9, 0x1000_0000);
        asm.constant(10, 0x10);
        let over = asm.hole(conformance::asm::inst(Op::Jal, 0, 0, 0, 0));
        asm.fill(over);
        for &(op, base, offset) in ops {
            asm.op(op, 0, base, 0, offset);
        }
        let here = asm.here();
        asm.jump(here);
    });
    let mut twice = Twice { count: ops.len(), right: Vec::new(), wrong: Vec::new() };
    machine(1, &elf).run_timed(&mut twice, Picos(CYCLE.0 * 60));
    assert_eq!(twice.wrong[..ops.len()], twice.right[..ops.len()], "on the wrong path first");
    twice.right.truncate(ops.len());
    twice.right
}

/// Takes the `count` instructions behind the first jump on a wrong path, and then on the right one.
struct Twice {
    count: usize,
    right: Vec<Instr>,
    wrong: Vec<Instr>,
}

impl Timing for Twice {
    fn pace(&self) -> Pace {
        Pace::exact(CYCLE)
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        let Fetched::Instr(instr) = source.next(hart) else { return now };
        if !self.wrong.is_empty() {
            self.right.push(instr);
        } else if let Some(branch) = instr.branch {
            source.wrong_path(hart, branch.target);
            self.wrong.extend((0..self.count).map_while(|_| {
                let mut wrong = Instr::default();
                source.next_wrong(hart, &mut wrong).then_some(wrong)
            }));
            source.squash(hart);
        }
        now + CYCLE
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

fn on_block(block: u64, op: CacheOp) -> Option<MemAccess> {
    let (va, pa, kind) = (VirtAddr(block), stream::PhysAddr(block), MemKind::Cache(op));
    Some(MemAccess { va, pa, size: 64, kind, io: false, translated: false })
}

#[test]
fn operations_and_hints_are_accesses_to_their_whole_block() {
    let ops = [
        (Op::CboClean, CacheOp::Clean),
        (Op::CboFlush, CacheOp::Flush),
        (Op::CboInval, CacheOp::Invalidate),
        (Op::CboZero, CacheOp::Zero),
        (Op::PrefetchI, CacheOp::PrefetchInstruction),
        (Op::PrefetchR, CacheOp::PrefetchRead),
        (Op::PrefetchW, CacheOp::PrefetchWrite),
    ];
    let records = executed(&ops.map(|(op, _)| (op, 8, 0)));
    for (record, (op, expected)) in records.iter().zip(ops) {
        assert_eq!(record.class, stream::Class::Cache, "{op:?}");
        assert_eq!(record.mem, on_block(BLOCK, expected), "{op:?}");
        assert_eq!((record.mem_tail, record.event), (None, stream::Event::None), "{op:?}");
    }
}

#[test]
fn the_offset_of_a_hint_counts() {
    let records = executed(&[(Op::PrefetchR, 8, 96), (Op::PrefetchW, 8, -32)]);
    // 13 + 96 and 13 - 32.
    assert_eq!(records[0].mem, on_block(BLOCK + 64, CacheOp::PrefetchRead));
    assert_eq!(records[1].mem, on_block(BLOCK - 64, CacheOp::PrefetchWrite));
}

#[test]
fn a_hint_at_what_would_fault_or_is_a_device_is_no_access() {
    for op in [Op::PrefetchI, Op::PrefetchR, Op::PrefetchW] {
        for base in [9, 10] {
            let records = executed(&[(op, base, 0)]);
            assert_eq!((records[0].mem, records[0].event), (None, stream::Event::None), "{op:?}");
        }
    }
}
