//! Which part of a direction predictor a guess came from, and the statistics of it.
//!
//! Predictors of the TAGE family take the guess of the longest history that knows the branch; the
//! next shorter one, a loop predictor and a statistical corrector may speak against it. Counted at
//! commit, this tells which tables are worth their storage (Seznec and Michaud, "A case for (partially)
//! tagged geometric history length branch prediction", JILP 2006, counts so). Predictors of a single
//! table have no parts and count nothing.

use stats::{Counter, Kind, PerKind, Stats};
use std::ops::AddAssign;

/// The table that knew a branch: the base table, or the tagged table of a history length, the
/// shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Provider {
    /// The base table: no history is known.
    Base,
    /// The shortest history.
    Length1,
    /// The second.
    Length2,
    /// The third.
    Length3,
    /// The fourth.
    Length4,
    /// The fifth.
    Length5,
    /// The sixth.
    Length6,
    /// The seventh.
    Length7,
    /// The eighth.
    Length8,
    /// The ninth.
    Length9,
    /// The tenth.
    Length10,
    /// The eleventh.
    Length11,
    /// The twelfth.
    Length12,
    /// The thirteenth.
    Length13,
    /// The fourteenth.
    Length14,
    /// The fifteenth.
    Length15,
    /// The sixteenth.
    Length16,
}

impl Provider {
    /// The table of a length, numbered from 0; the base table for `None`.
    pub(super) fn of(length: Option<usize>) -> Self {
        Self::ALL[length.map_or(0, |length| length + 1)]
    }
}

/// Where the guess of a branch came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The longest history that knew the branch.
    pub provider: Provider,
    /// Its entry was too new to be believed, and the next shorter history's guess was taken.
    pub alternate: bool,
    /// The loop predictor's guess was taken instead.
    pub from_loop: bool,
    /// The statistical corrector turned the guess around.
    pub reverted: bool,
    /// The guess that came of it.
    pub guess: bool,
    /// What a second level of patterns had to say.
    pub second_level: SecondLevel,
    /// What was moved between the levels.
    pub moved: Moved,
}

/// What a second level of patterns, as the last-level branch predictor has it, had to say to a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondLevel {
    /// Nothing: there is none, or it did not know the branch where it was.
    Silent,
    /// Its patterns of this part of the program had not arrived.
    Late,
    /// A pattern matched, but the first level knew a longer history.
    Shorter,
    /// A pattern was followed.
    Followed {
        /// Its guess.
        guess: bool,
        /// The first level would have guessed otherwise.
        turned: bool,
    },
}

/// What a predictor moved between levels of its storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bits from the last level to the one near the front end.
    pub read_bits: u32,
    /// Bits back.
    pub written_bits: u32,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.read_bits += other.read_bits;
        self.written_bits += other.written_bits;
    }
}

/// Where the guesses of conditional branches that committed came from.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct DirectionStats {
    /// Conditional branches committed, by the longest history that knew them.
    #[stat(unit = "instructions")]
    pub provided: PerKind<Provider>,
    /// Those of them that the predictor as a whole had wrong.
    #[stat(unit = "instructions")]
    pub provided_wrong: PerKind<Provider>,
    /// Conditional branches committed for which the next shorter history was believed.
    #[stat(unit = "instructions")]
    pub alternate_used: Counter,
    /// Conditional branches committed that the loop predictor guessed.
    #[stat(unit = "instructions")]
    pub loop_used: Counter,
    /// Conditional branches committed whose guess the statistical corrector turned around.
    #[stat(unit = "instructions")]
    pub corrector_reverted: Counter,
    /// Those of them that it made wrong.
    #[stat(unit = "instructions")]
    pub corrector_reverted_wrong: Counter,
    /// What a second level of patterns did.
    pub second_level: SecondLevelStats,
}

/// What a second level of patterns did for conditional branches that committed.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct SecondLevelStats {
    /// Conditional branches committed that a pattern in time knew.
    #[stat(unit = "instructions")]
    pub matched: Counter,
    /// Those of them whose pattern was followed, for the first level knew no longer history.
    #[stat(unit = "instructions")]
    pub followed: Counter,
    /// Those of them that the pattern had wrong.
    #[stat(unit = "instructions")]
    pub followed_wrong: Counter,
    /// Conditional branches committed whose pattern was followed against the first level.
    #[stat(unit = "instructions")]
    pub turned: Counter,
    /// Those of them that the first level had right.
    #[stat(unit = "instructions")]
    pub turned_wrong: Counter,
    /// Conditional branches committed that were guessed before the patterns of their context arrived.
    #[stat(unit = "instructions")]
    pub late: Counter,
    /// Bits of patterns read from the last level.
    #[stat(unit = "bits")]
    pub bits_read: Counter,
    /// Bits of patterns written back to it.
    #[stat(unit = "bits")]
    pub bits_written: Counter,
}

impl SecondLevelStats {
    #[inline]
    fn count(&mut self, second: SecondLevel, actual: bool) {
        match second {
            SecondLevel::Silent => {}
            SecondLevel::Late => self.late.inc(),
            SecondLevel::Shorter => self.matched.inc(),
            SecondLevel::Followed { guess, turned } => {
                let wrong = u64::from(guess != actual);
                self.matched.inc();
                self.followed.inc();
                self.followed_wrong.add(wrong);
                self.turned.add(u64::from(turned));
                self.turned_wrong.add(u64::from(turned) & wrong);
            }
        }
    }
}

impl DirectionStats {
    /// Counts a conditional branch that committed with direction `actual`.
    #[inline]
    pub fn count(&mut self, origin: &Origin, actual: bool) {
        let wrong = u64::from(origin.guess != actual);
        self.provided[origin.provider].inc();
        self.provided_wrong[origin.provider].add(wrong);
        self.alternate_used.add(u64::from(origin.alternate));
        self.loop_used.add(u64::from(origin.from_loop));
        self.corrector_reverted.add(u64::from(origin.reverted));
        self.corrector_reverted_wrong.add(u64::from(origin.reverted) & wrong);
        self.second_level.count(origin.second_level, actual);
        self.second_level.bits_read.add(u64::from(origin.moved.read_bits));
        self.second_level.bits_written.add(u64::from(origin.moved.written_bits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::direction::{DirectionConfig, LtageConfig, TaggedTableConfig};
    use crate::indirect::IndirectConfig;
    use crate::target::BtbConfig;
    use crate::workbench::{Scatter, ahead, back};
    use crate::{BranchConfig, Predictor};
    use stream::{Branch, BranchKind, VirtAddr};

    fn jump(pc: u64) -> (VirtAddr, Branch) {
        let target = VirtAddr(pc + 0x40);
        (VirtAddr(pc), Branch { kind: BranchKind::Jump, taken: true, target })
    }

    /// Runs a program of many contexts with noise, loops of constant length and branches that follow
    /// others; the statistics and how many conditional branches there were and were wrong.
    fn run(direction: DirectionConfig, steps: u64) -> (DirectionStats, u64, u64) {
        let btb = BtbConfig::Unlimited(Default::default());
        let indirect = IndirectConfig::LastTarget(Default::default());
        let config = BranchConfig { direction, btb, indirect, ras_entries: 4 };
        let mut predictor = Predictor::new(&config).expect("it is valid");
        let (mut stats, mut count, mut wrong) = (DirectionStats::default(), 0, 0);
        let (mut scatter, mut latest) = (Scatter::new(2), 0_u64);
        for step in 0..steps {
            let site = scatter.next() % 32;
            let far = latest >> (3 * (step % 20)) & 1 == 1;
            let route = scatter.next();
            let mut branches: Vec<_> = (0..5)
                .map(|digit| jump(0x9000 + digit * 0x40 + (route >> digit & 3) * 2))
                .collect();
            branches.extend([
                ahead(0x4000 + step % 20 * 8, far),
                ahead(0x5000 + site * 4, scatter.chance(70)),
            ]);
            branches.extend((0..40).map(|turn| back(0x6000, turn != 39)));
            for (pc, actual) in branches {
                let conditional = actual.kind == BranchKind::Conditional;
                if conditional {
                    latest = latest << 1 | u64::from(actual.taken);
                }
                let next = VirtAddr(pc.0 + 4);
                let guess = predictor.predict(pc, actual.kind, actual.target, next, None);
                count += u64::from(conditional);
                if guess.taken != actual.taken {
                    wrong += 1;
                    predictor.squash_to(&guess.record, Some(&actual));
                }
                let origin = predictor.commit(&guess.record, pc, &actual);
                if let Some(origin) = origin {
                    stats.count(&origin, actual.taken);
                }
            }
        }
        (stats, count, wrong)
    }

    fn sixteen_tables() -> DirectionConfig {
        let table = TaggedTableConfig { log2_entries: 9, tag_bits: 9 };
        DirectionConfig::Ltage(LtageConfig { tables: vec![table; 16], ..LtageConfig::default() })
    }

    fn with_parts() -> [DirectionConfig; 3] {
        let tage_sc_l = DirectionConfig::TageScL(Default::default());
        [sixteen_tables(), tage_sc_l, DirectionConfig::Llbp(Default::default())]
    }

    #[test]
    fn every_conditional_branch_is_counted_once_and_wrong_ones_again() {
        for direction in with_parts() {
            let (stats, count, wrong) = run(direction, 300);
            assert_eq!((stats.provided.sum(), stats.provided_wrong.sum()), (count, wrong));
            assert!(wrong > 0 && stats.provided[Provider::Base].get() > 0);
        }
    }

    #[test]
    fn every_counter_is_backed_by_something_that_counts_it() {
        let runs = with_parts().map(|direction| run(direction, 4000).0);
        assert_eq!(stats::never_incremented(&runs), Vec::<String>::new());
        assert_eq!(runs[0].corrector_reverted.get(), 0, "L-TAGE has no corrector");
        assert_eq!(runs[1].second_level, SecondLevelStats::default(), "it has one level");
    }

    #[test]
    fn predictors_of_one_table_count_nothing() {
        let (stats, count, _) = run(DirectionConfig::Bimodal(Default::default()), 20);
        assert_eq!((stats, count > 0), (DirectionStats::default(), true));
    }
}
