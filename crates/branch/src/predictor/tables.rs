//! The predictors as tables: how large they are, and making them cold.

use super::Predictor;
use crate::ReturnStack;
use crate::direction::Direction;
use crate::indirect::Indirect;

/// Bits of storage by component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The history, without what recovery needs.
    pub history: u64,
    /// The direction predictor.
    pub direction: u64,
    /// The branch target buffer.
    pub btb: u64,
    /// The indirect predictor.
    pub indirect: u64,
    /// The return stack, without what recovery needs.
    pub ras: u64,
}

impl Storage {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.history + self.direction + self.btb + self.indirect + self.ras
    }
}

impl Predictor {
    /// Bits of storage by component.
    #[must_use]
    pub fn storage_bits(&self) -> Storage {
        Storage {
            history: self.front.history.storage_bits(),
            direction: self.front.direction.storage_bits(),
            btb: self.btb.storage_bits(),
            indirect: self.front.indirect.storage_bits(),
            ras: self.front.ras.storage_bits(),
        }
    }

    fn assert_drained(&self) {
        let count = self.in_flight.len();
        assert!(count == 0, "predictors are flushed with {count} branches in flight");
    }

    /// Makes the direction predictor cold. Like all flushes, panics if branches are in flight. The
    /// history stays: it is that of the program, not of a table.
    pub fn flush_direction(&mut self) {
        self.assert_drained();
        self.front.direction =
            Direction::new(&self.config.direction).expect("it was built from the same before");
    }

    /// Makes the branch target buffer cold.
    pub fn flush_btb(&mut self) {
        self.assert_drained();
        self.btb.flush();
        self.forget_restored();
    }

    /// Makes the indirect predictor cold.
    pub fn flush_indirect(&mut self) {
        self.assert_drained();
        self.front.indirect =
            Indirect::new(&self.config.indirect).expect("it was built from the same before");
    }

    /// Empties the return stack.
    pub fn flush_ras(&mut self) {
        self.assert_drained();
        self.front.ras = ReturnStack::new(self.config.ras_entries);
    }
}
