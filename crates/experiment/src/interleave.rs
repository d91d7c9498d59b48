//! Other functions on the function's hart, and their invocations between two of its own.
//!
//! What a function finds in the core depends on who had it meanwhile. Losing everything is the limit of very many
//! others; here real ones run, as in D. Schall et al., "Lukewarm serverless functions: characterization and
//! optimization", ISCA 2022, section 2, which interleaves a function with others (there `stress-ng`).
//!
//! Co-runners are containers beside the function's, pinned to the same hart, and are called over the same link. Their
//! calls are executed in warming mode: caches, TLBs and predictors see all of them, no cycle is counted.

use crate::measure::{FUNCTION_HART, invoke};
use crate::prepare::CoRunner;
use crate::rig::Rig;
use crate::stages::request_failed;
use crate::timing::Warming;
use crate::{Study, StudyError};
use guest::functions::Catalogue;

/// Who runs between two invocations, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interleaving {
    /// Who.
    pub co_runners: CoRunners,
    /// How long.
    pub until: Until,
}

/// The functions that are called in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoRunners {
    /// These, in this order.
    Named(Vec<String>),
    /// So many of the functions file, spread over the list of their names.
    Spread(u32),
}

/// How much of the co-runners comes between two measured invocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// One call of each.
    #[default]
    Round,
    /// So many calls, in turn; the next pause goes on with whose turn it is.
    Calls(u32),
    /// Calls in turn until the function's hart has executed so many instructions; the last call is completed.
    Instructions(u64),
}

/// More do not fit a guest's memory, and their first port must be below 65,536.
const MOST_CO_RUNNERS: usize = 64;

impl Interleaving {
    /// As it is written on the command line: `interleave=aes-go,auth-python`.
    pub(crate) fn written(&self) -> String {
        match &self.co_runners {
            CoRunners::Named(names) => format!("interleave={}", names.join(",")),
            CoRunners::Spread(count) => format!("interleave=all:{count}"),
        }
    }

    /// The names of the co-runners of `function`.
    pub(crate) fn names(
        &self,
        function: &str,
        catalogue: &Catalogue,
    ) -> Result<Vec<String>, StudyError> {
        let names = match &self.co_runners {
            CoRunners::Named(names) => names.clone(),
            CoRunners::Spread(count) => {
                let others: Vec<_> = catalogue.names().filter(|name| *name != function).collect();
                spread(&others, *count as usize)?
            }
        };
        check(function, &names)?;
        for name in &names {
            catalogue.get(name)?;
        }
        Ok(names)
    }
}

impl Until {
    /// Whether nothing would run.
    fn is_nothing(self) -> bool {
        matches!(self, Self::Calls(0) | Self::Instructions(0))
    }
}

/// `count` of `names`, as far from each other as they can be: neighbours in the alphabet are often one function in
/// several languages.
fn spread(names: &[&str], count: usize) -> Result<Vec<String>, StudyError> {
    if count > names.len() {
        return Err(StudyError::Input(format!(
            "there are {} other functions, not {count}; give a smaller number after all:",
            names.len()
        )));
    }
    Ok((0..count).map(|number| names[number * names.len() / count].to_owned()).collect())
}

fn check(function: &str, names: &[String]) -> Result<(), StudyError> {
    let wrong = |what: String| Err(StudyError::Input(what));
    if names.is_empty() {
        return wrong(
            "there is nobody to interleave with: name functions, as in interleave=aes-go,auth-python, or give \
             their number, as in interleave=all:4"
                .to_owned(),
        );
    }
    if names.len() > MOST_CO_RUNNERS {
        return wrong(format!("at most {MOST_CO_RUNNERS} functions can be interleaved with"));
    }
    if names.iter().any(|name| name == function) {
        return wrong(format!("{function} cannot be interleaved with itself: leave it out"));
    }
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    match twice {
        Some((_, name)) => wrong(format!("{name} is named twice: name each co-runner once")),
        None => Ok(()),
    }
}

/// What is asked for can be done, as far as can be said without the functions file.
pub(crate) fn check_until(interleaving: &Interleaving) -> Result<(), StudyError> {
    if interleaving.until.is_nothing() {
        return Err(StudyError::Input(
            "with no calls and no instructions in between, nothing is interleaved: give at least 1"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The co-runners of a study while it is measured.
#[derive(Debug)]
pub(crate) struct Turns<'a> {
    co_runners: &'a [CoRunner],
    /// Calls so far.
    calls: u64,
}

impl<'a> Turns<'a> {
    /// They were called while the software warmed up, each as often as the function.
    pub(crate) fn new(study: &Study, co_runners: &'a [CoRunner]) -> Self {
        Self { co_runners, calls: u64::from(study.warmup) * co_runners.len() as u64 }
    }

    /// Lets them have the core.
    pub(crate) fn run(
        &mut self,
        until: Until,
        rig: &mut Rig<'_>,
        warming: &mut Warming<'_>,
    ) -> Result<(), StudyError> {
        let retired = |rig: &Rig<'_>| rig.machine.hart(FUNCTION_HART as usize).retired;
        let (first, before) = (self.calls, retired(rig));
        let done = |calls: u64, rig: &Rig<'_>| match until {
            Until::Round => calls == self.co_runners.len() as u64,
            Until::Calls(wanted) => calls == u64::from(wanted),
            Until::Instructions(wanted) => retired(rig) - before >= wanted,
        };
        while !done(self.calls - first, rig) {
            call(self.co_runners, self.calls, rig, warming)?;
            self.calls += 1;
        }
        Ok(())
    }
}

/// Makes call number `n` of all that are made in turn.
fn call(
    co_runners: &[CoRunner],
    n: u64,
    rig: &mut Rig<'_>,
    warming: &mut Warming<'_>,
) -> Result<(), StudyError> {
    let count = co_runners.len() as u64;
    let co_runner = &co_runners[(n % count) as usize];
    let sendable = co_runner.requests.nth(n / count);
    let answer = invoke(rig, sendable, warming)?;
    sendable
        .check(&answer.reply)
        .map_err(|wrong| request_failed(rig, format!("the co-runner {}: {wrong}", co_runner.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Interleaving {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Interleaving { co_runners: CoRunners::Named(names), until: Until::Round }
    }

    fn of_python(interleaving: &Interleaving) -> Result<Vec<String>, String> {
        let catalogue = Catalogue::builtin().unwrap();
        interleaving.names("fibonacci-python", &catalogue).map_err(|error| error.to_string())
    }

    #[test]
    fn co_runners_keep_their_order_and_are_written_as_they_are_given() {
        let two = named(&["auth-python", "aes-go"]);
        assert_eq!(of_python(&two).unwrap(), ["auth-python", "aes-go"]);
        assert_eq!(two.written(), "interleave=auth-python,aes-go");
    }

    #[test]
    fn some_of_all_are_spread_over_the_names_and_never_the_function_itself() {
        let some =
            |count| Interleaving { co_runners: CoRunners::Spread(count), until: Until::Round };
        let catalogue = Catalogue::builtin().unwrap();
        let others = catalogue.names().count() - 1;
        for count in [1, 2, 7, others] {
            let names = of_python(&some(count as u32)).unwrap();
            assert_eq!(names.len(), count);
            assert!(!names.contains(&"fibonacci-python".to_owned()));
        }
        assert_eq!(spread(&["a", "b", "c", "d", "e"], 2).unwrap(), ["a", "c"]);
        assert_eq!(some(3).written(), "interleave=all:3");
        let too_many = of_python(&some(others as u32 + 1)).unwrap_err();
        assert!(too_many.contains(&format!("there are {others} other functions")), "{too_many}");
    }

    #[test]
    fn who_cannot_be_interleaved_with_is_named() {
        for (names, told) in [
            (
                &["aes-go", "fibonacci-python"][..],
                "fibonacci-python cannot be interleaved with itself",
            ),
            (&["aes-go", "auth-go", "aes-go"], "aes-go is named twice"),
            (&[], "there is nobody to interleave with"),
            (&["aes-goo"], "aes-goo"),
        ] {
            let error = of_python(&named(names)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn nothing_in_between_is_refused() {
        for (until, refused) in [
            (Until::Calls(0), true),
            (Until::Instructions(0), true),
            (Until::Calls(1), false),
            (Until::Round, false),
        ] {
            let interleaving = Interleaving { until, ..named(&["aes-go"]) };
            assert_eq!(check_until(&interleaving).is_err(), refused, "{until:?}");
        }
    }
}
