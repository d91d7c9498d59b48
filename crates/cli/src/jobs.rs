//! Work done several at a time.

use crate::failure::Failure;
use crate::progress::{Reporter, Suite};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More than this many by default would take more memory than small machines have.
const MOST: usize = 4;

/// How many at a time: as asked, or as many as there are processors, at most 4.
pub fn number(asked: Option<u16>) -> usize {
    let processors = || thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(|| processors().min(MOST), usize::from)
}

/// What `one` makes of each index below `count`, in the order of indices, whichever ends first. Each job shows its
/// progress on a line of `suite`; it ends where `one` has nothing to return.
///
/// # Errors
/// The user's wish to stop, if something was not made.
pub fn each<T: Send + Sync>(
    suite: &Suite,
    count: usize,
    jobs: usize,
    one: impl Fn(usize, &Reporter) -> Option<T> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicUsize::new(0);
    let made: Vec<OnceLock<T>> = (0..count).map(|_| OnceLock::new()).collect();
    let work = || {
        let reporter = suite.reporter();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = made.get(index) else { break };
            let Some(value) = one(index, &reporter) else { break };
            // Nobody else has this index.
            let _first = place.set(value);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            scope.spawn(work);
        }
    });
    let made: Option<Vec<T>> = made.into_iter().map(OnceLock::into_inner).collect();
    made.ok_or_else(Failure::interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_however_many_jobs_there_are() {
        for jobs in [1, 3, 50] {
            let suite = Suite::new(20);
            let made = each(&suite, 20, jobs, |index, _| Some(index * 2)).unwrap();
            assert_eq!(made, (0..20).map(|index| index * 2).collect::<Vec<_>>(), "{jobs} jobs");
        }
    }

    #[test]
    fn a_job_that_stops_leaves_the_rest_and_that_is_told() {
        let suite = Suite::new(3);
        let tried = AtomicUsize::new(0);
        let stop = |index: usize, _: &Reporter| {
            tried.fetch_add(1, Ordering::Relaxed);
            (index != 1).then_some(())
        };
        each(&suite, 3, 1, stop).unwrap_err();
        assert_eq!(tried.into_inner(), 2);
    }

    #[test]
    fn the_user_s_number_counts_and_there_is_always_one() {
        assert_eq!(number(Some(100)), 100);
        assert!((1..=MOST).contains(&number(None)));
    }
}
