//! Writes a `newc` cpio archive, the format of an initial RAM disk (kernel documentation,
//! `driver-api/early-userspace/buffer-format`).
//!
//! Times, device and inode numbers are fixed or counted, so the same tree gives the same bytes. Uncompressed: the
//! kernel copies it faster than it could unpack it, and every instruction it spends is simulated.

use std::io::{self, Write};

use crate::tree::{Entry, Node, Tree};

/// Writes every entry of `tree` and the trailer.
pub fn write(tree: &Tree, out: &mut dyn Write) -> io::Result<()> {
    let mut inode = 0;
    for (path, entry) in tree.iter() {
        inode += 1;
        write_entry(inode, path, entry, out)?;
    }
    let trailer = Entry { node: Node::Fifo, mode: 0, uid: 0, gid: 0 };
    header(0, 0, &trailer, 0, (0, 0), "TRAILER!!!", out)
}

fn write_entry(inode: u32, path: &str, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    match &entry.node {
        Node::File(content) => {
            let bytes = content.bytes()?;
            header(inode, 0o100_000, entry, bytes.len(), (0, 0), path, out)?;
            padded(&bytes, bytes.len(), out)
        }
        Node::Symlink(target) => {
            header(inode, 0o120_000, entry, target.len(), (0, 0), path, out)?;
            padded(target.as_bytes(), target.len(), out)
        }
        Node::Dir => header(inode, 0o040_000, entry, 0, (0, 0), path, out),
        Node::CharDevice(major, minor) => {
            header(inode, 0o020_000, entry, 0, (*major, *minor), path, out)
        }
        Node::BlockDevice(major, minor) => {
            header(inode, 0o060_000, entry, 0, (*major, *minor), path, out)
        }
        Node::Fifo => header(inode, 0o010_000, entry, 0, (0, 0), path, out),
    }
}

/// 110 bytes of hexadecimal fields, the name with its zero byte, padding to a multiple of four.
fn header(
    inode: u32,
    kind: u32,
    entry: &Entry,
    size: usize,
    device: (u32, u32),
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let size = u32::try_from(size)
        .map_err(|_| io::Error::other(format!("`{name}` is too large for an initial RAM disk")))?;
    let links = 1 + u32::from(entry.is_dir());
    let fields = [
        inode,
        kind | entry.mode,
        entry.uid,
        entry.gid,
        links,
        0, // Modification time.
        size,
        0,
        0, // Device the file is on.
        device.0,
        device.1,
        name.len() as u32 + 1,
        0, // Checksum, unused in this variant.
    ];
    out.write_all(b"070701")?;
    for field in fields {
        write!(out, "{field:08x}")?;
    }
    out.write_all(name.as_bytes())?;
    padded(&[0], 110 + name.len() + 1, out)
}

/// Writes `bytes` and pads as if `len` bytes had been written since the last boundary.
fn padded(bytes: &[u8], len: usize, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(&[0; 3][..len.next_multiple_of(4) - len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_documented_form() {
        let mut tree = Tree::new();
        tree.insert("a/b", Entry::file("hello", 0o644)).unwrap();
        let mut bytes = Vec::new();
        write(&tree, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let expected_dir = "070701\
            00000001000041ed0000000000000000000000020000000000000000\
            0000000000000000000000000000000000000002000000 00"
            .replace(' ', "");
        assert!(text.starts_with(&expected_dir), "{text}");
        assert!(text.contains("a/b\x00\x00\x00hello\x00\x00\x00070701"), "{text:?}");
        assert!(text.trim_end_matches('\0').ends_with("TRAILER!!!"));
        assert_eq!(text.len() % 4, 0);
    }
}
