//! The pages of the functions that come with the program.

use std::path::{Path, PathBuf};

use crate::functions::Catalogue;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions")
}

fn read(page: &str) -> String {
    let path = folder().join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

/// The page that a line of the README's table of functions leads to: where the line's last link goes.
fn page_of<'a>(readme: &'a str, function: &str) -> Option<&'a str> {
    let line = readme.lines().find(|line| line.contains(&code(function)) && line.contains("]("))?;
    line.rsplit_once("](")?.1.split(')').next()
}

#[test]
fn every_built_in_function_has_a_page_that_names_its_payloads_methods_and_containers() {
    let (catalogue, readme) = (Catalogue::builtin().unwrap(), read("README.md"));
    for function in catalogue.functions() {
        let name = function.name();
        let page = page_of(&readme, name).unwrap_or_else(|| {
            panic!("docs/functions/README.md has no line with a page for {name}")
        });
        let text = read(page);
        let has = |what: &str| assert!(text.contains(&code(what)), "{page} lacks {what} of {name}");
        has(name);
        for request in &function.requests {
            has(request.name.as_deref().unwrap());
            has(&request.call.written());
        }
        for service in catalogue.closure(function) {
            has(&service.name);
        }
    }
}
