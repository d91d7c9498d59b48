//! Charts as SVG 1.1, and their data as CSV.
//!
//! Two kinds: [`Bars`], stacked and in groups, and [`Distribution`], every value and its quartiles. Both
//! are pure functions from numbers to text. Coordinates are rounded to hundredths of a pixel, so the
//! same numbers give the same bytes on every host.
//!
//! Colours stand in the attributes, so that programs which know nothing of style sheets draw them, and
//! have a class beside them, by which a page can give them another colour in the dark. Every mark has a
//! `<title>`, which browsers show under the pointer; the chart's own is what screen readers say.

mod bars;
mod distribution;
mod frame;
mod labels;
mod legend;
mod markup;
pub(crate) mod palette;
mod scale;
mod text;

pub(crate) use bars::Bars;
pub(crate) use distribution::{Distribution, Range, Sample};
pub(crate) use frame::{Column, Group, Heading, Series};
pub(crate) use markup::{Attribute, Markup};
pub(crate) use palette::{Colour, REST, SEQUENCE};

/// A chart in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// An SVG document, which HTML can hold as it is.
    pub svg: Markup,
    /// What it shows, a row for each value.
    pub csv: String,
}

#[cfg(test)]
mod tests;
