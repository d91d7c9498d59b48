//! Files with owners, modes and device numbers, held outside any real file system.
//!
//! Packages are unpacked into a [`Tree`], so ownership is exact although nobody is root, and image writers read it in
//! order of path, so the same tree gives the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Contents up to this size stay in memory even in a spooled tree.
const SPOOL_ABOVE: usize = 64 << 10;
/// Links followed while resolving a path before it is called a loop, as Linux does.
const MAX_LINKS: usize = 40;

/// A failure in a tree operation.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A path leaves the tree or is not a usable name.
    #[error(
        "`{0}` is not a usable path inside a file tree; the package or image that holds it is malformed"
    )]
    BadPath(String),
    /// A directory on the way to a path is something else, or its links form a loop.
    #[error(
        "cannot place `{path}`: `{at}` is not a directory; two of the chosen packages contradict each other"
    )]
    NotADirectory {
        /// What was to be inserted.
        path: String,
        /// What is in the way.
        at: String,
    },
    /// A hard link names nothing.
    #[error(
        "`{path}` is a hard link to `{target}`, which does not exist; the package that holds it is malformed"
    )]
    DanglingLink {
        /// The link.
        path: String,
        /// What it names.
        target: String,
    },
    /// The spool could not be written or read.
    #[error(
        "cannot keep file contents in a temporary file: {0}; check free space and permissions of the state folder"
    )]
    Spool(#[from] io::Error),
}

/// The bytes of a file, cheap to clone.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Arc<[u8]>),
    /// A range of an unnamed temporary file.
    Spooled {
        /// The temporary file.
        file: Arc<File>,
        /// First byte.
        offset: u64,
        /// Number of bytes.
        len: u64,
    },
}

impl Content {
    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Spooled { len, .. } => *len,
        }
    }

    /// Whether the file is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes at once.
    pub fn bytes(&self) -> io::Result<Arc<[u8]>> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::Spooled { len, .. } => {
                let mut bytes =
                    Vec::with_capacity(usize::try_from(*len).map_err(io::Error::other)?);
                self.reader().read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }

    /// A reader from the first byte.
    pub fn reader(&self) -> impl Read + '_ {
        ContentReader { content: self, at: 0 }
    }
}

struct ContentReader<'a> {
    content: &'a Content,
    at: u64,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.content.len() - self.at;
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match self.content {
            Content::Memory(bytes) => {
                let from = usize::try_from(self.at).map_err(io::Error::other)?;
                buffer[..count].copy_from_slice(&bytes[from..from + count]);
            }
            Content::Spooled { file, offset, .. } => {
                file.read_exact_at(&mut buffer[..count], offset + self.at)?
            }
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Node {
    /// A regular file.
    File(Content),
    /// A directory.
    Dir,
    /// A symbolic link and its target, as written.
    Symlink(String),
    /// A character device: major, minor.
    CharDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// A node with its attributes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permission bits (07777).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Entry {
    /// A directory of root's, mode 0755.
    pub fn dir() -> Self {
        Self { node: Node::Dir, mode: 0o755, uid: 0, gid: 0 }
    }

    /// A file of root's with these bytes.
    pub fn file(bytes: impl Into<Vec<u8>>, mode: u32) -> Self {
        Self { node: Node::File(Content::Memory(bytes.into().into())), mode, uid: 0, gid: 0 }
    }

    /// A symbolic link of root's.
    pub fn symlink(target: &str) -> Self {
        Self { node: Node::Symlink(target.to_owned()), mode: 0o777, uid: 0, gid: 0 }
    }

    /// Whether this is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.node, Node::Dir)
    }
}

/// A file tree. Paths have no leading slash; the root itself is not an entry.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    spool: Option<Mutex<Spool>>,
}

#[derive(Debug)]
struct Spool {
    file: Arc<File>,
    end: u64,
}

impl Tree {
    /// An empty tree that keeps all contents in memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty tree that keeps large contents in an unnamed temporary file in `folder`.
    pub fn spooled_in(folder: &Path) -> Result<Self, TreeError> {
        let file = Arc::new(tempfile::tempfile_in(folder)?);
        Ok(Self { entries: BTreeMap::new(), spool: Some(Mutex::new(Spool { file, end: 0 })) })
    }

    /// Takes a file's bytes into the tree's keeping.
    pub fn store(&self, reader: &mut dyn Read) -> Result<Content, TreeError> {
        let mut head = Vec::new();
        let Some(spool) = &self.spool else {
            reader.read_to_end(&mut head)?;
            return Ok(Content::Memory(head.into()));
        };
        reader.take(SPOOL_ABOVE as u64 + 1).read_to_end(&mut head)?;
        if head.len() <= SPOOL_ABOVE {
            return Ok(Content::Memory(head.into()));
        }
        let mut spool = spool.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offset = spool.end;
        let len = append(&spool.file, offset, &head, reader)?;
        spool.end += len;
        Ok(Content::Spooled { file: spool.file.clone(), offset, len })
    }

    /// Adds or replaces an entry. Links in the folders of `path` are followed (`bin` -> `usr/bin`), missing folders
    /// are made, a directory over a directory (or over a link to one) only updates attributes.
    pub fn insert(&mut self, path: &str, entry: Entry) -> Result<(), TreeError> {
        let clean = normalize(path)?;
        if clean.is_empty() {
            return Ok(());
        }
        let (parent, name) = clean.rsplit_once('/').unwrap_or(("", &clean));
        let parent = self.make_dirs(parent, path)?;
        let place = join(&parent, name);
        if entry.is_dir()
            && matches!(self.entries.get(&place), Some(Entry { node: Node::Symlink(_), .. }))
        {
            let target = self.resolve(&place, path)?;
            self.make_dirs(&target, path)?;
            return Ok(());
        }
        if !entry.is_dir()
            && self.entries.get(&place).is_some_and(Entry::is_dir)
            && self.has_children(&place)
        {
            return Err(TreeError::NotADirectory { path: path.to_owned(), at: place });
        }
        self.entries.insert(place, entry);
        Ok(())
    }

    /// Adds `path` as a further name of `target`'s content and attributes.
    pub fn hard_link(&mut self, path: &str, target: &str) -> Result<(), TreeError> {
        let entry = self.get(target).cloned();
        let dangling =
            || TreeError::DanglingLink { path: path.to_owned(), target: target.to_owned() };
        self.insert(path, entry.ok_or_else(dangling)?)
    }

    /// The entry at `path`, following links in its folders but not a link at its end.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let clean = normalize(path).ok()?;
        let (parent, name) = clean.rsplit_once('/').unwrap_or(("", &clean));
        self.entries.get(&join(&self.resolve(parent, path).ok()?, name))
    }

    /// The entry `path` finally leads to, following every link.
    pub fn follow(&self, path: &str) -> Option<&Entry> {
        self.entries.get(&self.resolve(&normalize(path).ok()?, path).ok()?)
    }

    /// Removes `path` and everything below it.
    pub fn remove(&mut self, path: &str) {
        let Ok(clean) = normalize(path) else { return };
        let below = format!("{clean}/");
        self.entries.retain(|at, _| *at != clean && !at.starts_with(&below));
    }

    /// All entries in order of path; a directory comes before its contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn has_children(&self, place: &str) -> bool {
        let below = format!("{place}/");
        self.entries.range(below.clone()..).next().is_some_and(|(path, _)| path.starts_with(&below))
    }

    /// Makes every missing folder of `path` and returns where it really is.
    fn make_dirs(&mut self, path: &str, wanted: &str) -> Result<String, TreeError> {
        let mut place = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            place = self.resolve(&join(&place, part), wanted)?;
            if place.is_empty() {
                continue; // A link led back to the root, which is no entry.
            }
            let entry = self.entries.entry(place.clone()).or_insert_with(Entry::dir);
            if !entry.is_dir() {
                return Err(TreeError::NotADirectory { path: wanted.to_owned(), at: place });
            }
        }
        Ok(place)
    }

    /// Follows every link in `path`; parts that do not exist stay as they are.
    fn resolve(&self, path: &str, wanted: &str) -> Result<String, TreeError> {
        let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut place = String::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    place.truncate(place.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let next = join(&place, &part);
            let Some(Entry { node: Node::Symlink(target), .. }) = self.entries.get(&next) else {
                place = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(TreeError::NotADirectory { path: wanted.to_owned(), at: next });
            }
            if target.starts_with('/') {
                place.clear();
            }
            todo.extend(target.split('/').rev().map(str::to_owned));
        }
        Ok(place)
    }
}

fn append(mut file: &File, offset: u64, head: &[u8], rest: &mut dyn Read) -> io::Result<u64> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(head)?;
    Ok(head.len() as u64 + io::copy(rest, &mut file)?)
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// Strips `./` and slashes; refuses `..` and names no file system takes.
fn normalize(path: &str) -> Result<String, TreeError> {
    let bad = |part: &str| part == ".." || part.contains('\0') || part.len() > 255;
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.iter().any(|part| bad(part)) {
        return Err(TreeError::BadPath(path.to_owned()));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn files_land_where_directory_links_lead() {
        let mut tree = Tree::new();
        tree.insert("bin", Entry::symlink("usr/bin")).unwrap();
        tree.insert("./bin/sh", Entry::file("x", 0o755)).unwrap();
        tree.insert("/bin/", Entry::dir()).unwrap();
        assert_eq!(paths(&tree), ["bin", "usr", "usr/bin", "usr/bin/sh"]);
        assert!(tree.get("bin/sh").is_some());
        assert!(matches!(tree.get("bin").unwrap().node, Node::Symlink(_)));
        assert!(tree.follow("bin").unwrap().is_dir());
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        let mut tree = Tree::new();
        assert!(matches!(tree.insert("a/../../b", Entry::dir()), Err(TreeError::BadPath(_))));
        tree.insert("up", Entry::symlink("../../..")).unwrap();
        tree.insert("up/x", Entry::file("", 0o644)).unwrap();
        assert_eq!(paths(&tree), ["up", "x"]);
    }

    #[test]
    fn link_loops_and_files_used_as_folders_are_errors() {
        let mut tree = Tree::new();
        tree.insert("a", Entry::symlink("b")).unwrap();
        tree.insert("b", Entry::symlink("a")).unwrap();
        assert!(matches!(tree.insert("a/x", Entry::dir()), Err(TreeError::NotADirectory { .. })));
        tree.insert("f", Entry::file("", 0o644)).unwrap();
        assert!(matches!(tree.insert("f/x", Entry::dir()), Err(TreeError::NotADirectory { .. })));
    }

    #[test]
    fn hard_links_share_content_and_dangling_ones_are_errors() {
        let mut tree = Tree::new();
        tree.insert("a", Entry::file("same", 0o600)).unwrap();
        tree.hard_link("b", "a").unwrap();
        let Node::File(content) = &tree.get("b").unwrap().node else { panic!("not a file") };
        assert_eq!(&*content.bytes().unwrap(), b"same");
        assert!(matches!(tree.hard_link("c", "none"), Err(TreeError::DanglingLink { .. })));
    }

    #[test]
    fn spooled_contents_read_back_whole() {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::spooled_in(dir.path()).unwrap();
        let big: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let first = tree.store(&mut &big[..]).unwrap();
        let second = tree.store(&mut &big[1..]).unwrap();
        assert!(matches!(second, Content::Spooled { offset: 300_000, len: 299_999, .. }));
        assert_eq!(&*first.bytes().unwrap(), &big[..]);
        assert_eq!(&*second.bytes().unwrap(), &big[1..]);
        assert!(matches!(tree.store(&mut &big[..10]).unwrap(), Content::Memory(_)));
    }

    #[test]
    fn removal_takes_what_is_below_and_nothing_beside() {
        let mut tree = Tree::new();
        for path in ["a/b", "a-b", "a0"] {
            tree.insert(path, Entry::file("", 0o644)).unwrap();
        }
        tree.remove("a");
        assert_eq!(paths(&tree), ["a-b", "a0"]);
    }
}
