//! Places a tree's contents and writes the image.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::directory::{self, Name};
use super::inode::{self, MAX_FILE, SHORT_LINK, Span};
use super::layout::{
    BLOCK, FIRST_INODE, GROUP_BLOCKS, Layout, ROOT_INODE, Usage, descriptors, superblock,
};
use crate::progress::Progress;
use crate::tree::{Entry, Node, Tree};

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Ext4Error {
    /// The contents do not fit.
    #[error(
        "the files need {needed} blocks of 4 KiB and {inodes} inodes, more than a disk of {disk} bytes has; choose a larger disk"
    )]
    TooSmall {
        /// Blocks needed.
        needed: u64,
        /// Inodes needed.
        inodes: u64,
        /// Disk size asked for.
        disk: u64,
    },
    /// One file is beyond what the writer supports.
    #[error(
        "`{0}` is larger than 512 MiB, more than this image writer supports; leave it out of the root file system"
    )]
    FileTooLarge(String),
    /// Reading contents or writing the image failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One inode to be written.
struct Item<'a> {
    path: &'a str,
    entry: &'a Entry,
    number: u32,
    links: u32,
    span: Span,
    /// Encoded names, for directories; the target, for long links.
    bytes: Vec<u8>,
}

/// Writes `tree` as a file system of `disk_bytes` (rounded up to 128 MiB) to the empty file `out` and returns the
/// length of the used prefix; everything behind it is a hole. `identity` becomes UUID and hash seed.
pub fn write(
    tree: &Tree,
    disk_bytes: u64,
    identity: [u8; 16],
    out: &mut File,
    progress: &dyn Progress,
) -> Result<u64, Ext4Error> {
    let layout = Layout::of(disk_bytes);
    let (root, lost) = (Entry::dir(), Entry { mode: 0o700, ..Entry::dir() });
    let mut items = number(tree, &root, &lost);
    fill_directories(&mut items);
    let blocks = place(&mut items, layout)?;
    let usage = Usage {
        blocks,
        inodes: u64::from(items.last().map_or(FIRST_INODE, |item| item.number)),
        directories: items
            .iter()
            .filter(|item| item.entry.is_dir())
            .map(|item| item.number)
            .collect(),
    };
    if usage.blocks > layout.blocks() || usage.inodes > layout.inodes() {
        return Err(Ext4Error::TooSmall {
            needed: usage.blocks,
            inodes: usage.inodes,
            disk: disk_bytes,
        });
    }
    out.set_len(layout.blocks() * BLOCK)?;
    progress.start("root disk", Some((blocks - layout.first_data()) * BLOCK));
    let written = items.iter().try_for_each(|item| write_contents(item, out, progress));
    progress.finish();
    written?;
    write_metadata(&items, layout, &usage, identity, out)?;
    Ok(blocks * BLOCK)
}

/// Gives every entry an inode: root, `lost+found`, then the tree in order of path.
fn number<'a>(tree: &'a Tree, root: &'a Entry, lost: &'a Entry) -> Vec<Item<'a>> {
    let item = |path, entry, number| Item {
        path,
        entry,
        number,
        links: 1,
        span: Span::default(),
        bytes: Vec::new(),
    };
    let mut items = vec![item("", root, ROOT_INODE), item("lost+found", lost, FIRST_INODE)];
    let entries = tree.iter().filter(|(path, _)| *path != "lost+found");
    items.extend(
        entries.zip(FIRST_INODE + 1..).map(|((path, entry), number)| item(path, entry, number)),
    );
    items
}

/// Encodes directories and long links, and counts the links of directories.
fn fill_directories(items: &mut [Item<'_>]) {
    let numbers: BTreeMap<&str, u32> = items.iter().map(|item| (item.path, item.number)).collect();
    let mut children: BTreeMap<&str, Vec<Name<'_>>> = BTreeMap::new();
    for item in items.iter().filter(|item| !item.path.is_empty()) {
        let (parent, name) = split(item.path);
        children.entry(parent).or_default().push(Name {
            inode: item.number,
            kind: inode::kind(&item.entry.node).1,
            name,
        });
    }
    for item in items {
        match &item.entry.node {
            Node::Dir => {
                let names = children.get(item.path).map(Vec::as_slice).unwrap_or_default();
                let parent = numbers[split(item.path).0];
                item.links = 2 + names.iter().filter(|name| name.kind == 2).count() as u32;
                item.bytes = directory::encode(item.number, parent, names);
            }
            Node::Symlink(target) if target.len() > SHORT_LINK => {
                item.bytes = target.clone().into_bytes()
            }
            _ => {}
        }
    }
}

/// Assigns blocks in order of inode number and returns the first one left free.
fn place(items: &mut [Item<'_>], layout: Layout) -> Result<u64, Ext4Error> {
    let mut next = layout.first_data();
    for item in items {
        let bytes = match &item.entry.node {
            Node::File(content) => content.len(),
            _ => item.bytes.len() as u64,
        };
        if bytes > MAX_FILE {
            return Err(Ext4Error::FileTooLarge(item.path.to_owned()));
        }
        item.span = Span { start: next, bytes };
        next += item.span.blocks();
    }
    Ok(next)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn write_contents(item: &Item<'_>, out: &mut File, progress: &dyn Progress) -> io::Result<()> {
    if item.span.bytes == 0 {
        return Ok(());
    }
    out.seek(SeekFrom::Start(item.span.start * BLOCK))?;
    match &item.entry.node {
        Node::File(content) => copy(content.reader(), out)?,
        _ => out.write_all(&item.bytes)?,
    }
    progress.advance(item.span.blocks() * BLOCK);
    Ok(())
}

fn copy(mut from: impl Read, out: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => out.write_all(&buffer[..count])?,
        }
    }
}

fn write_metadata(
    items: &[Item<'_>],
    layout: Layout,
    usage: &Usage,
    identity: [u8; 16],
    out: &mut File,
) -> io::Result<()> {
    let mut at = |offset: u64, bytes: &[u8]| {
        out.seek(SeekFrom::Start(offset))?;
        out.write_all(bytes)
    };
    at(1024, &superblock(layout, usage, identity))?;
    at(BLOCK, &descriptors(layout, usage))?;
    for group in 0..layout.groups {
        // A bitmap of an untouched group is all zero, except where inode bits end; holes read as zero.
        if group * GROUP_BLOCKS < usage.blocks {
            at(layout.block_bitmap(group) * BLOCK, &usage.block_bitmap(group))?;
        }
        at(layout.inode_bitmap(group) * BLOCK, &usage.inode_bitmap(group))?;
    }
    // Inodes 1 to 10 are the format's; of them only the root is written.
    for item in items {
        at(layout.inode_offset(item.number), &inode::encode(item.entry, item.links, item.span))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn sample() -> Tree {
        let mut tree = Tree::new();
        tree.insert("etc/empty", Entry::file("", 0o600)).unwrap();
        tree.insert(
            "etc/hosts",
            Entry { uid: 70_000, gid: 5, ..Entry::file("127.0.0.1 localhost\n", 0o644) },
        )
        .unwrap();
        tree.insert("bin", Entry::symlink("usr/bin")).unwrap();
        tree.insert("long", Entry::symlink(&"x/".repeat(60))).unwrap();
        tree.insert("big", Entry::file(vec![7u8; 3_000_001], 0o4755)).unwrap();
        tree.insert(
            "dev/null",
            Entry { node: Node::CharDevice(1, 3), mode: 0o666, uid: 0, gid: 0 },
        )
        .unwrap();
        for i in 0..5000 {
            tree.insert(
                &format!("many/a-rather-long-file-name-{i}"),
                Entry::file(format!("{i}"), 0o644),
            )
            .unwrap();
        }
        tree
    }

    fn image(tree: &Tree) -> (tempfile::NamedTempFile, u64) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let used = write(tree, 256 << 20, [9; 16], file.as_file_mut(), &Silent).unwrap();
        (file, used)
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes() {
        let ((a, used_a), (b, used_b)) = (image(&sample()), image(&sample()));
        assert_eq!(used_a, used_b);
        assert!(
            std::fs::read(a.path()).unwrap() == std::fs::read(b.path()).unwrap(),
            "images differ"
        );
    }

    #[test]
    fn a_checker_finds_nothing_to_repair_and_contents_read_back() {
        let (file, _) = image(&sample());
        let run = |program: &str, args: &[&str]| {
            let output = std::process::Command::new(program)
                .args(args)
                .arg(file.path())
                .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
                .output();
            output.map_err(|_| eprintln!("skipped: {program} (e2fsprogs) is not installed")).ok()
        };
        let Some(check) = run("e2fsck", &["-f", "-n"]) else { return };
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
        let cat = run("debugfs", &["-R", "cat /etc/hosts"]).unwrap();
        assert_eq!(cat.stdout, b"127.0.0.1 localhost\n");
        let stat =
            String::from_utf8(run("debugfs", &["-R", "stat /etc/hosts"]).unwrap().stdout).unwrap();
        assert!(stat.contains("User: 70000") && stat.contains("Group:     5"), "{stat}");
        let device =
            String::from_utf8(run("debugfs", &["-R", "stat /dev/null"]).unwrap().stdout).unwrap();
        assert!(device.contains("Type: character special") && device.contains("01:03"), "{device}");
    }

    #[test]
    fn a_tree_that_does_not_fit_is_an_error() {
        let mut tree = Tree::new();
        for i in 0..40 {
            tree.insert(&format!("f{i}"), Entry::file(vec![1u8; 4 << 20], 0o644)).unwrap();
        }
        let mut file = tempfile::tempfile().unwrap();
        assert!(matches!(
            write(&tree, 128 << 20, [0; 16], &mut file, &Silent),
            Err(Ext4Error::TooSmall { .. })
        ));
    }
}
