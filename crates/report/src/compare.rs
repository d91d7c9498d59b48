//! Two runs side by side: what was different about them, and what it came to.
//!
//! Numbers are means over the invocations that succeeded.

use crate::breakdown::{BRANCHES, COMMIT, MISSES, Of, Row, mean, of_all, of_hart};
use crate::model::{Invocation, Run, SCHEMA};
use serde::Serialize;
use std::collections::BTreeMap;

/// The values of a configuration, by path; the text after a value that says where it came from is left out.
pub type Configuration = BTreeMap<String, String>;

/// One of the runs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is called, such as its directory.
    pub name: &'a str,
    /// Its results.
    pub run: &'a Run,
    /// The configuration of its system.
    pub configuration: &'a Configuration,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The version of the document.
    pub schema: u32,
    /// What each run is, in words.
    pub runs: [Described; 2],
    /// Values of the configuration that differ.
    pub configuration: Vec<Difference<Option<String>>>,
    /// What the table of a run ends with.
    pub summary: Vec<Difference<Option<f64>>>,
    /// The parts of the CPI, by what the core waited for at commit; empty unless both cores have them.
    pub cpi_stack: Vec<Difference<Option<f64>>>,
    /// Misses and other events per 1000 instructions.
    pub events: Vec<Difference<Option<f64>>>,
    /// All statistics of the function's hart and of what harts share whose means differ.
    pub statistics: Vec<Difference<Option<f64>>>,
}

/// A run in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Function, system, state and seed.
    pub what: String,
    /// Invocations that succeeded, and all.
    pub succeeded: [u64; 2],
}

/// What one thing is in either run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference<T> {
    /// The thing.
    pub name: String,
    /// In the first run.
    pub a: T,
    /// In the second.
    pub b: T,
}

/// Compares two runs.
#[must_use]
pub fn compare(sides: [Side<'_>; 2]) -> Comparison {
    let good = sides.map(|side| side.run.invocations.iter().filter(|one| one.ok).collect());
    let rows = |rows: &[Row], of: Of, prefix: &str| differences_of(rows, of, prefix, &good);
    let mut cpi_stack = rows(&COMMIT, of_hart, "out_of_order.");
    cpi_stack.retain(|part| part.a.is_some() && part.b.is_some());
    let mut events = rows(&MISSES, of_all, "");
    events.extend(rows(&BRANCHES, of_all, ""));
    events.retain(|part| part.a.is_some() || part.b.is_some());
    Comparison {
        schema: SCHEMA,
        runs: sides.map(described),
        configuration: differing(sides.map(|side| side.configuration)),
        summary: summary(sides.map(|side| side.run)),
        cpi_stack,
        events,
        statistics: statistics(&good),
    }
}

fn described(side: Side<'_>) -> Described {
    let Run { function, system, between, seed, summary, .. } = side.run;
    let every = between
        .inter_arrival_ns
        .map_or_else(String::new, |nanos| format!(", a request every {} ms", nanos as f64 / 1e6));
    Described {
        name: side.name.to_owned(),
        what: format!("{function} on {system}, {}{every}, seed {seed}", side.run.state_in_words()),
        succeeded: [summary.invocations - summary.failed, summary.invocations],
    }
}

/// Every name that one of the maps has and that is not the same in both.
fn differing<V: Clone + PartialEq>(maps: [&BTreeMap<String, V>; 2]) -> Vec<Difference<Option<V>>> {
    let mut names: Vec<&String> = maps.iter().flat_map(|map| map.keys()).collect();
    names.sort();
    names.dedup();
    let of = |name: &String| maps.map(|map| map.get(name).cloned());
    let pairs = names.into_iter().map(|name| (name, of(name))).filter(|(_, [a, b])| a != b);
    pairs.map(|(name, [a, b])| Difference { name: name.clone(), a, b }).collect()
}

fn summary(runs: [&Run; 2]) -> Vec<Difference<Option<f64>>> {
    let both = |name: &str, of: fn(&Run) -> Option<f64>| {
        let [a, b] = runs.map(of);
        Difference { name: name.to_owned(), a, b }
    };
    vec![
        both("CPI", |run| run.summary.cpi.map(|spread| spread.mean)),
        both("cycles", |run| run.summary.cycles.map(|spread| spread.mean)),
        both("instructions", |run| run.summary.instructions.map(|spread| spread.mean)),
        both("latency us", |run| run.summary.latency_ns.map(|spread| spread.mean / 1e3)),
    ]
}

/// The invocations of either run that succeeded.
type Good<'a> = [Vec<&'a Invocation>; 2];

fn differences_of(
    rows: &[Row],
    of: Of,
    prefix: &str,
    good: &Good<'_>,
) -> Vec<Difference<Option<f64>>> {
    let sum = |good: &Vec<&Invocation>, parts: &[&str]| {
        parts.iter().map(|part| mean(good, of, &format!("{prefix}{part}"))).sum()
    };
    let row = |(label, parts): &Row| {
        let [a, b] = good.each_ref().map(|good| sum(good, parts));
        Difference { name: label.trim_start().to_owned(), a, b }
    };
    rows.iter().map(row).collect()
}

fn statistics(good: &Good<'_>) -> Vec<Difference<Option<f64>>> {
    let [a, b] = good.each_ref().map(|good| means(good));
    differing([&a, &b])
}

/// The mean of every statistic that an invocation has.
fn means(good: &[&Invocation]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<&str, (f64, u32)> = BTreeMap::new();
    for one in good {
        let shared = &one.statistics.values;
        let own = of_hart(one).map(|statistics| &statistics.values);
        let own = own.into_iter().flatten().filter(|(path, _)| !shared.contains_key(*path));
        for (path, value) in shared.iter().chain(own) {
            if let Some(number) = value.number() {
                let (sum, count) = sums.entry(path).or_default();
                *sum += number;
                *count += 1;
            }
        }
    }
    let mean = |(path, (sum, count)): (&str, (f64, u32))| (path.to_owned(), sum / f64::from(count));
    sums.into_iter().map(mean).collect()
}

/// The comparison for people: the statistics only where `all` are wanted.
#[must_use]
pub fn comparison_table(comparison: &Comparison, all: bool) -> String {
    let mut text = String::new();
    for (letter, run) in ["A", "B"].into_iter().zip(&comparison.runs) {
        let [succeeded, of] = run.succeeded;
        text += &format!("{letter}  {}: {}, {succeeded} of {of} invocations\n", run.name, run.what);
    }
    text += &settings(&comparison.configuration);
    text += &numbers("means", &comparison.summary, Last::Ratio);
    text += &numbers("CPI stack at commit", &comparison.cpi_stack, Last::Difference);
    text += &numbers("events/1000 instructions", &comparison.events, Last::Difference);
    if all {
        text += &numbers("statistics that differ", &comparison.statistics, Last::Ratio);
    }
    text
}

/// What a value of the configuration may be wide and have the next aligned.
const WIDEST: usize = 24;

fn settings(differences: &[Difference<Option<String>>]) -> String {
    if differences.is_empty() {
        return "\nThe configuration is the same.\n".to_owned();
    }
    let mut lines = vec![["configuration".to_owned(), "A".to_owned(), "B".to_owned()]];
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    lines.extend(differences.iter().map(|d| [d.name.clone(), cell(&d.a), cell(&d.b)]));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    // A list is wider than the rest, and need not move it.
    let (name, a) = (width(0), width(1).min(WIDEST));
    let line = |[path, left, right]: &[String; 3]| format!("{path:<name$}  {left:<a$}  {right}\n");
    format!("\n{}", lines.iter().map(line).collect::<String>())
}

/// What the last column of numbers shows.
#[derive(Clone, Copy)]
enum Last {
    /// B over A.
    Ratio,
    /// B less A.
    Difference,
}

impl Last {
    const fn title(self) -> &'static str {
        match self {
            Self::Ratio => "B/A",
            Self::Difference => "B-A",
        }
    }

    fn of(self, a: Option<f64>, b: Option<f64>) -> Option<f64> {
        match self {
            Self::Ratio => Some(b? / a?).filter(|ratio| ratio.is_finite()),
            Self::Difference => Some(b? - a?),
        }
    }
}

fn numbers(title: &str, differences: &[Difference<Option<f64>>], last: Last) -> String {
    if differences.is_empty() {
        return String::new();
    }
    let names = differences.iter().map(|d| d.name.len());
    let width = names.chain([title.len()]).max().unwrap_or(0);
    let line = |name: &str, cells: [String; 3]| {
        let [a, b, c] = cells;
        format!("{name:<width$}  {a:>14}  {b:>14}  {c:>10}\n")
    };
    let mut text = format!("\n{}", line(title, ["A", "B", last.title()].map(str::to_owned)));
    for Difference { name, a, b } in differences {
        text += &line(name, [number(*a), number(*b), number(last.of(*a, *b))]);
    }
    text
}

/// Three decimals for what is small, none for counts.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 10_000.0 => format!("{value:.0}"),
        // Less than half a thousandth either way.
        Some(value) if value.abs() < 0.000_5 => "0.000".to_owned(),
        Some(value) => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Configuration {
        pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_differs_or_is_missing_on_one_side_is_listed() {
        let (a, b) = (map(&[("x", "1"), ("y", "2")]), map(&[("y", "3"), ("z", "4")]));
        let found = differing([&a, &b]);
        let text = |d: &Difference<Option<String>>| {
            let of = |side: &Option<String>| side.clone().unwrap_or_default();
            format!("{}:{}:{}", d.name, of(&d.a), of(&d.b))
        };
        assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["x:1:", "y:2:3", "z::4"]);
        assert_eq!(differing([&a, &a]), []);
        let shown = settings(&found);
        assert_eq!(
            shown,
            "\nconfiguration  A  B\nx              1  -\ny              2  3\nz              -  4\n"
        );
    }

    #[test]
    fn ratios_to_nothing_and_absent_numbers_are_dashes() {
        let of = |name: &str, a, b| Difference { name: name.to_owned(), a, b };
        let differences = [
            of("half", Some(2.0), Some(1.0)),
            of("new", Some(0.0), Some(3.0)),
            of("gone", Some(1.0), None),
        ];
        let text = numbers("means", &differences, Last::Ratio);
        let last: Vec<_> = text.lines().skip(1).map(|l| l.split_whitespace().last()).collect();
        assert_eq!(last, [Some("B/A"), Some("0.500"), Some("-"), Some("-")]);
    }
}
