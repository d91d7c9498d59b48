//! Whether our results have the shape of the published ones: bounds that carry over from x86 to RISC-V.
//!
//! Every check is a function of results. What cannot be told from them (a run is missing, the core has no top-down
//! breakdown) is *not measured*, never passed.

use super::Study;
use super::measures::{
    Component, Level, added, code_mpki, cpi, footprint_kib, jaccard, largest, mean_gain, rate,
    speedup,
};
use super::published::{Language, Paper, Published, PublishedError};
use super::results::{Results, Subject};
use crate::model::{Run, State};
use crate::summary::{geomean, mean};
use serde::Serialize;

/// Whether a shape agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Pass,
    /// It does not.
    Fail,
    /// The results do not tell.
    NotMeasured,
}

impl Verdict {
    /// The word that is printed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A shape, and whether our results have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is looked at, and on which system.
    pub shape: String,
    /// What is expected, and after which paper.
    pub expected: String,
    /// What we have.
    pub ours: String,
    /// Whether they agree.
    pub verdict: Verdict,
}

/// Mean CPI of lukewarm over warm invocations: 1.7 in the Jukebox paper, 2.62 in the Ignite paper.
const CPI_RATIO: [f64; 2] = [1.7, 2.6];
/// Instruction footprints: 300 to 800 KB in the Jukebox paper, 240 to 620 KiB in the Ignite paper.
const FOOTPRINT_KIB: [f64; 2] = [100.0, 1000.0];
/// The mean similarity of the code of two invocations is above this in the Jukebox paper.
const JACCARD: f64 = 0.9;
/// The gain of Ignite over that of Jukebox: 43 % and 16 % in the Ignite paper.
const IGNITE_OVER_JUKEBOX: [f64; 2] = [2.0, 2.7];
/// A unit that makes a function slower by less than this does not: requests arrive at other times of the guest's timers.
const SLOWER_PERCENT: f64 = 0.5;

/// The checks of a study.
///
/// # Errors
/// Published values that cannot be read.
pub fn shapes(study: Study, results: &Results<'_>) -> Result<Vec<Check>, PublishedError> {
    let mut checks = Vec::new();
    match study {
        Study::Lukewarm => {
            for (system, paper) in
                [("jukebox-broadwell", Paper::Jukebox), ("ignite-icelake", Paper::Ignite)]
            {
                let published = Published::of(paper)?;
                checks.extend(lukewarm(&Group::of(results, system, &published), system));
            }
        }
        Study::Jukebox => {
            let published = Published::of(Paper::Jukebox)?;
            let group = Group::of(results, "jukebox-skylake", &published);
            checks.push(go_over_python(&group));
            checks.push(perfect_over(&group, "none", "jukebox", "perfect_l1i"));
            checks.push(never_slower(
                &group,
                "none",
                &["jukebox", "perfect_l1i", "pif", "pif_ideal"],
            ));
        }
        Study::Ignite => {
            let published = Published::of(Paper::Ignite)?;
            let group = Group::of(results, "ignite-icelake", &published);
            checks.push(ignite_over_jukebox(&group));
            checks.push(perfect_over(&group, "next_line", "ignite", "perfect_front_end"));
            checks.push(never_slower(&group, "next_line", &["jukebox"]));
            checks.push(never_slower(&group, "fdip", &["ignite", "perfect_front_end"]));
        }
    }
    Ok(checks)
}

/// The functions of a paper that have results on a system.
struct Group<'r, 'a> {
    subjects: Vec<Subject<'r, 'a>>,
    published: &'r Published,
}

impl<'r, 'a> Group<'r, 'a> {
    fn of(results: &'r Results<'a>, system: &'r str, published: &'r Published) -> Self {
        let functions = published.functions().iter().map(|of| of.name.as_str());
        let subjects = functions
            .filter(|function| results.has(function, system))
            .map(|function| Subject { results, function, system })
            .collect();
        Self { subjects, published }
    }

    /// The values of all functions, or of those in one language; none if one is missing.
    fn values(
        &self,
        language: Option<Language>,
        of: impl Fn(&Subject<'r, 'a>) -> Option<f64>,
    ) -> Option<Vec<f64>> {
        let is_in = |subject: &&Subject<'_, '_>| {
            language.is_none() || self.published.language(subject.function) == language
        };
        let values: Vec<f64> = self.subjects.iter().filter(is_in).map(of).collect::<Option<_>>()?;
        (!values.is_empty()).then_some(values)
    }
}

/// What was found: our values in words and whether they agree; none if they are missing.
fn check(
    shape: impl Into<String>,
    expected: impl Into<String>,
    found: Option<(String, bool)>,
) -> Check {
    let (ours, verdict) = match found {
        Some((ours, true)) => (ours, Verdict::Pass),
        Some((ours, false)) => (ours, Verdict::Fail),
        None => ("-".to_owned(), Verdict::NotMeasured),
    };
    Check { shape: shape.into(), expected: expected.into(), ours, verdict }
}

fn lukewarm(group: &Group<'_, '_>, system: &str) -> [Check; 5] {
    [
        cpi_ratio(group, system),
        instructions_over_data(group, system),
        fetch_latency_largest(group, system),
        footprints(group, system),
        similarity(group, system),
    ]
}

/// Both runs of a function.
fn pair<'a>(of: &Subject<'_, 'a>) -> Option<(&'a Run, &'a Run)> {
    Some((of.plain(State::Warm)?, of.plain(State::Lukewarm)?))
}

fn cpi_ratio(group: &Group<'_, '_>, system: &str) -> Check {
    let [low, high] = CPI_RATIO;
    let ratios =
        group.values(None, |of| pair(of).and_then(|(warm, luke)| Some(cpi(luke)? / cpi(warm)?)));
    let found = ratios.as_deref().and_then(geomean);
    let found = found.map(|ratio| (format!("{ratio:.2}"), (low..=high).contains(&ratio)));
    check(
        format!("CPI lukewarm / warm, geometric mean, {system}"),
        format!("{low} to {high} (Jukebox 1.7, Ignite 2.6)"),
        found,
    )
}

fn instructions_over_data(group: &Group<'_, '_>, system: &str) -> Check {
    let quotient = |of: &Subject<'_, '_>| {
        let run = of.plain(State::Lukewarm)?;
        Some(code_mpki(run, Level::L2)? / rate(run, "l2.data_mpki")?)
    };
    let found = group.values(None, quotient).map(|quotients| {
        let least = quotients.iter().copied().fold(f64::INFINITY, f64::min);
        (format!("at least {least:.2} times"), least > 1.0)
    });
    let expected = "more in every function (Jukebox Fig. 5)";
    check(format!("L2 instruction misses over data misses, lukewarm, {system}"), expected, found)
}

fn fetch_latency_largest(group: &Group<'_, '_>, system: &str) -> Check {
    let found = mean_added(group).and_then(|parts| {
        let parts: Vec<(Component, f64)> = parts;
        let most = largest(&parts)?;
        let total: f64 = parts.iter().map(|(_, cpi)| cpi).sum();
        let of = parts.iter().find(|(part, _)| *part == most)?.1;
        let ours = format!("{}, {:.0} % of what is added", most.name(), of / total * 100.0);
        Some((ours, most == Component::FetchLatency))
    });
    let expected = "fetch latency (Jukebox Fig. 4: 56 %; thesis: 45 %)";
    check(format!("largest part of the CPI that lost state adds, {system}"), expected, found)
}

/// The mean over the functions of what lost state adds to each part of the CPI.
fn mean_added(group: &Group<'_, '_>) -> Option<Vec<(Component, f64)>> {
    let each: Vec<Vec<(Component, f64)>> = group
        .subjects
        .iter()
        .map(|of| pair(of).and_then(|(warm, luke)| added(warm, luke)))
        .collect::<Option<_>>()?;
    let of_part = |(number, part): (usize, Component)| {
        let values: Vec<f64> = each.iter().map(|parts| parts[number].1).collect();
        Some((part, mean(&values)?))
    };
    Component::ALL.into_iter().enumerate().map(of_part).collect()
}

fn footprints(group: &Group<'_, '_>, system: &str) -> Check {
    let [low, high] = FOOTPRINT_KIB;
    let kib = group.values(None, |of| footprint_kib(of.plain(State::Lukewarm)?));
    let found = kib.map(|kib| {
        let least = kib.iter().copied().fold(f64::INFINITY, f64::min);
        let most = kib.iter().copied().fold(0.0, f64::max);
        (format!("{least:.0} to {most:.0} KiB"), least >= low && most <= high)
    });
    check(
        format!("code that an invocation touches, {system}"),
        "hundreds of KiB in every function (Jukebox 300 to 800 KB, Ignite 240 to 620 KiB)",
        found,
    )
}

fn similarity(group: &Group<'_, '_>, system: &str) -> Check {
    let found = group.values(None, |of| jaccard(of.plain(State::Lukewarm)?));
    let found = found.as_deref().and_then(mean);
    let found = found.map(|mean| (format!("{mean:.3}"), mean > JACCARD));
    check(
        format!("Jaccard index of the code of successive invocations, mean, {system}"),
        format!("above {JACCARD} (Jukebox Fig. 6b)"),
        found,
    )
}

/// The mean gain over `base`, in percent.
fn gain(group: &Group<'_, '_>, language: Option<Language>, base: &str, with: &str) -> Option<f64> {
    let percent = |of: &Subject<'_, '_>| speedup(of.variant(base)?, of.variant(with)?);
    mean_gain(&group.values(language, percent)?)
}

fn go_over_python(group: &Group<'_, '_>) -> Check {
    let of = |language| gain(group, Some(language), "none", "jukebox");
    let found = of(Language::Go).zip(of(Language::Python));
    let found =
        found.map(|(go, python)| (format!("Go {go:.1} %, Python {python:.1} %"), go > python));
    check("mean gain of Jukebox by language", "Go more than Python (Jukebox Fig. 10)", found)
}

fn perfect_over(group: &Group<'_, '_>, base: &str, unit: &str, perfect: &str) -> Check {
    let found = gain(group, None, base, unit).zip(gain(group, None, base, perfect));
    let found =
        found.map(|(unit, bound)| (format!("{unit:.1} % below {bound:.1} %"), unit < bound));
    check(format!("mean gain of {unit} below that of {perfect}"), "it is the upper bound", found)
}

fn ignite_over_jukebox(group: &Group<'_, '_>) -> Check {
    let [low, high] = IGNITE_OVER_JUKEBOX;
    let of = |unit| gain(group, None, "next_line", unit);
    let found = of("ignite").zip(of("jukebox")).map(|(ignite, jukebox)| {
        let times = ignite / jukebox;
        let agrees = jukebox > 0.0 && (low..=high).contains(&times);
        (format!("{ignite:.1} % / {jukebox:.1} % = {times:.2}"), agrees)
    });
    let expected = format!("{low} to {high} times (Ignite Fig. 8: 43 % / 16 %)");
    check("mean gain of Ignite over that of Jukebox", expected, found)
}

/// No function may be slower with one of `units` than without; units that were not run say nothing.
fn never_slower(group: &Group<'_, '_>, base: &str, units: &[&str]) -> Check {
    let mut worst: Option<(f64, String)> = None;
    for subject in &group.subjects {
        for unit in units {
            let runs = subject.variant(base).zip(subject.variant(unit));
            let Some(gain) = runs.and_then(|(base, with)| speedup(base, with)) else { continue };
            if worst.as_ref().is_none_or(|(least, _)| gain < *least) {
                worst = Some((gain, format!("{}, {unit}", subject.function)));
            }
        }
    }
    let found = worst
        .map(|(gain, whose)| (format!("least gain {gain:.1} % ({whose})"), gain > -SLOWER_PERCENT));
    let expected = "never slower than without (Jukebox Fig. 10, Ignite Fig. 8)";
    check(format!("{} against {base}", units.join(", ")), expected, found)
}

#[cfg(test)]
mod tests;
