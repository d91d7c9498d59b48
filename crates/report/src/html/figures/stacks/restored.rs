//! What a restoration unit fetched ahead, against the misses it was for.

use super::super::stack::{PLAIN, Stack, part};
use crate::charts::REST;
use crate::charts::palette::{CORE, FRONT};

pub(super) const ALL: [Stack; 1] = [LINES];

const LINES: Stack = Stack {
    view: "lines",
    slug: "restored",
    title: "Instruction lines restored to the second level",
    axis: "lines per 1000 instructions",
    prefix: "restored.",
    parts: &[
        part("covered", CORE[2], &["used"]),
        part("uncovered", FRONT[2], &["uncovered"]),
        part("over-predicted", REST, &["lines", "-used"]),
    ],
    over: Some("window.instructions"),
    scale: 1000.0,
    caption: "Covered and uncovered are the misses that there would be without the unit; over-predicted lines \
              were fetched and not used in the invocation.",
    ..PLAIN
};
