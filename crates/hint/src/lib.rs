//! Hints to the host's processor. They change how fast something is, and nothing else.
//!
//! The only crate with `unsafe` in it: the standard library has no safe prefetch yet.

/// Has the host bring the cache line that `place` begins in nearer, while other work is done. Does nothing
/// where the host's instruction for it is not known here.
#[inline(always)]
pub fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults at no address, and this one is of a live value.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// The length of a cache line of nearly all hosts, in bytes: where it is another, hints are too many or too few.
const LINE: usize = 64;

/// The same for all lines of `places`, at once.
#[inline(always)]
pub fn prefetch_all<T>(places: &[T]) {
    places.iter().step_by(const { line_of::<T>() }).for_each(prefetch);
}

/// How many lie in a line: one, of what is longer.
const fn line_of<T>() -> usize {
    let most = LINE / if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
    if most == 0 { 1 } else { most }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_places_is_asked_for_once() {
        assert_eq!((line_of::<u64>(), line_of::<[u8; 16]>(), line_of::<u8>()), (8, 4, 64));
        assert_eq!((line_of::<[u8; 48]>(), line_of::<[u8; 100]>(), line_of::<()>()), (1, 1, 64));
    }

    #[test]
    fn a_hint_changes_nothing_wherever_it_points() {
        let mut places = vec![7_u64; 1 << 16];
        places.iter().for_each(prefetch);
        prefetch_all(&places);
        prefetch(&[0_u8; 0]);
        prefetch_all::<u64>(&[]);
        places[3] = 8;
        prefetch(&places[3]);
        assert!(places.iter().enumerate().all(|(at, &value)| value == if at == 3 { 8 } else { 7 }));
    }
}
