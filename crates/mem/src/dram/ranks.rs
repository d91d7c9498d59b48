//! The devices of one channel as their controller must see them: when may which command come?
//!
//! Every command pushes back the earliest times of those that follow it, at the level where the
//! standard states the constraint: bank, bank group, rank, or the channel's two buses. A command's
//! time is the clock in which it takes effect, the last of those it takes on the command bus: that
//! is what intervals are counted from (JESD79-5, commands of two clocks). Constraints follow
//! JESD79-4 and JESD79-5 in the form Ramulator 2 gives them (`python/ramulator/dram/{ddr4,ddr5}.py`).
//!
//! The data bus is one rule here, not one per pair of commands: a burst starts after the end of the
//! one before it, and tCS later if another rank drove that. With reads and writes in the same rank
//! the turnaround intervals come on top.

use super::clock::Tick;
use super::command::{BankId, Command, Shape};
use super::timing::Timing;

/// A bank: its open row, and when which command may come.
#[derive(Clone, Copy, Debug, Default)]
struct Bank {
    open: Option<u32>,
    /// Its last activation or access.
    used: Tick,
    next_activate: Tick,
    next_precharge: Tick,
    next_column: Tick,
}

/// What all banks of a bank group, or all of a rank, share.
#[derive(Clone, Copy, Debug, Default)]
struct Shared {
    next_activate: Tick,
    next_read: Tick,
    next_write: Tick,
}

/// A rank besides its banks.
#[derive(Clone, Copy, Debug, Default)]
struct Rank {
    shared: Shared,
    next_precharge: Tick,
    /// When each of the last four activations leaves the window of tFAW, the oldest at `oldest`.
    window: [Tick; 4],
    oldest: usize,
}

/// All ranks of a channel and its buses.
#[derive(Clone, Debug)]
pub(super) struct Ranks {
    shape: Shape,
    timing: Timing,
    banks: Vec<Bank>,
    groups: Vec<Shared>,
    ranks: Vec<Rank>,
    /// The first clock in which a command can begin.
    command_free: Tick,
    /// The end of the last burst, and the rank it belongs to.
    data_free: Tick,
    data_rank: usize,
}

impl Ranks {
    /// Devices with all rows closed and nothing under way.
    pub(super) fn new(shape: Shape, timing: Timing) -> Self {
        Self {
            shape,
            timing,
            banks: vec![Bank::default(); shape.banks()],
            groups: vec![Shared::default(); shape.bank_groups()],
            ranks: vec![Rank::default(); shape.ranks()],
            command_free: Tick(0),
            data_free: Tick(0),
            data_rank: 0,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The open row of a bank.
    #[inline]
    pub(super) fn open_row(&self, bank: BankId) -> Option<u32> {
        self.bank(bank).open
    }

    /// When a bank was last activated or accessed.
    pub(super) fn last_use(&self, bank: BankId) -> Tick {
        self.bank(bank).used
    }

    /// Rows that are open in a rank.
    pub(super) fn open_rows(&self, rank: usize) -> usize {
        self.banks[self.shape.banks_of(rank)].iter().filter(|bank| bank.open.is_some()).count()
    }

    /// The earliest time at which `command` may take effect. It must fit the state of its bank:
    /// a column command an open row, an activation a closed one.
    #[inline]
    pub(super) fn earliest(&self, command: Command) -> Tick {
        let state = match command {
            Command::Activate { bank, .. } => self.earliest_activate(bank),
            Command::Precharge { bank } => {
                self.bank(bank).next_precharge.max(self.rank(bank).next_precharge)
            }
            Command::PrechargeAll { rank } => self.earliest_precharge_all(rank),
            Command::Read { bank, .. } => {
                let shared = self.group(bank).next_read.max(self.rank(bank).shared.next_read);
                self.earliest_column(bank, shared, self.timing.cl)
            }
            Command::Write { bank, .. } => {
                let shared = self.group(bank).next_write.max(self.rank(bank).shared.next_write);
                self.earliest_column(bank, shared, self.timing.cwl)
            }
            Command::Refresh { rank } => self.earliest_refresh(rank),
        };
        state.max(self.command_free + (self.timing.clocks(command) - 1))
    }

    /// Lets `command` take effect at `at`.
    pub(super) fn issue(&mut self, command: Command, at: Tick) {
        debug_assert!(at >= self.earliest(command), "{command:?} is too early at {at:?}");
        self.command_free = at + 1;
        match command {
            Command::Activate { bank, row } => self.activate(bank, row, at),
            Command::Precharge { bank } => {
                self.close(usize::from(bank.0), at);
                let rank = self.shape.rank_of(bank);
                self.ranks[rank].next_precharge.raise(at + self.timing.ppd);
            }
            Command::PrechargeAll { rank } => self.precharge_all(rank, at),
            Command::Read { bank, auto_precharge } => self.read(bank, auto_precharge, at),
            Command::Write { bank, auto_precharge } => self.write(bank, auto_precharge, at),
            Command::Refresh { rank } => self.refresh(rank, at),
        }
    }

    fn earliest_activate(&self, bank: BankId) -> Tick {
        let rank = self.rank(bank);
        self.bank(bank)
            .next_activate
            .max(self.group(bank).next_activate)
            .max(rank.shared.next_activate)
            .max(rank.window[rank.oldest])
    }

    /// PREA needs every bank ready, also those that are yet to close by auto-precharge.
    fn earliest_precharge_all(&self, rank: usize) -> Tick {
        let banks = self.banks[self.shape.banks_of(rank)].iter();
        banks.fold(self.ranks[rank].next_precharge, |at, bank| at.max(bank.next_precharge))
    }

    /// A column command whose data follow it by `latency`.
    fn earliest_column(&self, bank: BankId, shared: Tick, latency: u64) -> Tick {
        let switch = if self.shape.rank_of(bank) == self.data_rank { 0 } else { self.timing.cs };
        let data = (self.data_free + switch).less(latency);
        self.bank(bank).next_column.max(shared).max(data)
    }

    /// REF is due as soon as every bank could be activated: tRP after the last row was closed.
    fn earliest_refresh(&self, rank: usize) -> Tick {
        let banks = self.banks[self.shape.banks_of(rank)].iter();
        banks.fold(Tick(0), |at, bank| at.max(bank.next_activate))
    }

    fn activate(&mut self, id: BankId, row: u32, at: Tick) {
        let t = self.timing;
        let bank = &mut self.banks[usize::from(id.0)];
        debug_assert!(bank.open.is_none(), "an activation needs a closed row");
        bank.open = Some(row);
        bank.used = at;
        bank.next_column.raise(at + t.rcd);
        bank.next_precharge.raise(at + t.ras);
        bank.next_activate.raise(at + t.rc);
        self.groups[self.shape.group_of(id)].next_activate.raise(at + t.rrd_l);
        let rank = &mut self.ranks[self.shape.rank_of(id)];
        rank.shared.next_activate.raise(at + t.rrd_s);
        rank.window[rank.oldest] = at + t.faw;
        rank.oldest = (rank.oldest + 1) % rank.window.len();
    }

    fn precharge_all(&mut self, rank: usize, at: Tick) {
        // For banks that are closed or about to be, tRP counts from the last precharge too.
        for bank in self.shape.banks_of(rank) {
            self.close(bank, at);
        }
        self.ranks[rank].next_precharge.raise(at + self.timing.ppd);
    }

    fn close(&mut self, bank: usize, at: Tick) {
        let bank = &mut self.banks[bank];
        bank.open = None;
        bank.next_activate.raise(at + self.timing.rp);
    }

    fn read(&mut self, id: BankId, auto_precharge: bool, at: Tick) {
        let t = self.timing;
        let (group, rank) = (self.shape.group_of(id), self.shape.rank_of(id));
        self.groups[group].next_read.raise(at + t.ccd_l);
        let shared = &mut self.ranks[rank].shared;
        shared.next_read.raise(at + t.ccd_s);
        shared.next_write.raise(at + t.read_to_write);
        self.transfer(id, at + t.cl);
        self.after_column(id, auto_precharge, at, at + t.rtp);
    }

    fn write(&mut self, id: BankId, auto_precharge: bool, at: Tick) {
        let t = self.timing;
        let (group, rank) = (self.shape.group_of(id), self.shape.rank_of(id));
        let group = &mut self.groups[group];
        group.next_write.raise(at + t.ccd_l_wr);
        group.next_read.raise(at + t.write_to_read_l);
        let shared = &mut self.ranks[rank].shared;
        shared.next_write.raise(at + t.ccd_s);
        shared.next_read.raise(at + t.write_to_read_s);
        self.transfer(id, at + t.cwl);
        self.after_column(id, auto_precharge, at, at + t.write_to_precharge);
    }

    fn transfer(&mut self, id: BankId, start: Tick) {
        self.data_free = start + self.timing.burst;
        self.data_rank = self.shape.rank_of(id);
    }

    fn after_column(&mut self, id: BankId, auto_precharge: bool, at: Tick, precharge: Tick) {
        let index = usize::from(id.0);
        let bank = &mut self.banks[index];
        debug_assert!(bank.open.is_some(), "a column command needs an open row");
        bank.used = at;
        bank.next_precharge.raise(precharge);
        if auto_precharge {
            // The device keeps tRAS by itself.
            let closes = bank.next_precharge;
            self.close(index, closes);
        }
    }

    fn refresh(&mut self, rank: usize, at: Tick) {
        debug_assert_eq!(self.open_rows(rank), 0, "a refresh needs closed rows");
        for bank in &mut self.banks[self.shape.banks_of(rank)] {
            bank.next_activate.raise(at + self.timing.rfc);
        }
    }

    #[inline]
    fn bank(&self, bank: BankId) -> &Bank {
        &self.banks[usize::from(bank.0)]
    }

    #[inline]
    fn group(&self, bank: BankId) -> &Shared {
        &self.groups[self.shape.group_of(bank)]
    }

    #[inline]
    fn rank(&self, bank: BankId) -> &Rank {
        &self.ranks[self.shape.rank_of(bank)]
    }
}
