//! Tags of a cache around a policy, to see what it keeps.

use super::Replacement;

/// Sets of lines, each set with its own numbers of lines.
pub(super) struct TagsOf<P> {
    pub(super) policy: P,
    ways: usize,
    lines: Vec<Option<u64>>,
}

impl<P: Replacement> TagsOf<P> {
    pub(super) fn new(sets: usize, ways: usize) -> Self {
        Self { policy: P::new(sets, ways), ways, lines: vec![None; sets * ways] }
    }

    /// Uses a line, putting it in if it is not there; whether it was.
    pub(super) fn access(&mut self, set: usize, line: u64) -> bool {
        let lines = &mut self.lines[set * self.ways..][..self.ways];
        if let Some(way) = lines.iter().position(|held| *held == Some(line)) {
            self.policy.touch(set, way);
            return true;
        }
        let unused = lines.iter().position(Option::is_none);
        let way = unused.unwrap_or_else(|| self.policy.victim(set));
        lines[way] = Some(line);
        self.policy.fill(set, way);
        false
    }
}
