//! One run of an experiment.

use std::collections::BTreeMap;
use std::path::Path;

/// Options of `run` that an experiment may set, under these keys; the option of `link_gbps` is `--link-gbps`.
pub const OPTIONS: [&str; 13] = [
    "payload",
    "method",
    "warmup",
    "settle",
    "invocations",
    "inter_arrival_ms",
    "interleave_calls",
    "interleave_instructions",
    "sampling_period",
    "ram",
    "link_gbps",
    "link_delay_us",
    "timeout_ms",
];

/// Keys of the values that every point has, and of those it may have.
pub(super) const FUNCTION: &str = "function";
pub(super) const SYSTEM: &str = "system";
pub(super) const STATE: &str = "state";
pub(super) const LUKEWARM: &str = "lukewarm";
pub(super) const VARIANT: &str = "variant";
pub(super) const SEED: &str = "seed";
pub(super) const SET: &str = "set";

/// A value and the path of the key in the file that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value, as it is written on the command line.
    pub text: String,
    /// Where it was given.
    pub at: String,
}

/// Values of a point, or of a part of one: a place on an axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub values: BTreeMap<&'static str, Setting>,
    /// Overrides of the system, in the order in which they are applied.
    pub set: Vec<Setting>,
}

impl Choice {
    pub fn of(key: &'static str, setting: Setting) -> Self {
        Self { values: BTreeMap::from([(key, setting)]), set: Vec::new() }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|setting| setting.text.as_str())
    }

    /// Adds what `other` has. No key is in both.
    pub fn add(&mut self, other: &Self) {
        self.values.extend(other.values.iter().map(|(key, setting)| (*key, setting.clone())));
        self.set.extend_from_slice(&other.set);
    }

    /// What it says, wherever it says it.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter().map(|(key, setting)| (*key, setting.text.as_str()));
        values.chain(self.set.iter().map(|setting| (SET, setting.text.as_str())))
    }

    /// Whether both say the same.
    pub fn is_like(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

/// One run: a combination of the values of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its position among the points, from 0.
    pub index: usize,
    pub(super) choice: Choice,
}

impl Point {
    /// The function's name.
    #[must_use]
    pub fn function(&self) -> &str {
        self.choice.text(FUNCTION).expect("every point has a function")
    }

    /// The system, as written.
    #[must_use]
    pub fn system(&self) -> &str {
        self.choice.text(SYSTEM).expect("every point has a system")
    }

    /// The system, where `folder` has its description.
    #[must_use]
    pub fn system_path(&self, folder: Option<&Path>) -> String {
        let name = self.system();
        match folder {
            Some(folder) if name.ends_with(".toml") => folder.join(name).display().to_string(),
            _ => name.to_owned(),
        }
    }

    /// The value of a key, such as `variant` or `warmup`, if the experiment gives one.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.choice.text(key)
    }

    /// Where the value of a key was given.
    #[must_use]
    pub fn at(&self, key: &str) -> Option<&str> {
        self.choice.values.get(key).map(|setting| setting.at.as_str())
    }

    /// The overrides of the system, in the order in which they are applied.
    #[must_use]
    pub fn set(&self) -> &[Setting] {
        &self.choice.set
    }

    /// What tells it from other points, in words.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = format!("{} on {}", self.function(), self.system());
        for key in [STATE, LUKEWARM, VARIANT] {
            if let Some(text) = self.value(key) {
                label += &format!(", {text}");
            }
        }
        for setting in self.set().iter().filter(|setting| setting.at.starts_with("overrides")) {
            label += &format!(", {}", setting.text);
        }
        for key in OPTIONS {
            if let Some(text) = self.value(key).filter(|_| self.at(key).is_some_and(in_list)) {
                label += &format!(", {key} {text}");
            }
        }
        label + &format!(", seed {}", self.value(SEED).unwrap_or("1"))
    }

    /// The arguments with which `vswarm-u` does the same: `run` and what follows it. Paths are as the file has them, or
    /// with `folder` before them.
    #[must_use]
    pub fn arguments(&self, functions_file: Option<&str>, folder: Option<&Path>) -> Vec<String> {
        let mut arguments = vec!["run".to_owned(), self.function().to_owned()];
        if let Some(file) = functions_file {
            let path = folder.map_or_else(|| file.into(), |folder| folder.join(file));
            arguments.push(format!("--functions={}", path.display()));
        }
        arguments.push(format!("--system={}", self.system_path(folder)));
        arguments.extend(self.set().iter().map(|setting| format!("--set={}", setting.text)));
        for key in [STATE, LUKEWARM].into_iter().chain(OPTIONS).chain([SEED]) {
            if let Some(text) = self.value(key) {
                arguments.push(format!("--{}={text}", key.replace('_', "-")));
            }
        }
        arguments
    }
}

/// Whether a value at this path is one of several.
fn in_list(at: &str) -> bool {
    at.ends_with(']') || at.starts_with("include")
}
