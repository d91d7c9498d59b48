//! The table of closed forms in the documentation is what the core does.

use super::forms::Form;
use super::{back, front, guesses, memory, moves};
use std::fmt::Write;

const PAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/model/validation-closed-forms.md");

const HEAD: &str = "# Closed forms of the out-of-order core

Every latency, width and queue of the core has a formula for what it costs. The tests of
`crates/pipeline/src/out_of_order/tests` measure small programs on a core in which nothing else is
short and compare to the cycle; this page is written by `tools/dev bless` and compared by
`cargo test -p pipeline`.

The core of these tests, where a row does not say otherwise: 16 wide, 512 entries of reorder buffer,
fetch to decode F = 3, decode to rename D = 2, rename to issue R = 2, result to commit E = 1 cycles;
caches L1I = 3, L1D = 4, LLC = 20, memory 100, devices 50 cycles at 1 GHz. An address takes 1 cycle, a
miss looks its level up before it goes on.

Where the terms come from: a stage takes up in cycle t what the one before it set down until t - 1, so
prediction, and a redirection of it, cost one cycle each before the request of the instruction cache:
that is the 2 of resteers and squashes. Commit frees what rename takes in the same cycle.

Errors are those of the found against the expected cycles (or events, where the formula counts them).

";

fn all() -> Vec<(&'static str, Vec<Form>)> {
    vec![
        ("Front end: latencies", front::latencies()),
        ("Front end: widths", front::widths()),
        ("Front end: queues", front::queues()),
        ("Front end: taken branches", front::targets()),
        ("Wrong guesses", guesses::penalties()),
        ("Rename to commit: latencies", back::latencies()),
        ("Rename to commit: widths", back::widths()),
        ("Rename to commit: queues", back::queues()),
        ("Move elimination", moves::chains()),
        ("Traps, serialisation, waits", back::interruptions()),
        ("Loads by level", memory::levels()),
        ("Forwarding and the store queue", memory::forwarding()),
        ("Order in memory, devices", memory::order()),
        ("Lines and pages crossed", memory::crossings()),
        ("Memory-level parallelism", memory::parallelism()),
        ("Translation", memory::translation()),
    ]
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    let groups = all();
    let count: usize = groups.iter().map(|(_, forms)| forms.len()).sum();
    writeln!(text, "{count} points.").expect("strings take everything");
    for (title, forms) in groups {
        write!(text, "\n## {title}\n\n").expect("as above");
        text += "| parameter | formula | value | expected | found | error |\n|---|---|---|---|---|---|\n";
        for form in forms {
            let Form { name, formula, value, expected, found } = form;
            let error = if expected == found { 0.0 } else { (found / expected - 1.0) * 100.0 };
            writeln!(
                text,
                "| {name} | {formula} | {value} | {expected} | {found} | {error:.1} % |"
            )
            .expect("as above");
        }
    }
    text
}

#[test]
fn the_table_in_the_documentation_is_what_the_core_does() {
    let found = page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(PAGE, found).expect("the page can be written");
        return;
    }
    let expected = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        expected == found,
        "docs/model/validation-closed-forms.md is not what the core does: run `tools/dev bless`"
    );
}
