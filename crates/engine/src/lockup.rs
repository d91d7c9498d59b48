//! Harts that do nothing but fault.
//!
//! A trap handler whose own first instruction faults (there is no memory at the trap vector, say)
//! faults for ever, and no instruction of the hart retires again unless an interrupt comes. Time must
//! pass meanwhile, or none ever will.

use hart::Hart;

/// So many exceptions without an instruction in between come to no end by themselves: after one at
/// each level of privilege the hart faults in the state in which it faulted before.
const LOCKED_UP: u32 = 16;

/// The exceptions that a hart took since it last retired an instruction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Instructions that had retired when it took the last.
    retired: u64,
    in_a_row: u32,
}

impl Faults {
    /// `hart` takes an exception.
    pub(crate) fn note(&mut self, hart: &Hart) {
        if hart.retired != self.retired {
            *self = Self { retired: hart.retired, in_a_row: 0 };
        }
        self.in_a_row += 1;
    }

    /// Whether the hart can do nothing but fault until something outside it changes.
    pub(crate) fn locked_up(&self) -> bool {
        self.in_a_row >= LOCKED_UP
    }

    /// Takes the answer to [`Faults::locked_up`], and counts anew.
    pub(crate) fn take_locked_up(&mut self) -> bool {
        let locked_up = self.locked_up();
        if locked_up {
            *self = Self::default();
        }
        locked_up
    }
}

/// The [`Faults`] of each hart.
#[derive(Debug)]
pub(crate) struct AllFaults(Vec<Faults>);

impl AllFaults {
    /// None yet, of `harts` harts.
    pub(crate) fn new(harts: usize) -> Self {
        Self(vec![Faults::default(); harts])
    }

    /// Those of `hart`.
    pub(crate) fn of(&mut self, hart: &Hart) -> &mut Faults {
        &mut self.0[hart.id as usize]
    }
}
