//! What memory still owes a hart, in words, for someone who looks for the cause of a standstill.

use super::{Hierarchy, Side};
use crate::Cycle;
use crate::cache::Cache;
use crate::when::When;
use stream::HartId;

/// Lines named for each cache; more would bury what matters.
const SHOWN: usize = 8;

impl Hierarchy {
    /// The misses of `hart` that are under way at `now`, cache by cache.
    #[must_use]
    pub fn diagnosis(&self, now: Cycle, hart: HartId) -> String {
        let private = &self.harts[hart.index()];
        let caches = [
            ("L1I", Some(&private.l1[Side::Instruction as usize])),
            ("L1D", Some(&private.l1[Side::Data as usize])),
            ("L2", private.l2.as_ref()),
            ("last level", self.llc.as_ref()),
        ];
        let each = caches.into_iter().filter_map(|(name, cache)| Some((name, cache?)));
        let each: Vec<String> = each.map(|(name, cache)| misses(name, cache, now)).collect();
        format!("miss registers: {}", each.join(", "))
    }
}

fn misses(name: &str, cache: &Cache, now: Cycle) -> String {
    let all: Vec<String> = cache
        .mshrs
        .outstanding(now)
        .map(|(line, until)| match until {
            When::At(at) => format!("{:#x} until {}", line.0, at.0),
            When::After { .. } => format!("{:#x} not answered", line.0),
        })
        .collect();
    let more = all.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    match all.is_empty() {
        true => format!("{name} none"),
        false => format!("{name} {}{rest}", all[..all.len().min(SHOWN)].join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;
    use crate::AccessKind;
    use stream::{PhysAddr, VirtAddr};

    #[test]
    fn a_miss_under_way_is_named_with_its_line_and_a_hit_is_not() {
        let mut mem = Hierarchy::new(&small());
        let hart = HartId(0);
        let (now, pa, pc) = (Cycle(10), PhysAddr(0x1040), VirtAddr(0));
        let done = mem.access(now, hart, AccessKind::Load, pa, pc).at;
        let line = mem.line(pa).0;
        let told = mem.diagnosis(now + 1, hart);
        assert!(told.contains(&format!("L1D {line:#x} until ")), "{told}");
        assert!(mem.diagnosis(done + 1, hart).contains("L1D none"));
    }
}
