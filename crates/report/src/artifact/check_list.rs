//! The check-list: one line for each thing that reviewers look for.

use super::units::{bytes, count, names, time};
use super::{Costs, Disk, Facts, Figure, Folder, Machine, Origin, workflow};
use std::collections::BTreeSet;

/// What stands for something that was not measured.
const NOT_MEASURED: &str = "not measured: the results do not tell";

/// The lines, in the order of the template.
pub(super) fn check_list(facts: &Facts) -> String {
    let costs = facts.costs();
    let lines = [
        ("Algorithm", algorithm(facts)),
        ("Program", program(facts)),
        ("Compilation", compilation(facts)),
        ("Data set", "the requests that come with the functions; the values that papers published, in `experiments/published/`".to_owned()),
        ("Run-time environment", environment(facts)),
        ("Hardware", hardware(facts, &costs)),
        ("Run-time state", states(facts)),
        ("Execution", "each run is a process of its own with one busy thread; runs are independent of each other".to_owned()),
        ("Metrics", metrics(facts)),
        ("Output", output(facts)),
        ("Experiments", experiments(facts)),
        ("How much memory is required?", memory(&costs)),
        ("How much disk space is required?", disk(&facts.disk)),
        ("How much time is needed to prepare the workflow?", preparing(&costs)),
        ("How much time is needed to complete the experiments?", completing(&costs)),
        ("Publicly available?", "[yes or no, and where]".to_owned()),
        ("Code licence", facts.program.licence.clone()),
        ("Data licence", format!("{} for all that comes with the program; the guest's packages have their own, each in its `/usr/share/doc/PACKAGE/copyright`", facts.program.licence)),
        ("Workflow automation framework used?", "none but the program: experiments are files, and what is finished is not run again".to_owned()),
        ("Archived?", "[DOI of the archive]".to_owned()),
    ];
    lines.map(|(what, text)| format!("- **{what}:** {text}.\n")).concat()
}

fn algorithm(facts: &Facts) -> String {
    let systems = names(facts.runs().map(|run| run.system.as_str()));
    format!("cycle-level full-system simulation of serverless functions, on the systems {systems}")
}

fn program(facts: &Facts) -> String {
    let versions = names(facts.runs().map(|run| run.version.as_str()));
    let functions = facts.runs().map(|run| run.function.as_str());
    format!(
        "vSwarm-µ, {}; measured with version {versions}; the functions {}, each in containers of its own",
        this_program(facts),
        names(functions)
    )
}

/// The program that writes the appendix.
pub(super) fn this_program(facts: &Facts) -> String {
    let program = &facts.program;
    format!("version {} (sources `{}`)", program.version, program.sources)
}

fn compilation(facts: &Facts) -> String {
    format!(
        "Rust {} or later, `cargo build --release`; the program builds kernel, disk and function images itself",
        facts.program.rust
    )
}

fn environment(facts: &Facts) -> String {
    let guests: BTreeSet<&str> =
        facts.runs().filter_map(|run| run.guest.get("guest")).map(String::as_str).collect();
    let packages: BTreeSet<usize> = facts.runs().map(|run| run.packages).collect();
    let packages: Vec<String> = packages.iter().map(ToString::to_string).collect();
    let guest = match guests.len() {
        0 => "the hash of the guest is not in the results".to_owned(),
        _ => format!(
            "the guest is {} of {} Debian packages, whose versions each `manifest.json` lists",
            names(guests.into_iter()),
            packages.join(" or ")
        ),
    };
    format!(
        "Linux; no root, KVM or container engine; a network while preparing only, to a Debian mirror and, for Node.js \
         functions with npm packages, an npm registry; {guest}"
    )
}

fn hardware(facts: &Facts, costs: &Costs) -> String {
    let measured = match costs.processors.as_slice() {
        [] => "the results do not tell what processor they were measured on".to_owned(),
        names => format!("measured on {}", names.join("; ")),
    };
    format!(
        "any machine that runs the program, since figures do not depend on it; {measured}; this appendix was written on {}",
        machine(&facts.machine)
    )
}

/// A machine in one line.
pub(super) fn machine(machine: &Machine) -> String {
    let processors = machine.processors.map(|number| count(number, "processor"));
    let memory = machine.memory_bytes.map(|size| format!("{} of memory", bytes(size as f64)));
    let known = [machine.processor.clone(), processors, memory, machine.system.clone()];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() {
        "a machine that does not describe itself".to_owned()
    } else {
        known.join(", ")
    }
}

fn states(facts: &Facts) -> String {
    let states = names(facts.runs().map(|run| run.state.as_str()));
    format!(
        "invocations in the states {states}, from snapshots of the booted server and the warm function"
    )
}

fn metrics(facts: &Facts) -> String {
    let validations = facts.parts.iter().filter_map(|part| part.validation.as_ref());
    let of_studies: BTreeSet<&str> =
        validations.flat_map(|validation| &validation.tables).map(|table| table.title).collect();
    let mut text = "cycles per instruction, latency, misses per 1000 instructions and all other statistics of an invocation".to_owned();
    if !of_studies.is_empty() {
        let titles: Vec<&str> = of_studies.into_iter().collect();
        text += &format!("; tables: {}", titles.join("; "));
    }
    text
}

fn output(facts: &Facts) -> String {
    let has = |is: fn(&Origin) -> bool| facts.parts.iter().any(|part| is(&part.origin));
    let mut text =
        "a directory for each run (`stats.json`, `invocations.csv`, `windows.parquet`, `stats.txt`, `manifest.json`)".to_owned();
    if has(|origin| !matches!(origin, Origin::Runs)) {
        text += ", `results.csv` and `results.parquet` with the rows of all";
    }
    if has(|origin| matches!(origin, Origin::Study { .. })) {
        text +=
            ", `validation.md` with ours beside the published values and the verdict on each shape";
    }
    text
}

fn experiments(facts: &Facts) -> String {
    let one = |part: &super::Part| {
        let runs = count(part.runs.len(), "run");
        match (&part.origin, workflow::commands(facts, part).as_slice()) {
            (Origin::Study { .. } | Origin::Builtin { .. }, [command]) => {
                format!("`{command}` ({runs})")
            }
            _ => format!(
                "{runs} in `{}`, whose commands are listed below",
                workflow::place(facts, part)
            ),
        }
    };
    facts.parts.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Of how many runs a figure is, unless it is of all.
fn coverage(figure: &Figure, runs: usize) -> String {
    if figure.known == runs {
        format!("of {}", count(runs, "run"))
    } else {
        format!("of the {} of {} that tell", figure.known, count(runs, "run"))
    }
}

fn memory(costs: &Costs) -> String {
    let peak = &costs.peak_resident_bytes;
    if peak.known == 0 {
        return NOT_MEASURED.to_owned();
    }
    let over = coverage(peak, costs.runs);
    format!(
        "{} at most for each run at a time (measured: peak resident set, {over})",
        bytes(peak.max)
    )
}

fn disk(disk: &Disk) -> String {
    let state = match disk.state.as_slice() {
        [] => "the state folder is not there, so it was not measured".to_owned(),
        parts => {
            let whole: u64 = parts.iter().map(|part| part.bytes).sum();
            let part = |part: &Folder| format!("{} {}", part.name, bytes(part.bytes as f64));
            let parts: Vec<String> = parts.iter().map(part).collect();
            format!(
                "state folder {} (measured: {}; it may hold more than these results need)",
                bytes(whole as f64),
                parts.join(", ")
            )
        }
    };
    format!(
        "{state}; results {} (measured: directories of runs {}, tables and reports {})",
        bytes((disk.runs_bytes + disk.tables_bytes) as f64),
        bytes(disk.runs_bytes as f64),
        bytes(disk.tables_bytes as f64)
    )
}

fn preparing(costs: &Costs) -> String {
    let figure = &costs.preparing_seconds;
    if figure.known == 0 {
        return NOT_MEASURED.to_owned();
    }
    format!(
        "{} in all, {} at most for one run (measured: before the first measured invocation, {}; what an earlier run had \
         prepared is not in it)",
        time(figure.sum),
        time(figure.max),
        coverage(figure, costs.runs)
    )
}

fn completing(costs: &Costs) -> String {
    let wall = &costs.wall_seconds;
    if wall.known == 0 {
        return NOT_MEASURED.to_owned();
    }
    let mut text = format!(
        "{} if one run follows the other, {} at most for one (measured: wall time with preparing, {}",
        time(wall.sum),
        time(wall.max),
        coverage(wall, costs.runs)
    );
    if costs.measuring_seconds.known > 0 {
        text += &format!("; without preparing {}", time(costs.measuring_seconds.sum));
    }
    if costs.processor_seconds.known > 0 {
        text += &format!("; processor time {}", time(costs.processor_seconds.sum));
    }
    text + ")"
}
