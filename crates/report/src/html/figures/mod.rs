//! Which figures there are: a section for each question, in it a panel for each system, in it views that
//! the reader chooses from.

mod distributions;
mod grid;
mod speedups;
mod stack;
mod stacks;

use super::cells::Cell;
use crate::charts::{Bars, Distribution, Drawn};
use grid::Grid;

/// A question and what answers it.
pub(super) struct Section {
    /// The anchor.
    pub id: &'static str,
    pub title: &'static str,
    /// What is shown, and after which source.
    pub about: &'static str,
    pub panels: Vec<Panel>,
}

/// One system's answer.
pub(super) struct Panel {
    pub system: String,
    pub views: Vec<View>,
}

/// A chart and what the reader chooses it by.
pub(super) struct View {
    pub label: &'static str,
    pub chart: Chart,
    pub caption: &'static str,
}

/// A chart of either kind.
pub(super) enum Chart {
    Bars(Bars),
    Distribution(Distribution),
}

/// Makes the views of a system.
type Views = fn(&Grid<'_>) -> Vec<View>;

/// Every section that has something to show.
pub(super) fn sections(cells: &[Cell<'_>]) -> Vec<Section> {
    let grids = Grid::of(cells);
    let all: [(&'static str, &'static str, &'static str, Views); 10] = [
        ("cpi", "CPI stacks", stacks::ABOUT_CYCLES, stacks::cycles),
        ("top-down", "Top-down", stacks::ABOUT_SLOTS, stacks::slots),
        ("layers", "Who spent the cycles", stacks::ABOUT_LAYERS, stacks::layers),
        ("misses", "Misses", stacks::ABOUT_MISSES, stacks::misses),
        ("branches", "Branches", stacks::ABOUT_BRANCHES, stacks::branches),
        ("footprint", "Footprint", stacks::ABOUT_FOOTPRINT, stacks::footprint),
        (
            "common",
            "What invocations have in common",
            distributions::ABOUT_COMMON,
            distributions::common,
        ),
        ("speed-up", "Speed-up", speedups::ABOUT, speedups::views),
        ("restoration", "Restoration", stacks::ABOUT_RESTORED, stacks::restored),
        ("latency", "Latency", distributions::ABOUT_LATENCY, distributions::latency),
    ];
    let section = |(id, title, about, views): (_, _, _, Views)| {
        let panel = |grid: &Grid<'_>| Panel { system: grid.system.to_owned(), views: views(grid) };
        let panels = grids.iter().map(panel).filter(|panel| !panel.views.is_empty()).collect();
        Section { id, title, about, panels }
    };
    all.map(section).into_iter().filter(|section| !section.panels.is_empty()).collect()
}

impl Section {
    pub(super) fn charts_mut(&mut self) -> impl Iterator<Item = &mut Chart> {
        let views = self.panels.iter_mut().flat_map(|panel| &mut panel.views);
        views.map(|view| &mut view.chart)
    }

    /// The charts' files: name and content.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, String)> {
        let views = self.panels.iter().flat_map(|panel| &panel.views);
        views.flat_map(|view| {
            let (slug, Drawn { svg, csv }) = (view.chart.slug(), view.chart.draw());
            [(format!("{slug}.svg"), svg.into_string()), (format!("{slug}.csv"), csv)]
        })
    }
}

impl Chart {
    pub(super) fn slug(&self) -> &str {
        match self {
            Self::Bars(bars) => &bars.heading.slug,
            Self::Distribution(distribution) => &distribution.heading.slug,
        }
    }

    pub(super) fn title(&self) -> &str {
        match self {
            Self::Bars(bars) => &bars.heading.title,
            Self::Distribution(distribution) => &distribution.heading.title,
        }
    }

    pub(super) fn rename(&mut self, slug: String) {
        match self {
            Self::Bars(bars) => bars.heading.slug = slug,
            Self::Distribution(distribution) => distribution.heading.slug = slug,
        }
    }

    pub(super) fn draw(&self) -> Drawn {
        match self {
            Self::Bars(bars) => bars.draw(),
            Self::Distribution(distribution) => distribution.draw(),
        }
    }
}
