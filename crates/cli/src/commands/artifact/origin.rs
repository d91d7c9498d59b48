//! Which experiment results came from, told by the commands of their runs.
//!
//! Every point of a sweep has in its manifest the `run` that it is. A built-in experiment that has all of these commands
//! is the one; if several have, that with the fewest points. Files of the user's are not remembered in results.

use ::report::artifact::Origin;
use ::report::reproduce::Study;
use experiment::sweep::{Experiment, Point, builtins};
use std::collections::BTreeSet;

/// A built-in experiment and the arguments of its points.
pub(super) struct Known {
    name: &'static str,
    description: String,
    /// The variant of each point, and its arguments.
    points: Vec<(Option<String>, Vec<String>)>,
}

/// All built-in experiments.
pub(super) fn known() -> anyhow::Result<Vec<Known>> {
    let load = |name: &'static str| {
        let Experiment { description, points, .. } = Experiment::load(name)?;
        let point = |point: &Point| {
            (point.value("variant").map(str::to_owned), point.arguments(None, None))
        };
        Ok(Known { name, description, points: points.iter().map(point).collect() })
    };
    builtins().map(|builtin| load(builtin.name)).collect()
}

/// The experiment that has all `commands`, without the name of the program.
pub(super) fn find<'a>(known: &'a [Known], commands: &[&[String]]) -> Option<&'a Known> {
    let has_all = |one: &&Known| {
        let own: BTreeSet<&[String]> = one.points.iter().map(|(_, own)| own.as_slice()).collect();
        commands.iter().all(|command| own.contains(command))
    };
    known.iter().filter(has_all).min_by_key(|one| one.points.len())
}

impl Known {
    /// What an appendix tells of it.
    pub(super) fn origin(&self) -> Origin {
        let points = self.points.iter().map(|(_, own)| own).collect::<BTreeSet<_>>().len();
        let description = self.description.clone();
        match self.study() {
            Some((study, full)) => Origin::Study { study, full, description, points },
            None => Origin::Builtin { name: self.name.to_owned(), description, points },
        }
    }

    /// The study that it repeats, and whether with all functions.
    pub(super) fn study(&self) -> Option<(Study, bool)> {
        let name = self.name.strip_prefix("reproduce-")?;
        let (name, full) = match name.strip_suffix("-quick") {
            Some(name) => (name, false),
            None => (name, true),
        };
        let study = Study::ALL.into_iter().find(|study| study.name() == name)?;
        Some((study, full))
    }

    /// The variant and the arguments of each point.
    pub(super) fn points(&self) -> impl Iterator<Item = (Option<&str>, &[String])> {
        self.points.iter().map(|(variant, own)| (variant.as_deref(), own.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_experiment_is_known_by_its_own_commands() {
        let known = known().unwrap();
        for one in &known {
            let commands: Vec<&[String]> = one.points().map(|(_, own)| own).collect();
            assert_eq!(find(&known, &commands).unwrap().name, one.name);
            assert!(one.study().is_some(), "{} is of no study", one.name);
        }
        let foreign = ["run", "f"].map(str::to_owned);
        assert!(find(&known, &[&foreign]).is_none());
    }
}
