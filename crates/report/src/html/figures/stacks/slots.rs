//! The levels of the top-down method.

use super::super::stack::{PLAIN, Stack, part};
use super::front;
use crate::charts::palette::{CORE, FRONT, MEMORY, SPECULATION, USEFUL};

pub(super) const ALL: [Stack; 4] = [LEVEL_1, LEVEL_1_REFILL, LEVEL_2, LEVEL_3];

const AXIS: &str = "slots, %";
const PREFIX: &str = "out_of_order.topdown_";
const SHARE: f64 = 100.0;
/// Room on the axis for what adds up to a little more by rounding.
const WHOLE: f64 = 100.0;

const LEVEL_1: Stack = Stack {
    view: "level 1",
    slug: "top-down-1",
    title: "Top-down level 1",
    axis: AXIS,
    prefix: PREFIX,
    parts: &[
        part("retiring", USEFUL, &["retiring"]),
        part("front end", FRONT[2], &["frontend"]),
        part("bad speculation", SPECULATION[0], &["bad_speculation"]),
        part("back end", MEMORY[2], &["backend"]),
    ],
    scale: SHARE,
    reaches: WHOLE,
    ..PLAIN
};

const LEVEL_1_REFILL: Stack = Stack {
    view: "level 1, refill as bad speculation",
    slug: "top-down-1-refill",
    title: "Top-down level 1, refill as bad speculation",
    axis: AXIS,
    prefix: PREFIX,
    parts: &[
        part("retiring", USEFUL, &["retiring"]),
        part("front end", FRONT[2], &["frontend_without_refill"]),
        part("bad speculation", SPECULATION[0], &["bad_speculation_with_refill"]),
        part("back end", MEMORY[2], &["backend"]),
    ],
    scale: SHARE,
    reaches: WHOLE,
    caption: "The other convention: slots that stay empty after a squash are the squash's.",
    ..PLAIN
};

const LEVEL_2: Stack = Stack {
    view: "level 2",
    slug: "top-down-2",
    title: "Top-down level 2",
    axis: AXIS,
    prefix: PREFIX,
    parts: &[
        part("retiring", USEFUL, &["retiring"]),
        part("front end: latency", FRONT[2], &["frontend_latency"]),
        part("front end: bandwidth", FRONT[3], &["frontend_bandwidth"]),
        part("bad speculation: branches", SPECULATION[0], &["bad_speculation_branches"]),
        part("bad speculation: memory order", SPECULATION[1], &["bad_speculation_memory_order"]),
        part("back end: memory", MEMORY[2], &["backend_memory"]),
        part("back end: core", CORE[1], &["backend_core"]),
    ],
    scale: SHARE,
    reaches: WHOLE,
    ..PLAIN
};

const LEVEL_3: Stack = Stack {
    view: "level 3",
    slug: "top-down-3",
    title: "Top-down level 3",
    axis: AXIS,
    prefix: PREFIX,
    parts: &[
        part("retiring", USEFUL, &["retiring"]),
        front::INSTRUCTION_TLB,
        front::INSTRUCTION_CACHE,
        front::REFILL,
        front::DECODE,
        front::SERIALISING,
        front::TAKEN_BRANCHES,
        front::BANDWIDTH,
        part("wrong path", SPECULATION[0], &["wrong_path"]),
        part("recovery", SPECULATION[1], &["lost.recovery"]),
        part("data TLB", MEMORY[0], &["backend_waits.dtlb"]),
        part("loads: L1D", MEMORY[1], &["backend_waits.l1d"]),
        part("loads: L2", MEMORY[3], &["backend_waits.l2"]),
        part("loads: LLC", MEMORY[2], &["backend_waits.llc"]),
        part("loads: memory", MEMORY[4], &["backend_waits.memory"]),
        part("stores, atomics, fences", MEMORY[5], &["backend_waits.store"]),
        part("units", CORE[0], &["backend_waits.execute", "backend_waits.divide"]),
        part("to issue", CORE[1], &["backend_waits.dispatch", "backend_waits.port"]),
        part("to commit", CORE[2], &["backend_waits.latency"]),
    ],
    scale: SHARE,
    reaches: WHOLE,
    caption: "The back end's slots by what the oldest instruction waited for while none committed.",
    ..PLAIN
};
