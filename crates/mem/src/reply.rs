//! What a requester is told that overlaps its accesses: an answer now, later, or not at all.

use crate::{Access, Translation};

/// The answer to a request of a core that does not wait for it.
#[derive(Clone, Copy, Debug)]
pub enum Reply<T> {
    /// It will be done at the time in the answer.
    Done(T),
    /// Main memory has yet to say when: an [`Arrival`] will name the ticket.
    Pending(Ticket),
    /// A resource is taken for a time nobody knows yet. Nothing happened: ask again later.
    Busy,
}

/// Names a request that is pending, unique while it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// A request that was pending has its time. The time may lie ahead.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// Of an access.
    Access(Ticket, Access),
    /// Of a translation.
    Translation(Ticket, Translation),
}
