//! Every kind of imbalance is found, and told in words.

mod support;

use report::{
    Run,
    books::imbalances,
    model::{Invocation, Statistics, Value},
};
use support::{catalogue, run};

/// What `spoil` makes wrong about the sound fixture, as text.
fn found(spoil: impl FnOnce(&mut Run)) -> Vec<String> {
    let mut run = run();
    spoil(&mut run);
    imbalances(&run, &catalogue()).iter().map(ToString::to_string).collect()
}

#[test]
fn privileges_that_do_not_sum_to_the_whole_are_told() {
    assert_eq!(
        found(|run| run.invocations[0].harts[1].user_cycles += 1),
        ["invocation 0, hart 1: user 700001 and kernel 200000 cycles do not sum to 900000"]
    );
    assert_eq!(
        found(|run| run.invocations[1].harts[0].kernel_instructions = u64::MAX),
        [
            "invocation 1, hart 0: user 0 and kernel 18446744073709551615 instructions do not sum to 0"
        ]
    );
}

#[test]
fn layers_that_do_not_sum_to_the_whole_are_told() {
    let layers = |cycles: [u64; 2]| {
        move |run: &mut Run| {
            let hart = &mut run.invocations[0].harts[1].statistics;
            hart.count("layers.function.cycles", cycles[0]);
            hart.count("layers.kernel_network.cycles", cycles[1]);
            hart.values.retain(|path, _| path.starts_with("layers."));
        }
    };
    let unknown = ["function", "kernel_network"].map(|layer| {
        format!("invocation 0: statistic `layers.{layer}.cycles` is not in the catalogue")
    });
    assert_eq!(found(layers([700_000, 200_000])), unknown);
    let told = found(layers([700_000, 200_001]));
    assert_eq!(told[0], "invocation 0, hart 1: cycles of its layers sum to 900001, not to 900000");
}

#[test]
fn headline_numbers_that_are_not_the_harts_are_told() {
    let expected = "invocation 2: its cycles, instructions or cpi are not those of hart 1";
    // Failed invocations are not part of the summary, so only the headline is off.
    assert_eq!(found(|run| run.invocations[2].cycles += 1), [expected]);
    assert_eq!(found(|run| run.invocations[2].cpi = None), [expected]);
    assert_eq!(found(|run| run.invocations[2].harts.clear()), [expected]);
}

#[test]
fn misnamed_unknown_and_unexplained_statistics_are_told() {
    let add = |path: &'static str, value| {
        move |run: &mut Run| {
            run.invocations[2].statistics.values.insert(path.to_owned(), value);
        }
    };
    assert_eq!(
        found(add("L1i..hits", Value::Count(1))),
        [
            "invocation 2: statistic path `L1i..hits` is not dotted snake_case",
            "invocation 2: statistic `L1i..hits` is not in the catalogue"
        ]
    );
    assert_eq!(
        found(add("l1i.mpki", Value::Undefined)),
        ["invocation 2: statistic `l1i.mpki` is undefined and nothing says why"]
    );
}

#[test]
fn a_summary_of_other_invocations_is_told() {
    assert_eq!(
        found(|run| run.summary.failed = 0),
        ["the summary is not the one of the invocations"]
    );
}

#[test]
fn an_invocation_on_a_hart_that_was_not_measured_is_refused() {
    let one = Invocation::measured(3, 1, Default::default(), 1, vec![], Statistics::default());
    assert_eq!(
        one.expect_err("there is no hart").to_string(),
        "recording invocation 3: the function's hart 1 is not among the 0 measured harts; measure \
         that hart or pin the function to another"
    );
}

#[test]
fn a_run_of_failures_has_reasons_in_place_of_numbers() {
    let run = run();
    let failed: Vec<_> =
        run.invocations.into_iter().map(|one| one.failed("the guest panicked")).collect();
    let summary = report::summarize(&failed);
    assert_eq!((summary.invocations, summary.failed, summary.cpi), (3, 3, None));
    assert_eq!(summary.undefined["cpi"], "no invocation succeeded");
    assert_eq!(summary.undefined.len(), 4);
}
