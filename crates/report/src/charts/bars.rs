//! Stacked bars, in groups.

use super::Drawn;
use super::frame::{Column, Frame, Group, Heading, Series, columns, number, px};
use super::markup::{Attribute, Markup};
use super::palette::PAPER;
use super::scale::Scale;
use super::text::width;
use crate::csv;

/// A bar has a value for each series, or none. What is above zero is stacked upwards in the order of the
/// series, what is below zero downwards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    pub heading: Heading,
    pub series: Vec<Series>,
    pub groups: Vec<Group<Vec<Option<f64>>>>,
    /// Where the axis ends at least; shares end at 100.
    pub reaches: f64,
    /// Whether the sum stands above a bar, where it has room.
    pub has_totals: bool,
}

/// The share of its place that a bar takes.
const FILLED: f64 = 0.74;
const SMALL: f64 = 10.0;

impl Bars {
    pub(crate) fn draw(&self) -> Drawn {
        Drawn { svg: self.svg(), csv: self.csv() }
    }

    fn svg(&self) -> Markup {
        let sums = |keep: fn(f64) -> bool| {
            let sum = move |values: &Vec<Option<f64>>| {
                values.iter().flatten().filter(|value| keep(**value)).sum::<f64>()
            };
            columns(&self.groups).map(move |(_, column)| sum(&column.data))
        };
        let high = sums(|value| value > 0.0).fold(self.reaches, f64::max);
        let scale = Scale::from_zero(sums(|value| value < 0.0).fold(0.0, f64::min), high);
        let frame = Frame::new(&self.heading, scale, &self.series, &self.groups);
        frame.svg(|svg| {
            for (index, (group, column)) in columns(&self.groups).enumerate() {
                self.bar(svg, &frame, index, (group, column));
            }
        })
    }

    fn bar(
        &self,
        svg: &mut Markup,
        frame: &Frame<'_>,
        index: usize,
        (group, column): (&str, &Column<Vec<Option<f64>>>),
    ) {
        let wide = frame.pitch * FILLED;
        let (mut above, mut below) = (0.0, 0.0);
        for (series, value) in self.series.iter().zip(&column.data) {
            let Some(value) = value.filter(|value| value.is_finite() && *value != 0.0) else {
                continue;
            };
            let from = if value > 0.0 { &mut above } else { &mut below };
            let (one, other) = (frame.y(*from), frame.y(*from + value));
            *from += value;
            let place: [Attribute<'_>; 8] = [
                ("class", &series.colour.class),
                ("x", &px(frame.middle(index) - wide / 2.0)),
                ("y", &px(one.min(other))),
                ("width", &px(wide)),
                ("height", &px((one - other).abs())),
                ("fill", &series.colour.rgb),
                ("stroke", &PAPER),
                ("stroke-width", &0.5),
            ];
            let hover = format!("{group}, {}\n{}: {}", column.about, series.label, number(value));
            svg.element("rect", &place, |rect| rect.words("title", &[], &hover));
        }
        if self.has_totals && column.data.iter().any(Option::is_some) {
            total(svg, frame, frame.middle(index), (above, below));
        }
        svg.line_end();
    }

    fn csv(&self) -> String {
        let head = ["group", "column", "series", &self.heading.axis].map(str::to_owned);
        let mut text = csv::line(head.into());
        for (group, column) in columns(&self.groups) {
            for (series, value) in self.series.iter().zip(&column.data) {
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    let cells = [group, &column.about, &series.label, &value.to_string()];
                    text += &csv::line(cells.map(str::to_owned).into());
                }
            }
        }
        text
    }
}

/// The sum above the bar, on its side where bars are narrow.
fn total(svg: &mut Markup, frame: &Frame<'_>, x: f64, (above, below): (f64, f64)) {
    let sum = above + below;
    let text = if sum.abs() >= 100.0 { format!("{sum:.0}") } else { format!("{sum:.2}") };
    if width(&text, SMALL) > frame.pitch {
        return;
    }
    let y = frame.y(above) - 4.0;
    let place: [Attribute<'_>; 4] =
        [("x", &px(x)), ("y", &px(y)), ("text-anchor", &"middle"), ("font-size", &SMALL)];
    svg.words("text", &place, &text);
}
