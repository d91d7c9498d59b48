//! Decode: sees what instructions are, and corrects the front end where it took one for another.
//!
//! A branch that the target buffer did not know is predicted here, a cycle late for every stage in
//! between: direct branches with their true target, returns and indirect branches with the predictors'.

use super::OutOfOrder;
use super::fetch::cause_of;
use super::slot::{Check, Position, Wrong};
use super::stats::Lost;
use stream::{Branch, BranchKind, Source, VirtAddr};

impl OutOfOrder {
    /// The decode stage; returns whether it did something.
    pub(super) fn decode(&mut self, source: &mut dyn Source) -> bool {
        let (now, window) = (self.now, &mut self.window);
        let first = window.decoded;
        let end = window.tail.min(first + u64::from(self.config.front.decode_width));
        let mut at = first;
        while at < end {
            let slot = window.get_mut(at);
            if slot.decode_at > now {
                break;
            }
            slot.rename_at = now + slot.rename_after;
            at += 1;
            let check = slot.check;
            if check != Check::Fine {
                window.decoded = at;
                // Nothing younger is left.
                self.resteer(at - 1, check, source);
                return true;
            }
        }
        window.decoded = at;
        at > first
    }

    /// Predicts the instruction at `at` anew and sends the front end there.
    #[cold]
    #[inline(never)]
    fn resteer(&mut self, at: Position, check: Check, source: &mut dyn Source) {
        let record = self.window.get(at).record;
        if check == Check::NotThatBranch {
            let record = record.expect("a branch was predicted there");
            self.take_back(at + 1);
            self.predictor.squash_to(&record, None);
            // It may have been seen at the second half of a four-byte instruction.
            let pc = self.window.get(at).instr.pc;
            self.predictor.forget_target(pc);
            self.predictor.forget_target(VirtAddr(pc.0.wrapping_add(2)));
        } else {
            self.forget_after(at);
        }
        let slot = self.window.get(at);
        let (pc, branch, fall_through) = (slot.instr.pc, slot.instr.branch, slot.fall_through());
        let (next, record) = match branch {
            Some(branch) => {
                let seen = decoded_target(&branch);
                let target = seen.unwrap_or(VirtAddr(0));
                let guess = self.predictor.predict(pc, branch.kind, target, fall_through, None);
                if let (Some(target), true) = (seen, guess.taken) {
                    self.predictor.learn_target(pc, branch.kind, target, fall_through);
                }
                let known = !guess.taken || guess.target != VirtAddr(0);
                let next = if guess.taken { guess.target } else { fall_through };
                (known.then_some(next), Some(guess.record))
            }
            None => (Some(fall_through), None),
        };
        let slot = self.window.get_mut(at);
        slot.record = record;
        slot.check = Check::Fine;
        slot.next = next.unwrap_or(VirtAddr(u64::MAX));
        self.stats.at(self.privilege).out_of_order_mut().decode_resteers.inc();
        self.send_on(at, next, source);
    }

    /// Sends the front end from the instruction at `at` to `next`; nowhere if nobody knows yet.
    fn send_on(&mut self, at: Position, next: Option<VirtAddr>, source: &mut dyn Source) {
        self.front.redirect(next, self.now + 1);
        self.front.dead_end = next.is_none();
        let slot = self.window.get_mut(at);
        let right = next == Some(slot.actual_next());
        slot.wrong = (!right).then(|| Wrong { cause: cause_of(slot) });
        self.front.refilling = Some(Lost::ResteerDecode);
        let off_path = slot.off_path || !right;
        if self.front.off_path && !off_path {
            source.squash(self.hart);
        }
        self.front.off_path = off_path;
        if let (true, Some(next)) = (off_path, next) {
            source.wrong_path(self.hart, next);
        }
    }
}

/// The target as the instruction's bytes give it.
fn decoded_target(branch: &Branch) -> Option<VirtAddr> {
    match branch.kind {
        BranchKind::Conditional | BranchKind::Jump | BranchKind::Call => Some(branch.target),
        BranchKind::IndirectJump
        | BranchKind::IndirectCall
        | BranchKind::Return
        | BranchKind::ReturnAndCall => None,
    }
}
