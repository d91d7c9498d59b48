//! The rolling context register: the part of the program the front end is in, named by the
//! unconditional branches that led there (Schall et al., "The last-level branch predictor", MICRO
//! 2024).
//!
//! A context is the exclusive-or of the addresses of a few unconditional branches, each shifted by
//! two bits more than the one after it, by that modulo the width of a name. The latest branches are
//! left out: so many unconditional branches before the front end enters a context its name is known,
//! and what is stored for it can be fetched. How long it has been known is counted in branches that
//! the front end went by: a history has no other time.
//!
//! The register is kept as a ring of the latest unconditional branches with the context that each
//! completed, so that a position is all that recovery needs. Hardware holds only the addresses.

use crate::MAX_IN_FLIGHT;
use crate::bits::{low, site_bits};
use stream::VirtAddr;

/// How contexts are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSpec {
    /// The unconditional branches that make a context, W in the paper; 1 to 64.
    pub window: u32,
    /// The latest unconditional branches, which are left out, D in the paper; at most 64.
    pub ahead: u32,
    /// Bits of a name, at most 16.
    pub bits: u32,
}

/// The context the front end is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub id: u16,
    /// The number of the branch with which the name was known, among branches of all kinds.
    pub known_since: u32,
    /// The number of the next branch. Numbers begin again after 2^32.
    pub now: u32,
}

/// Each address is shifted by so many bits more than the next younger one.
const SHIFT: u32 = 2;

/// An unconditional branch.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    /// The low bits of its address.
    site: u16,
    /// The context it completed.
    id: u16,
    /// Its number among all branches.
    number: u32,
}

/// A place to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Unconditional branches so far.
    passed: u32,
    /// Branches so far.
    branches: u32,
}

impl Place {
    /// No branch so far.
    pub(super) const START: Self = Self { passed: 0, branches: 0 };
}

#[derive(Clone, Debug)]
pub(super) struct Contexts {
    spec: ContextSpec,
    ring: Box<[Passed]>,
    now: Place,
}

impl Contexts {
    pub(super) fn new(spec: ContextSpec) -> Self {
        let reach = (spec.window + spec.ahead) as usize;
        let ring = vec![Passed::default(); (MAX_IN_FLIGHT + reach).next_power_of_two()];
        Self { spec, ring: ring.into(), now: Place::START }
    }

    /// The unconditional branch that `age` others followed.
    fn passed(&self, age: u32) -> &Passed {
        let number = self.now.passed.wrapping_sub(1 + age);
        &self.ring[number as usize & (self.ring.len() - 1)]
    }

    pub(super) fn push(&mut self, pc: VirtAddr, conditional: bool) {
        let number = self.now.branches;
        self.now.branches = number.wrapping_add(1);
        if conditional {
            return;
        }
        let site = low(site_bits(pc), self.spec.bits) as u16;
        let place = self.now.passed as usize & (self.ring.len() - 1);
        self.ring[place] = Passed { site, id: 0, number };
        self.now.passed = self.now.passed.wrapping_add(1);
        self.ring[place].id = self.latest_id();
    }

    /// The context of the latest branches.
    fn latest_id(&self) -> u16 {
        let shifted = |age: u32| {
            let distance = SHIFT * age % self.spec.bits;
            low(u64::from(self.passed(age).site) << distance, self.spec.bits)
        };
        (0..self.spec.window).map(shifted).fold(0, |id, bits| id ^ bits) as u16
    }

    pub(super) fn current(&self) -> Context {
        let completed = self.passed(self.spec.ahead);
        Context { id: completed.id, known_since: completed.number, now: self.now.branches }
    }

    pub(super) fn place(&self) -> Place {
        self.now
    }

    pub(super) fn rewind(&mut self, place: &Place) {
        self.now = *place;
    }

    pub(super) fn storage_bits(&self) -> u64 {
        u64::from(self.spec.window + self.spec.ahead) * u64::from(self.spec.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::Scatter;

    const SPEC: ContextSpec = ContextSpec { window: 3, ahead: 2, bits: 4 };

    fn after(spec: ContextSpec, sites: &[u64]) -> Context {
        let mut contexts = Contexts::new(spec);
        sites.iter().for_each(|site| contexts.push(VirtAddr(site << 1), false));
        contexts.current()
    }

    #[test]
    fn a_context_is_made_of_the_branches_before_the_latest() {
        // 0b0001, 0b0011 two up, and 0b0101 four up, which is none of four bits: it starts again.
        let expected = 0b0001 ^ 0b1100 ^ 0b0101;
        assert_eq!(after(SPEC, &[9, 0b0101, 0b0011, 0b0001, 7, 13]).id, expected);
        // The two latest and those beyond the window make no difference.
        assert_eq!(after(SPEC, &[2, 0b0101, 0b0011, 0b0001, 1, 5]).id, expected);
        assert_ne!(after(SPEC, &[9, 0b0111, 0b0011, 0b0001, 7, 13]).id, expected);
    }

    #[test]
    fn a_context_is_known_so_many_unconditional_branches_ahead() {
        let sites = [5, 3, 1, 7, 13, 2, 11];
        let ahead = after(SPEC, &sites);
        let then = after(ContextSpec { ahead: 0, ..SPEC }, &sites[..5]);
        assert_eq!(ahead.id, then.id);
        assert_eq!((ahead.known_since, then.known_since), (4, 4));
        assert_eq!((ahead.now, then.now), (7, 5));
    }

    #[test]
    fn conditional_branches_take_time_but_lead_nowhere() {
        let mut contexts = Contexts::new(SPEC);
        (0..5).for_each(|site| contexts.push(VirtAddr(site << 1), false));
        let before = contexts.current();
        (0..4).for_each(|site| contexts.push(VirtAddr(site << 1), true));
        assert_eq!(contexts.current(), Context { now: before.now + 4, ..before });
    }

    #[test]
    fn a_wrong_path_as_long_as_can_be_in_flight_is_forgotten() {
        let spec = ContextSpec { window: 64, ahead: 64, bits: 14 };
        let (mut contexts, mut scatter) = (Contexts::new(spec), Scatter::new(4));
        let mut straight = contexts.clone();
        for _ in 0..50 {
            let place = contexts.place();
            (0..MAX_IN_FLIGHT).for_each(|_| contexts.push(VirtAddr(scatter.next()), false));
            contexts.rewind(&place);
            for _ in 0..20 {
                let (pc, conditional) = (VirtAddr(scatter.next()), scatter.chance(50));
                contexts.push(pc, conditional);
                straight.push(pc, conditional);
            }
            assert_eq!(contexts.current(), straight.current());
        }
    }

    #[test]
    fn hardware_holds_the_addresses_of_the_window_and_of_those_left_out() {
        let spec = ContextSpec { window: 8, ahead: 4, bits: 14 };
        assert_eq!(Contexts::new(spec).storage_bits(), 12 * 14);
    }
}
