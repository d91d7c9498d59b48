//! How much faster a variant is than the run in the same state without it.

use super::super::cells::{Cell, Variant};
use super::grid::Grid;
use super::{Chart, View};
use crate::charts::{Bars, Column, Group, Heading, SEQUENCE, Series};
use crate::summary::geomean;

pub(super) const ABOUT: &str = "Busy cycles of an invocation without over those with, less one: restoration \
    units against the same run without one, other overrides against the system as it is. Same function, \
    system, request and state.";

/// What the group is called that has the means over the functions.
const MEAN: &str = "geometric mean";

/// A column: a condition and a variant, and by how many times it is faster.
struct Gain {
    group: String,
    label: String,
    times: f64,
}

pub(super) fn views(grid: &Grid<'_>) -> Vec<View> {
    let gains: Vec<Gain> = grid.cells.iter().filter_map(|cell| gain(grid, cell)).collect();
    if gains.is_empty() {
        return Vec::new();
    }
    let bars = bars(grid.heading("speed-up", "Speed-up", "speed-up, %"), &gains);
    vec![View { label: "speed-up", chart: Chart::Bars(bars), caption: "" }]
}

fn gain(grid: &Grid<'_>, cell: &Cell<'_>) -> Option<Gain> {
    let baseline = cell.key.variant.baseline()?;
    let base = find(grid, cell, &baseline)?;
    let times = base.mean("window.cycles")? / cell.mean("window.cycles")?;
    let (group, label) = (grid.naming.group(&cell.key), grid.naming.column(cell));
    times.is_finite().then_some(Gain { group, label, times })
}

/// The cell that differs from `like` in the variant only.
fn find<'a>(grid: &Grid<'a>, like: &Cell<'_>, variant: &Variant) -> Option<&'a Cell<'a>> {
    grid.cells.iter().copied().find(|cell| {
        let (key, other) = (&cell.key, &like.key);
        key.function == other.function
            && key.request == other.request
            && key.condition == other.condition
            && key.variant == *variant
            && cell.number == like.number
    })
}

/// A bar for each gain, in the colour of its label, and the geometric means over several functions.
fn bars(heading: Heading, gains: &[Gain]) -> Bars {
    let mut labels: Vec<&str> = Vec::new();
    for gain in gains {
        if !labels.contains(&gain.label.as_str()) {
            labels.push(&gain.label);
        }
    }
    let column = |label: &str, times: f64| {
        let percent = (times - 1.0) * 100.0;
        let data = labels.iter().map(|other| (*other == label).then_some(percent)).collect();
        Column { label: String::new(), about: label.to_owned(), data }
    };
    let mut groups: Vec<Group<Vec<Option<f64>>>> = Vec::new();
    for Gain { group, label, times } in gains {
        match groups.last_mut().filter(|last| last.label == *group) {
            Some(last) => last.columns.push(column(label, *times)),
            None => {
                groups.push(Group { label: group.clone(), columns: vec![column(label, *times)] })
            }
        }
    }
    if groups.len() > 1 {
        let mean = |label: &&str| {
            let times = gains.iter().filter(|gain| gain.label == **label).map(|gain| gain.times);
            geomean(&times.collect::<Vec<_>>()).map(|times| column(label, times))
        };
        let columns = labels.iter().filter_map(mean).collect();
        groups.push(Group { label: MEAN.to_owned(), columns });
    }
    let series = labels.iter().enumerate().map(|(index, label)| Series {
        label: (*label).to_owned(),
        colour: SEQUENCE[index % SEQUENCE.len()],
    });
    Bars { heading, series: series.collect(), groups, reaches: 0.0, has_totals: true }
}
