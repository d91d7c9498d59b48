//! Tree pseudo-LRU: a binary tree over the ways whose nodes say which half was used last.
//!
//! A use turns the nodes on its path away from itself; the victim is found by following them. One
//! bit a node, `ways - 1` bits a set, as in many first-level caches.

use super::{Associativity, Replacement};

/// Pseudo-LRU with one tree of bits a set; node 1 is the root, node n has children 2n and 2n+1.
#[derive(Clone, Debug)]
pub(crate) struct TreePlru {
    ways: usize,
    /// Bit n of a set's word is node n; set means the right half is the older one.
    trees: Vec<u64>,
    /// For each way, the nodes on its path, and which of them are set after its use.
    paths: Vec<(u64, u64)>,
}

/// The nodes on the path of `way` and which of them are set after its use.
fn path(way: usize, ways: usize) -> (u64, u64) {
    let (mut nodes, mut set) = (0, 0);
    let mut node = way + ways;
    while node > 1 {
        let was_left = node & 1 == 0;
        node >>= 1;
        nodes |= 1 << node;
        set |= u64::from(was_left) << node;
    }
    (nodes, set)
}

impl Replacement for TreePlru {
    fn new(sets: usize, ways: usize) -> Self {
        let paths = (0..ways).map(|way| path(way, ways)).collect();
        Self { ways, trees: vec![0; sets], paths }
    }

    #[inline]
    fn touch(&mut self, set: usize, way: usize) {
        let (nodes, set_after) = self.paths[way];
        let tree = &mut self.trees[set];
        *tree = *tree & !nodes | set_after;
    }

    fn victim(&mut self, set: usize) -> usize {
        let tree = self.trees[set];
        let mut node = 1;
        while node < self.ways {
            node = node << 1 | (tree >> node & 1) as usize;
        }
        node - self.ways
    }

    fn associativity() -> Associativity {
        Associativity::PowerOfTwo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_victim_lies_in_the_half_that_was_not_used_last() {
        let mut plru = TreePlru::new(1, 4);
        plru.touch(0, 3);
        assert_eq!(plru.victim(0), 0);
        plru.touch(0, 0);
        assert_eq!(plru.victim(0), 2);
    }

    #[test]
    fn it_is_not_true_lru() {
        let mut plru = TreePlru::new(1, 4);
        for way in [0, 2, 1, 3, 0] {
            plru.touch(0, way);
        }
        // Way 2 was used longest ago of all, yet 3's use protects the whole right half only until
        // 0's use points back at it: the tree finds 2; after one more use of 2 it finds 1, not 3.
        assert_eq!(plru.victim(0), 2);
        plru.touch(0, 2);
        assert_eq!(plru.victim(0), 1);
    }
}
