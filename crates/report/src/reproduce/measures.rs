//! What is measured of a run: means over its invocations but the first.

use crate::breakdown::{Of, mean, of_all, of_hart, value};
use crate::model::{Invocation, Run};
use crate::summary::{geomean, mean as average};

/// Bytes in which footprints are counted, whatever the caches have.
const LINE_BYTES: f64 = 64.0;

/// The invocations that count: all but the first, if there are more.
fn counted(run: &Run) -> Vec<&Invocation> {
    let skipped = usize::from(run.invocations.len() > 1);
    run.invocations.iter().skip(skipped).collect()
}

fn of(run: &Run, of: Of, path: &str) -> Option<f64> {
    mean(&counted(run), of, path)
}

fn averaged(run: &Run, of: impl Fn(&Invocation) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = counted(run).into_iter().filter_map(of).collect();
    average(&values)
}

/// Cycles per instruction of the function's hart.
pub(crate) fn cpi(run: &Run) -> Option<f64> {
    averaged(run, |one| one.cpi)
}

/// Busy cycles of an invocation.
pub(crate) fn cycles(run: &Run) -> Option<f64> {
    averaged(run, |one| Some(one.cycles as f64))
}

/// A rate of the function's hart per 1000 instructions, such as `l2.instruction_mpki`.
pub(crate) fn rate(run: &Run, path: &str) -> Option<f64> {
    of(run, of_all, path)
}

/// A statistic of the function's hart.
pub(crate) fn statistic(run: &Run, path: &str) -> Option<f64> {
    of(run, of_hart, path)
}

/// A level of caches that may miss code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    L1,
    L2,
    Llc,
}

impl Level {
    const fn demand(self) -> &'static str {
        match self {
            Self::L1 => "l1i.mpki",
            Self::L2 => "l2.instruction_mpki",
            Self::Llc => "llc.instruction_mpki",
        }
    }
}

/// Requests for code that `level` did not have, per 1000 instructions: fetches, and prefetches into the L1I.
///
/// Hardware counts both, and the caches of a core with fetch-directed prefetching see little else than prefetches. Below
/// the L1I ours are not told apart by who asked: those for data are left out as if all of them had missed, so that
/// this is a lower bound.
pub(crate) fn code_mpki(run: &Run, level: Level) -> Option<f64> {
    averaged(run, |one| {
        let demand = value(&one.statistics, level.demand())?;
        Some(demand + prefetches_for_code(one, level) * 1000.0 / one.instructions as f64)
    })
}

fn prefetches_for_code(one: &Invocation, level: Level) -> f64 {
    let own = |path: &str| of_hart(one).and_then(|own| value(own, path)).unwrap_or(0.0);
    let issued = own("l1i.prefetch.issued");
    let for_data = own("l1d.prefetch.issued");
    let at_l2 = (own("l2.prefetch.misses") - for_data).clamp(0.0, issued);
    match level {
        Level::L1 => issued,
        Level::L2 => at_l2,
        Level::Llc => {
            let missed = value(&one.statistics, "llc.prefetch.misses").unwrap_or(0.0);
            (missed - for_data - own("l2.prefetch.issued")).clamp(0.0, at_l2)
        }
    }
}

/// Distinct code that an invocation touches, in KiB.
pub(crate) fn footprint_kib(run: &Run) -> Option<f64> {
    statistic(run, "footprint.instruction.lines").map(|lines| lines * LINE_BYTES / 1024.0)
}

/// How like the lines of code of an invocation are to those of the one before: shared ones / those of either.
pub(crate) fn jaccard(run: &Run) -> Option<f64> {
    statistic(run, "footprint.instruction.jaccard")
}

/// Distinct branches that an invocation takes, in thousands.
pub(crate) fn taken_branches(run: &Run) -> Option<f64> {
    let side = |side: &str| statistic(run, &format!("{side}.static_taken_branches"));
    Some((side("user")? + side("kernel")?) / 1000.0)
}

/// Bytes to and from memory in an invocation.
pub(crate) fn bandwidth(run: &Run) -> Option<f64> {
    Some(rate(run, "dram.bytes_read")? + rate(run, "dram.bytes_written")?)
}

/// A part of the CPI by the top-down method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    Retiring,
    FetchLatency,
    FetchBandwidth,
    BadSpeculation,
    BackEnd,
}

impl Component {
    pub const ALL: [Self; 5] = [
        Self::Retiring,
        Self::FetchLatency,
        Self::FetchBandwidth,
        Self::BadSpeculation,
        Self::BackEnd,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Retiring => "retiring",
            Self::FetchLatency => "fetch latency",
            Self::FetchBandwidth => "fetch bandwidth",
            Self::BadSpeculation => "bad speculation",
            Self::BackEnd => "back end",
        }
    }

    /// Its share of the slots. Refilling after a squash is fetch latency, as in the hardware counters of the papers.
    const fn path(self) -> &'static str {
        match self {
            Self::Retiring => "out_of_order.topdown_retiring",
            Self::FetchLatency => "out_of_order.topdown_frontend_latency",
            Self::FetchBandwidth => "out_of_order.topdown_frontend_bandwidth",
            Self::BadSpeculation => "out_of_order.topdown_bad_speculation",
            Self::BackEnd => "out_of_order.topdown_backend",
        }
    }

    /// Its part of the CPI.
    pub fn cpi(self, run: &Run) -> Option<f64> {
        Some(statistic(run, self.path())? * cpi(run)?)
    }
}

/// By what lost state raises each part of the CPI; none on a core without such a breakdown.
pub(crate) fn added(warm: &Run, lukewarm: &Run) -> Option<Vec<(Component, f64)>> {
    let part = |part: Component| Some((part, part.cpi(lukewarm)? - part.cpi(warm)?));
    Component::ALL.into_iter().map(part).collect()
}

/// The largest of what was added.
pub(crate) fn largest(added: &[(Component, f64)]) -> Option<Component> {
    added.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(part, _)| *part)
}

/// The mean of gains in percent: that of the factors, geometric.
pub(crate) fn mean_gain(percents: &[f64]) -> Option<f64> {
    let factors: Vec<f64> = percents.iter().map(|percent| 1.0 + percent / 100.0).collect();
    geomean(&factors).map(|factor| (factor - 1.0) * 100.0)
}

/// By how many percent `better` is faster than `base`.
pub(crate) fn speedup(base: &Run, better: &Run) -> Option<f64> {
    Some((cycles(base)? / cycles(better)? - 1.0) * 100.0)
}
