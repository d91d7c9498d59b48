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

#[cfg(test)]
mod tests {
    #[test]
    fn a_hint_changes_nothing_wherever_it_points() {
        let mut places = vec![7_u64; 1 << 16];
        places.iter().for_each(super::prefetch);
        super::prefetch(&[0_u8; 0]);
        places[3] = 8;
        super::prefetch(&places[3]);
        assert!(places.iter().enumerate().all(|(at, &value)| value == if at == 3 { 8 } else { 7 }));
    }
}
