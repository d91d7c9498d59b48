//! Published studies repeated: our values beside theirs, and whether the shapes agree.
//!
//! The papers measured x86 servers and simulated x86 cores; other code, other calling conventions and other builds of the
//! runtimes give other absolute values on RISC-V. What must carry over is the shape: by how much lost state slows a
//! function down, which part of the core is to blame, who gains from restoring it. [`shapes()`] checks that, [`validate`]
//! sets every value beside the published one.
//!
//! | study | papers |
//! |---|---|
//! | [`Study::Lukewarm`] | Jukebox (ISCA 2022), Ignite (MICRO 2023): what lost state costs |
//! | [`Study::Jukebox`] | Jukebox: prefetching into the second level what the invocation before missed |
//! | [`Study::Ignite`] | Ignite: restoring the branch target buffer and what follows from it |
//!
//! The first measured invocation of each run is left out where there are more: a unit that replays what it recorded has
//! nothing to replay yet, and an invocation without a predecessor has no similarity to it.
//!
//! Published values lie in `experiments/published/`, each with its figure or table. Not here: running anything.

mod columns;
mod document;
mod measures;
mod published;
mod results;
mod shapes;
mod tables;
mod text;

pub use document::document;
pub use published::{Published, PublishedError};
pub use results::{Cell, Results};
pub use shapes::{Check, Verdict, shapes};
pub use tables::{Pair, Row, Table};
pub use text::{markdown, text};
pub(crate) use text::{piped, shape_rows};

/// A study that can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Study {
    /// Lukewarm against warm.
    Lukewarm,
    /// Jukebox against nothing.
    Jukebox,
    /// Ignite against Jukebox and nothing.
    Ignite,
}

impl Study {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lukewarm, Self::Jukebox, Self::Ignite];

    /// The word used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lukewarm => "lukewarm",
            Self::Jukebox => "jukebox",
            Self::Ignite => "ignite",
        }
    }
}

/// A study repeated.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The study.
    pub study: Study,
    /// Our values beside the published ones.
    pub tables: Vec<Table>,
    /// Whether the shapes agree.
    pub checks: Vec<Check>,
}

impl Validation {
    /// The number of shapes that disagree.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.checks.iter().filter(|check| check.verdict == Verdict::Fail).count()
    }
}

/// Sets `results` beside what is published.
///
/// # Errors
/// Published values that cannot be read: a defect of the program, whose tests read them.
pub fn validate(study: Study, results: &Results<'_>) -> Result<Validation, PublishedError> {
    let tables = columns::figures(study)
        .iter()
        .map(|figure| Ok(tables::table(figure, results, &Published::of(figure.paper)?)))
        .collect::<Result<_, PublishedError>>()?;
    let checks = shapes(study, results)?;
    Ok(Validation { study, tables, checks })
}
