use super::*;
use stream::PhysAddr;

const KIB4: u8 = 12;
const MIB2: u8 = 21;
const GIB1: u8 = 30;

fn cache(entries: &[u32], ways: u32) -> WalkCache {
    let (entries, replacement) = (entries.to_vec(), ReplacementKind::Lru);
    WalkCache::new(&WalkCacheConfig { entries, ways, latency_cycles: 1, replacement })
}

fn reading(reads: usize) -> Walk {
    let mut walk = Walk::new();
    (0..reads).for_each(|level| walk.read(PhysAddr(level as u64 * 0x1000)));
    walk
}

/// A walk of `reads` entries that finds a page.
fn walk(reads: usize, size_log2: u8) -> Walk {
    let mut walk = reading(reads);
    walk.page = Some(Page { base: PhysAddr(0), size_log2, global: false });
    walk
}

/// What is left to read at `va` in address space 1, after a walk there and back.
fn again(cache: &mut WalkCache, va: u64, walk: &Walk) -> usize {
    let first = cache.first_read(VirtAddr(va), 1, walk);
    cache.insert(VirtAddr(va), 1, walk);
    first
}

#[test]
fn a_walk_begins_after_the_longest_known_prefix_with_tables_of_any_depth() {
    for levels in 3..=5 {
        let leaf = walk(levels, KIB4);
        let va = 0x12_3456_7000;
        for level in 1..levels {
            let reach = 1 << (12 + 9 * level);
            let start = va / reach * reach;
            // Both ends of what the entry of the level reaches, and one byte before and behind it,
            // where only the entry above helps.
            let left_at = |va| {
                let mut cache = cache(&[8, 8, 8, 8], 8);
                cache.insert(VirtAddr(0x12_3456_7000), 1, &leaf);
                // Without the shorter reaches.
                for shorter in &mut cache.levels[..level - 1] {
                    shorter.flush(None);
                }
                cache.first_read(VirtAddr(va), 1, &leaf)
            };
            assert_eq!(left_at(start), levels - level, "{levels} levels, level {level}");
            assert_eq!(left_at(start + reach - 1), levels - level);
            assert!(left_at(start + reach) < levels - level);
            assert!(left_at(start.wrapping_sub(1)) < levels - level);
        }
    }
}

#[test]
fn nothing_is_known_at_first_and_all_but_the_leaf_afterwards() {
    let mut cache = cache(&[2, 4, 8, 32], 4);
    assert_eq!(again(&mut cache, 0x1000, &walk(3, KIB4)), 0);
    assert_eq!(again(&mut cache, 0x2000, &walk(3, KIB4)), 2, "the same leaf table");
    assert_eq!(again(&mut cache, 0x20_0000, &walk(3, KIB4)), 1, "the next leaf table");
    assert_eq!(again(&mut cache, 0x4000_0000, &walk(3, KIB4)), 0, "another entry of the root");
    assert_eq!(cache.stats.hits[Reach::Mib2].get(), 1);
    assert_eq!(cache.stats.hits[Reach::Gib1].get(), 1);
    assert_eq!(cache.stats.misses.get(), 2);
}

#[test]
fn a_large_page_ends_the_walk_early_and_its_entry_is_not_kept() {
    let mut cache = cache(&[8, 8], 8);
    assert_eq!(again(&mut cache, 0x20_0000, &walk(2, MIB2)), 0);
    assert_eq!(again(&mut cache, 0x20_0000, &walk(2, MIB2)), 1, "its leaf is read every time");
    assert_eq!(again(&mut cache, 0x40_0000, &walk(3, KIB4)), 1, "the root's entry is shared");
    assert_eq!(again(&mut cache, 0x20_0000, &walk(2, MIB2)), 1);
    assert_eq!(again(&mut cache, 0x8000_0000, &walk(1, GIB1)), 0, "the root's entry is the leaf");
    assert_eq!(again(&mut cache, 0x8000_0000, &walk(1, GIB1)), 0);
}

#[test]
fn at_least_the_leaf_is_read_where_a_table_gave_way_to_a_large_page() {
    let mut cache = cache(&[8, 8], 8);
    again(&mut cache, 0x20_0000, &walk(3, KIB4));
    assert_eq!(again(&mut cache, 0x20_0000, &walk(2, MIB2)), 1);
}

#[test]
fn a_walk_into_a_fault_uses_what_is_known_of_tables_as_deep_as_before() {
    let mut cache = cache(&[8, 8], 8);
    again(&mut cache, 0x1000, &walk(3, KIB4));
    assert_eq!(again(&mut cache, 0x5000, &reading(3)), 2, "the leaf is not valid");
    assert_eq!(again(&mut cache, 0x20_0000, &reading(2)), 1, "there is no leaf table");
    assert_eq!(again(&mut cache, 0x4000_0000, &reading(1)), 0, "the root's entry is not valid");
    assert_eq!(again(&mut cache, 0x20_0000, &walk(3, KIB4)), 1, "and was not kept");
}

#[test]
fn walks_into_faults_are_not_remembered_before_one_has_found_a_page() {
    let mut cache = cache(&[8, 8, 8, 8], 8);
    for reads in 0..=5 {
        assert_eq!(again(&mut cache, 0x1000, &reading(reads)), 0);
    }
    assert_eq!(again(&mut cache, 0x1000, &walk(4, KIB4)), 0);
    assert_eq!(again(&mut cache, 0x1000, &reading(4)), 3);
}

#[test]
fn an_address_that_no_table_translates_reads_nothing() {
    let mut cache = cache(&[8, 8, 8, 8], 8);
    again(&mut cache, 0x1000, &walk(5, KIB4));
    assert_eq!(again(&mut cache, 0x1000, &reading(0)), 0);
}

#[test]
fn address_spaces_are_apart() {
    let mut cache = cache(&[8, 8], 8);
    again(&mut cache, 0x1000, &walk(3, KIB4));
    assert_eq!(cache.first_read(VirtAddr(0x1000), 2, &walk(3, KIB4)), 0);
}

#[test]
fn the_entry_used_longest_ago_leaves_a_full_level() {
    let mut cache = cache(&[8, 2], 2);
    let page = walk(3, KIB4);
    again(&mut cache, 0, &page);
    again(&mut cache, 0x20_0000, &page);
    assert_eq!(again(&mut cache, 0, &page), 2, "two fit");
    assert_eq!(again(&mut cache, 0x40_0000, &page), 1);
    assert_eq!(again(&mut cache, 0, &page), 2);
    assert_eq!(again(&mut cache, 0x20_0000, &page), 1, "it was older");
}

#[test]
fn levels_are_counted_from_the_leaves_and_those_not_listed_have_no_cache() {
    let mut cache = cache(&[0, 8], 8);
    again(&mut cache, 0x1000, &walk(3, KIB4));
    assert_eq!(again(&mut cache, 0x2000, &walk(3, KIB4)), 2);
    assert_eq!(again(&mut cache, 0x20_0000, &walk(3, KIB4)), 0, "roots have no cache");
    assert_eq!(again(&mut cache, 0x20_1000, &walk(5, KIB4)), 4, "a leaf table of Sv57");
}

#[test]
fn entries_conflict_only_within_their_set() {
    let mut cache = cache(&[16], 1);
    let page = walk(2, KIB4);
    let leaf_table = |number: u64| number << 21;
    again(&mut cache, leaf_table(0), &page);
    again(&mut cache, leaf_table(15), &page);
    assert_eq!(again(&mut cache, leaf_table(0), &page), 1);
    again(&mut cache, leaf_table(16), &page);
    assert_eq!(again(&mut cache, leaf_table(0), &page), 0, "16 and 0 share a set of one");
    assert_eq!(again(&mut cache, leaf_table(15), &page), 1);
}

#[test]
fn fences_of_address_spaces_drop_entries_and_fences_of_pages_do_not() {
    let left_after = |scope| {
        let mut cache = cache(&[8, 8], 8);
        for asid in [1, 2] {
            cache.insert(VirtAddr(0x1000), asid, &walk(3, KIB4));
        }
        cache.flush(scope);
        let left = [1, 2].map(|asid| cache.first_read(VirtAddr(0x1000), asid, &walk(3, KIB4)));
        (left, cache.stats.flushed.get())
    };
    let page = VirtAddr(0x1000);
    assert_eq!(left_after(FlushScope::All), ([0, 0], 4));
    assert_eq!(left_after(FlushScope::Asid(1)), ([0, 2], 2));
    assert_eq!(left_after(FlushScope::Page(page)), ([2, 2], 0));
    assert_eq!(left_after(FlushScope::PageAsid(page, 1)), ([2, 2], 0));
}

#[test]
fn every_walk_is_a_hit_of_one_reach_or_a_miss() {
    let mut cache = cache(&[1, 2, 4, 8], 4);
    for step in 0..1000_u64 {
        let va = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (16 + step % 30);
        again(&mut cache, va, &walk(3 + step as usize % 3, KIB4));
    }
    let hits: u64 = Reach::ALL.iter().map(|reach| cache.stats.hits[*reach].get()).sum();
    assert!(Reach::ALL.iter().all(|reach| cache.stats.hits[*reach].get() > 0));
    assert_eq!(hits + cache.stats.misses.get(), 1000);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = WalkCacheConfig {
        entries: vec![12, 8, 8, 8, 8],
        ways: 4,
        latency_cycles: 20_000,
        replacement: ReplacementKind::Lru,
    };
    let mut problems = Problems::default();
    config.validate("tlbs.walk_cache", &mut problems);
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    let keys = ["entries", "entries", "latency_cycles"];
    assert_eq!(paths, keys.map(|key| format!("tlbs.walk_cache.{key}")));
    let fine = WalkCacheConfig { entries: vec![2, 4, 8, 0], latency_cycles: 0, ..config };
    let mut problems = Problems::default();
    fine.validate("tlbs.walk_cache", &mut problems);
    assert_eq!(problems.0, []);
}
