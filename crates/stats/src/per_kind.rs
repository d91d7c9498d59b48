//! One statistic per variant of an enum.

use crate::{About, Amount, Counter, Path, Stats, Visitor};
use std::fmt;
use std::ops::{Index, IndexMut};

/// An enum of plain variants that indexes an array. Derive it.
pub trait Kind: Copy + 'static {
    /// An array with one element for each variant.
    type Array<T>: AsRef<[T]> + AsMut<[T]>;
    /// All variants, in order.
    const ALL: &'static [Self];
    /// Their names in statistic paths, in the same order.
    const NAMES: &'static [&'static str];
    /// The position of this variant.
    fn index(self) -> usize;
    /// An array built variant by variant.
    fn build<T>(each: impl FnMut(Self) -> T) -> Self::Array<T>;
}

/// A `T` for each variant of `K`.
pub struct PerKind<K: Kind, T = Counter>(K::Array<T>);

impl<K: Kind, T> PerKind<K, T> {
    /// Builds one element for each variant.
    #[must_use]
    pub fn build(each: impl FnMut(K) -> T) -> Self {
        Self(K::build(each))
    }

    /// The variants with their names in statistic paths, in order.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, K)> + use<K, T> {
        K::NAMES.iter().copied().zip(K::ALL.iter().copied())
    }

    /// The elements with their variants, in order.
    pub fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        K::ALL.iter().copied().zip(self.0.as_ref())
    }
}

impl<K: Kind, T: Stats + Clone> PerKind<K, T> {
    /// The sum over all variants.
    #[must_use]
    pub fn total(&self) -> T {
        let elements = self.0.as_ref();
        let first = elements.first().expect("an enum that indexes counters has variants").clone();
        elements[1..].iter().fold(first, |sum, element| sum.plus(element))
    }
}

impl<K: Kind> PerKind<K> {
    /// The sum of the counters of all variants.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.as_ref().iter().map(|counter| counter.get()).sum()
    }
}

impl<K: Kind, T> Index<K> for PerKind<K, T> {
    type Output = T;
    #[inline]
    fn index(&self, kind: K) -> &T {
        &self.0.as_ref()[kind.index()]
    }
}

impl<K: Kind, T> IndexMut<K> for PerKind<K, T> {
    #[inline]
    fn index_mut(&mut self, kind: K) -> &mut T {
        &mut self.0.as_mut()[kind.index()]
    }
}

impl<K: Kind, T: Default> Default for PerKind<K, T> {
    fn default() -> Self {
        Self::build(|_| T::default())
    }
}

impl<K: Kind, T: Clone> Clone for PerKind<K, T> {
    fn clone(&self) -> Self {
        Self::build(|kind| self[kind].clone())
    }
}

impl<K: Kind, T: PartialEq> PartialEq for PerKind<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

impl<K: Kind, T: fmt::Debug> fmt::Debug for PerKind<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(K::NAMES.iter().zip(self.0.as_ref())).finish()
    }
}

impl<K: Kind, T: Stats> Stats for PerKind<K, T> {
    fn visit(&self, path: &mut Path, about: &About, visitor: &mut Visitor<'_>) {
        for (name, element) in K::NAMES.iter().zip(self.0.as_ref()) {
            let outer = path.enter(name);
            element.visit(path, about, visitor);
            path.leave(outer);
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self::build(|kind| self[kind].since(&before[kind]))
    }

    fn plus(&self, other: &Self) -> Self {
        Self::build(|kind| self[kind].plus(&other[kind]))
    }
}

impl<K: Kind, T: Amount> Amount for PerKind<K, T> {
    fn amount(&self) -> f64 {
        self.0.as_ref().iter().map(Amount::amount).sum()
    }
}
