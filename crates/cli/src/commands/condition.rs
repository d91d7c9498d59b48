//! How warm the core is when an invocation starts, as the command line says it.

use crate::args::StateArg;
use crate::failure::Failure;
use ::system::{Lost, SystemConfig};
use anyhow::anyhow;
use experiment::{CoRunners, Condition, Interleaving, Sampling, Until};

/// What was asked for; what is absent was not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// `--state`.
    pub state: Option<StateArg>,
    /// `--lukewarm`.
    pub lukewarm: Option<&'a str>,
    /// `--interleave-calls`.
    pub calls: Option<u32>,
    /// `--interleave-instructions`.
    pub instructions: Option<u64>,
    /// `--sampling-period`.
    pub sampling_period: Option<u64>,
}

impl Asked<'_> {
    /// The condition, for a function on `system`. Whether co-runners exist shows when the functions file is read.
    ///
    /// # Errors
    /// What is not known or contradicts itself.
    pub fn condition(&self, system: &SystemConfig) -> Result<Condition, Failure> {
        let condition = self.without_limits(system)?;
        let limited = self.calls.is_some() || self.instructions.is_some();
        if limited && !matches!(condition, Condition::Interleaved(_)) {
            return Err(Failure::input(anyhow!(
                "--interleave-calls and --interleave-instructions say how long others run: give --lukewarm \
                 interleave=F1,F2 with them, or leave them out"
            )));
        }
        if self.sampling_period.is_some() && !matches!(condition, Condition::Cold(_)) {
            return Err(Failure::input(anyhow!(
                "--sampling-period is for what comes before the first request of a new container: give \
                 --state cold with it, or leave it out"
            )));
        }
        Ok(condition)
    }

    fn without_limits(&self, system: &SystemConfig) -> Result<Condition, Failure> {
        match (self.state, self.lukewarm) {
            (Some(StateArg::Warm), Some(how)) => Err(Failure::input(anyhow!(
                "--state warm and --lukewarm {how} contradict each other; leave one of them out"
            ))),
            (Some(StateArg::Cold), Some(how)) => Err(Failure::input(anyhow!(
                "--state cold and --lukewarm {how} contradict each other; leave one of them out"
            ))),
            (Some(StateArg::Cold), None) => Ok(Condition::Cold(self.sampling())),
            (Some(StateArg::Warm) | None, None) => Ok(Condition::Warm),
            (Some(StateArg::Lukewarm), None) => Ok(Condition::Flushed(Lost::all(system))),
            (_, Some(how)) => self.lukewarm(how, system),
        }
    }

    fn lukewarm(&self, how: &str, system: &SystemConfig) -> Result<Condition, Failure> {
        match how.split_once('=') {
            None if how == "flush" => Ok(Condition::Flushed(Lost::all(system))),
            Some(("flush", list)) => {
                Lost::named(&names(list), system).map(Condition::Flushed).map_err(|error| {
                    Failure::input(anyhow::Error::new(error).context("reading --lukewarm"))
                })
            }
            Some(("interleave", list)) => {
                let until = self.until();
                Ok(Condition::Interleaved(Interleaving { co_runners: co_runners(list)?, until }))
            }
            _ => Err(Failure::input(anyhow!(
                "reading --lukewarm: {how:?} is not known; give flush, or flush= and structures, such as \
                 flush=l1i,btb, or interleave= and functions, such as interleave=aes-go,auth-python, or \
                 interleave=all:4"
            ))),
        }
    }

    fn sampling(&self) -> Sampling {
        let default = Sampling::default();
        Sampling { period: self.sampling_period.unwrap_or(default.period), ..default }
    }

    fn until(&self) -> Until {
        match (self.calls, self.instructions) {
            (_, Some(instructions)) => Until::Instructions(instructions),
            (Some(calls), None) => Until::Calls(calls),
            (None, None) => Until::Round,
        }
    }
}

fn names(list: &str) -> Vec<&str> {
    if list.is_empty() { Vec::new() } else { list.split(',').collect() }
}

fn co_runners(list: &str) -> Result<CoRunners, Failure> {
    let Some(count) = list.strip_prefix("all:") else {
        return Ok(CoRunners::Named(names(list).into_iter().map(str::to_owned).collect()));
    };
    count.parse().map(CoRunners::Spread).map_err(|_| {
        Failure::input(anyhow!(
            "reading --lukewarm: {count:?} is no number of functions; write interleave=all:4, say"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asked: Asked<'_>) -> Result<Condition, u8> {
        let system = ::system::load("skylake", &[]).unwrap().config;
        asked.condition(&system).map_err(|failure| failure.status)
    }

    fn lukewarm(how: &str) -> Asked<'_> {
        Asked { lukewarm: Some(how), ..Asked::default() }
    }

    #[test]
    fn what_is_lost_is_read_or_refused() {
        let system = ::system::load("skylake", &[]).unwrap().config;
        assert_eq!(read(Asked::default()), Ok(Condition::Warm));
        let all = Condition::Flushed(Lost::all(&system));
        let state = |state| Asked { state: Some(state), ..Asked::default() };
        assert_eq!(read(state(StateArg::Lukewarm)), Ok(all.clone()));
        assert_eq!(read(lukewarm("flush")), Ok(all));
        let some = Condition::Flushed(Lost::named(&["l2", "btb"], &system).unwrap());
        let asked = Asked { state: Some(StateArg::Lukewarm), ..lukewarm("flush=btb,l2") };
        assert_eq!(read(asked), Ok(some));
        for wrong in ["flush=", "flush=l1i,,l2", "flush=l9", "wash", "=l1i", "", "interleave"] {
            assert_eq!(read(lukewarm(wrong)), Err(2), "{wrong}");
        }
        let contradiction = Asked { state: Some(StateArg::Warm), ..lukewarm("flush") };
        assert_eq!(read(contradiction), Err(2));
    }

    #[test]
    fn who_runs_in_between_and_how_long_is_read_or_refused() {
        let names = ["aes-go", "geo"].map(str::to_owned).to_vec();
        let named = |until| {
            let co_runners = CoRunners::Named(names.clone());
            Ok(Condition::Interleaved(Interleaving { co_runners, until }))
        };
        let two = lukewarm("interleave=aes-go,geo");
        assert_eq!(read(two), named(Until::Round));
        assert_eq!(read(Asked { calls: Some(5), ..two }), named(Until::Calls(5)));
        let million = Asked { instructions: Some(1_000_000), ..two };
        assert_eq!(read(million), named(Until::Instructions(1_000_000)));
        let spread = Interleaving { co_runners: CoRunners::Spread(4), until: Until::Round };
        assert_eq!(read(lukewarm("interleave=all:4")), Ok(Condition::Interleaved(spread)));
        for wrong in ["interleave=all:", "interleave=all:x", "interleave=all:-1"] {
            assert_eq!(read(lukewarm(wrong)), Err(2), "{wrong}");
        }
        assert_eq!(read(Asked { calls: Some(5), ..lukewarm("flush") }), Err(2));
        assert_eq!(read(Asked { instructions: Some(5), ..Asked::default() }), Err(2));
    }

    #[test]
    fn a_cold_start_is_sampled_and_nothing_is_lost_before_it() {
        let cold = Asked { state: Some(StateArg::Cold), ..Asked::default() };
        assert_eq!(read(cold), Ok(Condition::Cold(Sampling::default())));
        let period = Asked { sampling_period: Some(20_000_000), ..cold };
        let rarely = Sampling { period: 20_000_000, ..Sampling::default() };
        assert_eq!(read(period), Ok(Condition::Cold(rarely)));
        assert_eq!(read(Asked { lukewarm: Some("flush"), ..cold }), Err(2));
        assert_eq!(read(Asked { sampling_period: Some(20_000_000), ..Asked::default() }), Err(2));
        assert_eq!(read(Asked { calls: Some(1), ..cold }), Err(2));
    }
}
