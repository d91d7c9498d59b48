//! The return stack: where calls will return to.
//!
//! A circular stack of a fixed depth. It moves at prediction: a call pushes, a return pops, and a
//! push onto a full stack overwrites the oldest address (Kaeli and Emma, "Branch history table
//! prediction of moving target branches due to subroutine returns", ISCA 1991). A squash restores it
//! exactly, contents included, as the self-checkpointing stacks of Jourdan et al., "Recovery
//! requirements of branch prediction storage structures in the presence of mispredicted-branch
//! execution" (IJPP 25(5), 1997) do: each push notes what it overwrote, and going back to a checkpoint
//! undoes the pushes since, youngest first.
//!
//! In hardware that is, beside the stack, two small pointers a branch in flight and one address a
//! call in flight. Skadron et al., "Improving prediction for procedure returns with return-address-
//! stack repair mechanisms" (MICRO 1998) find that pointer and top entry alone repair nearly as much.
//!
//! Left out: counters for recursion, which compress equal addresses, and separate stacks a hart.

use crate::MAX_IN_FLIGHT;
use crate::target::TARGET_BITS;
use stream::VirtAddr;

/// A circular stack of return addresses.
#[derive(Clone, Debug)]
pub struct ReturnStack {
    entries: Box<[VirtAddr]>,
    /// The place of the youngest address, if there is one.
    top: u32,
    /// Addresses on the stack, at most its depth.
    count: u32,
    /// What the latest pushes overwrote, by their number.
    overwritten: Box<[Overwritten]>,
    pushes: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Overwritten {
    place: u32,
    address: VirtAddr,
}

/// A state of the stack to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackCheckpoint {
    top: u32,
    count: u32,
    pushes: u32,
}

impl StackCheckpoint {
    /// The state of an empty stack.
    pub(crate) const START: Self = Self { top: 0, count: 0, pushes: 0 };
}

impl ReturnStack {
    /// An empty stack for `depth` addresses. Panics if `depth` is 0.
    #[must_use]
    pub fn new(depth: u32) -> Self {
        assert!(depth > 0, "a return stack holds at least one address");
        Self {
            entries: vec![VirtAddr(0); depth as usize].into(),
            top: 0,
            count: 0,
            overwritten: vec![Overwritten::default(); MAX_IN_FLIGHT].into(),
            pushes: 0,
        }
    }

    fn depth(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Adds an address. On a full stack it takes the place of the oldest.
    pub fn push(&mut self, address: VirtAddr) {
        self.top = if self.top + 1 == self.depth() { 0 } else { self.top + 1 };
        self.count = (self.count + 1).min(self.depth());
        let entry = &mut self.entries[self.top as usize];
        let note = Overwritten { place: self.top, address: *entry };
        *entry = address;
        self.overwritten[self.pushes as usize % MAX_IN_FLIGHT] = note;
        self.pushes = self.pushes.wrapping_add(1);
    }

    /// Takes the youngest address off.
    pub fn pop(&mut self) -> Option<VirtAddr> {
        let address = self.peek()?;
        self.top = if self.top == 0 { self.depth() - 1 } else { self.top - 1 };
        self.count -= 1;
        Some(address)
    }

    /// The youngest address.
    #[must_use]
    pub fn peek(&self) -> Option<VirtAddr> {
        (self.count > 0).then(|| self.entries[self.top as usize])
    }

    /// The state to restore when what follows turns out not to happen.
    #[must_use]
    pub fn checkpoint(&self) -> StackCheckpoint {
        StackCheckpoint { top: self.top, count: self.count, pushes: self.pushes }
    }

    /// Goes back to a checkpoint that has not been gone behind since. Panics if more than
    /// [`MAX_IN_FLIGHT`] pushes lie between.
    pub fn restore(&mut self, checkpoint: &StackCheckpoint) {
        let pushes = self.pushes.wrapping_sub(checkpoint.pushes) as usize;
        assert!(pushes <= MAX_IN_FLIGHT, "a return stack cannot take {pushes} pushes back");
        for _ in 0..pushes {
            self.pushes = self.pushes.wrapping_sub(1);
            let note = self.overwritten[self.pushes as usize % MAX_IN_FLIGHT];
            self.entries[note.place as usize] = note.address;
        }
        (self.top, self.count) = (checkpoint.top, checkpoint.count);
    }

    /// Bits of storage, without what recovery needs: addresses, pointer and count.
    #[must_use]
    pub fn storage_bits(&self) -> u64 {
        let depth = u64::from(self.depth());
        let pointer = u64::from(depth.next_power_of_two().trailing_zeros());
        depth * TARGET_BITS + 2 * pointer + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push(u64),
        Pop,
        Checkpoint,
        /// Back to one of the checkpoints, given by a number to be wrapped.
        Squash(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<u64>().prop_map(Step::Push),
            4 => Just(Step::Pop),
            2 => Just(Step::Checkpoint),
            1 => any::<usize>().prop_map(Step::Squash),
        ]
    }

    /// What is seen by popping everything.
    fn contents(stack: &ReturnStack) -> Vec<VirtAddr> {
        let mut copy = stack.clone();
        std::iter::from_fn(|| copy.pop()).collect()
    }

    proptest! {
        #[test]
        fn a_stack_is_an_unbounded_one_cut_to_its_youngest_addresses(
            depth in 1_u32..9, steps in proptest::collection::vec(step(), 0..200)
        ) {
            let mut stack = ReturnStack::new(depth);
            // The reference keeps what the bounded stack may have forgotten out of sight: its
            // length falls with pops, so it is cut whenever it grows beyond the depth.
            let mut ideal: Vec<VirtAddr> = Vec::new();
            let mut checkpoints = Vec::new();
            for step in steps {
                match step {
                    Step::Push(address) => {
                        stack.push(VirtAddr(address));
                        ideal.push(VirtAddr(address));
                        if ideal.len() > depth as usize {
                            ideal.remove(0);
                        }
                    }
                    Step::Pop => prop_assert_eq!(stack.pop(), ideal.pop()),
                    Step::Checkpoint => checkpoints.push((stack.checkpoint(), ideal.clone())),
                    Step::Squash(number) if !checkpoints.is_empty() => {
                        checkpoints.truncate(number % checkpoints.len() + 1);
                        let (checkpoint, then) = checkpoints.pop().expect("one was left");
                        stack.restore(&checkpoint);
                        ideal = then;
                    }
                    Step::Squash(_) => {}
                }
                prop_assert_eq!(stack.peek(), ideal.last().copied());
                prop_assert_eq!(contents(&stack), ideal.iter().rev().copied().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_squash_brings_back_what_wrong_path_calls_overwrote() {
        let mut stack = ReturnStack::new(2);
        stack.push(VirtAddr(1));
        stack.push(VirtAddr(2));
        let checkpoint = stack.checkpoint();
        stack.pop();
        stack.pop();
        (0..100).for_each(|address| stack.push(VirtAddr(1000 + address)));
        stack.restore(&checkpoint);
        assert_eq!(contents(&stack), [VirtAddr(2), VirtAddr(1)]);
    }

    #[test]
    fn an_empty_stack_has_no_guess() {
        let mut stack = ReturnStack::new(4);
        assert_eq!((stack.peek(), stack.pop()), (None, None));
        stack.push(VirtAddr(7));
        assert_eq!((stack.pop(), stack.pop()), (Some(VirtAddr(7)), None));
    }

    #[test]
    #[should_panic(expected = "cannot take 1025 pushes back")]
    fn more_pushes_than_can_be_in_flight_are_not_taken_back() {
        let mut stack = ReturnStack::new(4);
        let checkpoint = stack.checkpoint();
        (0..=MAX_IN_FLIGHT).for_each(|_| stack.push(VirtAddr(0)));
        stack.restore(&checkpoint);
    }

    #[test]
    fn storage_is_addresses_and_two_pointers() {
        assert_eq!(ReturnStack::new(16).storage_bits(), 16 * 48 + 4 + 5);
        assert_eq!(ReturnStack::new(31).storage_bits(), 31 * 48 + 5 + 6);
    }
}
