//! Directory contents: linear blocks of `inode, record length, name length, type, name`.

use super::layout::BLOCK;

/// One name in a directory.
#[derive(Debug, Clone)]
pub(super) struct Name<'a> {
    pub inode: u32,
    pub kind: u8,
    pub name: &'a str,
}

/// Encodes a directory; `.` and `..` come first, then `names` in order.
pub(super) fn encode(own: u32, parent: u32, names: &[Name<'_>]) -> Vec<u8> {
    let dots =
        [Name { inode: own, kind: 2, name: "." }, Name { inode: parent, kind: 2, name: ".." }];
    let mut bytes = Vec::new();
    let mut last = 0;
    for name in dots.iter().chain(names) {
        let need = record_len(name.name);
        let left = BLOCK as usize - bytes.len() % BLOCK as usize;
        if need > left {
            close(&mut bytes, last);
        }
        last = bytes.len();
        bytes.extend(name.inode.to_le_bytes());
        bytes.extend((need as u16).to_le_bytes());
        bytes.extend([name.name.len() as u8, name.kind]);
        bytes.extend(name.name.as_bytes());
        bytes.resize(last + need, 0);
    }
    close(&mut bytes, last);
    bytes
}

/// Stretches the record at `last` to the end of its block.
fn close(bytes: &mut Vec<u8>, last: usize) {
    let end = bytes.len().next_multiple_of(BLOCK as usize);
    bytes.resize(end, 0);
    bytes[last + 4..last + 6].copy_from_slice(&((end - last) as u16).to_le_bytes());
}

fn record_len(name: &str) -> usize {
    8 + name.len().next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_never_cross_blocks_and_fill_them() {
        let long = "n".repeat(200);
        let names: Vec<Name<'_>> =
            (0..40).map(|i| Name { inode: 20 + i, kind: 1, name: &long }).collect();
        let bytes = encode(12, 2, &names);
        assert_eq!(bytes.len() % BLOCK as usize, 0);
        for block in bytes.chunks(BLOCK as usize) {
            let mut at = 0;
            while at < block.len() {
                let len = usize::from(u16::from_le_bytes([block[at + 4], block[at + 5]]));
                assert!(len >= 12 && at + len <= block.len(), "record at {at} of length {len}");
                at += len;
            }
        }
    }
}
