//! Whether a result adds up. What does not is a defect of whoever measured, and is told as such.

use crate::model::{Catalogue, HartWindow, Invocation, Run, Statistics, Value};
use crate::{layers, summarize};

/// Something about a run that does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// The two privileges do not sum to the whole.
    #[error(
        "invocation {index}, hart {hart}: user {user} and kernel {kernel} {what} do not sum to \
         {total}"
    )]
    Privilege {
        /// The invocation.
        index: u64,
        /// The hart.
        hart: u32,
        /// `cycles` or `instructions`.
        what: &'static str,
        /// The user part.
        user: u64,
        /// The kernel part.
        kernel: u64,
        /// What they should sum to.
        total: u64,
    },
    /// The layers do not sum to the whole.
    #[error("invocation {index}, hart {hart}: {what} of its layers sum to {sum}, not to {total}")]
    Layers {
        /// The invocation.
        index: u64,
        /// The hart.
        hart: u32,
        /// `cycles` or `instructions`.
        what: &'static str,
        /// What they sum to.
        sum: u64,
        /// What they should sum to.
        total: u64,
    },
    /// The headline numbers are not those of the function's hart.
    #[error("invocation {index}: its cycles, instructions or cpi are not those of hart {hart}")]
    Headline {
        /// The invocation.
        index: u64,
        /// The function's hart.
        hart: u32,
    },
    /// A path that is not dotted snake_case.
    #[error("invocation {index}: statistic path `{path}` is not dotted snake_case")]
    Path {
        /// The invocation.
        index: u64,
        /// The path.
        path: String,
    },
    /// A statistic nobody describes.
    #[error("invocation {index}: statistic `{path}` is not in the catalogue")]
    Unknown {
        /// The invocation.
        index: u64,
        /// The path.
        path: String,
    },
    /// A value that is not a number, without a reason.
    #[error("invocation {index}: statistic `{path}` is undefined and nothing says why")]
    Unexplained {
        /// The invocation.
        index: u64,
        /// The path.
        path: String,
    },
    /// The summary is not the one of the invocations.
    #[error("the summary is not the one of the invocations")]
    Summary,
}

/// Everything that does not add up; empty for a sound run.
#[must_use]
pub fn imbalances(run: &Run, catalogue: &Catalogue) -> Vec<Imbalance> {
    let mut found = Vec::new();
    for one in &run.invocations {
        headline(one, &mut found);
        statistics(one.index, &one.statistics, catalogue, &mut found);
        for hart in &one.harts {
            privileges(one.index, hart, &mut found);
            let layers = layers::imbalances(hart).into_iter();
            found.extend(layers.map(|(what, sum, total)| Imbalance::Layers {
                index: one.index,
                hart: hart.hart,
                what,
                sum,
                total,
            }));
            statistics(one.index, &hart.statistics, catalogue, &mut found);
        }
    }
    if run.summary != summarize(&run.invocations) {
        found.push(Imbalance::Summary);
    }
    found
}

fn headline(one: &Invocation, found: &mut Vec<Imbalance>) {
    let numbers = (one.cycles, one.idle_cycles, one.instructions, one.cpi);
    let of = |w: &HartWindow| (w.cycles, w.idle_cycles, w.instructions, w.cpi());
    let window = one.harts.iter().find(|window| window.hart == one.hart);
    if window.map(of) != Some(numbers) {
        found.push(Imbalance::Headline { index: one.index, hart: one.hart });
    }
}

fn privileges(index: u64, window: &HartWindow, found: &mut Vec<Imbalance>) {
    let HartWindow { user_cycles, kernel_cycles, cycles, .. } = *window;
    let HartWindow { user_instructions, kernel_instructions, instructions, hart, .. } = *window;
    let sums = [
        ("cycles", user_cycles, kernel_cycles, cycles),
        ("instructions", user_instructions, kernel_instructions, instructions),
    ];
    for (what, user, kernel, total) in sums {
        if user.checked_add(kernel) != Some(total) {
            found.push(Imbalance::Privilege { index, hart, what, user, kernel, total });
        }
    }
}

fn statistics(
    index: u64,
    statistics: &Statistics,
    catalogue: &Catalogue,
    found: &mut Vec<Imbalance>,
) {
    for (path, value) in &statistics.values {
        let path = path.clone();
        if !is_dotted_snake_case(&path) {
            found.push(Imbalance::Path { index, path: path.clone() });
        }
        if *value == Value::Undefined && !statistics.undefined.contains_key(&path) {
            found.push(Imbalance::Unexplained { index, path: path.clone() });
        }
        if !catalogue.contains_key(&path) {
            found.push(Imbalance::Unknown { index, path });
        }
    }
}

fn is_dotted_snake_case(path: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    path.split('.').all(is_word)
}
