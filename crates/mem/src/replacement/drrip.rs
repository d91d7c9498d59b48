//! Dynamic re-reference interval prediction, DRRIP of A. Jaleel, K. B. Theobald, S. C. Steely Jr. and
//! J. Emer, "High performance cache replacement using re-reference interval prediction (RRIP)", ISCA
//! 2010: two ways to insert lines duel in a few sets, and the others do as the better one.
//!
//! SRRIP expects a new line after a long interval, BRRIP almost always after a distant one, so that
//! most new lines leave at once and some of a working set larger than the cache stay. A miss in a
//! leader set of one is a point for the other (M. K. Qureshi, A. Jaleel, Y. N. Patt, S. C. Steely Jr.,
//! J. Emer, "Adaptive insertion policies for high performance caching", ISCA 2007, which also has the
//! complement-select choice of leaders). The paper has 32 leader sets each, a counter of 10 bits and
//! one long insertion in 32.
//!
//! The paper leaves open: the counter begins at the last value at which SRRIP is followed; the one
//! in 32 is every 32nd insertion, of all sets together. Ours: caches of fewer than 128 sets have a
//! quarter of their sets as leaders of each kind and a counter that much shorter; below 4 sets SRRIP
//! is followed. Changed lines that an upper level writes back count and are inserted like misses.

use super::Replacement;
use super::srrip::Predictions;

/// DRRIP.
#[derive(Clone, Debug)]
pub(crate) struct Drrip {
    predictions: Predictions,
    roles: Vec<Role>,
    duel: Duel,
    /// Insertions by BRRIP.
    bimodal: u32,
}

/// How a set inserts lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    LeadsSrrip,
    LeadsBrrip,
    Follows,
}

/// The counter of who misses more.
#[derive(Clone, Copy, Debug)]
struct Duel {
    /// Up with misses of SRRIP, down with those of BRRIP.
    psel: u32,
    max: u32,
}

impl Duel {
    fn new(leaders: usize) -> Self {
        // 2 to the 10 for 32 leaders: either side is 16 misses a leader away from the middle.
        let values = 32 * leaders.max(1) as u32;
        Self { psel: values / 2 - 1, max: values - 1 }
    }

    fn missed(&mut self, role: Role) {
        match role {
            Role::LeadsSrrip => self.psel = (self.psel + 1).min(self.max),
            Role::LeadsBrrip => self.psel = self.psel.saturating_sub(1),
            Role::Follows => {}
        }
    }

    fn brrip_is_better(self) -> bool {
        self.psel > self.max / 2
    }
}

impl Drrip {
    /// Leader sets of each kind.
    const LEADERS: usize = 32;
    /// One in so many insertions of BRRIP is long.
    const BIMODAL_THROTTLE: u32 = 32;

    fn leaders(sets: usize) -> usize {
        Self::LEADERS.min(sets / 4)
    }

    /// Sets are divided among the leaders. In the nth part, the nth set leads SRRIP and the nth from
    /// the end BRRIP, so that leaders have different addresses.
    fn role(set: usize, sets: usize) -> Role {
        let leaders = Self::leaders(sets);
        if leaders == 0 {
            return Role::Follows;
        }
        let size = sets / leaders;
        let (part, place) = (set / size, set % size);
        let first = part % size;
        if part >= leaders {
            Role::Follows
        } else if place == first {
            Role::LeadsSrrip
        } else if place == size - 1 - first {
            Role::LeadsBrrip
        } else {
            Role::Follows
        }
    }

    fn brrip(&mut self) -> u8 {
        self.bimodal = (self.bimodal + 1) % Self::BIMODAL_THROTTLE;
        if self.bimodal == 0 { Predictions::LONG } else { Predictions::DISTANT }
    }
}

impl Replacement for Drrip {
    fn new(sets: usize, ways: usize) -> Self {
        Self {
            predictions: Predictions::new(sets, ways),
            roles: (0..sets).map(|set| Self::role(set, sets)).collect(),
            duel: Duel::new(Self::leaders(sets)),
            bimodal: 0,
        }
    }

    #[inline]
    fn touch(&mut self, set: usize, way: usize) {
        self.predictions.set(set, way, Predictions::IMMEDIATE);
    }

    fn fill(&mut self, set: usize, way: usize) {
        let role = self.roles[set];
        self.duel.missed(role);
        let brrip = match role {
            Role::LeadsSrrip => false,
            Role::LeadsBrrip => true,
            Role::Follows => self.duel.brrip_is_better(),
        };
        let prediction = if brrip { self.brrip() } else { Predictions::LONG };
        self.predictions.set(set, way, prediction);
    }

    fn victim(&mut self, set: usize) -> usize {
        self.predictions.victim(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replacement::srrip::Srrip;
    use crate::replacement::testing::TagsOf;

    fn sets_of(role: Role, sets: usize) -> Vec<usize> {
        (0..sets).filter(|set| Drrip::role(*set, sets) == role).collect()
    }

    #[test]
    fn there_are_32_leaders_of_each_kind_unless_sets_are_few() {
        for (sets, leaders) in [(1024, 32), (128, 32), (64, 16), (16, 4), (4, 1), (2, 0), (1, 0)] {
            assert_eq!(sets_of(Role::LeadsSrrip, sets).len(), leaders, "of {sets} sets");
            assert_eq!(sets_of(Role::LeadsBrrip, sets).len(), leaders, "of {sets} sets");
        }
    }

    #[test]
    fn leaders_are_selected_by_complements() {
        // 1024 sets in 32 parts of 32: part and place are 5 bits each.
        let srrip: Vec<_> = (0..32).map(|part| part << 5 | part).collect();
        let brrip: Vec<_> = (0..32).map(|part| part << 5 | (!part & 31)).collect();
        assert_eq!(sets_of(Role::LeadsSrrip, 1024), srrip);
        assert_eq!(sets_of(Role::LeadsBrrip, 1024), brrip);
    }

    #[test]
    fn misses_of_leaders_move_the_counter_and_others_do_not() {
        let mut drrip = Drrip::new(1024, 4);
        assert_eq!((drrip.duel.psel, drrip.duel.max), (511, 1023));
        drrip.fill(1, 0);
        assert_eq!(drrip.duel.psel, 511, "set 1 follows");
        drrip.fill(0, 0);
        assert_eq!(drrip.duel.psel, 512, "set 0 leads SRRIP");
        drrip.fill(31, 0);
        drrip.fill(31, 0);
        assert_eq!(drrip.duel.psel, 510, "set 31 leads BRRIP");
        drrip.touch(0, 0);
        drrip.victim(0);
        assert_eq!(drrip.duel.psel, 510, "hits are no points");
    }

    #[test]
    fn the_counter_stops_at_its_ends() {
        let mut drrip = Drrip::new(1024, 4);
        (0..2000).for_each(|_| drrip.fill(0, 0));
        assert_eq!(drrip.duel.psel, 1023);
        (0..2000).for_each(|_| drrip.fill(31, 0));
        assert_eq!(drrip.duel.psel, 0);
    }

    /// Whether a line put into a following set leaves before one that SRRIP would put in.
    fn followers_insert_distant_lines(drrip: &Drrip) -> bool {
        let mut drrip = drrip.clone();
        drrip.bimodal = 0;
        for way in 0..4 {
            drrip.predictions.set(1, way, Predictions::LONG);
        }
        drrip.fill(1, 2);
        drrip.victim(1) == 2
    }

    #[test]
    fn followers_change_with_the_upper_half_of_the_counter() {
        let mut drrip = Drrip::new(1024, 4);
        assert!(!followers_insert_distant_lines(&drrip), "at 511");
        drrip.fill(0, 0);
        assert!(followers_insert_distant_lines(&drrip), "at 512");
        drrip.fill(31, 0);
        assert!(!followers_insert_distant_lines(&drrip), "at 511 again");
    }

    #[test]
    fn a_shorter_counter_needs_as_many_misses_of_each_leader() {
        let mut drrip = Drrip::new(16, 4);
        assert_eq!((drrip.duel.psel, drrip.duel.max), (63, 127), "4 leaders of each kind");
        drrip.fill(0, 0);
        assert!(drrip.duel.brrip_is_better());
    }

    #[test]
    fn one_in_32_insertions_of_brrip_is_long() {
        let mut drrip = Drrip::new(1024, 4);
        let long: Vec<_> = (1..=96).filter(|_| drrip.brrip() == Predictions::LONG).collect();
        assert_eq!(long, [32, 64, 96]);
    }

    /// Hits in `set` of `rounds` rounds through `lines` lines, in 4 ways of 128 sets.
    fn hits(cache: &mut TagsOf<Drrip>, set: usize, lines: u64, rounds: u64) -> usize {
        let accesses = (0..rounds).flat_map(|_| 0..lines);
        accesses.filter(|line| cache.access(set, *line)).count()
    }

    #[test]
    fn a_working_set_larger_than_the_cache_stays_in_part() {
        let mut srrip = TagsOf::<Srrip>::new(1, 4);
        let accesses = (0..100).flat_map(|_| 0..6);
        assert_eq!(accesses.filter(|line| srrip.access(0, *line)).count(), 0, "SRRIP thrashes");

        let leader = sets_of(Role::LeadsBrrip, 128)[0];
        let mut cache = TagsOf::<Drrip>::new(128, 4);
        let kept = hits(&mut cache, leader, 6, 100);
        // Three of four lines stay while the fourth way takes all others.
        assert!(kept > 100 * 2, "{kept} of at most 300 hits");
    }

    #[test]
    fn the_followers_of_a_thrashed_cache_come_to_keep_a_part_too() {
        let mut cache = TagsOf::<Drrip>::new(128, 4);
        let mut kept = [0; 128];
        for _ in 0..100 {
            for (set, kept) in kept.iter_mut().enumerate() {
                *kept += hits(&mut cache, set, 6, 1);
            }
        }
        assert!(cache.policy.duel.brrip_is_better());
        let follower = sets_of(Role::Follows, 128)[0];
        assert!(kept[follower] > 100 * 2, "{} of at most 300 hits", kept[follower]);
        let srrip = sets_of(Role::LeadsSrrip, 128)[0];
        assert_eq!(kept[srrip], 0);
    }

    #[test]
    fn without_thrashing_it_does_as_srrip() {
        let mut cache = TagsOf::<Drrip>::new(4, 4);
        let mut srrip = TagsOf::<Srrip>::new(4, 4);
        for step in 0..4000_u64 {
            // Lines that fit beside ones used once: BRRIP's leader misses the more.
            let (set, line) =
                ((step % 4) as usize, if step % 12 < 8 { step / 4 % 3 } else { step });
            let same = cache.access(set, line) == srrip.access(set, line);
            assert!(same || set == 3, "set 3 leads BRRIP; step {step}");
        }
    }
}
