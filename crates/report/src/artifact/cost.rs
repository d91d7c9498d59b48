//! What runs took of their host, added up over those that tell.

use crate::model::Host;
use serde::Serialize;

/// A quantity of several runs, some of which may not tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Runs that tell it.
    pub known: usize,
    /// Their sum.
    pub sum: f64,
    /// The largest.
    pub max: f64,
}

impl Figure {
    fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        values.flatten().fold(Self::default(), |figure, value| Self {
            known: figure.known + 1,
            sum: figure.sum + value,
            max: figure.max.max(value),
        })
    }
}

/// What runs took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Costs {
    /// How many runs there are.
    pub runs: usize,
    /// Time, from the start of each until its results were there.
    pub wall_seconds: Figure,
    /// The part of it before the first measured invocation.
    pub preparing_seconds: Figure,
    /// The rest, of the runs that tell both.
    pub measuring_seconds: Figure,
    /// Time of processors.
    pub processor_seconds: Figure,
    /// Largest resident memory.
    pub peak_resident_bytes: Figure,
    /// The processors they ran on, each once, by name.
    pub processors: Vec<String>,
}

impl Costs {
    /// Of the runs with these `hosts`.
    pub fn of<'a>(hosts: impl Iterator<Item = &'a Host>) -> Self {
        let hosts: Vec<&Host> = hosts.collect();
        let figure = |of: fn(&Host) -> Option<f64>| Figure::of(hosts.iter().map(|host| of(host)));
        let mut processors: Vec<String> =
            hosts.iter().filter_map(|host| host.processor.clone()).collect();
        processors.sort();
        processors.dedup();
        Self {
            runs: hosts.len(),
            wall_seconds: figure(|host| host.wall_seconds),
            preparing_seconds: figure(|host| host.preparing_seconds),
            measuring_seconds: figure(|host| Some(host.wall_seconds? - host.preparing_seconds?)),
            processor_seconds: figure(|host| host.processor_seconds),
            peak_resident_bytes: figure(|host| host.peak_resident_bytes.map(|bytes| bytes as f64)),
            processors,
        }
    }
}
