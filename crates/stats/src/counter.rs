//! A counter, and a value derived from counters.

use crate::{About, Path, Reading, Stats, Visitor};

/// A count of events. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// A counter that stands at `count`.
    #[must_use]
    pub const fn at(count: u64) -> Self {
        Self(count)
    }

    /// Counts one event.
    #[inline]
    pub fn inc(&mut self) {
        self.0 += 1;
    }

    /// Counts `events` events.
    #[inline]
    pub fn add(&mut self, events: u64) {
        self.0 += events;
    }

    /// The count.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Stats for Counter {
    fn visit(&self, path: &mut Path, about: &About, visitor: &mut Visitor<'_>) {
        visitor(path.as_str(), about, Reading::Count(self.0));
    }

    fn since(&self, before: &Self) -> Self {
        assert!(self.0 >= before.0, "a counter shrank from {} to {}", before.0, self.0);
        Self(self.0 - before.0)
    }

    fn plus(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// The place of a formula in a struct of counters. It holds nothing: its value is computed from the
/// counters beside it whenever it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived;

impl Stats for Derived {
    // The derive macro shows a formula itself, because only it knows the sibling fields.
    fn visit(&self, _path: &mut Path, _about: &About, _visitor: &mut Visitor<'_>) {}

    fn since(&self, _before: &Self) -> Self {
        Self
    }

    fn plus(&self, _other: &Self) -> Self {
        Self
    }
}

/// What a formula may name: something with one number, or the sum of several.
pub trait Amount {
    /// The number, exact up to 2^53.
    fn amount(&self) -> f64;
}

impl Amount for Counter {
    fn amount(&self) -> f64 {
        self.0 as f64
    }
}
