//! Opening a `.deb`: an `ar` archive with `debian-binary`, `control.tar.*` and `data.tar.*` (`deb(5)`).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::EntryType;

use super::error::PackageError;
use crate::tree::{Entry, Node, Tree};

/// `ar` global header and the size of a member header (`ar(5)`).
const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Unpacks the files of package `deb` for whose path (without leading slash) `filter` holds.
///
/// Nothing is executed; conffiles are files like any other. Parent folders of kept files appear even if filtered out.
pub fn unpack(
    deb: &Path,
    into: &mut Tree,
    filter: &dyn Fn(&str) -> bool,
) -> Result<(), PackageError> {
    let mut file = File::open(deb).map_err(PackageError::io("open", deb))?;
    let (name, size) = find_data(&mut file, deb)?;
    let data = BufReader::with_capacity(1 << 16, file.take(size));
    let reader: Box<dyn Read> = match name.as_str() {
        "data.tar" => Box::new(data),
        "data.tar.gz" => Box::new(flate2::read::MultiGzDecoder::new(data)),
        "data.tar.xz" => Box::new(liblzma::read::XzDecoder::new_multi_decoder(data)),
        "data.tar.zst" => {
            Box::new(zstd::Decoder::with_buffer(data).map_err(PackageError::io("read", deb))?)
        }
        other => {
            return Err(malformed(
                deb,
                &format!("its payload `{other}` has an unknown compression"),
            ));
        }
    };
    unpack_tar(reader, &deb.display().to_string(), into, filter)
}

/// Unpacks an uncompressed tar stream; `what` names it in errors.
pub fn unpack_tar(
    reader: impl Read,
    what: &str,
    into: &mut Tree,
    filter: &dyn Fn(&str) -> bool,
) -> Result<(), PackageError> {
    let broken = |error: std::io::Error| PackageError::Malformed {
        what: what.to_owned(),
        reason: error.to_string(),
    };
    let mut archive = tar::Archive::new(reader);
    for member in archive.entries().map_err(broken)? {
        let mut member = member.map_err(broken)?;
        let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let path = path.trim_start_matches("./").trim_matches('/').to_owned();
        if !path.is_empty() && filter(&path) {
            insert(&mut member, &path, into, &broken)?;
        }
    }
    Ok(())
}

fn insert<R: Read>(
    member: &mut tar::Entry<'_, R>,
    path: &str,
    into: &mut Tree,
    broken: &dyn Fn(std::io::Error) -> PackageError,
) -> Result<(), PackageError> {
    let header = member.header().clone();
    let number = |value: std::io::Result<u64>| -> Result<u32, PackageError> {
        u32::try_from(value.map_err(broken)?).map_err(|error| broken(std::io::Error::other(error)))
    };
    let target = || {
        member
            .link_name_bytes()
            .map(|name| String::from_utf8_lossy(&name).into_owned())
            .unwrap_or_default()
    };
    let device = || -> Result<(u32, u32), PackageError> {
        let major = header.device_major().map_err(broken)?.unwrap_or_default();
        Ok((major, header.device_minor().map_err(broken)?.unwrap_or_default()))
    };
    let node = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous => Node::File(into.store(member)?),
        EntryType::Directory => Node::Dir,
        EntryType::Symlink => Node::Symlink(target()),
        EntryType::Link => return Ok(into.hard_link(path, &target())?),
        EntryType::Char => device().map(|(major, minor)| Node::CharDevice(major, minor))?,
        EntryType::Block => device().map(|(major, minor)| Node::BlockDevice(major, minor))?,
        EntryType::Fifo => Node::Fifo,
        other => {
            return Err(broken(std::io::Error::other(format!(
                "`{path}` is of unknown type {other:?}"
            ))));
        }
    };
    let mode = header.mode().map_err(broken)? & 0o7777;
    let (uid, gid) = (number(header.uid())?, number(header.gid())?);
    Ok(into.insert(path, Entry { node, mode, uid, gid })?)
}

/// Positions `file` at the payload and returns its member name and size.
fn find_data(file: &mut File, deb: &Path) -> Result<(String, u64), PackageError> {
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)
        .ok()
        .filter(|()| &magic == MAGIC)
        .ok_or_else(|| malformed(deb, "it is not a .deb file"))?;
    loop {
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(|_| malformed(deb, "it ends before its data.tar"))?;
        let (name, size) =
            parse_member(&header).ok_or_else(|| malformed(deb, "a member header is broken"))?;
        if name.starts_with("data.tar") {
            return Ok((name, size));
        }
        let padded = i64::try_from(size + size % 2)
            .map_err(|_| malformed(deb, "a member size is absurd"))?;
        file.seek(SeekFrom::Current(padded)).map_err(PackageError::io("read", deb))?;
    }
}

/// Name (16 bytes, `/`-terminated in GNU style), size at 48..58, end mark at 58..60.
fn parse_member(header: &[u8; HEADER]) -> Option<(String, u64)> {
    (&header[58..] == b"`\n").then_some(())?;
    let text =
        |range: std::ops::Range<usize>| std::str::from_utf8(&header[range]).ok().map(str::trim);
    let size: u64 = text(48..58)?.parse().ok()?;
    Some((text(0..16)?.trim_end_matches('/').to_owned(), size))
}

fn malformed(deb: &Path, reason: &str) -> PackageError {
    PackageError::Malformed { what: deb.display().to_string(), reason: reason.to_owned() }
}
