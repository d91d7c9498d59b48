//! The table of a cold start: a line for each phase before the first request.

use crate::model::{Estimate, Phase, Run};

/// Fewer units say little about a phase of millions of instructions.
const FEW_UNITS: u64 = 10;

/// The phases, or nothing if the run has none.
#[must_use]
pub(crate) fn cold_start(run: &Run) -> String {
    let phases = &run.between.cold_start;
    if phases.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{:<10}  {:>10}  {:>14}  {:>16}  {:>16}  {:>6}  {:>14}\n",
        "phase", "virtual ms", "instructions", "function's hart", "CPI, 95 %", "units", "cycles"
    );
    for phase in phases {
        text += &row(phase);
    }
    text += "CPI and cycles are estimates from a sample of both harts' instructions; virtual time passes at a \
             nanosecond an instruction outside the sample.\n";
    if phases.iter().any(|phase| phase.cpi.is_none_or(|cpi| cpi.units < FEW_UNITS)) {
        text += &format!(
            "A phase with fewer than {FEW_UNITS} units is too short for its interval to mean much: lower \
             --sampling-period.\n"
        );
    }
    text + "\n"
}

fn row(phase: &Phase) -> String {
    let cycles = phase.cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.3e}"));
    format!(
        "{:<10}  {:>10.1}  {:>14}  {:>16}  {:>16}  {:>6}  {cycles:>14}\n",
        phase.name,
        phase.duration_ns as f64 / 1e6,
        phase.instructions,
        phase.function_hart_instructions,
        phase.cpi.map_or("-".to_owned(), interval),
        phase.cpi.map_or(0, |cpi| cpi.units),
    )
}

fn interval(cpi: Estimate) -> String {
    match cpi.half_width {
        Some(half_width) => format!("{:.3} +- {half_width:.3}", cpi.mean),
        None => format!("{:.3}", cpi.mean),
    }
}
