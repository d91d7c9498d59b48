//! What stands below the plot: a line of labels of columns, and below it one of labels of groups.
//!
//! Labels that do not fit side by side are turned, all of a line alike.

use super::frame::{NORMAL, px};
use super::markup::{Attribute, Markup};
use super::text::width;

/// Labels on one line below the plot: where their middles are, whether they are turned.
pub(crate) struct Lane {
    labels: Vec<(String, f64)>,
    is_turned: bool,
    height: f64,
}

/// The size of labels of columns.
const SMALL: f64 = 10.0;
/// Turned labels of groups lie at 35 degrees.
const SINE: f64 = 0.5736;
const COSINE: f64 = 0.8192;

impl Lane {
    /// Labels of columns: side by side if each has no more than `room`, else from bottom to top.
    pub(crate) fn upright(labels: Vec<(String, f64)>, room: f64) -> Self {
        let widest = labels.iter().map(|(label, _)| width(label, SMALL)).fold(0.0, f64::max);
        let is_turned = widest > room;
        let height = if widest == 0.0 {
            0.0
        } else if is_turned {
            widest
        } else {
            SMALL + 2.0
        };
        Self { labels, is_turned, height }
    }

    /// Labels of groups: side by side if each has no more than `room`, else slanted.
    pub(crate) fn slanted(labels: Vec<(String, f64)>, room: f64) -> Self {
        let widest = labels.iter().map(|(label, _)| width(label, NORMAL)).fold(0.0, f64::max);
        let is_turned = widest > room;
        let height = if is_turned { widest * SINE + NORMAL } else { NORMAL + 6.0 };
        Self { labels, is_turned, height }
    }

    /// The room that they need below the plot.
    pub(crate) fn height(&self) -> f64 {
        self.height
    }

    /// The middle of a label, from the left end of the plot.
    pub(crate) fn middle(&self, index: usize) -> f64 {
        self.labels.get(index).map_or(0.0, |(_, middle)| *middle)
    }

    /// How far slanted labels, or a wide first one, reach to the left of the plot.
    pub(crate) fn overhang(&self) -> f64 {
        let reach = |(label, middle): &(String, f64)| {
            let wide = width(label, NORMAL);
            (if self.is_turned { wide * COSINE } else { wide / 2.0 }) - middle
        };
        self.labels.iter().map(reach).fold(0.0, f64::max)
    }

    pub(crate) fn draw_upright(&self, svg: &mut Markup, left: f64, top: f64) {
        for (label, middle) in self.labels.iter().filter(|(label, _)| !label.is_empty()) {
            let x = left + middle;
            let (x, y, anchor, turn) = if self.is_turned {
                (x + SMALL * 0.35, top, "end", " rotate(-90)")
            } else {
                (x, top + SMALL, "middle", "")
            };
            let place = format!("translate({} {}){turn}", px(x), px(y));
            let attributes: [Attribute<'_>; 3] =
                [("transform", &place), ("text-anchor", &anchor), ("font-size", &SMALL)];
            svg.words("text", &attributes, label);
        }
        svg.line_end();
    }

    pub(crate) fn draw_slanted(&self, svg: &mut Markup, left: f64, top: f64) {
        for (label, middle) in &self.labels {
            let x = left + middle;
            let (x, y, anchor, turn) = if self.is_turned {
                (x + 4.0, top + 8.0, "end", " rotate(-35)")
            } else {
                (x, top + NORMAL, "middle", "")
            };
            let place = format!("translate({} {}){turn}", px(x), px(y));
            svg.words("text", &[("transform", &place), ("text-anchor", &anchor)], label);
        }
        svg.line_end();
    }
}
