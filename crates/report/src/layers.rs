//! Who spent the cycles: the layers of the guest's software, means over the invocations.

use crate::breakdown::{Of, mean, of_all, of_hart};
use crate::model::{HartWindow, Invocation, Run, Statistics, Value};

/// Layers as the table shows them: label, and name in the paths of statistics.
const LAYERS: [(&str, &str); 10] = [
    ("function", "function"),
    ("runtime and libraries", "runtime"),
    ("kernel: network", "kernel_network"),
    ("kernel: scheduler, timers", "kernel_scheduler"),
    ("kernel: memory", "kernel_memory"),
    ("kernel: files", "kernel_files"),
    ("kernel: entry, interrupts", "kernel_entry"),
    ("kernel: other", "kernel_other"),
    ("container engine", "engine"),
    ("other programs", "other"),
];

/// What layers are counted in.
const COUNTS: [&str; 2] = ["cycles", "instructions"];

/// The layers of the function's hart and of all others together; empty unless they were told apart.
pub(crate) fn layers(run: &Run) -> String {
    let good: Vec<&Invocation> = run.invocations.iter().filter(|one| one.ok).collect();
    let total: f64 =
        LAYERS.iter().filter_map(|(_, name)| count(&good, of_all, name, "cycles")).sum();
    if total == 0.0 {
        return String::new();
    }
    let title =
        format!("{:<28}{:>12}{:>8}{:>14}{:>8}", "layer", "cycles", "%", "instructions", "CPI");
    let mut text = format!("{title}    other harts, cycles\n");
    for (label, name) in LAYERS {
        let of_layer = |what| count(&good, of_hart, name, what).unwrap_or(0.0);
        let (cycles, instructions) = (of_layer("cycles"), of_layer("instructions"));
        let others = others(&good, name);
        if cycles == 0.0 && instructions == 0.0 && others == 0.0 {
            continue;
        }
        let cpi = if instructions > 0.0 {
            format!("{:.3}", cycles / instructions)
        } else {
            "-".to_owned()
        };
        let share = cycles * 100.0 / total;
        text += &format!(
            "{label:<28}{cycles:>12.0}{share:>8.1}{instructions:>14.0}{cpi:>8}{others:>23.0}\n"
        );
    }
    text
}

fn count(good: &[&Invocation], of: Of, layer: &str, what: &str) -> Option<f64> {
    mean(good, of, &path(layer, what))
}

fn path(layer: &str, what: &str) -> String {
    format!("layers.{layer}.{what}")
}

/// Mean cycles of a layer on all harts but the function's.
fn others(good: &[&Invocation], layer: &str) -> f64 {
    let path = path(layer, "cycles");
    let of_one = |one: &Invocation| -> u64 {
        let others = one.harts.iter().filter(|window| window.hart != one.hart);
        others.map(|window| value(&window.statistics, &path).unwrap_or(0)).sum()
    };
    let all: u64 = good.iter().map(|one| of_one(one)).sum();
    all as f64 / good.len().max(1) as f64
}

fn value(statistics: &Statistics, path: &str) -> Option<u64> {
    match statistics.values.get(path) {
        Some(Value::Count(count)) => Some(*count),
        _ => None,
    }
}

/// What the layers of a hart sum to and should, where they do not: what was counted, sum, total.
pub(crate) fn imbalances(window: &HartWindow) -> Vec<(&'static str, u64, u64)> {
    let totals = [window.cycles, window.instructions];
    let all = COUNTS.into_iter().zip(totals).filter_map(|(what, total)| {
        let of_layer = |(_, name)| value(&window.statistics, &path(name, what));
        let found: Vec<u64> = LAYERS.into_iter().filter_map(of_layer).collect();
        let sum = found.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
        (!found.is_empty() && sum != total).then_some((what, sum, total))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Between, Manifest, SCHEMA, State};

    fn window(hart: u32, counts: &[(&str, u64, u64)]) -> HartWindow {
        let mut statistics = Statistics::default();
        for (layer, cycles, instructions) in counts {
            statistics.count(path(layer, "cycles"), *cycles);
            statistics.count(path(layer, "instructions"), *instructions);
        }
        let cycles = counts.iter().map(|(_, cycles, _)| cycles).sum();
        let instructions = counts.iter().map(|(.., instructions)| instructions).sum();
        HartWindow { hart, cycles, instructions, statistics, ..HartWindow::default() }
    }

    fn run(harts: Vec<HartWindow>) -> Run {
        let statistics = harts[1].statistics.clone();
        let one = Invocation::measured(0, 1, serde_json::Value::Null, 1, harts, statistics);
        let invocations = vec![one.expect("hart 1 is measured")];
        Run {
            schema: SCHEMA,
            function: "f".to_owned(),
            system: "s".to_owned(),
            state: State::Warm,
            between: Between::default(),
            seed: 1,
            summary: crate::summarize(&invocations),
            invocations,
            manifest: Manifest::default(),
        }
    }

    #[test]
    fn layers_that_spent_something_anywhere_have_a_line() {
        let engine = [("engine", 400, 100)];
        let ours = [("function", 300, 200), ("kernel_network", 100, 40), ("other", 0, 0)];
        let text = layers(&run(vec![window(0, &engine), window(1, &ours)]));
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), 4, "{text}");
        assert_eq!(rows[1], ["function", "300", "75.0", "200", "1.500", "0"]);
        assert_eq!(rows[2], ["kernel:", "network", "100", "25.0", "40", "2.500", "0"]);
        assert_eq!(rows[3], ["container", "engine", "0", "0.0", "0", "-", "400"]);
    }

    #[test]
    fn a_run_whose_layers_were_not_told_apart_has_no_table() {
        assert_eq!(layers(&run(vec![window(0, &[]), window(1, &[])])), "");
    }
}
