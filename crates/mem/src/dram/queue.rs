//! The requests of one direction that wait in a channel, in order of arrival in each bank.
//!
//! First-ready scheduling asks two questions of a bank: its oldest request, and its oldest for the
//! row that is open. The second answer is kept and only worked out again when the row or the queue
//! of the bank changes, so a decision costs one step for each bank in use, not for each request.

use super::clock::Tick;
use super::command::BankId;
use crate::Cycle;
use stream::LineAddr;

/// What a request has needed of its bank so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowOutcome {
    Hit,
    Miss,
    Conflict,
}

/// A line to be read or written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub line: LineAddr,
    pub id: u32,
    pub bank: BankId,
    pub row: u32,
    /// When its requester sent it.
    pub at: Cycle,
    /// When the scheduler first sees it.
    pub arrival: Tick,
    /// Its place in the order of arrival.
    pub seq: u64,
    /// Column commands it still needs.
    pub bursts: u64,
    pub outcome: RowOutcome,
}

#[derive(Clone, Debug)]
struct BankQueue {
    /// The oldest first, in a list without gaps: a ring with room for all would wander through it and
    /// keep it all in the host's caches.
    requests: Vec<Request>,
    /// The oldest request for the open row.
    hit: Option<usize>,
}

impl BankQueue {
    /// With room for `most` requests.
    fn new(most: usize) -> Self {
        Self { requests: Vec::with_capacity(most), hit: None }
    }

    fn find_hit(&mut self, open: Option<u32>) {
        self.hit = open.and_then(|row| self.requests.iter().position(|r| r.row == row));
    }
}

/// The waiting requests of one direction.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    banks: Vec<BankQueue>,
    /// Banks with requests, in no order that matters.
    busy: Vec<BankId>,
    /// The bank of the request that has waited longest.
    oldest: Option<BankId>,
    len: usize,
}

impl Queue {
    /// Of at most `most` requests, all of which may be of one bank.
    pub(super) fn new(banks: usize, most: usize) -> Self {
        Self {
            banks: (0..banks).map(|_| BankQueue::new(most)).collect(),
            busy: Vec::with_capacity(banks),
            oldest: None,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Banks with requests.
    pub(super) fn busy(&self) -> &[BankId] {
        &self.busy
    }

    /// Adds a request, the youngest of all, whose bank has `open` open.
    pub(super) fn push(&mut self, request: Request, open: Option<u32>) {
        let queue = &mut self.banks[usize::from(request.bank.0)];
        if queue.requests.is_empty() {
            self.busy.push(request.bank);
        }
        if queue.hit.is_none() && open == Some(request.row) {
            queue.hit = Some(queue.requests.len());
        }
        queue.requests.push(request);
        self.oldest.get_or_insert(request.bank);
        self.len += 1;
    }

    /// Takes a request out whose bank has `open` open.
    pub(super) fn remove(&mut self, bank: BankId, position: usize, open: Option<u32>) -> Request {
        let queue = &mut self.banks[usize::from(bank.0)];
        let request = queue.requests.remove(position);
        queue.find_hit(open);
        if queue.requests.is_empty() {
            self.busy.retain(|&busy| busy != bank);
        }
        self.len -= 1;
        if self.oldest == Some(bank) && position == 0 {
            self.oldest = self.busy.iter().copied().min_by_key(|&busy| self.get(busy, 0).seq);
        }
        request
    }

    /// The open row of a bank is now `open`.
    pub(super) fn row_changed(&mut self, bank: BankId, open: Option<u32>) {
        self.banks[usize::from(bank.0)].find_hit(open);
    }

    /// The oldest request for the open row of a bank.
    #[inline]
    pub(super) fn hit(&self, bank: BankId) -> Option<usize> {
        self.banks[usize::from(bank.0)].hit
    }

    #[inline]
    pub(super) fn get(&self, bank: BankId, position: usize) -> &Request {
        &self.banks[usize::from(bank.0)].requests[position]
    }

    pub(super) fn get_mut(&mut self, bank: BankId, position: usize) -> &mut Request {
        &mut self.banks[usize::from(bank.0)].requests[position]
    }

    /// The request that has waited longest.
    pub(super) fn oldest(&self) -> Option<&Request> {
        self.oldest.map(|bank| self.get(bank, 0))
    }

    /// Whether `line` of `bank` is queued.
    pub(super) fn holds(&self, bank: BankId, line: LineAddr) -> bool {
        self.banks[usize::from(bank.0)].requests.iter().any(|request| request.line == line)
    }

    /// Whether a request other than that at `position` wants the same row.
    pub(super) fn shares_row(&self, bank: BankId, position: usize) -> bool {
        let requests = &self.banks[usize::from(bank.0)].requests;
        let row = requests[position].row;
        requests.iter().enumerate().any(|(other, r)| other != position && r.row == row)
    }
}
