//! Symbols of the programs and libraries in a function's image.
//!
//! Debian's libraries are stripped: of them only exported functions have a name, and what lies between
//! two of these is told by its file alone.

use guest::oci::Image;
use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// The functions of an ELF file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Symbols {
    /// Where in the file each segment lies: offset, length, address.
    segments: Vec<(u64, u64, u64)>,
    /// Address, end and name, sorted by address. An end of 0 is not known.
    functions: Vec<(u64, u64, String)>,
}

impl Symbols {
    /// Reads an ELF file; of one that cannot be read nothing is known.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let Ok(file) = object::File::parse(bytes) else { return Self::default() };
        let segments = file.segments().map(|segment| {
            let (offset, length) = segment.file_range();
            (offset, length, segment.address())
        });
        let mut functions = Vec::new();
        for symbol in file.symbols().chain(file.dynamic_symbols()) {
            let name = symbol.name().unwrap_or_default();
            if symbol.kind() == SymbolKind::Text && symbol.is_definition() && !name.starts_with('$')
            {
                let start = symbol.address();
                let end = if symbol.size() > 0 { start.saturating_add(symbol.size()) } else { 0 };
                functions.push((start, end, name.to_owned()));
            }
        }
        functions.sort();
        functions.dedup_by_key(|(start, ..)| *start);
        Self { segments: segments.collect(), functions }
    }

    /// The function at an offset in the file.
    pub(crate) fn at(&self, offset: u64) -> Option<&str> {
        let (start, _, address) = self.segments.iter().find(|(start, length, _)| {
            offset.checked_sub(*start).is_some_and(|in_it| in_it < *length)
        })?;
        let address = address.wrapping_add(offset - start);
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let (_, end, name) = self.functions[..after].last()?;
        (*end == 0 || address < *end).then_some(name.as_str())
    }
}

/// The programs of a function's images, read as they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// The layers' archives, the topmost of the function's own image first.
    layers: Vec<PathBuf>,
    known: BTreeMap<String, Symbols>,
}

impl Programs {
    /// The programs of `images`, the function's own of which is the last.
    pub(crate) fn of(images: &[Image]) -> Self {
        let layers = images.iter().rev().flat_map(|image| image.layers.iter().rev());
        Self { layers: layers.map(|layer| layer.path.clone()).collect(), known: BTreeMap::new() }
    }

    /// The symbols of the file at `path`; none if no image has it.
    pub(crate) fn symbols(&mut self, path: &str) -> &Symbols {
        if !self.known.contains_key(path) {
            let symbols = self.find(path).map(|bytes| Symbols::read(&bytes)).unwrap_or_default();
            self.known.insert(path.to_owned(), symbols);
        }
        &self.known[path]
    }

    fn find(&self, path: &str) -> Option<Vec<u8>> {
        let path = path.trim_start_matches('/');
        self.layers.iter().find_map(|layer| {
            let mut archive = tar::Archive::new(File::open(layer).ok()?);
            let mut entries = archive.entries_with_seek().ok()?.filter_map(Result::ok);
            let mut entry = entries.find(|entry| entry.path_bytes().as_ref() == path.as_bytes())?;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).ok()?;
            Some(bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols() -> Symbols {
        Symbols {
            segments: vec![(0, 0x100, 0), (0x100, 0x200, 0x1100)],
            functions: vec![(0x1180, 0x1190, "sized".into()), (0x1200, 0, "open".into())],
        }
    }

    #[test]
    fn an_offset_in_the_file_is_found_by_the_address_that_its_segment_is_linked_for() {
        let symbols = symbols();
        assert_eq!(symbols.at(0x180), Some("sized"));
        assert_eq!(symbols.at(0x18f), Some("sized"));
        assert_eq!(symbols.at(0x190), None, "between functions");
        assert_eq!(symbols.at(0x2ff), Some("open"), "without a size up to the next");
        assert_eq!(symbols.at(0x300), None, "beyond the segments");
        assert_eq!(symbols.at(0x80), None);
    }

    #[test]
    fn what_is_no_elf_file_has_no_symbols() {
        assert_eq!(Symbols::read(b"#!/bin/sh\n"), Symbols::default());
        assert_eq!(Programs::default().symbols("/app/server").at(0), None);
    }
}
