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
mod opinion;
mod tage;

use super::loops::{LoopToken, Loops};
use super::{BranchSite, DirectionPredictor, LoopConfig, Moved, Origin, Provider, SecondLevel};
use crate::bits::step_signed;
use crate::lfsr::Lfsr;
use crate::{History, HistorySpec, Problems};
use corrector::{Corrector, CorrectorToken};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;
use tage::Tage;

pub(super) use opinion::{Confidence, Opinion};
pub(super) use tage::{Allocated, TageToken};

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

/// Eights of history lengths that the predictor reads, before any that another adds.
pub(super) const HISTORY_EIGHTS: usize = layout::LENGTH_BLOCKS;

/// History bits of a logical table, numbered from 1.
pub(super) const fn history_bits(table: u8) -> u32 {
    layout::LENGTHS[(table as usize).div_ceil(2) - 1]
}

/// What statistics call the history length of a logical table.
pub(super) fn provider_of(table: u8) -> Provider {
    Provider::of(Some(layout::number_of(usize::from(table))))
}

/// What TAGE-SC-L remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct TageScLToken {
    tage: TageToken,
    /// The guess that loop predictor and corrector checked, and how sure it was.
    checked: bool,
    confidence: Confidence,
    loops: Option<LoopToken>,
    /// The guess of TAGE and the loop predictor.
    inner: bool,
    from_loop: bool,
    /// Left over if there is no corrector.
    corrector: CorrectorToken,
    guess: bool,
}

impl TageScLToken {
    /// The guess of TAGE, whoever's opinion was checked.
    pub(super) fn tage_guess(&self) -> bool {
        self.tage.opinion().guess
    }
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

    fn predict(&self, site: BranchSite, history: &History, token: &mut TageScLToken) -> bool {
        let opinion = self.look_up(site.pc, history, token);
        self.check(site.pc, history, opinion, token)
    }

    fn speculate(&mut self, token: &TageScLToken, taken: bool) {
        if let (Some(loops), Some(token)) = (&mut self.loops, &token.loops) {
            loops.speculate(token, taken);
        }
        if let Some(corrector) = &mut self.corrector {
            corrector.speculate(&token.corrector, taken);
        }
    }

    fn repair(&mut self, token: &TageScLToken) {
        if let (Some(loops), Some(token)) = (&mut self.loops, &token.loops) {
            loops.repair(token);
        }
        if let Some(corrector) = &mut self.corrector {
            corrector.repair(&token.corrector);
        }
    }

    fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
        self.tage.set_base(pc, taken);
        true
    }

    fn train(&mut self, token: &TageScLToken, actual: bool) {
        self.train_checks(token, actual);
        self.train_tage(token, actual);
    }

    fn origin(token: &TageScLToken) -> Option<Origin> {
        Some(Origin {
            provider: token.tage.provider(),
            alternate: token.tage.used_alternate,
            from_loop: token.from_loop,
            reverted: token.guess != token.inner,
            guess: token.guess,
            second_level: SecondLevel::Silent,
            moved: Moved::default(),
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

/// The steps of a guess and of training, for a predictor that knows some branches better than TAGE.
impl TageScL {
    /// What TAGE knows of a branch.
    #[inline]
    pub(super) fn look_up(
        &self,
        pc: VirtAddr,
        history: &History,
        token: &mut TageScLToken,
    ) -> Opinion {
        self.tage.predict(pc, history, &mut token.tage);
        token.tage.opinion()
    }

    /// Has the loop predictor and the corrector check an opinion: TAGE's, or a better one. Returns the
    /// guess.
    #[inline]
    pub(super) fn check(
        &self,
        pc: VirtAddr,
        history: &History,
        opinion: Opinion,
        token: &mut TageScLToken,
    ) -> bool {
        (token.checked, token.confidence) = (opinion.guess, opinion.confidence);
        token.loops = self.loops.as_ref().map(|loops| loops.predict(pc));
        let from_loop = token.loops.and_then(|token| token.guess()).filter(|_| self.with_loop >= 0);
        token.from_loop = from_loop.is_some();
        token.inner = from_loop.unwrap_or(opinion.guess);
        token.guess = match &self.corrector {
            Some(it) => it.predict(pc, history, &opinion, token.inner, &mut token.corrector),
            None => token.inner,
        };
        token.guess
    }

    /// Trains the loop predictor and the corrector.
    #[inline]
    pub(super) fn train_checks(&mut self, token: &TageScLToken, actual: bool) {
        let wrong = token.guess != actual;
        let checked = token.checked;
        if let (Some(loops), Some(loop_token)) = (&mut self.loops, &token.loops) {
            let guess = loop_token.guess().filter(|guess| *guess != checked);
            if let Some(guess) = guess {
                self.with_loop = step_signed(self.with_loop, guess == actual, WITH_LOOP_BITS);
            }
            loops.train(loop_token, actual, checked, wrong);
        }
        if let Some(corrector) = &mut self.corrector {
            corrector.train(&token.corrector, token.confidence, token.inner, actual);
        }
    }

    /// Trains TAGE, whose opinion was checked.
    #[inline]
    pub(super) fn train_tage(&mut self, token: &TageScLToken, actual: bool) -> Allocated {
        self.tage.train(&token.tage, actual, token.guess != actual)
    }

    /// Gives the branch entries in TAGE of longer histories than that of `table`, for the opinion that
    /// was checked was another's and wrong.
    pub(super) fn allocate_above(
        &mut self,
        token: &TageScLToken,
        table: u8,
        actual: bool,
    ) -> Allocated {
        let wrong = token.guess != actual;
        self.tage.allocate_above(&token.tage, table, actual, wrong)
    }

    /// Trains TAGE's base table by itself.
    pub(super) fn train_base(&mut self, token: &TageScLToken, actual: bool) {
        self.tage.train_base(&token.tage, actual);
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
