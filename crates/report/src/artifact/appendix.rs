//! The appendix as Markdown.

use super::check_list::{check_list, machine, this_program};
use super::evaluation::{evaluation, verdicts};
use super::units::{count, names};
use super::{Facts, Origin, Part, workflow};
use std::collections::{BTreeMap, BTreeSet};

/// How a file begins that nobody has taken over by hand.
pub const GENERATOR: &str = "<!-- Written by `vswarm-u artifact`, which replaces it. Remove this line once the text is yours: then it is left alone. -->";

/// The appendix.
#[must_use]
pub fn appendix(facts: &Facts) -> String {
    let sections = [
        ("Abstract", summary(facts)),
        ("Artifact check-list (meta-information)", check_list(facts)),
        ("Description", description(facts)),
        ("Installation", installation()),
        ("Experiment workflow", experiment_workflow(facts)),
        ("Evaluation and expected results", evaluation(facts)),
        ("Experiment customization", customisation(facts)),
        ("Notes", notes(facts)),
        ("Methodology", methodology()),
    ];
    let mut text = format!(
        "{GENERATOR}\n\n# Artifact Appendix\n\nWhat stands in [brackets] only the authors know.\n"
    );
    for (number, (title, body)) in sections.iter().enumerate() {
        text += &format!("\n## A.{} {title}\n\n{body}", number + 1);
    }
    text
}

fn summary(facts: &Facts) -> String {
    let mut text = String::from(
        "vSwarm-µ runs containerised serverless functions on an unmodified Linux and container engine inside a cycle-level \
         simulator of a RISC-V server, calls them over a simulated network and tells where the cycles of each invocation \
         go. With it this artifact repeats the results in this folder:\n\n",
    );
    for part in &facts.parts {
        text += &format!("- {}\n", contents(part));
    }
    text + "\n[Which figures and claims of the paper these results support.]\n"
}

/// What a part is, in a sentence.
fn contents(part: &Part) -> String {
    let what = match &part.origin {
        Origin::Study { study, full, description, .. } => {
            let how = if *full { "all functions" } else { "in short, for some functions" };
            format!("The study `{}`, {how}. {description}.", study.name())
        }
        Origin::Builtin { name, description, .. } => {
            format!("The experiment `{name}`. {description}.")
        }
        Origin::Sweep => "An experiment of the authors' own.".to_owned(),
        Origin::Runs => "Single runs.".to_owned(),
    };
    let distinct =
        |of: fn(&super::Measured) -> &str| part.runs.iter().map(of).collect::<BTreeSet<_>>().len();
    let verdicts =
        part.validation.as_ref().map_or_else(String::new, |it| format!(" {}", verdicts(it)));
    format!(
        "{what} {} of {} on {}.{verdicts}",
        count(part.runs.len(), "run"),
        count(distinct(|run| &run.function), "function"),
        count(distinct(|run| &run.system), "system")
    )
}

fn description(facts: &Facts) -> String {
    format!(
        "### How to access\n\n[Address of the repository; DOI of the archive.] The archive should hold the sources \
         ({program}), this folder of results, and, for who has no network, the state folder.\n\n\
         ### Hardware dependencies\n\nNone: figures do not depend on the host. What the runs took is in the check-list. \
         This appendix was written on {machine}.\n\n\
         ### Software dependencies\n\nLinux, Rust {rust} or later, a C compiler and linker, `debian-archive-keyring`. \
         Everything in the guest is built from Debian packages; their archive's signature is checked.\n\n\
         ### Data sets\n\nThe functions' own requests. What was measured is identified by these hashes:\n\n{hashes}",
        program = this_program(facts),
        machine = machine(&facts.machine),
        rust = facts.program.rust,
        hashes = hashes(facts)
    )
}

/// What the guest and the functions of all runs are made of.
fn hashes(facts: &Facts) -> String {
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, hash) in facts.runs().flat_map(|run| &run.guest) {
        parts.entry(name).or_default().insert(hash);
    }
    if parts.is_empty() {
        return "- not in the results\n".to_owned();
    }
    let line = |(name, hashes): (&str, BTreeSet<&str>)| {
        format!("- {name}: {}\n", names(hashes.into_iter()))
    };
    parts.into_iter().map(line).collect()
}

fn installation() -> String {
    let commands = [
        "cargo build --release",
        "export PATH=$PWD/target/release:$PATH",
        "export VSWARM_U_HOME=$HOME/.cache/vswarm-u   # or any folder with the space of the check-list",
        "vswarm-u doctor                               # says what is missing and what to do",
        "vswarm-u guest build                          # kernel and disk; the first run would do it too",
        "vswarm-u run fibonacci-go                     # the whole way once",
    ];
    workflow::block(&commands.map(str::to_owned))
}

fn experiment_workflow(facts: &Facts) -> String {
    let mut text = String::new();
    for part in &facts.parts {
        text += &format!("### Results in `{}`\n\n", workflow::place(facts, part));
        if let Origin::Study { study, full: true, .. } = part.origin {
            let short = workflow::reproduce(study, false);
            text +=
                &format!("First in short, for three functions:\n\n{}\n", workflow::block(&[short]));
        }
        text += &part_workflow(facts, part);
        text += "\n";
    }
    let place = workflow::quoted(&facts.results);
    let after = [format!("vswarm-u report {place}"), format!("vswarm-u artifact {place}")];
    text + &format!("Charts of all runs, and this appendix again:\n\n{}", workflow::block(&after))
}

fn part_workflow(facts: &Facts, part: &Part) -> String {
    let commands = workflow::block(&workflow::commands(facts, part));
    let explained = match part.origin {
        Origin::Study { .. } => {
            "Exit status 0 says that no shape failed, 1 that one did, or a run. Runs whose results are in the folder \
             already are not repeated if the program is the same: in the folder of this artifact the command evaluates them \
             anew; with another `--out` it measures. `--jobs N` runs N at a time, which takes N times the memory.\n"
        }
        Origin::Builtin { .. } => {
            "Runs whose results are in the folder already are not repeated if the program is the same; with another `--out` \
             they are. `--jobs N` runs N at a time, which takes N times the memory.\n"
        }
        Origin::Sweep => {
            "These are the runs of the experiment, each by itself; [the experiment's file], which is not among the results, \
             makes all of them with `vswarm-u sweep FILE.toml --out DIR`.\n"
        }
        Origin::Runs => "Each command makes one directory of results.\n",
    };
    format!("{commands}\n{explained}")
}

fn customisation(facts: &Facts) -> String {
    let choices = &facts.choices;
    let list = |names_of: &[String]| names(names_of.iter().map(String::as_str));
    format!(
        "- **Systems:** `--system NAME`, a file of your own, or single values with `--set PATH=VALUE`; \
         `vswarm-u systems show NAME` lists every value with its source. Built in: {systems}.\n\
         - **Functions:** `vswarm-u functions` lists the {functions} that come with the program; \
         `docs/howto/add-a-function.md` adds one of your own.\n\
         - **Restoration units:** `--set restoration.kind=UNIT`, one of {units}; `docs/howto/add-a-restoration-unit.md` adds \
         one of your own.\n\
         - **State:** `--state warm`, `lukewarm` or `cold`; `--lukewarm` says what is lost in between, and to whom.\n\
         - **Experiments:** a file with lists of all these, run by `vswarm-u sweep FILE.toml`; \
         `docs/howto/sweep-experiments.md` has the keys.\n",
        systems = list(&choices.systems),
        functions = choices.functions.len(),
        units = list(&choices.restoration_units)
    )
}

/// What is not known of the results.
fn notes(facts: &Facts) -> String {
    let costs = facts.costs();
    let mut notes = vec![
        "Time depends on the host and on what else ran at the same time; it was taken while the results were made.".to_owned(),
        "Measured sizes are of this folder and of the state folder as they were when this was written.".to_owned(),
    ];
    let figures = [
        ("wall time", costs.wall_seconds.known),
        ("the part of it that was preparing", costs.preparing_seconds.known),
        ("processor time", costs.processor_seconds.known),
        ("peak memory", costs.peak_resident_bytes.known),
    ];
    for (what, known) in figures.into_iter().filter(|(_, known)| *known < costs.runs) {
        let open = count(costs.runs - known, "run");
        notes.push(format!(
            "Not measured: {what} of {open}; the results do not tell, as those of earlier versions."
        ));
    }
    let versions: BTreeSet<&str> = facts.runs().map(|run| run.version.as_str()).collect();
    if versions.iter().any(|version| *version != facts.program.version) {
        notes.push("Results of another version of the program are among these: this one may give other figures.".to_owned());
    }
    notes.extend(facts.left_out.iter().map(|what| format!("Left out: {what}")));
    notes.into_iter().map(|note| format!("- {}\n", note.replace('\n', " "))).collect()
}

fn methodology() -> String {
    "Artifacts are reviewed and badges given after:\n\n\
     - <https://www.acm.org/publications/policies/artifact-review-and-badging-current>\n\
     - <https://ctuning.org/ae/reviewing.html>\n\
     - <https://ctuning.org/ae/submission.html>\n"
        .to_owned()
}
