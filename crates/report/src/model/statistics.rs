//! Values of statistics by path, and what the paths mean.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The value of a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A count of events.
    Count(u64),
    /// A ratio or rate. Make it with [`Statistics::ratio`], which keeps it finite.
    Real(f64),
    /// No number; the reason is kept beside the values.
    Undefined,
}

impl Value {
    /// The value as a finite number, if it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(count as f64),
            Self::Real(real) => Some(real).filter(|real| real.is_finite()),
            Self::Undefined => None,
        }
    }
}

/// The statistics of a window, by dotted snake_case path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// The values.
    #[serde(rename = "stats")]
    pub values: BTreeMap<String, Value>,
    /// Why a value is undefined, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
}

impl Statistics {
    /// Adds a count.
    pub fn count(&mut self, path: impl Into<String>, count: u64) {
        self.values.insert(path.into(), Value::Count(count));
    }

    /// Adds a ratio, which is undefined for `reason` if there is none or it is not finite.
    pub fn ratio(&mut self, path: impl Into<String>, ratio: Option<f64>, reason: &str) {
        let path = path.into();
        let value = match ratio.filter(|ratio| ratio.is_finite()) {
            Some(ratio) => Value::Real(ratio),
            None => {
                self.undefined.insert(path.clone(), reason.to_owned());
                Value::Undefined
            }
        };
        self.values.insert(path, value);
    }

    /// Adds events per 1000 of `instructions`, undefined if there were none.
    pub fn per_thousand(&mut self, path: impl Into<String>, events: u64, instructions: u64) {
        let rate = events as f64 * 1000.0 / instructions as f64;
        let defined = (instructions > 0).then_some(rate);
        self.ratio(path, defined, super::NO_INSTRUCTIONS);
    }
}

/// What a statistic is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The unit, such as `cycles`.
    pub unit: String,
    /// One sentence.
    pub description: String,
}

/// What is known of each statistic, by path.
pub type Catalogue = BTreeMap<String, About>;
