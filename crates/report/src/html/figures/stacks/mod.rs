//! The stacks of the report: which statistics, in which order, in which colours.
//!
//! Families of causes have one hue: the front end is orange, vain speculation purple, waiting for memory
//! blue, waiting for units green, and what is useful grey.

mod cycles;
mod events;
mod front;
mod layers;
mod restored;
mod slots;

use super::View;
use super::grid::Grid;
use super::stack::Stack;

pub(super) const ABOUT_CYCLES: &str = "Busy cycles for an instruction of the function's hart, by what they \
    went to. The cost of a cause lies between the least and the most that the stages say (S. Eyerman et \
    al., ISPASS 2018). The parts sum to the CPI.";
pub(super) const ABOUT_SLOTS: &str = "Slots at rename, in per cent (A. Yasin, ISPASS 2014). Refilling after \
    a squash belongs to the front end, as in hardware counters, unless said otherwise.";
pub(super) const ABOUT_LAYERS: &str = "Busy cycles of the function's hart by the layer of the guest's software \
    that spent them.";
pub(super) const ABOUT_RESTORED: &str = "Lines that a restoration unit fetched ahead of their use, and the \
    instruction misses that it left (as figure 11 of D. Schall et al., ISCA 2022).";
pub(super) const ABOUT_MISSES: &str = "Misses for 1000 instructions of the function's hart, by what asked \
    for the line or the page. An access that joins an outstanding miss is none.";
pub(super) const ABOUT_BRANCHES: &str = "Branches for 1000 instructions of the function's hart.";
pub(super) const ABOUT_FOOTPRINT: &str = "Distinct lines of 64 bytes that the instructions of an \
    invocation touched, the kernel's included; without wrong paths and prefetches.";

pub(super) fn cycles(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &cycles::ALL)
}

pub(super) fn slots(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &slots::ALL)
}

pub(super) fn layers(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &layers::ALL)
}

pub(super) fn restored(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &restored::ALL)
}

pub(super) fn misses(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &events::MISSES)
}

pub(super) fn branches(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &events::BRANCHES)
}

pub(super) fn footprint(grid: &Grid<'_>) -> Vec<View> {
    views(grid, &[events::FOOTPRINT])
}

fn views(grid: &Grid<'_>, stacks: &[Stack]) -> Vec<View> {
    stacks.iter().filter_map(|stack| stack.view(grid)).collect()
}
