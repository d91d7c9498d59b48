//! Readings of all harts' profiles at the edges of windows.
//!
//! Which frame ends a window is known only later, so a reading is kept for each that is sent.

use super::layer::Layer;
use super::ledger::{Ledger, Spent};
use machine::Machine;
use pipeline::Reading;
use report::model::{About, Catalogue, Invocation, Statistics};
use stream::HartId;
use system::Timing as Model;

/// One reading for each hart.
type Readings = Vec<Reading>;

/// Profiles windows.
#[derive(Debug)]
pub(crate) struct Profiler {
    ledger: Ledger,
    opened: Readings,
    sent: Vec<Readings>,
    closed: Option<Readings>,
}

impl Profiler {
    /// Begins to profile what `model` commits.
    pub(crate) fn begin(ledger: Ledger, model: &mut Model) -> Self {
        for hart in 0..model.harts() {
            *model.profile(HartId(hart)) = Some(Box::default());
        }
        Self { ledger, opened: Vec::new(), sent: Vec::new(), closed: None }
    }

    /// A window opens.
    pub(crate) fn open(&mut self, model: &mut Model) {
        self.opened = read(model);
        self.sent.clear();
        self.closed = None;
    }

    /// A frame is sent.
    pub(crate) fn sent(&mut self, model: &mut Model) {
        self.sent.push(read(model));
    }

    /// The window closed when frame number `frame` was sent.
    pub(crate) fn close(&mut self, frame: u64) {
        self.closed = Some(self.sent.swap_remove(frame as usize));
    }

    /// Adds to `invocation` what each layer spent in the window, which ends now unless it was closed.
    /// Panics if that is not what was spent altogether, since a result would then be wrong.
    pub(crate) fn add_to(
        &mut self,
        invocation: &mut Invocation,
        model: &mut Model,
        machine: &mut Machine,
    ) {
        // Without a request that arrived there is no window.
        if self.opened.is_empty() {
            return;
        }
        let closed = self.closed.take().unwrap_or_else(|| read(model));
        let edges = self.opened.drain(..).zip(closed);
        for (window, (before, after)) in invocation.harts.iter_mut().zip(edges) {
            let hart = HartId(window.hart);
            let profile = model.profile(hart).as_deref().expect("it was put in at the start");
            let spent = self.ledger.enter(hart.index(), profile, (&before, &after), machine);
            assert_eq!(
                (spent.cycles(), spent.instructions()),
                (window.cycles, window.instructions),
                "the books of invocation {} do not balance: cycles and instructions of the layers of hart {} \
                 and of its window",
                invocation.index,
                window.hart,
            );
            spent.add_to(&mut window.statistics);
            if window.hart == invocation.hart {
                spent.add_to(&mut invocation.statistics);
            }
        }
    }

    /// All stacks of all windows, in the format of flame graphs.
    pub(crate) fn folded(&self) -> String {
        self.ledger.folded()
    }
}

fn read(model: &mut Model) -> Readings {
    let harts = model.harts();
    let mut read = |hart| {
        let profile = model.profile(hart).as_mut();
        profile.expect("it was put in at the start").read()
    };
    (0..harts).map(HartId).map(&mut read).collect()
}

impl Spent {
    fn cycles(&self) -> u64 {
        self.0.iter().map(|spending| spending.cycles).sum()
    }

    fn instructions(&self) -> u64 {
        self.0.iter().map(|spending| spending.instructions).sum()
    }

    fn add_to(&self, statistics: &mut Statistics) {
        for (layer, spending) in Layer::ALL.into_iter().zip(&self.0) {
            statistics.count(path(layer, "cycles"), spending.cycles);
            statistics.count(path(layer, "instructions"), spending.instructions);
        }
    }
}

fn path(layer: Layer, what: &str) -> String {
    format!("layers.{}.{what}", layer.name())
}

/// Describes what [`Profiler::add_to`] adds.
pub(crate) fn describe(catalogue: &mut Catalogue) {
    for layer in Layer::ALL {
        for (what, title) in [("cycles", "Cycles"), ("instructions", "Instructions")] {
            let description = format!("{title} of {}", layer.about());
            catalogue.insert(path(layer, what), About { unit: what.to_owned(), description });
        }
    }
}
