//! What the front end loses slots to, as stacks over slots have it.

use super::super::stack::{Part, part};
use crate::charts::palette::FRONT;

pub(super) const INSTRUCTION_TLB: Part =
    part("instruction TLB", FRONT[0], &["lost.itlb", "lost.itlb_walk"]);
pub(super) const INSTRUCTION_CACHE: Part = part(
    "instruction cache",
    FRONT[2],
    &["lost.icache_l2", "lost.icache_llc", "lost.icache_memory", "lost.icache_in_flight"],
);
pub(super) const REFILL: Part = part(
    "refill after a squash",
    FRONT[1],
    &[
        "lost.resteer_conditional",
        "lost.resteer_indirect",
        "lost.resteer_return",
        "lost.resteer_memory",
    ],
);
pub(super) const DECODE: Part = part("resteer at decode", FRONT[6], &["lost.resteer_decode"]);
pub(super) const SERIALISING: Part = part("serialising, traps", FRONT[4], &["lost.serialise"]);
pub(super) const TAKEN_BRANCHES: Part =
    part("taken branches, other", FRONT[3], &["lost.branch", "lost.front_other"]);
pub(super) const BANDWIDTH: Part = part("fetch bandwidth", FRONT[5], &["lost.bandwidth"]);
