//! What papers publish: values by measure and function, each with its source.

use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// A paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paper {
    Jukebox,
    Ignite,
}

impl Paper {
    const fn toml(self) -> (&'static str, &'static str) {
        match self {
            Self::Jukebox => {
                ("jukebox", include_str!("../../../../experiments/published/jukebox.toml"))
            }
            Self::Ignite => {
                ("ignite", include_str!("../../../../experiments/published/ignite.toml"))
            }
        }
    }
}

/// What a paper publishes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Authors, title, where and when.
    pub title: String,
    /// The paper's functions, in its order.
    #[serde(rename = "function")]
    functions: Vec<FunctionOf>,
    #[serde(rename = "measure")]
    measures: Vec<Measure>,
}

/// A function of a paper.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionOf {
    /// Our name.
    pub name: String,
    /// The paper's.
    pub label: String,
    /// What it is written in.
    pub language: Language,
}

/// What a function is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Language {
    Python,
    Nodejs,
    Go,
}

/// Something a paper publishes values of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measure {
    key: String,
    /// The figure or table, and of which machine.
    source: String,
    /// The paper's own mean over its functions.
    mean: Option<f64>,
    #[serde(default)]
    values: BTreeMap<String, f64>,
}

/// The file with published values is not as it should be.
#[derive(Debug, Error)]
#[error("reading the published values of {paper}: {source}; this is a defect of vswarm-u")]
pub struct PublishedError {
    paper: &'static str,
    source: Box<toml::de::Error>,
}

impl Published {
    /// What `paper` publishes.
    pub(crate) fn of(paper: Paper) -> Result<Self, PublishedError> {
        let (paper, text) = paper.toml();
        toml::from_str(text).map_err(|source| PublishedError { paper, source: Box::new(source) })
    }

    /// The paper's functions, in its order.
    pub(crate) fn functions(&self) -> &[FunctionOf] {
        &self.functions
    }

    /// What `function` is written in, if it is the paper's.
    pub(crate) fn language(&self, function: &str) -> Option<Language> {
        let of = self.functions.iter().find(|of| of.name == function);
        of.map(|of| of.language)
    }

    fn measure(&self, key: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.key == key)
    }

    /// The value of a measure for a function.
    pub(crate) fn value(&self, key: &str, function: &str) -> Option<f64> {
        self.measure(key)?.values.get(function).copied()
    }

    /// The paper's mean of a measure.
    pub(crate) fn mean(&self, key: &str) -> Option<f64> {
        self.measure(key)?.mean
    }

    /// Where a measure is published.
    pub(crate) fn source(&self, key: &str) -> Option<&str> {
        self.measure(key).map(|measure| measure.source.as_str())
    }
}

#[cfg(test)]
impl Published {
    /// Everything it has values of.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.measures.iter().map(|measure| measure.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_paper_has_twenty_functions_and_every_value_belongs_to_one() {
        for paper in [Paper::Jukebox, Paper::Ignite] {
            let published = Published::of(paper).unwrap();
            assert_eq!(published.functions().len(), 20);
            for measure in &published.measures {
                assert!(!measure.source.is_empty());
                assert!(measure.mean.is_some() || !measure.values.is_empty(), "{}", measure.key);
                for function in measure.values.keys() {
                    assert!(published.language(function).is_some(), "{function}");
                }
            }
        }
    }

    /// The text of the Jukebox paper has 31 to 114 %, 70 % in the mean, for the rise of CPI.
    #[test]
    fn what_was_read_off_the_figures_agrees_with_the_text() {
        let published = Published::of(Paper::Jukebox).unwrap();
        let ratios: Vec<f64> = published
            .functions()
            .iter()
            .map(|of| {
                let value = |key| published.value(key, &of.name).unwrap();
                value("cpi_lukewarm") / value("cpi_warm")
            })
            .collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        assert!((1.68..1.72).contains(&mean), "{mean}");
        assert!(ratios.iter().all(|ratio| (1.30..2.15).contains(ratio)), "{ratios:?}");
    }
}
