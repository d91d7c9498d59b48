//! A stack of statistics: what its parts are, and how it becomes a chart.

use super::super::cells::Cell;
use super::grid::{Grid, with_mean};
use super::{Chart, View};
use crate::charts::{Bars, Colour, REST, Series};

/// A part of a stack: the sum of statistics.
pub(super) struct Part {
    pub label: &'static str,
    pub colour: Colour,
    /// Where they are, after the stack's prefix; those with a minus in front are subtracted.
    pub paths: &'static [&'static str],
}

pub(super) const fn part(
    label: &'static str,
    colour: Colour,
    paths: &'static [&'static str],
) -> Part {
    Part { label, colour, paths }
}

/// Statistics that are shown on top of each other.
pub(super) struct Stack {
    /// What the reader chooses it by.
    pub view: &'static str,
    /// What its files' names begin with.
    pub slug: &'static str,
    pub title: &'static str,
    pub axis: &'static str,
    /// What the paths of all parts begin with.
    pub prefix: &'static str,
    pub parts: &'static [Part],
    /// The statistic whose mean the means of the parts are divided by.
    pub over: Option<&'static str>,
    /// The statistic that the parts sum to, in full, and what its rest is called, if there may be one.
    pub whole: Option<(&'static str, &'static str)>,
    /// What statistics are multiplied with.
    pub scale: f64,
    /// Where the axis ends at least.
    pub reaches: f64,
    pub caption: &'static str,
}

/// A stack of which nothing is said: what most have in common.
pub(super) const PLAIN: Stack = Stack {
    view: "",
    slug: "",
    title: "",
    axis: "",
    prefix: "",
    parts: &[],
    over: None,
    whole: None,
    scale: 1.0,
    reaches: 0.0,
    caption: "",
};

/// A rest of less than this share of the whole is rounding.
const ROUNDING: f64 = 1e-3;

impl Stack {
    /// The chart, if a cell has one of the parts.
    pub(super) fn view(&self, grid: &Grid<'_>) -> Option<View> {
        let mut groups = grid.groups(|cell| self.values(cell));
        with_mean(&mut groups);
        let mut series: Vec<Series> = self.parts.iter().map(Part::series).collect();
        let rest = self.whole.map_or("", |(_, rest)| rest);
        series.push(Series { label: rest.to_owned(), colour: REST });
        let columns = || groups.iter().flat_map(|group| &group.columns);
        let is_used: Vec<bool> = (0..series.len())
            .map(|index| columns().any(|column| column.data[index].is_some()))
            .collect();
        if !is_used.contains(&true) {
            return None;
        }
        retain(&mut series, &is_used);
        for column in groups.iter_mut().flat_map(|group| &mut group.columns) {
            retain(&mut column.data, &is_used);
        }
        let heading = grid.heading(self.slug, self.title, self.axis);
        let bars = Bars {
            heading,
            series,
            groups,
            reaches: self.reaches,
            has_totals: self.reaches == 0.0,
        };
        Some(View { label: self.view, chart: Chart::Bars(bars), caption: self.caption })
    }

    /// A value for each part and for the rest; none if there is no value at all.
    fn values(&self, cell: &Cell<'_>) -> Option<Vec<Option<f64>>> {
        let below = self.over.map_or(Some(1.0), |path| cell.mean(path))?;
        let scaled = |value: Option<f64>| {
            value.map(|value| value * self.scale / below).filter(|value| value.is_finite())
        };
        let mut values: Vec<Option<f64>> =
            self.parts.iter().map(|part| scaled(self.part(cell, part))).collect();
        let whole = self.whole.and_then(|(path, _)| scaled(cell.mean(path)));
        let rest = whole.map(|whole| (whole, whole - values.iter().flatten().sum::<f64>()));
        let rest = rest.filter(|(whole, rest)| *rest > whole * ROUNDING);
        values.push(rest.map(|(_, rest)| rest));
        values.iter().any(Option::is_some).then_some(values)
    }

    /// The sum of the means; none if one has no value.
    fn part(&self, cell: &Cell<'_>, part: &Part) -> Option<f64> {
        let mean = |path: &str| cell.mean(&format!("{}{path}", self.prefix));
        let signed = |path: &&str| match path.strip_prefix('-') {
            Some(path) => mean(path).map(|mean| -mean),
            None => mean(path),
        };
        part.paths.iter().map(signed).sum()
    }
}

impl Part {
    fn series(&self) -> Series {
        Series { label: self.label.to_owned(), colour: self.colour }
    }
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().copied().unwrap_or(false));
}
