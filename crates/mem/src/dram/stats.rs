//! What the memory did.

use stats::{Counter, Derived, Kind, PerKind, Stats};

/// Which way the data go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum Direction {
    /// From the devices.
    Read,
    /// To the devices.
    Write,
}

/// Statistics of a memory, over all its channels.
///
/// Each line that is read or written counts as one of row hit, miss and conflict, by what its bank
/// needed for it. Times of requests are in cycles of the cores, occupation in clocks of the devices.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct DramStats {
    /// Lines read from the devices.
    #[stat(unit = "lines")]
    pub reads: Counter,
    /// Lines written to the devices.
    #[stat(unit = "lines")]
    pub writes: Counter,
    /// Reads answered by a write that was still queued.
    #[stat(unit = "lines")]
    pub forwarded: Counter,
    /// Lines that found their row open.
    #[stat(unit = "lines")]
    pub row_hits: PerKind<Direction>,
    /// Lines that found their bank closed.
    #[stat(unit = "lines")]
    pub row_misses: PerKind<Direction>,
    /// Lines that had to have another row closed first.
    #[stat(unit = "lines")]
    pub row_conflicts: PerKind<Direction>,
    /// Rows opened.
    #[stat(unit = "commands")]
    pub activates: Counter,
    /// Rows closed, by command or by themselves after an access.
    #[stat(unit = "rows")]
    pub precharges: Counter,
    /// Refreshes of a rank.
    #[stat(unit = "commands")]
    pub refreshes: Counter,
    /// Times the data bus turned from reading to writing.
    #[stat(unit = "turns")]
    pub read_to_write: Counter,
    /// Times the data bus turned from writing to reading.
    #[stat(unit = "turns")]
    pub write_to_read: Counter,
    /// Clocks in which a data bus carried data.
    #[stat(unit = "clocks")]
    pub bus_busy: Counter,
    /// Bytes read from the devices.
    #[stat(unit = "bytes")]
    pub bytes_read: Counter,
    /// Bytes written to the devices.
    #[stat(unit = "bytes")]
    pub bytes_written: Counter,
    /// Cycles from the arrival of reads to their (last) column command.
    #[stat(unit = "cycles")]
    pub queue_delay: Counter,
    /// Cycles from the arrival of reads to their last data, those forwarded excepted.
    #[stat(unit = "cycles")]
    pub read_latency: Counter,
    /// Share of lines that found their row open.
    #[stat(unit = "ratio", formula = "row_hits / (row_hits + row_misses + row_conflicts)")]
    pub row_hit_ratio: Derived,
    /// Mean time from the arrival of a read to its last data.
    #[stat(unit = "cycles", formula = "read_latency / reads")]
    pub mean_read_latency: Derived,
    /// Mean time from the arrival of a read to its column command.
    #[stat(unit = "cycles", formula = "queue_delay / reads")]
    pub mean_queue_delay: Derived,
}
