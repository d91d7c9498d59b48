//! What every replacement policy must do, whatever its idea.
//! [`replacement_contract!`](crate::replacement_contract) makes tests of it.

use super::Replacement;

/// Makes one test of each clause of the contract, for the type given.
#[macro_export]
macro_rules! replacement_contract {
    ($type:ty) => {
        $crate::replacement_contract! { $type:
            victims_are_ways_of_the_set
            the_same_calls_give_the_same_victims
            no_way_is_safe_for_ever_without_use
            sets_do_not_meet
            a_second_use_in_a_row_changes_nothing
        }
    };
    ($type:ty: $($clause:ident)+) => {
        $(#[test]
        fn $clause() {
            $crate::replacement::contract::$clause::<$type>();
        })+
    };
}

const SETS: usize = 4;
const WAYS: usize = 8;

/// A fixed, scattered sequence of ways.
fn scattered(step: usize) -> usize {
    (step * 2_654_435_761) >> 7 & (WAYS - 1)
}

/// A victim is one of the ways, for any number of them up to 64 that is a power of two.
pub fn victims_are_ways_of_the_set<P: Replacement>() {
    for ways in [1, 2, 4, 8, 16, 64] {
        let mut policy = P::new(SETS, ways);
        for step in 0..500 {
            let victim = policy.victim(step % SETS);
            assert!(victim < ways, "victim {victim} of {ways} ways");
            policy.fill(step % SETS, victim);
        }
    }
}

/// No run differs from another.
pub fn the_same_calls_give_the_same_victims<P: Replacement>() {
    let run = || {
        let mut policy = P::new(SETS, WAYS);
        let mut victims = Vec::new();
        for step in 0..1000 {
            policy.touch(step % SETS, scattered(step));
            let victim = policy.victim(step % SETS);
            policy.fill(step % SETS, victim);
            victims.push(victim);
        }
        victims
    };
    assert_eq!(run(), run());
}

/// Every way leaves some time if it is not used.
pub fn no_way_is_safe_for_ever_without_use<P: Replacement>() {
    let mut policy = P::new(1, WAYS);
    let mut left = [false; WAYS];
    for _ in 0..WAYS * 32 {
        let victim = policy.victim(0);
        left[victim] = true;
        policy.fill(0, victim);
    }
    assert_eq!(left, [true; WAYS]);
}

/// The use of lines in one set does not change what leaves another.
pub fn sets_do_not_meet<P: Replacement>() {
    let mut policy = P::new(2, WAYS);
    for way in 0..WAYS {
        policy.fill(0, way);
        policy.fill(1, way);
    }
    let mut undisturbed = policy.clone();
    for step in 0..100 {
        policy.touch(1, scattered(step));
    }
    assert_eq!(policy.victim(0), undisturbed.victim(0), "use of set 1 reached set 0");
}

/// Two runs that differ in how often a line is used in a row have the same victims.
pub fn a_second_use_in_a_row_changes_nothing<P: Replacement>() {
    let victims = |uses: usize| {
        let mut policy = P::new(SETS, WAYS);
        let mut victims = Vec::new();
        for step in 0..1000 {
            let set = step % SETS;
            for _ in 0..uses {
                policy.touch(set, scattered(step));
            }
            if step % 3 == 0 {
                let victim = policy.victim(set);
                policy.fill(set, victim);
                victims.push(victim);
            }
        }
        victims
    };
    assert_eq!(victims(1), victims(3));
}
