//! What a channel does next: first-ready, first-come first-served (FR-FCFS).
//!
//! Rixner et al., "Memory Access Scheduling", ISCA 2000. Of the commands that could take effect
//! soonest, column commands go before those that open or close rows, and older requests before
//! younger ones. A row is not closed while requests of the current direction wait for it. Reads go
//! before writes until the write queue has filled to its high watermark or no read waits; then
//! writes go until they are down to the low one.
//!
//! Before all that: a rank whose refresh is due gets no command but those that lead to it, and
//! the oldest read, once it has waited for the starvation limit, turns the bus to reads, has its
//! bank to itself, and goes first elsewhere.

use super::channel::Channel;
use super::clock::Tick;
use super::command::{BankId, Command};
use super::config::PagePolicy;
use super::queue::{Queue, Request};
use super::stats::Direction;

/// A request that waits: the direction of its queue, its bank, and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub direction: Direction,
    pub bank: BankId,
    pub position: usize,
}

/// Why a command is wanted, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Refresh,
    Starving,
    RowHit,
    Row,
    IdleRow,
}

/// A decision: this command, at that time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    /// The first clock of the command on the bus, when the decision is made.
    pub start: Tick,
    /// The last, when it takes effect.
    pub at: Tick,
    pub command: Command,
    /// The request it is for, if any.
    pub target: Option<Target>,
    urgency: Urgency,
    seq: u64,
}

impl Pick {
    fn key(&self) -> (Tick, Urgency, u64) {
        (self.start, self.urgency, self.seq)
    }
}

/// Keeps the best of the commands it is shown.
struct Choice<'a> {
    channel: &'a Channel,
    now: Tick,
    best: Option<Pick>,
}

impl Choice<'_> {
    fn offer(&mut self, command: Command, target: Option<Target>, urgency: Urgency, seq: u64) {
        self.offer_from(self.now, command, target, urgency, seq);
    }

    fn offer_from(
        &mut self,
        from: Tick,
        command: Command,
        target: Option<Target>,
        urgency: Urgency,
        seq: u64,
    ) {
        let ranks = self.channel.ranks();
        let beyond_first = ranks.timing().clocks(command) - 1;
        let at = ranks.earliest(command).max(from + beyond_first);
        let pick = Pick { start: at.less(beyond_first), at, command, target, urgency, seq };
        if self.best.is_none_or(|best| pick.key() < best.key()) {
            self.best = Some(pick);
        }
    }
}

impl Channel {
    /// The next command and its time, for decisions from `now` on.
    pub(super) fn pick(&self, now: Tick, oldest_read: Option<&Request>) -> Option<Pick> {
        let mut choice = Choice { channel: self, now, best: None };
        self.offer_refreshes(&mut choice);
        let starving = oldest_read.filter(|read| self.starves_from(read) <= now);
        let direction = self.next_direction(starving.is_some());
        let queue = self.queue(direction);
        for &bank in queue.busy() {
            if !self.refresh_due(self.ranks().shape().rank_of(bank), now) {
                let alone = starving.is_some_and(|read| read.bank == bank);
                self.offer_request(&mut choice, queue, direction, bank, alone);
            }
        }
        if let Some(clocks) = self.page_policy().timeout() {
            self.offer_idle_rows(&mut choice, clocks);
        }
        choice.best
    }

    /// Which queue is served. The bus has turned once a command was issued for it.
    fn next_direction(&self, read_starves: bool) -> Direction {
        let (reads, writes) = (self.queue(Direction::Read), self.queue(Direction::Write));
        if writes.is_empty() || (read_starves && !reads.is_empty()) {
            return Direction::Read;
        }
        let (low, high) = self.watermarks();
        match self.direction() {
            _ if reads.is_empty() => Direction::Write,
            Direction::Read if writes.len() < high => Direction::Read,
            Direction::Write if writes.len() <= low => Direction::Read,
            _ => Direction::Write,
        }
    }

    /// Closes what is open in a rank whose refresh is due, then refreshes it.
    fn offer_refreshes(&self, choice: &mut Choice<'_>) {
        for rank in 0..self.ranks().shape().ranks() {
            if self.refresh_due(rank, choice.now) {
                let command = match self.ranks().open_rows(rank) {
                    0 => Command::Refresh { rank },
                    _ => Command::PrechargeAll { rank },
                };
                choice.offer(command, None, Urgency::Refresh, rank as u64);
            }
        }
    }

    /// Offers what a bank needs next: a row hit if it has one and a starving read does not forbid
    /// that, else what leads to its oldest request.
    fn offer_request(
        &self,
        choice: &mut Choice<'_>,
        queue: &Queue,
        direction: Direction,
        bank: BankId,
        starving: bool,
    ) {
        let position = if starving { 0 } else { queue.hit(bank).unwrap_or(0) };
        let request = queue.get(bank, position);
        let (command, urgency) = match self.ranks().open_row(bank) {
            Some(row) if row == request.row => {
                let auto_precharge = self.page_policy() == PagePolicy::Closed
                    && request.bursts == 1
                    && !queue.shares_row(bank, position);
                let column = match direction {
                    Direction::Read => Command::Read { bank, auto_precharge },
                    Direction::Write => Command::Write { bank, auto_precharge },
                };
                (column, Urgency::RowHit)
            }
            Some(_) => (Command::Precharge { bank }, Urgency::Row),
            None => (Command::Activate { bank, row: request.row }, Urgency::Row),
        };
        let urgency = if starving { Urgency::Starving } else { urgency };
        let target = Target { direction, bank, position };
        choice.offer(command, Some(target), urgency, request.seq);
    }

    /// Offers to close rows that nothing has used for `clocks` and nothing waits for.
    fn offer_idle_rows(&self, choice: &mut Choice<'_>, clocks: u64) {
        let wanted = |bank| {
            let queues = [self.queue(Direction::Read), self.queue(Direction::Write)];
            queues.iter().any(|queue| queue.hit(bank).is_some())
        };
        for index in 0..self.ranks().shape().banks() {
            let bank = BankId(index as u16);
            if self.ranks().open_row(bank).is_some() && !wanted(bank) {
                let from = choice.now.max(self.ranks().last_use(bank) + clocks);
                let seq = index as u64;
                choice.offer_from(from, Command::Precharge { bank }, None, Urgency::IdleRow, seq);
            }
        }
    }
}
