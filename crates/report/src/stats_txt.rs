//! `stats.txt` in gem5's line format, so that existing parsers read it.
//!
//! A block between Begin and End lines for each window. A line is name, value, description and, in
//! parentheses, unit, in the columns of gem5's text output (src/base/stats/text.cc). Harts are
//! `system.cpuN`. What gem5 counts as well comes first and under its names; all of our own statistics
//! follow under ours. As in gem5 `simTicks` counts picoseconds, and a statistic without a value has
//! no line.
//!
//! One meaning differs: `numCycles` leaves out the cycles a hart waited for an interrupt, so that
//! `cpi` is the one of all our outputs. `quiesceCycles` holds them.

mod gem5;

use crate::model::{About, Catalogue, HartWindow, Invocation, Run, Statistics, Value};
use std::fmt::Write;

const BEGIN: &str = "\n---------- Begin Simulation Statistics ----------\n";
const END: &str = "\n---------- End Simulation Statistics   ----------\n";
const TICKS_PER_SECOND: u64 = 1_000_000_000_000;
const TICKS_PER_NANOSECOND: u64 = 1000;

/// All windows of a run.
#[must_use]
pub fn stats_txt(run: &Run, catalogue: &Catalogue) -> String {
    let mut text = Text { catalogue, text: String::new() };
    for invocation in &run.invocations {
        text.text += BEGIN;
        text.window(invocation);
        text.text += END;
    }
    text.text
}

struct Text<'a> {
    catalogue: &'a Catalogue,
    text: String,
}

impl Text<'_> {
    fn window(&mut self, one: &Invocation) {
        let seconds = Value::Real(one.latency_ns as f64 / 1e9);
        let ticks = one.latency_ns.saturating_mul(TICKS_PER_NANOSECOND);
        let instructions =
            one.harts.iter().map(|hart| hart.instructions).fold(0, u64::saturating_add);
        self.line("simSeconds", seconds, "Virtual time of the window", "Second");
        self.count("simTicks", ticks, "Virtual time of the window", "Tick");
        self.count("simFreq", TICKS_PER_SECOND, "Ticks in a second", "(Tick/Second)");
        self.count("simInsts", instructions, "Instructions executed on all harts", "Count");
        self.count("invocation.index", one.index, "Position of the invocation in the run", "Count");
        self.count("invocation.ok", one.ok.into(), "1 if the reply was the right one", "Count");
        for hart in &one.harts {
            self.hart(hart);
        }
        let private_l2 = one.harts.iter().any(|hart| gem5::has_l2(&hart.statistics));
        self.counterparts("system", gem5::of_shared(&one.statistics, private_l2));
        self.statistics("system", &one.statistics);
    }

    fn hart(&mut self, hart: &HartWindow) {
        let cpu = format!("system.cpu{}", hart.hart);
        let ratio = |value: Option<f64>| value.map_or(Value::Undefined, Value::Real);
        let cpi = hart.cpi();
        let ipc = (hart.cycles > 0).then(|| hart.instructions as f64 / hart.cycles as f64);
        let counts = [
            ("numCycles", hart.cycles, "Busy cycles", "Cycle"),
            ("quiesceCycles", hart.idle_cycles, "Cycles waiting for an interrupt", "Cycle"),
            ("commitStats0.numInsts", hart.instructions, "Instructions executed", "Count"),
        ];
        for (name, count, description, unit) in counts {
            self.count(&format!("{cpu}.{name}"), count, description, unit);
        }
        let (per_instruction, per_cycle) =
            ("Busy cycles per instruction", "Instructions per busy cycle");
        self.line(&format!("{cpu}.cpi"), ratio(cpi), per_instruction, "(Cycle/Count)");
        self.line(&format!("{cpu}.ipc"), ratio(ipc), per_cycle, "(Count/Cycle)");
        let split = [
            ("user.numCycles", hart.user_cycles, "Busy cycles in user mode", "Cycle"),
            ("user.numInsts", hart.user_instructions, "Instructions in user mode", "Count"),
            ("kernel.numCycles", hart.kernel_cycles, "Busy cycles outside user mode", "Cycle"),
            (
                "kernel.numInsts",
                hart.kernel_instructions,
                "Instructions outside user mode",
                "Count",
            ),
        ];
        for (name, count, description, unit) in split {
            self.count(&format!("{cpu}.{name}"), count, description, unit);
        }
        self.counterparts(&cpu, gem5::of_hart(&hart.statistics));
        self.statistics(&cpu, &hart.statistics);
    }

    fn counterparts(&mut self, prefix: &str, lines: Vec<gem5::Line>) {
        for gem5::Line { name, value, description, unit } in lines {
            self.line(&format!("{prefix}.{name}"), value, description, unit);
        }
    }

    fn statistics(&mut self, prefix: &str, statistics: &Statistics) {
        let catalogue = self.catalogue;
        let unknown = About { unit: "Unspecified".to_owned(), ..About::default() };
        for (path, value) in &statistics.values {
            let about = catalogue.get(path).unwrap_or(&unknown);
            self.line(&format!("{prefix}.{path}"), *value, &about.description, &about.unit);
        }
    }

    fn count(&mut self, name: &str, count: u64, description: &str, unit: &str) {
        self.line(name, Value::Count(count), description, unit);
    }

    /// One line; the two empty columns are those gem5 fills for distributions.
    fn line(&mut self, name: &str, value: Value, description: &str, unit: &str) {
        let value = match (value, value.number()) {
            (Value::Count(count), _) => count.to_string(),
            (_, Some(real)) => format!("{real:.6}"),
            (_, None) => return,
        };
        let description = description.replace(['\n', '\r'], " ");
        writeln!(
            self.text,
            "{name:<40} {value:>12} {:>10} {:>10} # {description} ({unit})",
            "", ""
        )
        .expect("writing to a string cannot fail");
    }
}
