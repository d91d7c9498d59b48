//! What a controller can tell the devices of its channel, and whom.

use super::config::OrganisationConfig;
use std::ops::Range;

/// A bank of a channel: rank, then bank group, then bank, from the most significant bit down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BankId(pub u16);

/// A command, by its name in the JEDEC standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// ACT: opens a row.
    Activate { bank: BankId, row: u32 },
    /// PRE: closes the open row of a bank.
    Precharge { bank: BankId },
    /// PREA: closes all open rows of a rank.
    PrechargeAll { rank: usize },
    /// RD, or RDA that closes the row when it may.
    Read { bank: BankId, auto_precharge: bool },
    /// WR, or WRA that closes the row when it may.
    Write { bank: BankId, auto_precharge: bool },
    /// REF: refreshes all banks of a rank, which must be closed.
    Refresh { rank: usize },
}

/// How many of everything a channel has. All numbers are powers of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    ranks: usize,
    bank_groups: usize,
    group_shift: u32,
    rank_shift: u32,
}

impl Shape {
    pub(super) fn new(organisation: &OrganisationConfig) -> Self {
        let group_shift = organisation.banks_per_group.trailing_zeros();
        Self {
            ranks: organisation.ranks as usize,
            bank_groups: (organisation.ranks * organisation.bank_groups) as usize,
            group_shift,
            rank_shift: group_shift + organisation.bank_groups.trailing_zeros(),
        }
    }

    /// Ranks of the channel.
    pub(super) fn ranks(self) -> usize {
        self.ranks
    }

    /// Bank groups of all ranks together.
    pub(super) fn bank_groups(self) -> usize {
        self.bank_groups
    }

    /// Banks of all ranks together.
    pub(super) fn banks(self) -> usize {
        self.ranks << self.rank_shift
    }

    /// The number of a bank's group among those of all ranks.
    #[inline]
    pub(super) fn group_of(self, bank: BankId) -> usize {
        usize::from(bank.0) >> self.group_shift
    }

    #[inline]
    pub(super) fn rank_of(self, bank: BankId) -> usize {
        usize::from(bank.0) >> self.rank_shift
    }

    /// The banks of a rank, as indices among those of the channel.
    pub(super) fn banks_of(self, rank: usize) -> Range<usize> {
        rank << self.rank_shift..(rank + 1) << self.rank_shift
    }
}
