//! Misses, branches and lines touched.

use super::super::stack::{PLAIN, Part, Stack, part};
use crate::charts::SEQUENCE;
use crate::charts::palette::{FRONT, MEMORY, REST};

pub(super) const MISSES: [Stack; 4] = [L1, L2, LLC, TLB];
pub(super) const BRANCHES: [Stack; 3] = [GUESSED_WRONG, FIRST_SEEN, BTB];

const AXIS: &str = "per 1000 instructions";
/// Lines of 64 bytes in KiB.
const LINES_TO_KIB: f64 = 64.0 / 1024.0;

/// What asks the levels below the first.
const BELOW_L1: &[Part] = &[
    part("instructions", FRONT[2], &["instruction_mpki"]),
    part("data", MEMORY[2], &["data_mpki"]),
    part("page walks", REST, &["walk_mpki"]),
];

const L1: Stack = Stack {
    view: "L1",
    slug: "mpki-l1",
    title: "Misses of the first level",
    axis: AXIS,
    parts: &[part("instructions", FRONT[2], &["l1i.mpki"]), part("data", MEMORY[2], &["l1d.mpki"])],
    ..PLAIN
};

const L2: Stack = Stack {
    view: "L2",
    slug: "mpki-l2",
    title: "Misses of the second level",
    axis: AXIS,
    prefix: "l2.",
    parts: BELOW_L1,
    ..PLAIN
};

const LLC: Stack = Stack {
    view: "LLC",
    slug: "mpki-llc",
    title: "Misses of the last level",
    axis: AXIS,
    prefix: "llc.",
    parts: BELOW_L1,
    ..PLAIN
};

const TLB: Stack = Stack {
    view: "TLB",
    slug: "mpki-tlb",
    title: "Misses of the first-level TLBs",
    axis: AXIS,
    parts: &[
        part("instructions", FRONT[2], &["itlb.mpki"]),
        part("data", MEMORY[2], &["dtlb.mpki"]),
    ],
    ..PLAIN
};

const GUESSED_WRONG: Stack = Stack {
    view: "guessed wrong, by kind",
    slug: "mpki-branch",
    title: "Branches guessed wrong",
    axis: AXIS,
    prefix: "branch.",
    parts: &[
        part("conditional", SEQUENCE[0], &["conditional_mpki"]),
        part("indirect", SEQUENCE[1], &["indirect_mpki"]),
        part("return", SEQUENCE[2], &["return_mpki"]),
        part("target of a direct one", SEQUENCE[3], &["target_mpki"]),
    ],
    whole: Some(("branch.mpki", "all kinds")),
    ..PLAIN
};

const FIRST_SEEN: Stack = Stack {
    view: "first seen or again",
    slug: "mpki-branch-initial",
    title: "Committed branches guessed wrong",
    axis: AXIS,
    prefix: "branch.",
    parts: &[
        part("initial", SEQUENCE[1], &["initial_mpki"]),
        part("subsequent", SEQUENCE[0], &["subsequent_mpki"]),
    ],
    caption: "Initial: at a branch that had not committed before in the invocation (D. Schall et al., \
              \"Warming up a cold front-end with Ignite\", MICRO 2023).",
    ..PLAIN
};

const BTB: Stack = Stack {
    view: "not in the BTB",
    slug: "mpki-btb",
    title: "Taken branches that the target buffer did not know",
    axis: AXIS,
    parts: &[part("not in the BTB", SEQUENCE[0], &["btb.mpki"])],
    ..PLAIN
};

pub(super) const FOOTPRINT: Stack = Stack {
    view: "lines",
    slug: "footprint",
    title: "Footprint of an invocation",
    axis: "KiB",
    prefix: "footprint.",
    parts: &[
        part("instructions", FRONT[2], &["instruction.lines"]),
        part("data", MEMORY[2], &["data.lines"]),
    ],
    scale: LINES_TO_KIB,
    ..PLAIN
};
