//! Follows docs/howto/add-a-restoration-unit.md: the file it shows is compiled here, as it would be inside
//! the crate, and put through the contract.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use restore::{Asked, Ports};
use std::fs;
use std::path::Path;

mod unit {
    use restore::unit::{RestorationUnit, Surroundings};

    mod first_lines;

    mod first_lines_contract {
        restore::restoration_contract!(super::first_lines::FirstLines);
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_unit_of_the_page_is_the_one_tested_here() {
    let page = read("../../docs/howto/add-a-restoration-unit.md");
    let blocks: Vec<_> =
        page.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2, "a file and a registry line");
    assert_eq!(blocks[0], read("tests/unit/first_lines.rs"), "the page shows another file");
    let form = "    FirstLines => first_lines::FirstLines = \"first_lines\";\n";
    assert!(blocks[1].ends_with(form), "{}", blocks[1]);
    let registry = read("src/unit/mod.rs");
    assert!(registry.contains("    Jukebox => jukebox::Jukebox = \"jukebox\";\n"), "of that form");
    assert!(!registry.contains("first_lines"), "it is there already");
}
