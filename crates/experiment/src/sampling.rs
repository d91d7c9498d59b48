//! Systematic sampling: long stretches are executed fast, and a unit of each so many instructions is measured.
//!
//! R. E. Wunderlich et al., "SMARTS: accelerating microarchitecture simulation via rigorous statistical sampling",
//! ISCA 2003: units at equal distances, each in detail after warming, and a confidence interval from how much they
//! differ. There warming never ends; here a guest executes billions of instructions of which fast mode tells caches
//! nothing, so a unit is preceded by a limited stretch of warming. What is older than that is missing from caches and
//! predictors, or is still there from the unit before: estimates of programs with a large working set come out high.

use crate::StudyError;
use crate::rig::{Happening, Mode, Rig};
use crate::statistics;
use crate::timing::{Detailed, Warming, Watched};
use report::model::Estimate;
use sim::Picos;
use system::{Timing as Model, TimingStats};

/// Where the units lie and how long they are, in instructions of all harts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// From the start of a unit to the start of the next.
    pub period: u64,
    /// Warming before a unit.
    pub warming: u64,
    /// Detailed mode before a unit: its pipeline fills.
    pub filling: u64,
    /// The unit.
    pub unit: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { period: 50_000_000, warming: 1_000_000, filling: 5_000, unit: 50_000 }
    }
}

/// A unit that is not full after so long was begun while the guest waits; it is given up.
const PATIENCE: Picos = Picos::from_millis(50);

/// What was measured in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    cycles: u64,
    instructions: u64,
}

/// Executes a guest and measures a sample of what it does.
pub(crate) struct Sampler<'a> {
    model: &'a mut Model,
    sampling: Sampling,
    /// The next unit's warming begins when so many instructions are executed.
    next: u64,
    units: Vec<Unit>,
}

impl<'a> Sampler<'a> {
    /// A sample that begins half a period from here.
    pub(crate) fn new(model: &'a mut Model, sampling: Sampling, rig: &Rig<'_>) -> Self {
        let next = rig.machine.retired() + sampling.period / 2;
        Self { model, sampling, next, units: Vec::new() }
    }

    /// Runs until something happens or `deadline` comes.
    pub(crate) fn advance(
        &mut self,
        rig: &mut Rig<'_>,
        deadline: Picos,
    ) -> Result<Vec<Happening>, StudyError> {
        let left = self.next.saturating_sub(rig.machine.retired());
        if left > 0 {
            let until = rig.machine.now() + stretch(left, Picos::from_nanos(1));
            return rig.advance(&mut Mode::Fast, until.min(deadline));
        }
        while self.next <= rig.machine.retired() {
            self.next += self.sampling.period;
        }
        self.measure(rig, deadline)
    }

    /// A unit, and what comes before it.
    fn measure(
        &mut self,
        rig: &mut Rig<'_>,
        deadline: Picos,
    ) -> Result<Vec<Happening>, StudyError> {
        let mut happened = Vec::new();
        let cycle = self.model.clock().period();
        let mut run = |rig: &mut Rig<'_>, timing: &mut dyn Watched, instructions| {
            let deadline = deadline.min(rig.machine.now() + PATIENCE);
            execute(rig, timing, instructions, cycle, deadline, &mut happened)
        };
        let mut full = run(rig, &mut Warming::new(self.model), self.sampling.warming)?;
        let mut detailed = Detailed::new(self.model, rig.machine.now());
        full = full && run(rig, &mut detailed, self.sampling.filling)?;
        let before = detailed.model().stats();
        full = full && run(rig, &mut detailed, self.sampling.unit)?;
        if full {
            self.units.push(Unit::between(&before, &detailed.model().stats()));
        }
        Ok(happened)
    }

    /// What the units since the last call come to.
    pub(crate) fn take(&mut self) -> Option<Estimate> {
        estimate(&std::mem::take(&mut self.units))
    }
}

impl Unit {
    fn between(before: &TimingStats, after: &TimingStats) -> Self {
        let harts = statistics::harts(&stats::Stats::since(after, before));
        Self {
            cycles: harts.iter().map(|hart| hart.cycles).sum(),
            instructions: harts.iter().map(|hart| hart.instructions).sum(),
        }
    }
}

/// Time in which not many more than `instructions` are executed, each hart one in `pace`.
fn stretch(instructions: u64, pace: Picos) -> Picos {
    const LEAST: u64 = 200;
    const MOST: u64 = 10_000_000;
    Picos(pace.0 * instructions.div_ceil(2).clamp(LEAST, MOST))
}

/// Executes `instructions` under `timing`; whether that was done by `deadline`.
fn execute(
    rig: &mut Rig<'_>,
    timing: &mut dyn Watched,
    instructions: u64,
    cycle: Picos,
    deadline: Picos,
    happened: &mut Vec<Happening>,
) -> Result<bool, StudyError> {
    let end = rig.machine.retired() + instructions;
    while rig.machine.retired() < end {
        if rig.machine.now() >= deadline {
            return Ok(false);
        }
        let left = end - rig.machine.retired();
        let until = (rig.machine.now() + stretch(left, cycle)).min(deadline);
        happened.extend(rig.advance(&mut Mode::Timed(timing), until)?);
    }
    Ok(true)
}

/// Cycles per instruction as the ratio of two sums, with the interval of such an estimator (W. G. Cochran, "Sampling
/// techniques", 3rd edition, section 6.4): units are of nearly one size, but not quite.
fn estimate(units: &[Unit]) -> Option<Estimate> {
    let instructions: u64 = units.iter().map(|unit| unit.instructions).sum();
    if instructions == 0 {
        return None;
    }
    let cycles: u64 = units.iter().map(|unit| unit.cycles).sum();
    let mean = cycles as f64 / instructions as f64;
    let count = units.len() as f64;
    let off = |unit: &Unit| (unit.cycles as f64 - mean * unit.instructions as f64).powi(2);
    let variance = units.iter().map(off).sum::<f64>() / (count - 1.0);
    let size = instructions as f64 / count;
    let half_width =
        (units.len() > 1).then(|| student(units.len() - 1) * (variance / count).sqrt() / size);
    Some(Estimate { mean, half_width, units: units.len() as u64, instructions })
}

/// Student's t for a two-sided interval of 95 % (any table of it), by degrees of freedom. Between rows of the table
/// that of the fewer degrees, which is the larger, stands.
fn student(degrees: usize) -> f64 {
    const FEW: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    match degrees {
        0 => f64::INFINITY,
        1..=10 => FEW[degrees - 1],
        11..=14 => 2.201,
        15..=19 => 2.131,
        20..=29 => 2.086,
        30..=59 => 2.042,
        60..=119 => 2.000,
        _ => 1.980,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(pairs: &[(u64, u64)]) -> Vec<Unit> {
        pairs.iter().map(|&(cycles, instructions)| Unit { cycles, instructions }).collect()
    }

    #[test]
    fn units_of_one_size_have_the_interval_of_their_mean() {
        // CPI 1, 2, 3: mean 2, standard deviation 1, so 4.303 / sqrt(3).
        let estimate = estimate(&units(&[(100, 100), (200, 100), (300, 100)])).unwrap();
        assert_eq!((estimate.mean, estimate.units, estimate.instructions), (2.0, 3, 300));
        assert!((estimate.half_width.unwrap() - 4.303 / 3_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn units_that_agree_leave_no_doubt_whatever_their_size() {
        let estimate = estimate(&units(&[(300, 100), (330, 110)])).unwrap();
        assert!((estimate.mean - 3.0).abs() < 1e-12 && estimate.half_width.unwrap() < 1e-9);
    }

    #[test]
    fn one_unit_has_no_interval_and_none_no_estimate() {
        assert_eq!(estimate(&units(&[(300, 100)])).unwrap().half_width, None);
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&units(&[(10, 0)])), None);
    }

    #[test]
    fn more_units_make_an_interval_narrower() {
        assert!((1..300).all(|degrees| student(degrees) >= student(degrees + 1)));
        assert!(student(1000) >= 1.960, "the limit is the normal distribution's");
    }

    #[test]
    fn a_stretch_shrinks_to_where_the_next_unit_begins() {
        let pace = Picos(400);
        assert_eq!(stretch(100_000, pace), Picos(400 * 50_000));
        assert_eq!(stretch(1, pace), Picos(400 * 200));
    }
}
