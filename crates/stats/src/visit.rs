//! The one traversal from which every reading of statistics is made.

/// A tree of counters. Derive it for structs; counters, per-kind arrays, vectors and options of
/// statistics have it already.
pub trait Stats: Sized {
    /// Shows every value below `path` to `visitor`, in declaration order.
    fn visit(&self, path: &mut Path, about: &About, visitor: &mut Visitor<'_>);

    /// What was counted since `before`, an earlier snapshot of the same statistics. Panics when
    /// `before` is not earlier or has another shape.
    #[must_use]
    fn since(&self, before: &Self) -> Self;

    /// The sum with the same statistics of another unit or window.
    #[must_use]
    fn plus(&self, other: &Self) -> Self;
}

/// Receives the path, the declaration and the value of a statistic.
pub type Visitor<'a> = dyn FnMut(&str, &About, Reading<'_>) + 'a;

/// What a statistic's declaration says of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    /// The unit, such as `cycles`.
    pub unit: &'static str,
    /// One or two sentences: the doc comment.
    pub description: &'static str,
}

/// The value of a statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading<'a> {
    /// A raw counter.
    Count(u64),
    /// A formula over raw counters and its value, which is `None` where it divides by zero.
    Derived {
        /// The text of the formula, over the fields beside it.
        formula: &'a str,
        /// What it comes to.
        value: Option<f64>,
    },
}

impl<'a> Reading<'a> {
    /// A formula that came to `value`.
    #[must_use]
    pub fn derived(formula: &'a str, value: f64) -> Self {
        Self::Derived { formula, value: value.is_finite().then_some(value) }
    }
}

/// The dotted path of the place a traversal has reached.
#[derive(Clone, Debug, Default)]
pub struct Path(String);

impl Path {
    /// Goes one level down; the result takes [`Path::leave`] back up.
    pub fn enter(&mut self, name: &str) -> usize {
        let outer = self.0.len();
        if outer > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        outer
    }

    /// Goes back to where the matching [`Path::enter`] was called.
    pub fn leave(&mut self, outer: usize) {
        self.0.truncate(outer);
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Stats> Stats for Vec<T> {
    fn visit(&self, path: &mut Path, about: &About, visitor: &mut Visitor<'_>) {
        for (index, element) in self.iter().enumerate() {
            let outer = path.enter(&index.to_string());
            element.visit(path, about, visitor);
            path.leave(outer);
        }
    }

    fn since(&self, before: &Self) -> Self {
        assert_eq!(self.len(), before.len(), "snapshots of systems of different sizes");
        self.iter().zip(before).map(|(after, before)| after.since(before)).collect()
    }

    fn plus(&self, other: &Self) -> Self {
        assert_eq!(self.len(), other.len(), "statistics of systems of different sizes");
        self.iter().zip(other).map(|(one, other)| one.plus(other)).collect()
    }
}

impl<T: Stats> Stats for Option<T> {
    fn visit(&self, path: &mut Path, about: &About, visitor: &mut Visitor<'_>) {
        if let Some(stats) = self {
            stats.visit(path, about, visitor);
        }
    }

    fn since(&self, before: &Self) -> Self {
        assert_eq!(self.is_some(), before.is_some(), "snapshots of different systems");
        self.as_ref().zip(before.as_ref()).map(|(after, before)| after.since(before))
    }

    fn plus(&self, other: &Self) -> Self {
        assert_eq!(self.is_some(), other.is_some(), "statistics of different systems");
        self.as_ref().zip(other.as_ref()).map(|(one, other)| one.plus(other))
    }
}
