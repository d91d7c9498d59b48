//! What every branch target buffer must do.

use super::{BtbHit, TargetBuffer};
use crate::Problems;
use crate::workbench::Scatter;
use stream::{BranchKind, VirtAddr};

/// Branches crowded enough to share sets, blocks and tags.
fn anywhere(scatter: &mut Scatter) -> VirtAddr {
    let region = scatter.next() % 5 * 0x1_0000_0000;
    VirtAddr(region + (scatter.next() & 0x3ffe))
}

pub(super) fn what_is_inserted_is_found_until_it_is_removed<B: TargetBuffer>() {
    let mut buffer = B::new(&B::Config::default());
    let mut scatter = Scatter::new(1);
    for step in 0..20_000 {
        let (pc, target) = (anywhere(&mut scatter), VirtAddr(step << 1));
        let kind = if step % 3 == 0 { BranchKind::Conditional } else { BranchKind::IndirectCall };
        buffer.insert(pc, kind, target, 4);
        let hit = buffer.look_up(pc).expect("it was just inserted");
        assert_eq!((hit.kind, hit.target), (kind, target));
        buffer.touch(pc);
        let hit = buffer.look_up(pc).expect("it was just used");
        assert_eq!((hit.kind, hit.target), (kind, target));
        if step % 4 == 0 {
            buffer.remove(pc);
            assert_eq!(buffer.look_up(pc), None);
        }
    }
}

fn slow_next<B: TargetBuffer>(buffer: &B, start: u64, end: u64) -> Option<(VirtAddr, BtbHit)> {
    (start..end).step_by(2).find_map(|pc| Some((VirtAddr(pc), buffer.look_up(VirtAddr(pc))?)))
}

pub(super) fn the_next_branch_is_the_first_halfword_that_hits<B: TargetBuffer>() {
    let mut buffer = B::new(&B::Config::default());
    let mut scatter = Scatter::new(2);
    let (mut hits, mut misses) = (0, 0);
    for _ in 0..30_000 {
        match scatter.next() % 4 {
            0 => buffer.insert(anywhere(&mut scatter), BranchKind::Jump, VirtAddr(0), 4),
            1 => buffer.remove(anywhere(&mut scatter)),
            2 => buffer.touch(anywhere(&mut scatter)),
            _ => {}
        }
        let start = anywhere(&mut scatter);
        let end = VirtAddr(start.0 + scatter.next() % 50 * 2);
        let next = buffer.next_branch(start, end);
        assert_eq!(next, slow_next(&buffer, start.0, end.0));
        if next.is_some() { hits += 1 } else { misses += 1 }
    }
    assert!(hits > 1000 && misses > 1000, "{hits} hits, {misses} misses");
    assert_eq!(buffer.next_branch(VirtAddr(0x40), VirtAddr(0x40)), None);
    assert_eq!(buffer.next_branch(VirtAddr(0x40), VirtAddr(0x20)), None);
    let last = VirtAddr(u64::MAX - 1);
    buffer.insert(last, BranchKind::Jump, VirtAddr(0), 4);
    assert_eq!(
        buffer.next_branch(VirtAddr(u64::MAX - 5), last),
        slow_next(&buffer, last.0 - 4, last.0)
    );
}

pub(super) fn a_flush_leaves_it_as_new<B: TargetBuffer>() {
    let run = |buffer: &mut B| {
        let mut scatter = Scatter::new(3);
        let mut seen = Vec::new();
        for _ in 0..30_000 {
            let (pc, other) = (anywhere(&mut scatter), anywhere(&mut scatter));
            seen.push(buffer.look_up(other));
            buffer.insert(pc, BranchKind::Call, other, 4);
        }
        seen
    };
    let mut buffer = B::new(&B::Config::default());
    let first = run(&mut buffer);
    buffer.flush();
    assert_eq!(run(&mut buffer), first);
    assert!(first.iter().any(Option::is_some), "nothing was ever found");
}

pub(super) fn the_default_configuration_is_valid<B: TargetBuffer>() {
    let mut problems = Problems::default();
    B::validate(&B::Config::default(), &mut problems);
    assert_eq!(problems, Problems::default());
}
