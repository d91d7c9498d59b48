//! What is wrong with a predictor's configuration.

use std::fmt;

/// One parameter that cannot be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The parameter, as a path below the predictor's table in the configuration file.
    pub path: String,
    /// What is wrong with it and what would do.
    pub what: String,
}

/// Collects everything that is wrong, so that it is reported at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes a problem unless `value` lies in `from..=to`.
    pub(crate) fn range(&mut self, path: &str, value: u32, from: u32, to: u32) {
        if !(from..=to).contains(&value) {
            let what = format!("is {value}, must be {from} to {to}");
            self.0.push(Problem { path: path.to_owned(), what });
        }
    }

    /// Notes a problem unless `fine`.
    pub(crate) fn require(&mut self, fine: bool, path: &str, what: impl FnOnce() -> String) {
        if !fine {
            self.0.push(Problem { path: path.to_owned(), what: what() });
        }
    }

    /// Notes what `check` does, with paths below `table`.
    pub(crate) fn below(&mut self, table: &str, check: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        check(&mut inner);
        let paths = inner.0.into_iter();
        self.0.extend(paths.map(|it| Problem { path: format!("{table}.{}", it.path), ..it }));
    }

    /// The error, if anything was noted.
    pub(crate) fn into_result(self) -> Result<(), ConfigError> {
        if self.0.is_empty() { Ok(()) } else { Err(ConfigError { problems: self }) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{} {}", problem.path, problem.what)?;
        }
        Ok(())
    }
}

/// A predictor cannot be built as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a branch predictor cannot be built as configured: {problems}")]
pub struct ConfigError {
    /// Everything that is wrong.
    pub problems: Problems,
}
