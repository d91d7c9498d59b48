//! Means and spreads over the invocations of a run.

use crate::model::{Invocation, Spread, Summary};
use std::collections::{BTreeMap, BTreeSet};

const ALL_FAILED: &str = "no invocation succeeded";

/// What the invocations come to. Failed ones are counted and otherwise left out.
#[must_use]
pub fn summarize(invocations: &[Invocation]) -> Summary {
    let good: Vec<&Invocation> = invocations.iter().filter(|one| one.ok).collect();
    let mut undefined = BTreeMap::new();
    let mut over = |name: &str, values: Vec<f64>, reason: &str| {
        let spread = spread(&values);
        let reason = if good.is_empty() { ALL_FAILED } else { reason };
        match spread {
            None => undefined.insert(name.to_owned(), reason.to_owned()),
            Some(Spread { geomean: None, .. }) => {
                undefined.insert(format!("{name}.geomean"), "a value is zero".to_owned())
            }
            Some(_) => None,
        };
        spread
    };
    let counts = |of: fn(&Invocation) -> u64| good.iter().map(|one| of(one) as f64).collect();
    let cpis = good.iter().filter_map(|one| one.cpi).collect();
    Summary {
        invocations: invocations.len() as u64,
        failed: (invocations.len() - good.len()) as u64,
        cpi: over("cpi", cpis, "no invocation executed instructions"),
        latency_ns: over("latency_ns", counts(|one| one.latency_ns), ALL_FAILED),
        cycles: over("cycles", counts(|one| one.cycles), ALL_FAILED),
        instructions: over("instructions", counts(|one| one.instructions), ALL_FAILED),
        mpki: mean_mpki(&good, &mut undefined),
        undefined,
    }
}

/// Whether the path names a number of misses per 1000 instructions.
fn is_mpki(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    last == "mpki" || last.ends_with("_mpki")
}

fn mean_mpki(
    invocations: &[&Invocation],
    undefined: &mut BTreeMap<String, String>,
) -> BTreeMap<String, Option<f64>> {
    let values = invocations.iter().map(|one| &one.statistics.values);
    let paths: BTreeSet<&String> =
        values.clone().flat_map(|values| values.keys()).filter(|path| is_mpki(path)).collect();
    let mean_of = |path: &String| {
        let numbers = values.clone().filter_map(|values| values.get(path)?.number());
        mean(&numbers.collect::<Vec<_>>())
    };
    let means: BTreeMap<String, Option<f64>> =
        paths.into_iter().map(|path| (path.clone(), mean_of(path))).collect();
    for (path, _) in means.iter().filter(|(_, mean)| mean.is_none()) {
        undefined.insert(format!("mpki.{path}"), "undefined in every invocation".to_owned());
    }
    means
}

/// The arithmetic mean, if there is something to take it of.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn spread(values: &[f64]) -> Option<Spread> {
    Some(Spread {
        mean: mean(values)?,
        min: values.iter().copied().reduce(f64::min)?,
        max: values.iter().copied().reduce(f64::max)?,
        geomean: geomean(values),
    })
}

/// The geometric mean to 12 significant digits: hosts' logarithms differ in the last one, and the
/// result must not.
pub(crate) fn geomean(values: &[f64]) -> Option<f64> {
    if values.iter().any(|&value| value <= 0.0) {
        return None;
    }
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let exact = mean(&logarithms)?.exp();
    format!("{exact:.11e}").parse().ok()
}
