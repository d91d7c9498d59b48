//! Layers of the guest's software, where they were told apart.

use super::super::stack::{PLAIN, Part, Stack, part};
use crate::charts::palette::{CORE, FRONT, MEMORY, SPECULATION};

pub(super) const ALL: [Stack; 2] = [SHARE, CYCLES];

const PARTS: &[Part] = &[
    part("function", CORE[2], &["function.cycles"]),
    part("runtime and libraries", CORE[1], &["runtime.cycles"]),
    part("kernel: network", MEMORY[2], &["kernel_network.cycles"]),
    part("kernel: scheduler, timers", MEMORY[3], &["kernel_scheduler.cycles"]),
    part("kernel: memory", MEMORY[0], &["kernel_memory.cycles"]),
    part("kernel: files", MEMORY[1], &["kernel_files.cycles"]),
    part("kernel: entry, interrupts", MEMORY[4], &["kernel_entry.cycles"]),
    part("kernel: other", MEMORY[5], &["kernel_other.cycles"]),
    part("container engine", FRONT[2], &["engine.cycles"]),
    part("other programs", SPECULATION[0], &["other.cycles"]),
];

const SHARE: Stack = Stack {
    view: "share of cycles",
    slug: "layers-share",
    title: "Share of busy cycles by layer",
    axis: "cycles, %",
    prefix: "layers.",
    parts: PARTS,
    over: Some("window.cycles"),
    scale: 100.0,
    reaches: 100.0,
    ..PLAIN
};

const CYCLES: Stack = Stack {
    view: "cycles per instruction",
    slug: "layers-cpi",
    title: "CPI by layer",
    axis: "cycles per instruction",
    prefix: "layers.",
    parts: PARTS,
    over: Some("window.instructions"),
    caption: "Cycles of each layer over the instructions of all.",
    ..PLAIN
};
