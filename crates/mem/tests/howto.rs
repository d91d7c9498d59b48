//! Follows docs/howto/add-a-prefetcher.md and docs/howto/add-a-replacement-policy.md: the files they
//! show are compiled here, as they would be inside the crate, and put through the contracts.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use mem::Problems;
use std::fs;
use std::path::Path;

mod prefetch {
    use mem::prefetch::{Observed, Pages, Prefetcher, Requests};

    mod buddy;

    mod buddy_contract {
        mem::prefetcher_contract!(super::buddy::Buddy);
    }
}

mod replacement {
    use mem::replacement::Replacement;

    mod fifo;

    mod fifo_contract {
        mem::replacement_contract!(super::fifo::Fifo);
    }

    #[test]
    fn the_line_filled_first_leaves_although_it_was_used() {
        let mut fifo = fifo::Fifo::new(1, 2);
        fifo.fill(0, 0);
        fifo.fill(0, 1);
        fifo.touch(0, 0);
        assert_eq!(fifo.victim(0), 0);
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The contents of a page's Rust blocks.
fn rust_blocks(page: &str) -> Vec<String> {
    let text = read(&format!("../../docs/howto/{page}"));
    let after_fences = text.split("```rust\n").skip(1);
    after_fences.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The lines of a registry: `Name => module::Type = "key";`, with their parts.
fn registry_lines(text: &str) -> Vec<[String; 4]> {
    let line = |line: &str| {
        let (name, rest) = line.trim().split_once(" => ")?;
        let (type_, key) = rest.strip_suffix("\";")?.split_once(" = \"")?;
        let (module, type_) = type_.split_once("::")?;
        let name = name.trim_start_matches("#[default] ");
        Some([name, module, type_, key].map(str::to_owned))
    };
    text.lines().filter_map(line).collect()
}

/// Checks a page's two blocks: the file, and its line among those of the registry.
fn check(page: &str, file: &str, registry: &str, expected: [&str; 4]) {
    let blocks = rust_blocks(page);
    assert_eq!(blocks.len(), 2, "a file and a registry line");
    assert_eq!(blocks[0], read(file), "{page} shows another file than the one that is tested");
    assert_eq!(registry_lines(&blocks[1]), [expected.map(str::to_owned)]);
    let there = registry_lines(&read(registry));
    assert!(there.len() >= 3, "{registry} has lines of that form");
    assert!(there.iter().all(|[.., key]| key != expected[3]), "it is there already");
}

#[test]
fn the_prefetcher_of_the_page_is_the_one_tested_here() {
    let expected = ["Buddy", "buddy", "Buddy", "buddy"];
    let file = "tests/prefetch/buddy.rs";
    check("add-a-prefetcher.md", file, "src/prefetch/mod.rs", expected);
}

#[test]
fn the_replacement_policy_of_the_page_is_the_one_tested_here() {
    let expected = ["Fifo", "fifo", "Fifo", "fifo"];
    let file = "tests/replacement/fifo.rs";
    check("add-a-replacement-policy.md", file, "src/replacement/mod.rs", expected);
}
