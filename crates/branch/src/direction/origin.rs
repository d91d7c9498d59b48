//! Which part of a direction predictor a guess came from, and the statistics of it.
//!
//! Predictors of the TAGE family take the guess of the longest history that knows the branch; the
//! next shorter one, a loop predictor and a statistical corrector may speak against it. Counted at
//! commit, this tells which tables are worth their storage (Seznec and Michaud, "A case for (partially)
//! tagged geometric history length branch prediction", JILP 2006, counts so). Predictors of a single
//! table have no parts and count nothing.

use stats::{Counter, Kind, PerKind, Stats};

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
    use stream::VirtAddr;

    /// Runs a program with noise, loops of constant length and branches that follow others; the
    /// statistics and how many conditional branches there were and were wrong.
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
            let mut branches = vec![
                ahead(0x4000 + step % 20 * 8, far),
                ahead(0x5000 + site * 4, scatter.chance(70)),
            ];
            branches.extend((0..40).map(|turn| back(0x6000, turn != 39)));
            for (pc, actual) in branches {
                latest = latest << 1 | u64::from(actual.taken);
                let next = VirtAddr(pc.0 + 4);
                let guess = predictor.predict(pc, actual.kind, actual.target, next, None);
                count += 1;
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

    #[test]
    fn every_conditional_branch_is_counted_once_and_wrong_ones_again() {
        for direction in [sixteen_tables(), DirectionConfig::TageScL(Default::default())] {
            let (stats, count, wrong) = run(direction, 300);
            assert_eq!((stats.provided.sum(), stats.provided_wrong.sum()), (count, wrong));
            assert!(wrong > 0 && stats.provided[Provider::Base].get() > 0);
        }
    }

    #[test]
    fn every_counter_is_backed_by_something_that_counts_it() {
        let directions = [sixteen_tables(), DirectionConfig::TageScL(Default::default())];
        let runs = directions.map(|direction| run(direction, 4000).0);
        assert_eq!(stats::never_incremented(&runs), Vec::<String>::new());
        assert_eq!(runs[0].corrector_reverted.get(), 0, "L-TAGE has no corrector");
    }

    #[test]
    fn predictors_of_one_table_count_nothing() {
        let (stats, count, _) = run(DirectionConfig::Bimodal(Default::default()), 20);
        assert_eq!((stats, count > 0), (DirectionStats::default(), true));
    }
}
