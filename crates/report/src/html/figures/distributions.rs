//! Figures of every invocation: latency, and what one has in common with the one before.

use super::super::cells::Cell;
use super::grid::Grid;
use super::{Chart, View};
use crate::charts::{Distribution, Group, Range, SEQUENCE, Sample, Series};

pub(super) const ABOUT_COMMON: &str = "Jaccard index of the lines that an invocation touched and those of \
    the one before: lines of both over lines of either. A dot is an invocation, from left to right in \
    their order; the box has the quartiles.";
pub(super) const ABOUT_LATENCY: &str = "Virtual time from the first segment of a request at the server's \
    network card to the last byte of the reply leaving it. A dot is an invocation, from left to \
    right in their order; the box has the quartiles, the whiskers reach to the least and the greatest.";

struct Figure {
    view: &'static str,
    slug: &'static str,
    title: &'static str,
    axis: &'static str,
    path: &'static str,
    range: Range,
}

pub(super) fn common(grid: &Grid<'_>) -> Vec<View> {
    let of = |view, slug, title, path| Figure {
        view,
        slug,
        title,
        axis: "Jaccard index",
        path,
        range: Range::Share,
    };
    let figures = [
        of(
            "instructions",
            "jaccard-instructions",
            "Instruction lines in common with the invocation before",
            "footprint.instruction.jaccard",
        ),
        of(
            "data",
            "jaccard-data",
            "Data lines in common with the invocation before",
            "footprint.data.jaccard",
        ),
    ];
    figures.iter().filter_map(|figure| figure.view(grid)).collect()
}

pub(super) fn latency(grid: &Grid<'_>) -> Vec<View> {
    let figure = Figure {
        view: "latency",
        slug: "latency",
        title: "Latency of invocations",
        axis: "latency, ms",
        path: "window.latency_ms",
        range: Range::Values,
    };
    figure.view(grid).into_iter().collect()
}

impl Figure {
    fn view(&self, grid: &Grid<'_>) -> Option<View> {
        let values = |cell: &Cell<'_>| Some(cell.values(self.path)).filter(|v| !v.is_empty());
        let mut groups = grid.groups(|cell| Some(Sample { series: 0, values: values(cell)? }));
        if groups.is_empty() {
            return None;
        }
        let series = colours(&mut groups);
        let heading = grid.heading(self.slug, self.title, self.axis);
        let chart = Distribution { heading, series, groups, range: self.range };
        Some(View { label: self.view, chart: Chart::Distribution(chart), caption: "" })
    }
}

/// Gives columns of one name one colour.
fn colours(groups: &mut [Group<Sample>]) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for column in groups.iter_mut().flat_map(|group| &mut group.columns) {
        let known = series.iter().position(|series| series.label == column.label);
        column.data.series = known.unwrap_or(series.len());
        if known.is_none() {
            let colour = SEQUENCE[series.len() % SEQUENCE.len()];
            series.push(Series { label: column.label.clone(), colour });
        }
    }
    series
}
