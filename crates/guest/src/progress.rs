//! How long-running work tells its owner what it is doing.
//!
//! The crate never prints: the command line turns these calls into bars, tests ignore them.

/// Receiver of progress. One activity is open at a time: `start`, any number of `advance`, `finish`.
pub trait Progress: Sync {
    /// A new activity begins; `total_bytes` is known for downloads and image writes.
    fn start(&self, what: &str, total_bytes: Option<u64>);
    /// That many more bytes of the open activity are done.
    fn advance(&self, bytes: u64);
    /// The open activity is complete.
    fn finish(&self);
    /// A line worth telling the user, outside any bar.
    fn note(&self, line: &str);
}

/// Ignores everything; for tests and embedding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _what: &str, _total_bytes: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn finish(&self) {}
    fn note(&self, _line: &str) {}
}
