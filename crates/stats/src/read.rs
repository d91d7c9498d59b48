//! Readings of a tree of statistics: flat, as a catalogue, as JSON.

use crate::{About, Path, Reading, Stats};

/// One line of the catalogue of statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The dotted path.
    pub path: String,
    /// The unit.
    pub unit: &'static str,
    /// The description.
    pub description: &'static str,
    /// The formula of a derived value, over the fields beside it.
    pub formula: Option<String>,
}

fn each(stats: &impl Stats, mut visitor: impl FnMut(&str, &About, Reading<'_>)) {
    stats.visit(&mut Path::default(), &About::default(), &mut visitor);
}

/// Every raw counter with its path, in declaration order.
#[must_use]
pub fn flatten(stats: &impl Stats) -> Vec<(String, u64)> {
    let mut flat = Vec::new();
    each(stats, |path, _, reading| {
        if let Reading::Count(count) = reading {
            flat.push((path.to_owned(), count));
        }
    });
    flat
}

/// Every derived value with its path; `None` where its formula divides by zero.
#[must_use]
pub fn derived(stats: &impl Stats) -> Vec<(String, Option<f64>)> {
    let mut values = Vec::new();
    each(stats, |path, _, reading| {
        if let Reading::Derived { value, .. } = reading {
            values.push((path.to_owned(), value));
        }
    });
    values
}

/// Path, unit, description and formula of everything that is counted or derived.
#[must_use]
pub fn catalogue(stats: &impl Stats) -> Vec<Entry> {
    let mut entries = Vec::new();
    each(stats, |path, about, reading| {
        let formula = match reading {
            Reading::Count(_) => None,
            Reading::Derived { formula, .. } => Some(formula.to_owned()),
        };
        let About { unit, description } = *about;
        entries.push(Entry { path: path.to_owned(), unit, description, formula });
    });
    entries
}

/// One flat JSON object: paths to counts, and to derived values (`null` where undefined).
#[must_use]
pub fn json(stats: &impl Stats) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    each(stats, |path, _, reading| {
        let value = match reading {
            Reading::Count(count) => count.into(),
            Reading::Derived { value, .. } => value.into(),
        };
        object.insert(path.to_owned(), value);
    });
    object
}

/// For tests: paths of counters that no one of `runs` ever incremented. A counter nothing bumps
/// is a claim nothing backs.
#[must_use]
pub fn never_incremented<S: Stats>(runs: &[S]) -> Vec<String> {
    let mut silent: Vec<String> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let zero = flatten(run).into_iter().filter(|(_, count)| *count == 0).map(|(path, _)| path);
        if index == 0 {
            silent = zero.collect();
        } else {
            let zero: Vec<_> = zero.collect();
            silent.retain(|path| zero.contains(path));
        }
    }
    silent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counter, Derived, Kind, PerKind};

    #[derive(Clone, Copy, Debug, Kind)]
    enum Privilege {
        User,
        Kernel,
    }

    #[derive(Clone, Copy, Debug, Kind)]
    enum Access {
        Fetch,
        PageWalk,
    }

    #[derive(Clone, Debug, Default, PartialEq, Stats)]
    struct Cache {
        /// Accesses that missed.
        #[stat(unit = "accesses")]
        misses: PerKind<Access>,
    }

    #[derive(Clone, Debug, Default, PartialEq, Stats)]
    struct Core {
        /// Retired instructions,
        /// by privilege.
        #[stat(unit = "instructions")]
        instructions: PerKind<Privilege>,
        /// The cache.
        cache: Cache,
        /// Misses per thousand instructions.
        #[stat(unit = "mpki", formula = "1000 * cache.misses / instructions")]
        mpki: Derived,
        /// The same for fetches alone.
        #[stat(unit = "mpki", formula = "1000 * cache.misses[Access::Fetch] / instructions")]
        fetch_mpki: Derived,
        /// What of all the misses is of each kind.
        #[stat(unit = "ratio", formula = "cache.misses[each] / all_misses()")]
        miss_share: PerKind<Access, Derived>,
        /// Nothing ever counts here.
        silent: Counter,
    }

    impl Core {
        fn all_misses(&self) -> u32 {
            self.cache.misses.sum() as u32
        }
    }

    fn counted() -> Core {
        let mut core = Core::default();
        core.instructions[Privilege::User].add(1500);
        core.instructions[Privilege::Kernel].add(500);
        core.cache.misses[Access::Fetch].inc();
        core.cache.misses[Access::PageWalk].add(3);
        core
    }

    #[test]
    fn paths_are_dotted_and_in_declaration_order() {
        let paths: Vec<_> = flatten(&vec![counted()]).into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "0.instructions.user",
                "0.instructions.kernel",
                "0.cache.misses.fetch",
                "0.cache.misses.page_walk",
                "0.silent"
            ]
        );
    }

    #[test]
    fn a_window_is_a_difference_and_leaves_both_snapshots_alone() {
        let before = counted();
        let mut after = before.clone();
        after.cache.misses[Access::Fetch].add(5);
        let window = after.since(&before);
        assert_eq!(window.cache.misses.sum(), 5);
        assert_eq!(window.instructions.sum(), 0);
        assert_eq!(before, counted());
        assert_eq!(before.plus(&window), after);
    }

    #[test]
    #[should_panic(expected = "a counter shrank")]
    fn a_later_snapshot_cannot_be_subtracted_from_an_earlier_one() {
        let _ = Core::default().since(&counted());
    }

    #[test]
    fn formulas_are_computed_from_raw_counters_when_read() {
        let values = derived(&counted());
        let values: Vec<_> = values.iter().map(|(path, value)| (path.as_str(), *value)).collect();
        let expected = [
            ("mpki", Some(2.0)),
            ("fetch_mpki", Some(0.5)),
            ("miss_share.fetch", Some(0.25)),
            ("miss_share.page_walk", Some(0.75)),
        ];
        assert_eq!(values, expected);
        assert_eq!(derived(&Core::default())[0].1, None, "0 / 0 has no value");
    }

    #[test]
    fn the_catalogue_holds_unit_description_and_formula() {
        let entries = catalogue(&Core::default());
        assert_eq!(entries[0].unit, "instructions");
        assert_eq!(entries[0].description, "Retired instructions, by privilege.");
        let mpki = entries.iter().find(|entry| entry.path == "mpki").expect("declared above");
        assert_eq!(mpki.formula.as_deref(), Some("1000 * cache.misses / instructions"));
    }

    #[test]
    fn json_is_flat_and_undefined_ratios_are_null() {
        let object = json(&Core::default());
        assert_eq!(object["instructions.user"], 0);
        assert!(object["mpki"].is_null());
    }

    #[test]
    fn counters_that_no_run_bumps_are_found() {
        assert_eq!(never_incremented(&[Core::default(), counted()]), ["silent"]);
    }

    #[test]
    fn a_total_sums_over_the_variants() {
        let per: PerKind<Privilege, Cache> = PerKind::build(|_| counted().cache);
        assert_eq!(per.total().misses.sum(), 8);
    }
}
