//! The functions that come with the program: `functions/` and `protos/` of the source tree, embedded at build time.
//!
//! The build script lists the files and asks cargo to watch both folders, so the copy is never older than the tree
//! the program was built from, and an installed binary needs no source tree.

use super::files::{SourceFile, SourceFiles};

/// The compose file, relative to the base folder.
pub(super) const FILE: &str = "functions.yaml";

/// Path from the root of the source tree, content, whether executable.
static FILES: &[(&str, &[u8], bool)] = include!(concat!(env!("OUT_DIR"), "/builtin_functions.rs"));

/// The embedded files, with paths relative to `functions/`.
pub(super) fn sources() -> SourceFiles {
    let file = |&(path, bytes, executable): &(&str, &[u8], bool)| {
        (path.to_owned(), SourceFile { bytes: bytes.to_vec(), executable })
    };
    SourceFiles::Embedded { files: FILES.iter().map(file).collect(), base: "functions".to_owned() }
}
