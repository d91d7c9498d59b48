//! Counters declared once: snapshot, difference, catalogue.
//!
//! A unit owns a struct of counters and derives [`Stats`] for it. Everything else follows from that
//! one declaration: dotted snake_case paths, units and descriptions, the difference of two
//! snapshots (a clone is a snapshot), and ratios that are computed when they are read.
//!
//! ```
//! use stats::{Counter, Derived, Kind, PerKind, Stats};
//!
//! #[derive(Clone, Copy, Debug, Kind)]
//! enum Access { Load, Store }
//!
//! #[derive(Clone, Debug, Default, Stats)]
//! struct CacheStats {
//!     /// Accesses that found their line.
//!     #[stat(unit = "accesses")]
//!     hits: PerKind<Access>,
//!     /// Accesses that did not.
//!     #[stat(unit = "accesses")]
//!     misses: Counter,
//!     /// Share of accesses that found their line.
//!     #[stat(unit = "ratio", formula = "hits / (hits + misses)")]
//!     hit_ratio: Derived,
//! }
//!
//! let mut cache = CacheStats::default();
//! let before = cache.clone();
//! cache.hits[Access::Load].add(3);
//! cache.misses.inc();
//! let window = cache.since(&before);
//! assert_eq!(stats::flatten(&window)[0], ("hits.load".to_owned(), 3));
//! assert_eq!(stats::derived(&window), [("hit_ratio".to_owned(), Some(0.75))]);
//! ```
//!
//! Nobody resets a counter and reading one changes nothing; a window is the difference of two
//! snapshots. Not modelled here: histograms, and text output, which is the report's business.
#![forbid(unsafe_code)]

extern crate self as stats;

mod counter;
mod per_kind;
mod read;
mod visit;

pub use counter::{Amount, Counter, Derived};
pub use per_kind::{Kind, PerKind};
pub use read::{Entry, catalogue, derived, flatten, json, never_incremented};
pub use stats_derive::{Kind, Stats};
pub use visit::{About, Path, Reading, Stats, Visitor};
