//! The structures of a system that can lose what they hold between invocations, by name.
//!
//! A server runs thousands of other functions between two calls of one: by then nothing of it is left in the core
//! (D. Schall et al., "Lukewarm serverless functions: characterization and optimization", ISCA 2022). Losing
//! the state of single structures tells what each of them costs.

use crate::SystemConfig;
use mem::{CacheConfig, LostMemory};
use pipeline::{CoreConfig, LostPredictors};
use thiserror::Error;

/// What is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The names of the structures, in the order of the table; none for all that the system has.
    names: Vec<&'static str>,
    pub(crate) memory: LostMemory,
    pub(crate) predictors: LostPredictors,
}

/// A structure that can lose what it holds.
struct Structure {
    name: &'static str,
    /// Whether a system has it.
    is_in: fn(&SystemConfig) -> bool,
    lose: fn(&mut Lost),
}

/// A new structure is one line here.
#[rustfmt::skip]
const STRUCTURES: [Structure; 13] = [
    Structure { name: "l1i", is_in: |_| true, lose: |lost| lost.memory.l1i = true },
    Structure { name: "l1d", is_in: |_| true, lose: |lost| lost.memory.l1d = true },
    Structure { name: "l2", is_in: |system| system.caches.l2.is_some(), lose: |lost| lost.memory.l2 = true },
    Structure { name: "llc", is_in: |system| system.caches.llc.is_some(), lose: |lost| lost.memory.llc = true },
    Structure { name: "itlb", is_in: |_| true, lose: |lost| lost.memory.itlb = true },
    Structure { name: "dtlb", is_in: |_| true, lose: |lost| lost.memory.dtlb = true },
    Structure { name: "stlb", is_in: has_stlb, lose: |lost| lost.memory.l2_tlb = true },
    Structure { name: "btb", is_in: predicts, lose: |lost| lost.predictors.btb = true },
    Structure { name: "cbp", is_in: predicts, lose: |lost| lost.predictors.direction = true },
    Structure { name: "indirect", is_in: predicts, lose: |lost| lost.predictors.indirect = true },
    Structure { name: "ras", is_in: predicts, lose: |lost| lost.predictors.ras = true },
    Structure { name: "memdep", is_in: predicts, lose: |lost| lost.predictors.memory_dependence = true },
    Structure { name: "prefetcher", is_in: prefetches, lose: |lost| lost.memory.prefetchers = true },
];

fn has_stlb(system: &SystemConfig) -> bool {
    system.tlbs.l2_tlb.is_some() || system.tlbs.walk_cache.is_some()
}

fn predicts(system: &SystemConfig) -> bool {
    matches!(system.core, CoreConfig::OutOfOrder(_))
}

fn prefetches(system: &SystemConfig) -> bool {
    let caches = &system.caches;
    let all = [&caches.l1i, &caches.l1d].into_iter().chain(&caches.l2).chain(&caches.llc);
    all.into_iter().any(|cache: &CacheConfig| cache.prefetcher.is_some())
}

/// What cannot be lost.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LostError {
    /// No structures have these names.
    #[error("there is no structure called {}; known are: {known}", quoted(.names))]
    Unknown {
        /// What was asked for.
        names: Vec<String>,
        /// All names.
        known: String,
    },
    /// The system has no such structures.
    #[error("the system has no {}; it has: {has}", quoted(.names))]
    Absent {
        /// What was asked for.
        names: Vec<String>,
        /// The names of what it has.
        has: String,
    },
    /// A list names nothing.
    #[error("the list of structures is empty; give some of: {known}")]
    Nothing {
        /// All names.
        known: String,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

impl Lost {
    /// All structures that `system` has.
    #[must_use]
    pub fn all(system: &SystemConfig) -> Self {
        let there = STRUCTURES.iter().filter(|structure| (structure.is_in)(system));
        Self { names: Vec::new(), ..Self::of(there) }
    }

    /// The structures of `system` with these names.
    ///
    /// # Errors
    /// Names that nothing has, or nothing in this system; no names.
    pub fn named(names: &[&str], system: &SystemConfig) -> Result<Self, LostError> {
        let known = || listed(|_| true);
        if names.is_empty() {
            return Err(LostError::Nothing { known: known() });
        }
        let find = |name: &str| STRUCTURES.iter().find(|structure| structure.name == name);
        let those = |wrong: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.iter().filter(|name| wrong(name)).map(|&name| name.to_owned()).collect()
        };
        let unknown = those(&|name| find(name).is_none());
        if !unknown.is_empty() {
            return Err(LostError::Unknown { names: unknown, known: known() });
        }
        let is_in = |structure: &Structure| (structure.is_in)(system);
        let absent = those(&|name| !find(name).is_some_and(is_in));
        if !absent.is_empty() {
            return Err(LostError::Absent { names: absent, has: listed(is_in) });
        }
        Ok(Self::of(STRUCTURES.iter().filter(|structure| names.contains(&structure.name))))
    }

    fn of(structures: impl Iterator<Item = &'static Structure>) -> Self {
        let mut lost =
            Self { names: Vec::new(), memory: Default::default(), predictors: Default::default() };
        for structure in structures {
            lost.names.push(structure.name);
            (structure.lose)(&mut lost);
        }
        lost
    }

    /// As it is written on the command line: `flush`, or `flush=l1i,l2`.
    #[must_use]
    pub fn written(&self) -> String {
        match self.names.as_slice() {
            [] => "flush".to_owned(),
            names => format!("flush={}", names.join(",")),
        }
    }
}

fn listed(which: impl Fn(&Structure) -> bool) -> String {
    let names = STRUCTURES.iter().filter(|structure| which(structure));
    names.map(|structure| structure.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str) -> SystemConfig {
        crate::load(name, &[]).unwrap().config
    }

    #[test]
    fn all_is_what_the_system_has() {
        let skylake = Lost::all(&config("skylake"));
        assert!(skylake.predictors.btb && skylake.predictors.memory_dependence);
        assert!(skylake.memory.l2 && skylake.memory.llc && skylake.memory.prefetchers);
        let simple = Lost::all(&config("simple"));
        assert_eq!(simple.predictors, LostPredictors::default());
        assert!(simple.memory.l1i && simple.memory.dtlb);
        assert_eq!(simple.written(), "flush");
    }

    #[test]
    fn every_structure_can_be_named_alone_and_is_written_as_it_is_named() {
        let skylake = config("skylake");
        let mut seen = Vec::new();
        for structure in &STRUCTURES {
            let lost = Lost::named(&[structure.name], &skylake).unwrap();
            assert_eq!(lost.written(), format!("flush={}", structure.name));
            assert!(!seen.contains(&(lost.memory, lost.predictors)), "{}", structure.name);
            seen.push((lost.memory, lost.predictors));
        }
        let two = Lost::named(&["l2", "l1i"], &skylake).unwrap();
        assert_eq!(two.written(), "flush=l1i,l2", "in the order of the table");
        assert!(two.memory.l1i && two.memory.l2 && !two.memory.l1d);
    }

    #[test]
    fn what_cannot_be_lost_is_named() {
        let simple = config("simple");
        let told = |names: &[&str]| Lost::named(names, &simple).unwrap_err().to_string();
        let unknown = told(&["l1i", "l7", "brain"]);
        assert!(
            unknown.starts_with("there is no structure called \"l7\", \"brain\"; known are: l1i, ")
        );
        assert!(told(&["btb"]).starts_with("the system has no \"btb\"; it has: l1i, l1d, "));
        assert!(told(&[]).starts_with("the list of structures is empty; give some of: l1i, "));
    }
}
