//! The configuration as it took effect: every value and where it came from.

use crate::LoadedSystem;
use crate::layers::join;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use toml::{Table, Value};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A built-in system.
    Builtin(String),
    /// A file.
    File(PathBuf),
    /// An override on the command line.
    Set,
    /// Nobody gave it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "built-in {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Set => write!(f, "--set"),
            Self::Default => write!(f, "default"),
        }
    }
}

impl LoadedSystem {
    /// Where the value at a dotted path came from.
    #[must_use]
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// The whole configuration as TOML, each value with its origin in a comment. Loading the text
    /// gives the same configuration.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        let tree = Table::try_from(&self.config).expect("a configuration is plain data");
        let mut text = format!("# The system {:?} as it took effect.\n", self.name);
        self.emit(&mut text, "", &tree);
        text
    }

    fn emit(&self, text: &mut String, path: &str, table: &Table) {
        for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
            let origin = self.origin(&join(path, key));
            writeln!(text, "{key} = {value} # {origin}").expect("writing to a string succeeds");
        }
        for (key, value) in table {
            if let Value::Table(inner) = value {
                let path = join(path, key);
                writeln!(text, "\n[{path}]").expect("writing to a string succeeds");
                self.emit(text, &path, inner);
            }
        }
    }
}
