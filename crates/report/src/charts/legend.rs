//! What the colours stand for: beside the plot, in the order of the stack, or in rows above a wide one.

use super::frame::{NORMAL, Series, px};
use super::markup::{Attribute, Markup};
use super::text::width;

/// Where the entries are.
pub(crate) struct Legend<'a> {
    series: &'a [Series],
    /// Entries in a row; none where they are below each other.
    abreast: Option<usize>,
    /// From one entry of a row to the next.
    pitch: f64,
}

/// A plot wider than this has its legend above: beside it would be out of sight.
const WIDE: f64 = 800.0;
/// A row is no wider than a page.
const WIDEST: f64 = 1000.0;
/// From one row to the next.
const ROW: f64 = 18.0;
/// A box and the space after it.
const BOX: f64 = 18.0;
/// Between the plot and what is beside or above it, and between entries.
const GAP: f64 = 16.0;

impl<'a> Legend<'a> {
    /// For a plot of this width.
    pub(crate) fn new(series: &'a [Series], plot: f64) -> Self {
        let widest = series.iter().map(|series| width(&series.label, NORMAL)).fold(0.0, f64::max);
        let pitch = BOX + widest + GAP;
        let abreast = (plot > WIDE).then_some(((plot.min(WIDEST) / pitch) as usize).max(1));
        Self { series, abreast, pitch }
    }

    /// The height that it needs above the plot.
    pub(crate) fn above(&self) -> f64 {
        let rows = self.abreast.map_or(0, |abreast| self.series.len().div_ceil(abreast));
        if rows == 0 { 0.0 } else { rows as f64 * ROW + GAP / 2.0 }
    }

    /// The width that it needs beside the plot.
    pub(crate) fn beside(&self) -> f64 {
        if self.abreast.is_some() || self.series.is_empty() { 0.0 } else { self.pitch }
    }

    /// The height that it has beside the plot.
    pub(crate) fn height(&self) -> f64 {
        if self.abreast.is_some() { 0.0 } else { self.series.len() as f64 * ROW }
    }

    /// Draws it above a plot that begins at `left`, or beside one that ends at `right`; from `top`.
    pub(crate) fn draw(&self, svg: &mut Markup, (left, right): (f64, f64), top: f64) {
        for (index, series) in self.series.iter().enumerate() {
            let (x, y) = match self.abreast {
                Some(abreast) => {
                    let (row, column) = (index / abreast, index % abreast);
                    (left + column as f64 * self.pitch, top + row as f64 * ROW)
                }
                // The first of a stack is at its bottom.
                None => (right + GAP, top + (self.series.len() - 1 - index) as f64 * ROW),
            };
            let place: [Attribute<'_>; 6] = [
                ("class", &series.colour.class),
                ("x", &px(x)),
                ("y", &px(y)),
                ("width", &12),
                ("height", &12),
                ("fill", &series.colour.rgb),
            ];
            svg.empty("rect", &place);
            svg.words("text", &[("x", &px(x + BOX)), ("y", &px(y + 10.5))], &series.label);
        }
        svg.line_end();
    }
}
