//! What TAGE says of a branch, or what knows better than TAGE: the loop predictor and the statistical
//! corrector check it, whoever says it.

use crate::bits::strength;

/// How sure a counter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::direction) enum Confidence {
    #[default]
    Low,
    Medium,
    High,
}

impl Confidence {
    /// Of a signed counter of three bits.
    pub(in crate::direction) fn of(counter: i8) -> Self {
        match strength(counter) {
            7.. => Self::High,
            3.. => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// A guess, and what is known of how it came about.
#[derive(Clone, Copy, Debug)]
pub(in crate::direction) struct Opinion {
    pub(in crate::direction) guess: bool,
    pub(in crate::direction) confidence: Confidence,
    /// The longest match was the guess of an unsure entry that the next match contradicts.
    pub(in crate::direction) doubtful: bool,
    /// A shorter history matched, too.
    pub(in crate::direction) has_alternate: bool,
    /// The logical number of the table with the longest match, 0 for the base table.
    pub(in crate::direction) table: u8,
}
