//! What charts have in common: columns in groups along the bottom, an axis of numbers, a legend.
//!
//! Columns are as wide as their number allows. Labels that do not fit side by side are turned, and
//! room is made for them from their widths, so that none is cut off or lies over another.

use super::labels::Lane;
use super::legend::Legend;
use super::markup::{Attribute, Markup};
use super::palette::{Colour, GRID, INK, PAPER};
use super::scale::Scale;
use super::text::{FONT, shortened, width};

/// What a chart is called and what it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The name of its files, of `[a-z0-9-]`.
    pub slug: String,
    /// Its title, for people who do not see it, too.
    pub title: String,
    /// What the axis of numbers is of, with the unit.
    pub axis: String,
}

/// What a colour stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub label: String,
    pub colour: Colour,
}

/// Columns that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group<T> {
    pub label: String,
    pub columns: Vec<Column<T>>,
}

/// A column: what stands below it, what it is in full, and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column<T> {
    pub label: String,
    pub about: String,
    pub data: T,
}

/// All columns, each with the label of its group.
pub(crate) fn columns<T>(groups: &[Group<T>]) -> impl Iterator<Item = (&str, &Column<T>)> {
    groups
        .iter()
        .flat_map(|group| group.columns.iter().map(|column| (group.label.as_str(), column)))
}

/// The height of what is drawn in.
const HEIGHT: f64 = 260.0;
/// What columns together are wide, if that is neither more nor less than each may be.
const WIDTH: f64 = 700.0;
const NARROWEST: f64 = 14.0;
const WIDEST: f64 = 52.0;
/// What is drawn in is at least this wide.
const LEAST_WIDTH: f64 = 220.0;
/// The size of text.
pub(crate) const NORMAL: f64 = 12.0;
/// The longest label that is shown in full, in characters.
const LONGEST: usize = 44;
/// Above the plot: room for a number.
const ABOVE: f64 = 18.0;
const MARGIN: f64 = 8.0;

/// A distance or position as text: hundredths of a pixel are finer than any screen.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Where everything is.
pub(crate) struct Frame<'a> {
    heading: &'a Heading,
    scale: Scale,
    legend: Legend<'a>,
    columns: Lane,
    groups: Lane,
    /// The pitch of columns.
    pub pitch: f64,
    top: f64,
    left: f64,
    right: f64,
    /// What the numbers of the axis are wide.
    numbers: f64,
}

impl<'a> Frame<'a> {
    /// Makes room for the groups and for a legend of the series, if there are any.
    pub(crate) fn new<T>(
        heading: &'a Heading,
        scale: Scale,
        series: &'a [Series],
        groups: &[Group<T>],
    ) -> Self {
        let count = groups.iter().map(|group| group.columns.len()).sum::<usize>() + groups.len();
        let pitch = (WIDTH / count.max(1) as f64).clamp(NARROWEST, WIDEST);
        let spare = (LEAST_WIDTH - pitch * count as f64).max(0.0);
        // A group is followed by a gap as wide as a column, half of which is before the first.
        let gap = pitch + spare / groups.len().max(1) as f64;
        let (mut at, mut columns, mut middles) = (gap / 2.0, Vec::new(), Vec::new());
        let mut narrowest = f64::INFINITY;
        for group in groups {
            let wide = pitch * group.columns.len() as f64;
            middles.push((shortened(&group.label, LONGEST), at + wide / 2.0));
            for (index, column) in group.columns.iter().enumerate() {
                let middle = at + pitch * (index as f64 + 0.5);
                columns.push((shortened(&column.label, LONGEST), middle));
            }
            narrowest = narrowest.min(wide + gap);
            at += wide + gap;
        }
        let plot = at - gap / 2.0;
        let columns = Lane::upright(columns, pitch - 3.0);
        let groups = Lane::slanted(middles, narrowest - 6.0);
        let numbers = scale.ticks().map(|(_, label)| width(&label, NORMAL)).fold(0.0, f64::max);
        let legend = Legend::new(series, plot);
        let left = (MARGIN + NORMAL + 10.0 + numbers + 8.0).max(groups.overhang() + MARGIN);
        Self {
            heading,
            scale,
            top: ABOVE + legend.above(),
            legend,
            columns,
            groups,
            pitch,
            left,
            right: left + plot,
            numbers,
        }
    }

    /// The whole document: axes, legend, and what `marks` draws between them.
    pub(crate) fn svg(&self, marks: impl FnOnce(&mut Markup)) -> Markup {
        let (wide, high) = (self.total_width().ceil(), self.total_height().ceil());
        let (title, about) = (format!("{}-title", self.heading.slug), self.heading.title.as_str());
        let mut svg = Markup::new();
        let attributes: [Attribute<'_>; 9] = [
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("width", &wide),
            ("height", &high),
            ("viewBox", &format!("0 0 {wide} {high}")),
            ("role", &"img"),
            ("aria-labelledby", &title),
            ("font-family", &FONT),
            ("font-size", &NORMAL),
            ("fill", &INK),
        ];
        svg.element("svg", &attributes, |svg| {
            svg.words("title", &[("id", &title)], about);
            svg.empty(
                "rect",
                &[("class", &"paper"), ("width", &wide), ("height", &high), ("fill", &PAPER)],
            );
            svg.line_end();
            self.numbers(svg);
            marks(svg);
            self.baseline(svg);
            self.columns.draw_upright(svg, self.left, self.bottom() + 6.0);
            self.groups.draw_slanted(svg, self.left, self.bottom() + 8.0 + self.columns.height());
            let legend = self.top - self.legend.above();
            self.legend.draw(svg, (self.left, self.right), legend);
        });
        svg.line_end();
        svg
    }

    /// The middle of a column, counted over all groups.
    pub(crate) fn middle(&self, column: usize) -> f64 {
        self.left + self.columns.middle(column)
    }

    /// The height at which a value is drawn.
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.top + HEIGHT * (1.0 - self.scale.position(value))
    }

    fn bottom(&self) -> f64 {
        self.top + HEIGHT
    }

    fn total_width(&self) -> f64 {
        self.right + self.legend.beside().max(MARGIN) + MARGIN
    }

    fn total_height(&self) -> f64 {
        let labels = self.bottom() + 8.0 + self.columns.height() + self.groups.height();
        labels.max(self.top + self.legend.height()) + MARGIN
    }

    /// The axis of numbers: its title, its ticks, a line across for each.
    fn numbers(&self, svg: &mut Markup) {
        let (x, y) = (self.left - self.numbers - 16.0, self.top + HEIGHT / 2.0);
        let turn = format!("translate({} {}) rotate(-90)", px(x), px(y));
        let middle: Attribute<'_> = ("text-anchor", &"middle");
        svg.words("text", &[("transform", &turn), middle], &self.heading.axis);
        for (value, label) in self.scale.ticks() {
            let y = self.y(value);
            line(svg, "grid", GRID, [(self.left, y), (self.right, y)]);
            let place: [Attribute<'_>; 3] =
                [("x", &px(self.left - 6.0)), ("y", &px(y + 4.0)), ("text-anchor", &"end")];
            svg.words("text", &place, &label);
        }
        svg.line_end();
    }

    fn baseline(&self, svg: &mut Markup) {
        let y = self.y(0.0);
        line(svg, "axis", INK, [(self.left, y), (self.right, y)]);
        svg.line_end();
    }
}

pub(crate) fn line(
    svg: &mut Markup,
    class: &'static str,
    colour: &'static str,
    ends: [(f64, f64); 2],
) {
    let [(x1, y1), (x2, y2)] = ends.map(|(x, y)| (px(x), px(y)));
    let attributes: [Attribute<'_>; 6] = [
        ("class", &class),
        ("x1", &x1),
        ("y1", &y1),
        ("x2", &x2),
        ("y2", &y2),
        ("stroke", &colour),
    ];
    svg.empty("line", &attributes);
}

/// A value as people read it: three digits after the point, none for counts.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 10_000.0 => format!("{value:.0}"),
        tiny if tiny < 0.000_5 => "0.000".to_owned(),
        _ => format!("{value:.3}"),
    }
}
