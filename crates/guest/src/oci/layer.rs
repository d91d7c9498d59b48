//! Layers: a file tree as a tar that is the same bytes every time.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header, HeaderMode};

use super::digest::Digest;
use crate::packages::Package;
use crate::tree::{Entry, Node, Tree};

/// A finished layer in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the tar; as the tar is not compressed, also its diff id.
    pub digest: Digest,
    /// Size of the tar in bytes.
    pub size: u64,
    /// What the layer is, for the image's history.
    pub title: String,
    /// The Debian packages it was made from.
    pub packages: Vec<Package>,
    /// Where the tar is.
    #[serde(skip)]
    pub path: PathBuf,
}

/// Writes `tree` as a tar: sorted by path, all times zero, no names of users or groups.
///
/// # Errors
/// The writer's, or reading a spooled file's.
pub fn write_tar(tree: &Tree, writer: impl Write) -> io::Result<()> {
    let mut tar = Builder::new(writer);
    tar.mode(HeaderMode::Deterministic);
    for (path, entry) in tree.iter() {
        append(&mut tar, path, entry)?;
    }
    tar.into_inner()?.flush()
}

fn append<W: Write>(tar: &mut Builder<W>, path: &str, entry: &Entry) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(0);
    header.set_size(0);
    let special = |header: &mut Header, kind, major, minor| {
        header.set_entry_type(kind);
        header.set_device_major(major)?;
        header.set_device_minor(minor)
    };
    match &entry.node {
        Node::File(content) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(content.len());
            return tar.append_data(&mut header, path, content.reader());
        }
        Node::Symlink(target) => {
            header.set_entry_type(EntryType::Symlink);
            return tar.append_link(&mut header, path, target);
        }
        Node::Dir => header.set_entry_type(EntryType::Directory),
        Node::CharDevice(major, minor) => special(&mut header, EntryType::Char, *major, *minor)?,
        Node::BlockDevice(major, minor) => special(&mut header, EntryType::Block, *major, *minor)?,
        Node::Fifo => header.set_entry_type(EntryType::Fifo),
    }
    let path = if entry.is_dir() { format!("{path}/") } else { path.to_owned() };
    tar.append_data(&mut header, path, io::empty())
}

/// Passes bytes on while hashing and counting them.
pub(super) struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    /// The inner writer, the digest of what went through, and how much that was.
    pub(super) fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_hash(&self.hash.finalize()), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(tree: &Tree) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_tar(tree, &mut bytes).unwrap();
        bytes
    }

    fn sample(order: &[usize]) -> Tree {
        let long = format!("usr/share/{}/file", "long-name/".repeat(15));
        let entries = [
            ("usr/bin/app", Entry::file("#!", 0o755)),
            ("usr/lib/link", Entry::symlink("../bin/app")),
            (long.as_str(), Entry { uid: 33, gid: 7, ..Entry::file("data", 0o640) }),
            ("dev/null", Entry { node: Node::CharDevice(1, 3), mode: 0o666, uid: 0, gid: 0 }),
        ];
        let mut tree = Tree::new();
        for &i in order {
            tree.insert(entries[i].0, entries[i].1.clone()).unwrap();
        }
        tree
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes_in_whatever_order_it_was_filled() {
        assert_eq!(tar(&sample(&[0, 1, 2, 3])), tar(&sample(&[3, 1, 2, 0])));
        assert_ne!(tar(&sample(&[0, 1, 2, 3])), tar(&sample(&[0, 1, 2])));
    }

    #[test]
    fn a_tar_reads_back_as_the_tree_it_was_written_from() {
        let tree = sample(&[0, 1, 2, 3]);
        let mut again = Tree::new();
        crate::packages::unpack_tar(&tar(&tree)[..], "test", &mut again, &|_| true).unwrap();
        let view = |tree: &Tree| {
            tree.iter().map(|(path, entry)| format!("{path} {entry:?}")).collect::<Vec<_>>()
        };
        assert_eq!(view(&tree), view(&again));
    }

    #[test]
    fn no_time_of_the_host_is_in_a_tar() {
        let bytes = tar(&sample(&[0, 1, 2, 3]));
        let mut archive = ::tar::Archive::new(&bytes[..]);
        for entry in archive.entries().unwrap() {
            assert_eq!(entry.unwrap().header().mtime().unwrap(), 0);
        }
    }

    #[test]
    fn hashing_counts_and_digests_what_passes() {
        let mut writer = Hashing::new(Vec::new());
        writer.write_all(b"abc").unwrap();
        let (inner, digest, size) = writer.finish();
        assert_eq!((inner.as_slice(), digest, size), (&b"abc"[..], Digest::of(b"abc"), 3));
    }
}
