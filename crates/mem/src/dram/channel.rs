//! One channel: queues, refresh, and the commands its controller issues.
//!
//! Time moves by decisions. After each change the channel works out its next command and the
//! next time at which that decision could turn out differently (a request arrives, a refresh is
//! due, a read begins to starve); it sleeps until the earlier of the two. So idle clocks cost
//! nothing, and what is done depends on requests and their times alone, not on how far time is
//! moved at once.

use super::DramStats;
use super::clock::{Clocks, Tick};
use super::command::{BankId, Command, Shape};
use super::config::{DramConfig, PagePolicy};
use super::queue::{Queue, Request, RowOutcome};
use super::ranks::Ranks;
use super::schedule::{Pick, Target};
use super::stats::Direction;
use super::timing::Timing;
use crate::Cycle;
use std::collections::VecDeque;

/// Where a channel writes what it did.
pub(super) struct Log<'a> {
    pub done: &'a mut Vec<(u32, Cycle)>,
    pub stats: &'a mut DramStats,
}

/// One channel of a memory.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    clocks: Clocks,
    page_policy: PagePolicy,
    starvation: u64,
    watermarks: (usize, usize),
    /// How many requests of each direction may wait or be on their way.
    capacity: [usize; 2],
    burst_bytes: u64,
    ranks: Ranks,
    /// Waiting requests, by direction.
    queues: [Queue; 2],
    /// Requests on their way, in order of arrival.
    coming: VecDeque<(Direction, Request)>,
    coming_count: [usize; 2],
    direction: Direction,
    /// The direction of the last burst.
    bus: Option<Direction>,
    /// When each rank's next refresh is due.
    due: Vec<Tick>,
    next_seq: u64,
    plan: Option<Pick>,
    wake: Tick,
    #[cfg(test)]
    pub(super) trace: Vec<(Tick, Command)>,
}

impl Channel {
    pub(super) fn new(config: &DramConfig, clocks: Clocks) -> Self {
        let (shape, timing) = (Shape::new(&config.organisation), Timing::new(&config.timing));
        let controller = &config.controller;
        // Ranks take turns, so that one can work while another is refreshed.
        let stagger = timing.refi / shape.ranks() as u64;
        let due: Vec<_> =
            (0..shape.ranks() as u64).map(|rank| Tick(timing.refi + rank * stagger)).collect();
        let capacity = [controller.read_queue as usize, controller.write_queue as usize];
        Self {
            clocks,
            page_policy: controller.page_policy,
            starvation: controller.starvation_clocks,
            watermarks: (controller.write_low as usize, controller.write_high as usize),
            capacity,
            burst_bytes: config.burst_bytes(),
            ranks: Ranks::new(shape, timing),
            queues: capacity.map(|most| Queue::new(shape.banks(), most)),
            coming: VecDeque::with_capacity(capacity.iter().sum()),
            coming_count: [0; 2],
            direction: Direction::Read,
            bus: None,
            wake: due[0],
            due,
            next_seq: 0,
            plan: None,
            #[cfg(test)]
            trace: Vec::new(),
        }
    }

    pub(super) fn can_accept(&self, direction: Direction) -> bool {
        let which = direction as usize;
        self.queues[which].len() + self.coming_count[which] < self.capacity[which]
    }

    /// Takes a request that the scheduler sees from its arrival on.
    pub(super) fn push(&mut self, direction: Direction, request: Request) {
        let after = self.coming.iter().rposition(|(_, other)| other.arrival <= request.arrival);
        self.coming.insert(after.map_or(0, |index| index + 1), (direction, request));
        self.coming_count[direction as usize] += 1;
        if request.arrival <= self.wake {
            self.wake = request.arrival;
            self.plan = None;
        }
    }

    /// When the channel next has to decide something.
    pub(super) fn wake(&self) -> Tick {
        self.wake
    }

    /// Whether no request waits or is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.coming.is_empty() && self.queues.iter().all(Queue::is_empty)
    }

    /// Does what is to be done at [`Channel::wake`]. Nothing arrives up to `limit` that is not
    /// known yet.
    pub(super) fn step(&mut self, limit: Tick, log: &mut Log<'_>) {
        let now = self.wake;
        self.admit(now, log);
        let planned = self.plan.take().filter(|pick| pick.start == now);
        let from = match planned {
            Some(pick) => {
                self.issue(pick, limit, log);
                now + 1
            }
            None => now,
        };
        self.decide(from);
    }

    /// Plans the next command, unless something happens before it that may change the plan.
    fn decide(&mut self, now: Tick) {
        let oldest = self.queue(Direction::Read).oldest();
        let mut horizon = self.coming.front().map_or(Tick::NEVER, |(_, next)| next.arrival);
        let starves = oldest.map(|read| self.starves_from(read));
        for event in self.due.iter().copied().chain(starves).filter(|&event| event > now) {
            horizon = horizon.min(event);
        }
        let pick = self.pick(now, oldest).filter(|pick| pick.start < horizon);
        self.wake = pick.map_or(horizon, |pick| pick.start);
        self.plan = pick;
    }

    /// Lets requests in that have arrived. A read of a line that waits to be written is answered
    /// from the queue, a clock after it came.
    fn admit(&mut self, now: Tick, log: &mut Log<'_>) {
        while let Some(&(direction, mut request)) = self.coming.front()
            && request.arrival <= now
        {
            self.coming.pop_front();
            self.coming_count[direction as usize] -= 1;
            if direction == Direction::Read
                && self.queue(Direction::Write).holds(request.bank, request.line)
            {
                log.stats.forwarded.inc();
                log.done.push((request.id, self.clocks.cycle_from(request.arrival + 1)));
                continue;
            }
            request.seq = self.next_seq;
            self.next_seq += 1;
            self.queues[direction as usize].push(request, self.ranks.open_row(request.bank));
        }
    }

    fn issue(&mut self, pick: Pick, limit: Tick, log: &mut Log<'_>) {
        #[cfg(test)]
        self.trace.push((pick.at, pick.command));
        if let Some(target) = pick.target {
            self.direction = target.direction;
        }
        log.stats.precharges.add(self.rows_closed(pick.command));
        self.ranks.issue(pick.command, pick.at);
        match pick.command {
            Command::Activate { bank, .. } => {
                log.stats.activates.inc();
                self.needed(pick.target, RowOutcome::Miss);
                self.row_changed(bank);
            }
            Command::Precharge { bank } => {
                self.needed(pick.target, RowOutcome::Conflict);
                self.row_changed(bank);
            }
            Command::PrechargeAll { rank } => {
                for bank in self.ranks.shape().banks_of(rank) {
                    self.row_changed(BankId(bank as u16));
                }
            }
            Command::Read { .. } | Command::Write { .. } => {
                let target = pick.target.expect("column commands are for requests");
                self.transfer(target, pick.at, log);
            }
            Command::Refresh { rank } => self.refreshed(rank, limit, log),
        }
    }

    /// Rows that a command closes, now or by auto-precharge.
    fn rows_closed(&self, command: Command) -> u64 {
        match command {
            Command::PrechargeAll { rank } => self.ranks.open_rows(rank) as u64,
            Command::Precharge { .. } => 1,
            Command::Read { auto_precharge, .. } | Command::Write { auto_precharge, .. } => {
                u64::from(auto_precharge)
            }
            Command::Activate { .. } | Command::Refresh { .. } => 0,
        }
    }

    /// Notes the worst that a request has needed.
    fn needed(&mut self, target: Option<Target>, outcome: RowOutcome) {
        if let Some(Target { direction, bank, position }) = target {
            let request = self.queues[direction as usize].get_mut(bank, position);
            if request.outcome != RowOutcome::Conflict {
                request.outcome = outcome;
            }
        }
    }

    fn row_changed(&mut self, bank: BankId) {
        let open = self.ranks.open_row(bank);
        for queue in &mut self.queues {
            queue.row_changed(bank, open);
        }
    }

    /// A column command for a request took effect.
    fn transfer(&mut self, target: Target, at: Tick, log: &mut Log<'_>) {
        let Target { direction, bank, position } = target;
        let timing = self.ranks.timing();
        let (stats, burst) = (&mut *log.stats, timing.burst);
        let end = at + timing.cl + burst;
        stats.bus_busy.add(burst);
        match (self.bus, direction) {
            (Some(Direction::Read), Direction::Write) => stats.read_to_write.inc(),
            (Some(Direction::Write), Direction::Read) => stats.write_to_read.inc(),
            _ => {}
        }
        self.bus = Some(direction);
        match direction {
            Direction::Read => stats.bytes_read.add(self.burst_bytes),
            Direction::Write => stats.bytes_written.add(self.burst_bytes),
        }
        let queue = &mut self.queues[direction as usize];
        let request = queue.get_mut(bank, position);
        request.bursts -= 1;
        if request.bursts == 0 {
            let request = queue.remove(bank, position, self.ranks.open_row(bank));
            self.finish(direction, request, at, end, log);
        }
        if self.ranks.open_row(bank).is_none() {
            self.row_changed(bank);
        }
    }

    fn finish(&self, way: Direction, request: Request, at: Tick, end: Tick, log: &mut Log<'_>) {
        let outcome = match request.outcome {
            RowOutcome::Hit => &mut log.stats.row_hits,
            RowOutcome::Miss => &mut log.stats.row_misses,
            RowOutcome::Conflict => &mut log.stats.row_conflicts,
        };
        outcome[way].inc();
        if way == Direction::Write {
            log.stats.writes.inc();
            return;
        }
        let done = self.clocks.cycle_from(end);
        log.stats.reads.inc();
        log.stats.queue_delay.add(self.clocks.cycle_from(at) - request.at);
        log.stats.read_latency.add(done - request.at);
        log.done.push((request.id, done));
    }

    /// Sets the next refresh of a rank. While nothing is asked of the channel, refreshes of closed
    /// banks leave no trace that outlasts them, so all but the last before `limit` are only counted.
    fn refreshed(&mut self, rank: usize, limit: Tick, log: &mut Log<'_>) {
        let interval = self.ranks.timing().refi;
        self.due[rank] = self.due[rank] + interval;
        log.stats.refreshes.inc();
        if self.is_idle() && limit > self.due[rank] {
            let skipped = (limit - self.due[rank]) / interval;
            self.due[rank] = self.due[rank] + skipped * interval;
            log.stats.refreshes.add(skipped);
        }
    }
}

/// What the scheduler looks at.
impl Channel {
    pub(super) fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    pub(super) fn queue(&self, direction: Direction) -> &Queue {
        &self.queues[direction as usize]
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Waiting writes at which draining stops and starts.
    pub(super) fn watermarks(&self) -> (usize, usize) {
        self.watermarks
    }

    pub(super) fn page_policy(&self) -> PagePolicy {
        self.page_policy
    }

    pub(super) fn refresh_due(&self, rank: usize, now: Tick) -> bool {
        self.due[rank] <= now
    }

    /// When a read begins to starve.
    pub(super) fn starves_from(&self, read: &Request) -> Tick {
        read.arrival + self.starvation
    }
}
