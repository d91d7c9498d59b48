//! The interface of a function: its .proto file and what that imports.

use std::collections::BTreeMap;

use super::files::SourceFiles;

/// A .proto file and, by the names they are imported under, the files it needs. Google's well-known types are not
/// included: every implementation brings its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProtoSet {
    /// The file named in the compose file, without its folder.
    pub entry: String,
    /// Import name to text, `entry` included.
    pub files: BTreeMap<String, String>,
}

impl ProtoSet {
    /// Reads `path` and its imports, which are looked up in the folder of `path`.
    pub(super) fn read(sources: &SourceFiles, path: &str) -> Result<Self, String> {
        let (folder, entry) =
            path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
        if !entry.ends_with(".proto") {
            return Err(format!("`{path}` is not a .proto file"));
        }
        let mut set = Self { entry: entry.to_owned(), files: BTreeMap::new() };
        let mut wanted = vec![entry.to_owned()];
        while let Some(name) = wanted.pop() {
            if set.files.contains_key(&name) {
                continue;
            }
            let at = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let bytes = sources
                .read(&at)
                .map_err(|reason| format!("{}: {reason}", sources.display(&at).display()))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| format!("{} is not UTF-8", sources.display(&at).display()))?;
            wanted.extend(imports(&text));
            set.files.insert(name, text);
        }
        Ok(set)
    }

    /// The entry's name without `.proto`.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.entry.trim_end_matches(".proto")
    }
}

/// The files a .proto imports, apart from the well-known ones. Proto language, "Importing Definitions": the word
/// `import`, perhaps `public` or `weak`, a quoted name.
fn imports(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let rest = line.trim_start().strip_prefix("import")?;
        let (before, rest) = rest.split_once(['"', '\''])?;
        let (name, _) = rest.split_once(['"', '\''])?;
        matches!(before.trim(), "" | "public" | "weak").then(|| name.to_owned())
    };
    text.lines().filter_map(name).filter(|name| !name.starts_with("google/protobuf/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_and_well_known_ones_left_out() {
        let text = "syntax = \"proto3\";\nimport \"a.proto\";\n  import public 'b/c.proto'; // x\n\
                    import \"google/protobuf/empty.proto\";\nmessage importer { string import = 1; }\n// import \"no.proto\";\n";
        assert_eq!(imports(text), ["a.proto", "b/c.proto"]);
    }

    #[test]
    fn a_set_holds_the_transitive_imports_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("p")).unwrap();
        std::fs::write(dir.path().join("p/a.proto"), "import \"b.proto\";\n").unwrap();
        std::fs::write(dir.path().join("p/b.proto"), "import \"a.proto\";\n").unwrap();
        let sources = SourceFiles::Folder(dir.path().to_owned());
        let set = ProtoSet::read(&sources, "p/a.proto").unwrap();
        assert_eq!(set.files.keys().collect::<Vec<_>>(), ["a.proto", "b.proto"]);
        assert_eq!((set.entry.as_str(), set.stem()), ("a.proto", "a"));
        std::fs::write(dir.path().join("p/b.proto"), "import \"c.proto\";\n").unwrap();
        assert!(ProtoSet::read(&sources, "p/a.proto").unwrap_err().contains("c.proto"));
        assert!(ProtoSet::read(&sources, "p/a.txt").unwrap_err().contains(".proto"));
    }
}
