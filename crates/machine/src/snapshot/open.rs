//! Reading: a chain of files as one snapshot.

use super::codec::Decoder;
use super::format::{
    Blob, Content, Hash, Index, PRELUDE_LEN, SpaceIndex, TRAILER_LEN, Trailer, check_prelude,
};
use super::{CHUNK_LEN, ChunkReader, Key, MAX_CHAIN, RAM_SPACE, SnapshotError};
use ram::{CHUNK, Ram};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An opened snapshot: its index is in memory, its content is read when asked for.
#[derive(Debug)]
pub struct Snapshot {
    /// The snapshot itself, then its parent, and so on.
    files: Vec<OpenFile>,
    spaces: BTreeMap<String, SpaceMap>,
    chunks_read: AtomicU64,
}

/// What a chunk of a space holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Nothing was saved for it: zero in RAM, the base image's content in a disk overlay.
    Absent,
    /// It was saved.
    Present,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    index: Index,
    identity: Hash,
}

/// One space over the whole chain.
#[derive(Debug, Default)]
pub(super) struct SpaceMap {
    pub(super) absent_is_zero: bool,
    pub(super) chunk_count: u64,
    /// What is not absent, and the file of the chain it is in.
    chunks: BTreeMap<u64, (u8, Content)>,
}

impl SpaceMap {
    pub(super) fn content(&self, number: u64) -> Content {
        self.chunks.get(&number).map_or(Content::Absent, |&(_, content)| content)
    }

    /// Numbers of the chunks that are not absent, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.chunks.keys().copied()
    }
}

impl Snapshot {
    /// Opens `key` and its parents, each at the path that `locate` gives.
    pub(super) fn open(key: Key, locate: impl Fn(Key) -> PathBuf) -> Result<Self, SnapshotError> {
        let mut files = vec![OpenFile::open(key, locate(key))?];
        while let Some((parent, identity)) = files[files.len() - 1].index.parent {
            if files.len() == MAX_CHAIN {
                return Err(SnapshotError::ChainTooLong);
            }
            let child = || files[files.len() - 1].path.clone();
            let file = OpenFile::open(parent, locate(parent)).map_err(|cause| {
                SnapshotError::Parent { path: child(), parent, cause: Box::new(cause) }
            })?;
            if file.identity != identity {
                return Err(SnapshotError::ParentChanged { path: child(), parent });
            }
            files.push(file);
        }
        let spaces = merge(&mut files)?;
        Ok(Self { files, spaces, chunks_read: AtomicU64::new(0) })
    }

    /// The key it was saved under.
    #[must_use]
    pub fn key(&self) -> Key {
        self.files[0].index.key
    }

    /// The label given when it was saved.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.files[0].index.label
    }

    /// Key of the parent.
    #[must_use]
    pub fn parent(&self) -> Option<Key> {
        self.files[0].index.parent.map(|(key, _)| key)
    }

    /// Number of files in the chain.
    #[must_use]
    pub fn chain_len(&self) -> usize {
        self.files.len()
    }

    /// Chunks read from the files since the snapshot was opened.
    #[must_use]
    pub fn chunks_read(&self) -> u64 {
        self.chunks_read.load(Ordering::Relaxed)
    }

    /// Hash of the whole content.
    pub(super) fn identity(&self) -> Hash {
        self.files[0].identity
    }

    /// The content of a section of this snapshot (sections are not inherited).
    pub fn section(&self, name: &str) -> Result<Vec<u8>, SnapshotError> {
        let file = &self.files[0];
        let blob = file.index.sections.iter().find(|(found, _)| found == name);
        let (_, blob) = blob.ok_or_else(|| SnapshotError::NoSection {
            path: file.path.clone(),
            name: name.to_owned(),
        })?;
        let mut bytes = vec![0; blob.len as usize];
        let what = || format!("section \"{name}\"");
        file.read(blob, &mut Decoder::new(), &mut Vec::new(), &mut bytes, what)?;
        Ok(bytes)
    }

    /// Names of the sections, in the order they were saved.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.files[0].index.sections.iter().map(|(name, _)| name.as_str())
    }

    /// Names of the spaces.
    pub fn space_names(&self) -> impl Iterator<Item = &str> {
        self.spaces.keys().map(String::as_str)
    }

    /// RAM whose chunks are read from this snapshot when they are touched.
    pub fn restore_ram(self: &Arc<Self>) -> Result<Ram, SnapshotError> {
        let chunk_count = self.space(RAM_SPACE)?.chunk_count;
        let source = ChunkReader::new(Arc::clone(self), RAM_SPACE)?;
        Ok(Ram::with_source(chunk_count * CHUNK, Box::new(source)))
    }

    /// Number of chunks a space has room for.
    pub fn chunk_count(&self, space: &str) -> Result<u64, SnapshotError> {
        Ok(self.space(space)?.chunk_count)
    }

    /// Numbers of the chunks of a space that are not absent, ascending.
    pub fn chunk_numbers(&self, space: &str) -> Result<Vec<u64>, SnapshotError> {
        Ok(self.space(space)?.numbers().collect())
    }

    /// Reads chunk `number` of `space` into `into`, which has [`CHUNK_LEN`] bytes. An absent chunk
    /// leaves it as it is.
    pub fn read_chunk(
        &self,
        space: &str,
        number: u64,
        into: &mut [u8],
    ) -> Result<Chunk, SnapshotError> {
        self.read_chunk_with(&mut Scratch::default(), space, number, into)
    }

    /// [`Snapshot::read_chunk`] with buffers that are kept between calls.
    pub(super) fn read_chunk_with(
        &self,
        scratch: &mut Scratch,
        space: &str,
        number: u64,
        into: &mut [u8],
    ) -> Result<Chunk, SnapshotError> {
        match self.space(space)?.chunks.get(&number) {
            None | Some((_, Content::Absent)) => Ok(Chunk::Absent),
            Some((_, Content::Zero)) => {
                into.fill(0);
                Ok(Chunk::Present)
            }
            Some((file, Content::Data(blob))) => {
                self.chunks_read.fetch_add(1, Ordering::Relaxed);
                let what = || format!("chunk {number} of \"{space}\"");
                let Scratch { decoder, stored } = scratch;
                self.files[usize::from(*file)].read(blob, decoder, stored, into, what)?;
                Ok(Chunk::Present)
            }
        }
    }

    /// Reads everything and checks it.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        for (name, _) in &self.files[0].index.sections {
            self.section(name)?;
        }
        let mut scratch = Scratch::default();
        let mut chunk = vec![0; CHUNK_LEN];
        for (name, space) in &self.spaces {
            for number in space.numbers() {
                self.read_chunk_with(&mut scratch, name, number, &mut chunk)?;
            }
        }
        Ok(())
    }

    pub(super) fn space(&self, name: &str) -> Result<&SpaceMap, SnapshotError> {
        self.spaces.get(name).ok_or_else(|| SnapshotError::NoSpace {
            path: self.files[0].path.clone(),
            name: name.to_owned(),
        })
    }
}

/// Buffers for reading chunks.
#[derive(Debug)]
pub(super) struct Scratch {
    decoder: Decoder,
    stored: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { decoder: Decoder::new(), stored: Vec::new() }
    }
}

impl OpenFile {
    fn open(key: Key, path: PathBuf) -> Result<Self, SnapshotError> {
        let file = File::open(&path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => SnapshotError::NotFound { key, path: path.clone() },
            _ => SnapshotError::io("opening", &path)(cause),
        })?;
        let (index, identity) = read_index(&file, &path)?;
        if index.key != key {
            return Err(SnapshotError::damaged(&path, format!("it holds snapshot {}", index.key)));
        }
        Ok(Self { path, file, index, identity })
    }

    /// Reads the content of `blob`; `what` names it in errors.
    fn read(
        &self,
        blob: &Blob,
        decoder: &mut Decoder,
        stored: &mut Vec<u8>,
        into: &mut [u8],
        what: impl Fn() -> String,
    ) -> Result<(), SnapshotError> {
        stored.resize(blob.stored_len as usize, 0);
        read_at(&self.file, &self.path, stored, blob.offset)?;
        decoder
            .decode(blob, stored, into)
            .map_err(|why| SnapshotError::damaged(&self.path, format!("{}: {why}", what())))
    }
}

fn read_index(file: &File, path: &Path) -> Result<(Index, Hash), SnapshotError> {
    let len = file.metadata().map_err(SnapshotError::io("reading", path))?.len();
    if len < (PRELUDE_LEN + TRAILER_LEN) as u64 {
        return Err(SnapshotError::damaged(path, "it is too short"));
    }
    let mut prelude = [0; PRELUDE_LEN];
    read_at(file, path, &mut prelude, 0)?;
    check_prelude(path, &prelude)?;
    let mut trailer = [0; TRAILER_LEN];
    read_at(file, path, &mut trailer, len - TRAILER_LEN as u64)?;
    let trailer = Trailer::decode(path, &trailer, len)?;
    let mut bytes = vec![0; trailer.index_len as usize];
    read_at(file, path, &mut bytes, trailer.index_offset)?;
    Ok((Index::decode(path, &bytes, &trailer)?, trailer.identity))
}

fn read_at(file: &File, path: &Path, into: &mut [u8], at: u64) -> Result<(), SnapshotError> {
    file.read_exact_at(into, at).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => SnapshotError::damaged(path, "it ends too early"),
        _ => SnapshotError::io("reading", path)(cause),
    })
}

/// Lays the files' changes over each other, oldest first. The lists of changes are moved out.
fn merge(files: &mut [OpenFile]) -> Result<BTreeMap<String, SpaceMap>, SnapshotError> {
    let mut spaces = BTreeMap::<String, SpaceMap>::new();
    for (at, file) in files.iter_mut().enumerate().rev() {
        for SpaceIndex { name, absent_is_zero, chunk_count, changed } in
            std::mem::take(&mut file.index.spaces)
        {
            let fresh = || SpaceMap { absent_is_zero, chunk_count, ..SpaceMap::default() };
            let space = spaces.entry(name).or_insert_with(fresh);
            if (space.absent_is_zero, space.chunk_count) != (absent_is_zero, chunk_count) {
                return Err(SnapshotError::damaged(&file.path, "a space is not as in its parent"));
            }
            let layer = changed.into_iter().map(|(number, content)| (number, (at as u8, content)));
            space.chunks.extend(layer);
            space.chunks.retain(|_, (_, content)| *content != Content::Absent);
        }
    }
    Ok(spaces)
}
