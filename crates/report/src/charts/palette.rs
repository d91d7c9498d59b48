//! Colours that people who see fewer of them can tell apart.
//!
//! The hues are those of M. Okabe and K. Ito, "Color universal design" (2008). A family of causes has one
//! hue in shades; neighbours in a stack differ in lightness and have a line between them, so that a
//! stack can be read in print without colour.

/// A colour of a mark: its number on paper, and the class by which a page finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// As in `#0072b2`.
    pub rgb: &'static str,
    /// The class; the colours with one look different in the dark.
    pub class: &'static str,
}

const fn colour(rgb: &'static str) -> Colour {
    Colour { rgb, class: "mark" }
}

/// What is useful: instructions that commit.
pub(crate) const USEFUL: Colour = Colour { rgb: "#595959", class: "mark useful" };
/// What is left.
pub(crate) const REST: Colour = Colour { rgb: "#bdbdbd", class: "mark rest" };

/// The front end.
pub(crate) const FRONT: [Colour; 7] = [
    colour("#8c3800"),
    colour("#f0a860"),
    colour("#d55e00"),
    colour("#fad2a8"),
    colour("#b34700"),
    colour("#e8873a"),
    colour("#e6c229"),
];
/// Speculation that was in vain.
pub(crate) const SPECULATION: [Colour; 2] = [colour("#a8417c"), colour("#e0a3c6")];
/// The back end waiting for memory.
pub(crate) const MEMORY: [Colour; 6] = [
    colour("#00395c"),
    colour("#a6d5f2"),
    colour("#0072b2"),
    colour("#56b4e9"),
    colour("#004f80"),
    colour("#cfe8f7"),
];
/// The back end waiting for its own units.
pub(crate) const CORE: [Colour; 4] =
    [colour("#00573f"), colour("#7fd1b5"), colour("#009e73"), colour("#bfe8da")];

/// For series that are of no family, in the order of the source.
pub(crate) const SEQUENCE: [Colour; 8] = [
    colour("#0072b2"),
    colour("#e69f00"),
    colour("#009e73"),
    colour("#d55e00"),
    colour("#56b4e9"),
    colour("#cc79a7"),
    colour("#8a7a00"),
    colour("#595959"),
];

/// Text and axes.
pub(crate) const INK: &str = "#222222";
/// Lines behind the marks.
pub(crate) const GRID: &str = "#dddddd";
/// What the chart is drawn on.
pub(crate) const PAPER: &str = "#ffffff";
