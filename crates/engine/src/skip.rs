//! A given number of instructions in the fast way: block by block, the last block in part.
//!
//! [`run`](crate::run()) stops at the end of a block. Where a timing model has said how many
//! instructions come before something else happens (another hart's turn, an interrupt, a moment at
//! which the clock is read), it must be as many to the instruction.
//!
//! While a hart holds a reservation, instructions are executed one at a time: blocks do not tell
//! whose reservations their stores break.

use crate::known::Describe;
use crate::run::{find, interrupt};
use crate::step::trap;
use crate::threaded::{Exit, How};
use crate::{Bus, Code, FastPort, Stepper};
use hart::Hart;

impl<D: Describe> Stepper<D> {
    /// Executes `count` instructions of `hart` and takes the interrupts that come before each, with
    /// the effect of as many calls of [`Stepper::step`]. Gives how many it executed, exceptions
    /// included: fewer if one asked for something, or if the hart can do nothing but fault.
    pub fn skip<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
        count: u64,
    ) -> u64 {
        let mut left = count;
        while left > 0 && !port.has_request() && !self.is_locked_up(hart) {
            if hart.csr.mip & hart.csr.mie != 0 {
                interrupt(hart, port);
            }
            left -= if self.reservations.any {
                u64::from(self.step(hart, port, code).is_some())
            } else {
                self.skip_in_block(hart, port, code, left)
            };
            port.attention = false;
            if port.ram.has_dirtied_code() {
                self.drop_stale(port, code);
            }
        }
        count - left
    }

    /// Executes the block at `pc`, `most` instructions of it at most. Gives how many.
    fn skip_in_block<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
        most: u64,
    ) -> u64 {
        if code.is_full() {
            // What follows takes the marks that keep these up to date, too.
            self.insts.clear();
        }
        let mut block = port.tlb.jump(hart.pc, hart.fetch_tag);
        loop {
            let Some(at) = block.or_else(|| find(hart, port, code)) else {
                return u64::from(self.step(hart, port, code).is_some());
            };
            let len = at.len().min(most.try_into().unwrap_or(usize::MAX));
            let decoded = &code.arena[at.start()..at.start() + len];
            let (first, rest) = decoded.split_first().expect("blocks are not empty");
            let exit = (first.exec)(hart, port, first, rest);
            if exit.how() == How::Stale {
                block = None;
                continue;
            }
            return self.account(hart, port, exit, (len - exit.left()) as u64);
        }
    }

    /// Takes up how a block was left after `executed` instructions.
    fn account<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        exit: Exit,
        executed: u64,
    ) -> u64 {
        hart.retired += executed;
        if exit.how() == How::Raised {
            hart.retired -= 1;
            trap(hart, port, &mut self.faults);
        }
        if hart.reservation.is_some() {
            self.reservations.follow(hart, &[]);
        }
        executed
    }
}
