//! CPI stacks.

use super::super::stack::{PLAIN, Stack, part};
use super::front;
use crate::charts::palette::{CORE, FRONT, MEMORY, SPECULATION, USEFUL};

pub(super) const ALL: [Stack; 5] = [COMMIT, DISPATCH, ISSUE, LEVEL_1, PRIVILEGE];

const AXIS: &str = "cycles per instruction";

const COMMIT: Stack = Stack {
    view: "at commit",
    slug: "cpi-commit",
    title: "CPI stack at commit",
    axis: AXIS,
    prefix: "out_of_order.cpi_commit.",
    parts: &[
        part("instructions commit", USEFUL, &["base"]),
        part("empty: instruction TLB", FRONT[0], &["itlb"]),
        part("empty: instruction cache", FRONT[2], &["icache"]),
        part("empty: refill", FRONT[1], &["resteer"]),
        part("empty: serialising, traps", FRONT[4], &["serialise"]),
        part("empty: other", FRONT[3], &["front"]),
        part("oldest: data TLB", MEMORY[0], &["dtlb"]),
        part("oldest: load from L1D", MEMORY[1], &["l1d"]),
        part("oldest: load from L2", MEMORY[3], &["l2"]),
        part("oldest: load from LLC", MEMORY[2], &["llc"]),
        part("oldest: load from memory", MEMORY[4], &["memory"]),
        part("oldest: store, atomic, fence", MEMORY[5], &["store"]),
        part("oldest: executes", CORE[0], &["execute", "divide"]),
        part("oldest: before its issue", CORE[1], &["dispatch", "port"]),
        part("oldest: result to commit", CORE[2], &["latency"]),
    ],
    whole: Some(("out_of_order.cpi_commit", "other")),
    caption: "Cycles by what the core waited for when nothing committed: it was empty, or its oldest \
              instruction was not done.",
    ..PLAIN
};

const DISPATCH: Stack = Stack {
    view: "at dispatch",
    slug: "cpi-dispatch",
    title: "CPI stack at dispatch",
    axis: AXIS,
    prefix: "out_of_order.cpi_dispatch_",
    parts: &[
        part("instructions that commit", USEFUL, &["base"]),
        front::INSTRUCTION_TLB,
        front::INSTRUCTION_CACHE,
        front::REFILL,
        front::DECODE,
        front::SERIALISING,
        front::TAKEN_BRANCHES,
        front::BANDWIDTH,
        part("squashed", SPECULATION[0], &["squashed", "unfinished"]),
        part("recovery", SPECULATION[1], &["lost.recovery"]),
        part("reorder buffer full", MEMORY[2], &["lost.rob_full"]),
        part(
            "load, store queue full",
            MEMORY[1],
            &["lost.load_queue_full", "lost.store_queue_full"],
        ),
        part("scheduler full", CORE[0], &["lost.scheduler_full"]),
        part("registers taken", CORE[1], &["lost.registers_full"]),
        part("must be alone", CORE[2], &["lost.alone"]),
    ],
    whole: Some(("window.cpi", "other")),
    caption: "Slots at rename by who took them or why none did. Squashed: with what is in flight at the \
              edges of the window.",
    ..PLAIN
};

const ISSUE: Stack = Stack {
    view: "at issue",
    slug: "cpi-issue",
    title: "CPI stack at issue",
    axis: AXIS,
    prefix: "out_of_order.cpi_issue.",
    parts: &[
        part("instructions issue", USEFUL, &["base"]),
        part("nothing: instruction TLB", FRONT[0], &["itlb"]),
        part("nothing: instruction cache", FRONT[2], &["icache"]),
        part("nothing: refill", FRONT[1], &["resteer"]),
        part("nothing: serialising, traps", FRONT[4], &["serialise"]),
        part("nothing: other", FRONT[3], &["front"]),
        part("wrong path", SPECULATION[0], &["wrong_path"]),
        part("waits: data TLB", MEMORY[0], &["dtlb"]),
        part("waits: load from L1D", MEMORY[1], &["l1d"]),
        part("waits: load from L2", MEMORY[3], &["l2"]),
        part("waits: load from LLC", MEMORY[2], &["llc"]),
        part("waits: load from memory", MEMORY[4], &["memory"]),
        part("waits: store, atomic, fence", MEMORY[5], &["store"]),
        part("waits: result of a unit", CORE[0], &["execute", "divide", "dependence"]),
        part("on its way, port", CORE[1], &["dispatch", "port"]),
        part("oldest to commit", CORE[2], &["latency"]),
    ],
    whole: Some(("out_of_order.cpi_issue", "other")),
    caption: "Slots at issue: where none is issued, there is nothing to issue, or the oldest waits for \
              something.",
    ..PLAIN
};

const LEVEL_1: Stack = Stack {
    view: "top-down level 1",
    slug: "cpi-top-down",
    title: "CPI by top-down level 1",
    axis: AXIS,
    prefix: "out_of_order.cpi_dispatch_",
    parts: &[
        part("retiring", USEFUL, &["base"]),
        part(
            "front end",
            FRONT[2],
            &[
                "lost.itlb",
                "lost.itlb_walk",
                "lost.icache_l2",
                "lost.icache_llc",
                "lost.icache_memory",
                "lost.icache_in_flight",
                "lost.resteer_conditional",
                "lost.resteer_indirect",
                "lost.resteer_return",
                "lost.resteer_memory",
                "lost.resteer_decode",
                "lost.serialise",
                "lost.branch",
                "lost.front_other",
                "lost.bandwidth",
            ],
        ),
        part("bad speculation", SPECULATION[0], &["squashed", "unfinished", "lost.recovery"]),
        part(
            "back end",
            MEMORY[2],
            &[
                "lost.rob_full",
                "lost.scheduler_full",
                "lost.load_queue_full",
                "lost.store_queue_full",
                "lost.registers_full",
                "lost.alone",
            ],
        ),
    ],
    whole: Some(("window.cpi", "other")),
    caption: "The stack at dispatch, summed to the first level of the top-down method.",
    ..PLAIN
};

const PRIVILEGE: Stack = Stack {
    view: "by privilege",
    slug: "cpi-privilege",
    title: "CPI by privilege",
    axis: AXIS,
    prefix: "window.",
    parts: &[
        part("user mode", MEMORY[2], &["user_cpi"]),
        part("kernel", FRONT[2], &["kernel_cpi"]),
    ],
    caption: "Cycles in user mode and outside it, over all instructions.",
    ..PLAIN
};
