//! The table of a cold start: a line for each phase before the first request.

use crate::model::{Estimate, Phase, Run};
use crate::table::aligned;

/// Fewer units say little about a phase of millions of instructions.
const FEW_UNITS: u64 = 10;

/// The phases, or nothing if the run has none.
#[must_use]
pub(crate) fn cold_start(run: &Run) -> String {
    table(&run.between.cold_start)
}

fn table(phases: &[Phase]) -> String {
    if phases.is_empty() {
        return String::new();
    }
    let heads =
        ["phase", "virtual ms", "instructions", "function's hart", "CPI, 95 %", "units", "cycles"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(phases.iter().map(row));
    let mut text = aligned(&rows);
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

fn row(phase: &Phase) -> Vec<String> {
    vec![
        phase.name.clone(),
        format!("{:.1}", phase.duration_ns as f64 / 1e6),
        phase.instructions.to_string(),
        phase.function_hart_instructions.to_string(),
        phase.cpi.map_or("-".to_owned(), interval),
        phase.cpi.map_or(0, |cpi| cpi.units).to_string(),
        phase.cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.3e}")),
    ]
}

fn interval(cpi: Estimate) -> String {
    match cpi.half_width {
        Some(half_width) => format!("{:.3} +- {half_width:.3}", cpi.mean),
        None => format!("{:.3}", cpi.mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(name: &str, cpi: Option<Estimate>) -> Phase {
        Phase {
            name: name.to_owned(),
            duration_ns: 1_500_000,
            instructions: 2_000_000,
            function_hart_instructions: 7,
            cpi,
            cycles: cpi.map(|cpi| cpi.mean * 2e6),
        }
    }

    fn sampled(units: u64, half_width: Option<f64>) -> Option<Estimate> {
        Some(Estimate { mean: 1.25, half_width, units, instructions: units * 50_000 })
    }

    #[test]
    fn a_phase_has_a_line_with_its_interval_and_what_is_not_known_is_a_dash() {
        let text = table(&[phase("pull", sampled(10, Some(0.1))), phase("ready", None)]);
        let words = |line: usize| text.lines().nth(line).unwrap().split_whitespace().collect();
        let pull: Vec<&str> = words(1);
        let cells = ["pull", "1.5", "2000000", "7", "1.250", "+-", "0.100", "10", "2.500e6"];
        assert_eq!(pull, cells);
        let ready: Vec<&str> = words(2);
        assert_eq!(ready, ["ready", "1.5", "2000000", "7", "-", "0", "-"]);
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn too_few_units_are_told_of_and_enough_are_not() {
        let warns = |units| {
            table(&[phase("pull", sampled(units, Some(0.1)))]).contains("lower --sampling-period")
        };
        assert!(warns(FEW_UNITS - 1) && !warns(FEW_UNITS));
        assert!(table(&[phase("pull", sampled(1, None))]).contains(" 1.250 "));
    }
}
