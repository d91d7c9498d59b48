//! Where descriptions lie: among the built-in ones or in a file.

use crate::builtin::{Builtin, builtins, dram_builtins};
use crate::{ConfigError, Origin};
use std::fs;
use std::path::{Path, PathBuf};
use toml::Table;

/// What a description describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    System,
    Dram,
}

impl Subject {
    /// The noun of error messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Dram => "DRAM",
        }
    }

    fn builtins(self) -> Vec<Builtin> {
        match self {
            Self::System => builtins().collect(),
            Self::Dram => dram_builtins().collect(),
        }
    }
}

/// Where a description lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Builtin(&'static str, &'static str),
    File(PathBuf),
}

impl Place {
    /// Finds the description called `name`, which a file in the folder `beside` may have named.
    pub(crate) fn find(
        subject: Subject,
        name: &str,
        beside: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        if name.ends_with(".toml") {
            return Ok(Self::File(beside.unwrap_or(Path::new("")).join(name)));
        }
        let builtins = subject.builtins();
        match builtins.iter().find(|builtin| builtin.name == name) {
            Some(builtin) => Ok(Self::Builtin(builtin.name, builtin.toml)),
            None => {
                let known: Vec<_> = builtins.iter().map(|builtin| builtin.name).collect();
                let (name, noun) = (name.to_owned(), subject.noun());
                Err(ConfigError::UnknownName { noun, name, known: known.join(", ") })
            }
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Builtin(name, _) => (*name).to_owned(),
            Self::File(path) => {
                path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into())
            }
        }
    }

    /// The folder that names of files in it are relative to.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Builtin(..) => None,
            Self::File(path) => path.parent(),
        }
    }

    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Builtin(name, _) => Origin::Builtin((*name).to_owned()),
            Self::File(path) => Origin::File(path.clone()),
        }
    }

    pub(crate) fn read(&self) -> Result<Table, ConfigError> {
        let text = match self {
            Self::Builtin(_, text) => (*text).to_owned(),
            Self::File(path) => fs::read_to_string(path)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?,
        };
        text.parse::<Table>().map_err(|source| ConfigError::Syntax {
            place: self.origin().to_string(),
            source: Box::new(source),
        })
    }
}
