//! Every value as a dot, with the quartiles as a box (J. W. Tukey, "Exploratory data analysis", 1977).
//! The whiskers go to the least and the greatest value: no value is left out as an outlier.

use super::Drawn;
use super::frame::{Column, Frame, Group, Heading, Series, columns, line, number, px};
use super::markup::{Attribute, Markup};
use super::palette::INK;
use super::scale::Scale;
use crate::csv;

/// Columns of values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distribution {
    pub heading: Heading,
    /// What has a colour of its own; the label stands below the columns.
    pub series: Vec<Series>,
    pub groups: Vec<Group<Sample>>,
    pub range: Range,
}

/// The values of a column and the series whose colour they have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub series: usize,
    pub values: Vec<f64>,
}

/// What the axis covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// From zero; by powers of ten if the values are positive and further apart than a bar can show.
    Values,
    /// To 1, from 0 or from nearer by where no value is below a half.
    Share,
}

/// How many times the least the greatest must be for powers of ten.
const FAR_APART: f64 = 30.0;
/// Dots of a column; of more values, the box alone is shown.
const MOST_DOTS: usize = 200;
/// The share of a column that dots take, from left to right in the order of their values' arrival.
const FILLED: f64 = 0.68;

impl Distribution {
    pub(crate) fn draw(&self) -> Drawn {
        Drawn { svg: self.svg(), csv: self.csv() }
    }

    fn scale(&self) -> Scale {
        let values = || columns(&self.groups).flat_map(|(_, column)| &column.data.values).copied();
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        match self.range {
            Range::Share if low >= 0.5 => Scale::linear(low.min(0.9), 1.0),
            Range::Share => Scale::from_zero(0.0, 1.0),
            Range::Values if low > 0.0 && high > low * FAR_APART => Scale::logarithmic(low, high),
            Range::Values => Scale::from_zero(low.min(0.0), high.max(0.0)),
        }
    }

    fn svg(&self) -> Markup {
        let frame = Frame::new(&self.heading, self.scale(), &[], &self.groups);
        frame.svg(|svg| {
            for (index, (group, column)) in columns(&self.groups).enumerate() {
                self.column(svg, &frame, frame.middle(index), (group, column));
                svg.line_end();
            }
        })
    }

    fn column(
        &self,
        svg: &mut Markup,
        frame: &Frame<'_>,
        x: f64,
        (group, column): (&str, &Column<Sample>),
    ) {
        let Sample { series, values } = &column.data;
        let (Some(series), Some(five)) = (self.series.get(*series), five_numbers(values)) else {
            return;
        };
        let hover = format!(
            "{group}, {}\nleast {}, quartiles {}, {}, {}, greatest {}; {} values",
            column.about,
            number(five[0]),
            number(five[1]),
            number(five[2]),
            number(five[3]),
            number(five[4]),
            values.len()
        );
        svg.element("g", &[], |svg| {
            svg.words("title", &[], &hover);
            boxed(svg, frame, x, five, series);
        });
        if values.len() <= MOST_DOTS {
            for (index, value) in values.iter().enumerate() {
                let share = (index as f64 + 0.5) / values.len() as f64 - 0.5;
                let aside = share * frame.pitch * FILLED;
                let hover = format!("{group}, {}\n{index}: {}", column.about, number(*value));
                dot(svg, (x + aside, frame.y(*value)), series, &hover);
            }
        }
    }

    fn csv(&self) -> String {
        let head = ["group", "column", "index", &self.heading.axis].map(str::to_owned);
        let mut text = csv::line(head.into());
        for (group, column) in columns(&self.groups) {
            for (index, value) in column.data.values.iter().enumerate() {
                let cells = [group, &column.about, &index.to_string(), &value.to_string()];
                text += &csv::line(cells.map(str::to_owned).into());
            }
        }
        text
    }
}

fn boxed(svg: &mut Markup, frame: &Frame<'_>, x: f64, five: [f64; 5], series: &Series) {
    let [least, lower, median, upper, greatest] = five.map(|value| frame.y(value));
    let half = frame.pitch * 0.36;
    line(svg, "axis", INK, [(x, least), (x, lower)]);
    line(svg, "axis", INK, [(x, upper), (x, greatest)]);
    let place: [Attribute<'_>; 8] = [
        ("class", &series.colour.class),
        ("x", &px(x - half)),
        ("y", &px(upper)),
        ("width", &px(half * 2.0)),
        ("height", &px((lower - upper).max(1.0))),
        ("fill", &series.colour.rgb),
        ("fill-opacity", &0.35),
        ("stroke", &series.colour.rgb),
    ];
    svg.empty("rect", &place);
    for (y, half) in [(median, half), (least, half / 2.0), (greatest, half / 2.0)] {
        line(svg, "axis", INK, [(x - half, y), (x + half, y)]);
    }
}

fn dot(svg: &mut Markup, (x, y): (f64, f64), series: &Series, hover: &str) {
    let place: [Attribute<'_>; 5] = [
        ("class", &series.colour.class),
        ("cx", &px(x)),
        ("cy", &px(y)),
        ("r", &2.5),
        ("fill", &series.colour.rgb),
    ];
    svg.element("circle", &place, |circle| circle.words("title", &[], hover));
}

/// The least, the quartiles and the greatest, between values where they fall there.
pub(crate) fn five_numbers(values: &[f64]) -> Option<[f64; 5]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some([0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let place = share * last as f64;
        let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        below + (above - below) * place.fract()
    }))
}
