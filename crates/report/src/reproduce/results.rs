//! The runs of a study, by what was varied.

use crate::model::{Run, State};

/// A run, and which variant of its system it is of.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The name of the variant, if the experiment has some.
    pub variant: Option<&'a str>,
    /// Its results.
    pub run: &'a Run,
}

/// All runs of a study.
#[derive(Clone, Debug, Default)]
pub struct Results<'a>(pub Vec<Cell<'a>>);

impl<'a> Results<'a> {
    /// A run without failed invocations.
    pub(crate) fn get(
        &self,
        function: &str,
        system: &str,
        state: State,
        variant: Option<&str>,
    ) -> Option<&'a Run> {
        let is_it = |cell: &&Cell<'_>| {
            let run = cell.run;
            run.function == function
                && run.system == system
                && run.state == state
                && cell.variant == variant
        };
        let found = self.0.iter().find(is_it)?.run;
        (found.summary.failed == 0 && !found.invocations.is_empty()).then_some(found)
    }

    /// Whether there is any run of `function` on `system`.
    pub(crate) fn has(&self, function: &str, system: &str) -> bool {
        self.0.iter().any(|cell| cell.run.function == function && cell.run.system == system)
    }
}

/// A function on a system, in all states and variants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'r, 'a> {
    pub results: &'r Results<'a>,
    pub function: &'r str,
    pub system: &'r str,
}

impl<'a> Subject<'_, 'a> {
    /// The run in `state`, without variants.
    pub fn plain(&self, state: State) -> Option<&'a Run> {
        self.results.get(self.function, self.system, state, None)
    }

    /// The lukewarm run of a variant.
    pub fn variant(&self, name: &str) -> Option<&'a Run> {
        self.results.get(self.function, self.system, State::Lukewarm, Some(name))
    }
}
