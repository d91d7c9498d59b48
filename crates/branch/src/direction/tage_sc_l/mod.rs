//! TAGE-SC-L in 64 KB: TAGE on banked tables, a loop predictor, and a statistical corrector that
//! overrules both where sums of counters over other histories disagree with them (Seznec,
//! "TAGE-SC-L branch predictors again", CBP-5, 2016; Seznec, San Miguel and Albericio, "The inner
//! most loop iteration counter", MICRO 2015).
//!
//! Differences: the contest's predictor moves its local histories at prediction with the true
//! outcome; here they move with the guess and are repaired. Address bits are halfword addresses,
//! since compressed instructions lie on them. Counters are not trained if another branch took their
//! entry between guess and commit.

mod corrector;
mod corrector_tables;
mod hash;
mod layout;
mod tage;

use super::loops::{LoopToken, Loops};
use super::{BranchSite, DirectionPredictor, LoopConfig, Origin};
use crate::bits::step_signed;
use crate::lfsr::Lfsr;
use crate::{History, HistorySpec, Problems};
use corrector::{Corrector, CorrectorToken};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;
use tage::{Tage, TageToken};

/// Parameters of TAGE-SC-L: the parts that can be left out. Its sizes are those of the 64 KB design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TageScLConfig {
    /// With the statistical corrector.
    pub corrector: bool,
    /// With the loop predictor.
    pub loops: bool,
}

impl Default for TageScLConfig {
    fn default() -> Self {
        Self { corrector: true, loops: true }
    }
}

const WITH_LOOP_BITS: u32 = 7;

/// What TAGE-SC-L remembers from a guess.
#[derive(Clone, Copy, Debug)]
pub struct TageScLToken {
    tage: TageToken,
    loops: Option<LoopToken>,
    /// The guess of TAGE and the loop predictor.
    inner: bool,
    from_loop: bool,
    corrector: Option<CorrectorToken>,
    guess: bool,
}

/// TAGE-SC-L.
#[derive(Clone, Debug)]
pub struct TageScL {
    tage: Tage,
    loops: Option<Loops>,
    with_loop: i8,
    corrector: Option<Corrector>,
}

impl DirectionPredictor for TageScL {
    type Config = TageScLConfig;
    type Token = TageScLToken;

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(config: &Self::Config) -> Self {
        Self {
            tage: Tage::new(),
            loops: config.loops.then(|| Loops::new(&LoopConfig::tage_sc_l())),
            with_loop: -1,
            corrector: config.corrector.then(Corrector::new),
        }
    }

    fn history(&self) -> HistorySpec {
        self.tage.history()
    }

    fn predict(&self, site: BranchSite, history: &History) -> (bool, TageScLToken) {
        let tage = self.tage.predict(site.pc, history);
        let loops = self.loops.as_ref().map(|loops| loops.predict(site.pc));
        let from_loop = loops.and_then(|token| token.guess()).filter(|_| self.with_loop >= 0);
        let inner = from_loop.unwrap_or(tage.guess);
        let corrector = self.corrector.as_ref();
        let corrector = corrector.map(|it| it.predict(site.pc, history, &tage, inner));
        let guess = corrector.map_or(inner, |token| token.guess);
        let from_loop = from_loop.is_some();
        (guess, TageScLToken { tage, loops, inner, from_loop, corrector, guess })
    }

    fn speculate(&mut self, token: &TageScLToken, taken: bool) {
        if let (Some(loops), Some(token)) = (&mut self.loops, &token.loops) {
            loops.speculate(token, taken);
        }
        if let (Some(corrector), Some(token)) = (&mut self.corrector, &token.corrector) {
            corrector.speculate(token, taken);
        }
    }

    fn repair(&mut self, token: &TageScLToken) {
        if let (Some(loops), Some(token)) = (&mut self.loops, &token.loops) {
            loops.repair(token);
        }
        if let (Some(corrector), Some(token)) = (&mut self.corrector, &token.corrector) {
            corrector.repair(token);
        }
    }

    fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
        self.tage.set_base(pc, taken);
        true
    }

    fn train(&mut self, token: &TageScLToken, actual: bool) {
        let wrong = token.guess != actual;
        if let (Some(loops), Some(loop_token)) = (&mut self.loops, &token.loops) {
            let guess = loop_token.guess().filter(|guess| *guess != token.tage.guess);
            if let Some(guess) = guess {
                self.with_loop = step_signed(self.with_loop, guess == actual, WITH_LOOP_BITS);
            }
            loops.train(loop_token, actual, token.tage.guess, wrong);
        }
        if let (Some(corrector), Some(sums)) = (&mut self.corrector, &token.corrector) {
            corrector.train(sums, &token.tage, token.inner, actual);
        }
        self.tage.train(&token.tage, actual, wrong);
    }

    fn origin(token: &TageScLToken) -> Option<Origin> {
        Some(Origin {
            provider: token.tage.provider(),
            alternate: token.tage.used_alternate,
            from_loop: token.from_loop,
            reverted: token.guess != token.inner,
            guess: token.guess,
        })
    }

    fn storage_bits(&self) -> u64 {
        let loops = self.loops.as_ref();
        let loops =
            loops.map_or(0, |it| it.storage_bits() + u64::from(WITH_LOOP_BITS) + Lfsr::BITS);
        let corrector = self.corrector.as_ref().map_or(0, Corrector::storage_bits);
        self.tage.storage_bits() + loops + corrector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_64_kib() {
        let predictor = TageScL::new(&TageScLConfig::default());
        let bits = predictor.storage_bits();
        assert!((63 * 8192..=64 * 8192).contains(&bits), "{bits} bits");
    }

    #[test]
    fn parts_can_be_left_out() {
        let bits =
            |corrector, loops| TageScL::new(&TageScLConfig { corrector, loops }).storage_bits();
        assert_eq!(bits(true, true) - bits(true, false), 32 * 39 + 7 + 32);
        assert_eq!(bits(true, true) - bits(false, true), Corrector::new().storage_bits());
    }
}
