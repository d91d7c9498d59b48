//! Writing.
//!
//! The chunks of a space are taken in batches; threads hash and compress the chunks of a batch, one
//! thread writes the results in order. So the bytes of the file do not depend on the threads.

use super::codec::{self, Encoder};
use super::format::{Blob, Content, Hash, Index, MAX_SECTION, SpaceIndex, Trailer, prelude};
use super::open::Scratch;
use super::temporary::TemporaryFile;
use super::{CHUNK_LEN, Key, MAX_CHAIN, RAM_SPACE, Snapshot, SnapshotError};
use ram::Ram;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// Chunks between two writes: 32 MiB.
const BATCH: usize = 512;
static ZEROES: [u8; CHUNK_LEN] = [0; CHUNK_LEN];

/// A snapshot to save.
#[derive(Debug)]
pub struct SaveRequest<'a> {
    /// Its name.
    pub key: Key,
    /// A word for people and listings.
    pub label: &'a str,
    /// The snapshot to store the difference to.
    pub parent: Option<&'a Snapshot>,
    /// Named small blobs.
    pub sections: &'a [(&'a str, &'a [u8])],
    /// RAM and disk overlays.
    pub spaces: &'a [Space<'a>],
    /// Threads that hash and compress; the bytes are the same for every number.
    pub threads: usize,
}

/// The content of one space.
#[derive(Debug)]
pub struct Space<'a> {
    /// Its name, unique in the snapshot.
    pub name: &'a str,
    /// What a chunk means for which nothing is saved.
    pub absent: Absent,
    /// Number of chunks it has room for.
    pub chunk_count: u64,
    /// Chunks in memory, by ascending number, each of [`CHUNK_LEN`] bytes.
    pub touched: Vec<(u64, &'a [u8])>,
    /// Where the chunks are that are not in memory; `None` if they are absent.
    pub origin: Option<&'a Snapshot>,
    /// Chunks of the origin that are absent now.
    pub removed: BTreeSet<u64>,
}

/// What an absent chunk means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Zeroes: chunks of zeroes are not saved.
    Zero,
    /// Content from elsewhere (the base image of a disk), so that zeroes must be saved.
    Elsewhere,
}

/// What saving did.
#[derive(Clone, Debug, Default)]
pub struct SaveReport {
    /// Size of the file.
    pub file_bytes: u64,
    /// Chunks whose content was written.
    pub chunks_stored: u64,
    /// Chunks in memory that turned out to be as in the parent, or zero.
    pub chunks_elided: u64,
    /// Time it took on the host. For people: it is in no file.
    pub elapsed: Duration,
}

impl<'a> Space<'a> {
    /// The space of `ram`; `origin` is the snapshot it was restored from.
    pub fn of_ram(ram: &'a Ram, origin: Option<&'a Snapshot>) -> Result<Self, SnapshotError> {
        if ram.has_load_error() {
            let why = "a chunk of the snapshot it was restored from could not be read";
            return Err(SnapshotError::UnsoundRam(why.into()));
        }
        let chunks = 0..ram.chunk_count();
        Ok(Self {
            name: RAM_SPACE,
            absent: Absent::Zero,
            chunk_count: ram.chunk_count() as u64,
            touched: chunks.filter_map(|i| ram.chunk(i).map(|bytes| (i as u64, bytes))).collect(),
            origin,
            removed: BTreeSet::new(),
        })
    }
}

/// A chunk that may have to be written.
struct Job<'a> {
    number: u64,
    source: Source<'a>,
    parent: Content,
}

enum Source<'a> {
    Memory(&'a [u8]),
    Origin(&'a Snapshot),
    Absent,
}

/// What became of a job.
enum Outcome {
    AsParent,
    Absent,
    Zero,
    Data { hash: Hash, stored: Vec<u8> },
}

pub(super) fn save(path: &Path, request: &SaveRequest<'_>) -> Result<SaveReport, SnapshotError> {
    let begun = Instant::now();
    if request.parent.is_some_and(|parent| parent.chain_len() >= MAX_CHAIN) {
        return Err(SnapshotError::ChainTooLong);
    }
    let mut writer = Writer { file: TemporaryFile::create(path)?, report: SaveReport::default() };
    writer.file.append(&prelude())?;
    let sections = writer.sections(request.sections)?;
    let mut spaces = Vec::new();
    for space in request.spaces {
        spaces.push(writer.space(space, request)?);
    }
    let parent = request.parent.map(|parent| (parent.key(), parent.identity()));
    let label = request.label.to_owned();
    writer.finish(&Index { key: request.key, label, parent, sections, spaces }, path, begun)
}

struct Writer {
    file: TemporaryFile,
    report: SaveReport,
}

impl Writer {
    fn sections(
        &mut self,
        sections: &[(&str, &[u8])],
    ) -> Result<Vec<(String, Blob)>, SnapshotError> {
        let mut encoder = Encoder::new();
        sections
            .iter()
            .map(|&(name, bytes)| {
                if bytes.len() as u64 > MAX_SECTION {
                    let (name, len) = (name.to_owned(), bytes.len());
                    return Err(SnapshotError::SectionTooLarge { name, len });
                }
                let stored = encoder.encode(bytes);
                let blob = self.blob(codec::hash(bytes), bytes.len(), &stored)?;
                Ok((name.to_owned(), blob))
            })
            .collect()
    }

    fn space(
        &mut self,
        space: &Space<'_>,
        request: &SaveRequest<'_>,
    ) -> Result<SpaceIndex, SnapshotError> {
        let jobs = jobs(space, request.parent)?;
        let mut changed = Vec::new();
        for batch in jobs.chunks(BATCH) {
            for (job, outcome) in batch.iter().zip(run(batch, space, request.threads)?) {
                let content = self.write(job, outcome)?;
                changed.extend(content.map(|content| (job.number, content)));
            }
        }
        Ok(SpaceIndex {
            name: space.name.to_owned(),
            absent_is_zero: space.absent == Absent::Zero,
            chunk_count: space.chunk_count,
            changed,
        })
    }

    /// Writes what must be written; the entry for the index if the chunk differs from the parent's.
    fn write(&mut self, job: &Job<'_>, outcome: Outcome) -> Result<Option<Content>, SnapshotError> {
        let content = match outcome {
            Outcome::AsParent => None,
            Outcome::Absent => Some(Content::Absent),
            Outcome::Zero => Some(Content::Zero),
            Outcome::Data { hash, stored } => {
                self.report.chunks_stored += 1;
                return Ok(Some(Content::Data(self.blob(hash, CHUNK_LEN, &stored)?)));
            }
        };
        self.report.chunks_elided += u64::from(matches!(job.source, Source::Memory(_)));
        Ok(content.filter(|content| !content.same(&job.parent)))
    }

    fn blob(&mut self, hash: Hash, len: usize, stored: &[u8]) -> Result<Blob, SnapshotError> {
        let offset = self.file.append(stored)?;
        Ok(Blob { offset, stored_len: stored.len() as u32, len: len as u32, hash })
    }

    fn finish(
        mut self,
        index: &Index,
        path: &Path,
        begun: Instant,
    ) -> Result<SaveReport, SnapshotError> {
        let bytes = index.encode();
        let index_offset = self.file.append(&bytes)?;
        let index_len = bytes.len() as u64;
        let trailer = Trailer { index_offset, index_len, identity: codec::hash(&bytes) }.encode();
        self.report.file_bytes = self.file.append(&trailer)? + trailer.len() as u64;
        self.file.commit(path)?;
        self.report.elapsed = begun.elapsed();
        Ok(self.report)
    }
}

/// The chunks that may differ from the parent's, by ascending number.
fn jobs<'a>(space: &Space<'a>, parent: Option<&Snapshot>) -> Result<Vec<Job<'a>>, SnapshotError> {
    let map_of = |snapshot: &'a Snapshot| snapshot.space(space.name).map(|map| (snapshot, map));
    let origin = space.origin.map(map_of).transpose()?;
    let parent_map = parent.and_then(|parent| parent.space(space.name).ok());
    let shape = (space.absent == Absent::Zero, space.chunk_count);
    for map in origin.map(|(_, map)| map).into_iter().chain(parent_map) {
        if (map.absent_is_zero, map.chunk_count) != shape {
            return Err(SnapshotError::SpaceMismatch { name: space.name.to_owned() });
        }
    }
    let parent_content = |number| parent_map.map_or(Content::Absent, |map| map.content(number));
    let mut jobs = BTreeMap::new();
    // Unless something below says otherwise, what the parent has is gone.
    jobs.extend(
        parent_map.into_iter().flat_map(|map| map.numbers()).map(|at| (at, Source::Absent)),
    );
    if let Some((snapshot, map)) = origin {
        for number in map.numbers().filter(|number| !space.removed.contains(number)) {
            if map.content(number).same(&parent_content(number)) {
                jobs.remove(&number);
            } else {
                jobs.insert(number, Source::Origin(snapshot));
            }
        }
    }
    for &(number, bytes) in &space.touched {
        assert!(number < space.chunk_count && bytes.len() == CHUNK_LEN, "chunk {number} misfits");
        jobs.insert(number, Source::Memory(bytes));
    }
    let job = |(number, source)| Job { number, source, parent: parent_content(number) };
    Ok(jobs.into_iter().map(job).collect())
}

/// Runs a batch on several threads; the outcomes are in the order of the jobs.
fn run(
    batch: &[Job<'_>],
    space: &Space<'_>,
    threads: usize,
) -> Result<Vec<Outcome>, SnapshotError> {
    let share = batch.len().div_ceil(threads.max(1));
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> =
            batch.chunks(share).map(|jobs| scope.spawn(move || run_share(jobs, space))).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().expect("a worker only hashes and compresses")
        };
        workers.into_iter().map(join).collect::<Vec<_>>()
    });
    let shares = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(shares.into_iter().flatten().collect())
}

fn run_share(jobs: &[Job<'_>], space: &Space<'_>) -> Result<Vec<Outcome>, SnapshotError> {
    let mut encoder = Encoder::new();
    let mut scratch = Scratch::default();
    let mut buffer = Vec::new();
    jobs.iter()
        .map(|job| {
            let bytes = match job.source {
                Source::Absent => return Ok(Outcome::Absent),
                Source::Memory(bytes) => bytes,
                Source::Origin(origin) => {
                    buffer.clear();
                    buffer.resize(CHUNK_LEN, 0);
                    origin.read_chunk_with(&mut scratch, space.name, job.number, &mut buffer)?;
                    &buffer
                }
            };
            Ok(examine(bytes, &job.parent, space.absent, &mut encoder))
        })
        .collect()
}

fn examine(bytes: &[u8], parent: &Content, absent: Absent, encoder: &mut Encoder) -> Outcome {
    if *bytes == ZEROES {
        return match absent {
            Absent::Zero => Outcome::Absent,
            Absent::Elsewhere => Outcome::Zero,
        };
    }
    let hash = codec::hash(bytes);
    if matches!(parent, Content::Data(blob) if blob.hash == hash) {
        return Outcome::AsParent;
    }
    Outcome::Data { hash, stored: encoder.encode(bytes) }
}
