//! A copy-on-write disk: a base image that is never written, and clusters that were.
//!
//! The base is a file read on demand; a disk may be larger than its base, the rest reads as zeros. A
//! cluster enters the overlay whole with the first write to it. The overlay can be walked for a
//! snapshot, and filled again cluster by cluster or on demand from a [`ClusterSource`].

use super::{BlockError, BlockStore, SECTOR};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Bytes of a cluster, the unit of copying and of snapshots.
pub const CLUSTER: u64 = 64 * 1024;

/// Setting up an overlay failed.
#[derive(Debug, Error)]
pub enum OverlayError {
    /// The base image cannot be used.
    #[error("opening the disk image {path}: {cause}; check that it exists and is readable")]
    Open {
        /// The image.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The disk is smaller than its base image.
    #[error(
        "disk of {disk} bytes over the image {path} of {image} bytes: make the disk at least as large"
    )]
    TooSmall {
        /// The image.
        path: PathBuf,
        /// Its size.
        image: u64,
        /// Size of the disk asked for.
        disk: u64,
    },
    /// A cluster that does not belong to this disk.
    #[error("cluster {index} of {len} bytes does not fit a disk of {clusters} clusters of 64 KiB")]
    Cluster {
        /// Index of the cluster.
        index: u64,
        /// Its length.
        len: usize,
        /// Clusters of the disk.
        clusters: u64,
    },
}

/// Supplies clusters of a restored overlay on demand.
pub trait ClusterSource: Send {
    /// The clusters it has.
    fn indices(&self) -> BTreeSet<u64>;

    /// Fills `into` (one cluster) with the content of cluster `index`.
    fn load(&mut self, index: u64, into: &mut [u8]) -> Result<(), BlockError>;
}

/// A read-only image.
#[derive(Debug)]
struct Base {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Base {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, path: path.to_owned(), len })
    }

    /// Fills `into` from byte `at` on; zeros beyond the end.
    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let there = self.len.saturating_sub(at).min(into.len() as u64) as usize;
        let (from_file, beyond) = into.split_at_mut(there);
        beyond.fill(0);
        self.file.read_exact_at(from_file, at).map_err(|cause| {
            let path = self.path.display();
            BlockError(format!("reading {there} bytes at {at} of the disk image {path}: {cause}"))
        })
    }
}

/// The copy-on-write disk.
pub struct Overlay {
    base: Option<Base>,
    sectors: u64,
    clusters: BTreeMap<u64, Box<[u8]>>,
    source: Option<Box<dyn ClusterSource>>,
    /// Clusters of the overlay that are still with the source.
    remote: BTreeSet<u64>,
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay")
            .field("base", &self.base)
            .field("sectors", &self.sectors)
            .field("clusters", &self.clusters.len())
            .field("remote", &self.remote.len())
            .finish_non_exhaustive()
    }
}

impl Overlay {
    /// A disk of zeros.
    #[must_use]
    pub fn empty(sectors: u64) -> Self {
        Self {
            base: None,
            sectors,
            clusters: BTreeMap::new(),
            source: None,
            remote: BTreeSet::new(),
        }
    }

    /// A disk over the image at `path`, of its size rounded up to whole sectors.
    pub fn open(path: &Path) -> Result<Self, OverlayError> {
        let base = open(path)?;
        let sectors = base.len.div_ceil(SECTOR);
        Ok(Self { base: Some(base), ..Self::empty(sectors) })
    }

    /// A disk of `bytes` (rounded down to whole sectors) over the image at `path`.
    pub fn open_with_size(path: &Path, bytes: u64) -> Result<Self, OverlayError> {
        let base = open(path)?;
        if bytes < base.len {
            return Err(OverlayError::TooSmall { path: base.path, image: base.len, disk: bytes });
        }
        Ok(Self { base: Some(base), ..Self::empty(bytes / SECTOR) })
    }

    /// Replaces the overlay by what `source` has, fetched as it is needed.
    pub fn restore_from(&mut self, source: Box<dyn ClusterSource>) -> Result<(), OverlayError> {
        let indices = source.indices();
        if let Some(&index) = indices.last().filter(|&&index| index >= self.cluster_count()) {
            return Err(self.misfit(index, CLUSTER as usize));
        }
        self.clusters.clear();
        self.remote = indices;
        self.source = Some(source);
        Ok(())
    }

    /// The overlay's clusters in memory, by rising index. Those still with the source are as the
    /// source has them: see [`Overlay::remote`].
    pub fn clusters(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.clusters.iter().map(|(&index, bytes)| (index, &**bytes))
    }

    /// The overlay's clusters that were not fetched from the source yet.
    #[must_use]
    pub fn remote(&self) -> &BTreeSet<u64> {
        &self.remote
    }

    /// Puts a cluster into the overlay.
    pub fn insert_cluster(&mut self, index: u64, bytes: Box<[u8]>) -> Result<(), OverlayError> {
        if index >= self.cluster_count() || bytes.len() as u64 != CLUSTER {
            return Err(self.misfit(index, bytes.len()));
        }
        self.remote.remove(&index);
        self.clusters.insert(index, bytes);
        Ok(())
    }

    fn misfit(&self, index: u64, len: usize) -> OverlayError {
        OverlayError::Cluster { index, len, clusters: self.cluster_count() }
    }

    fn cluster_count(&self) -> u64 {
        (self.sectors * SECTOR).div_ceil(CLUSTER)
    }

    fn read_base(&self, at: u64, into: &mut [u8]) -> Result<(), BlockError> {
        match &self.base {
            Some(base) => base.read(at, into),
            None => {
                into.fill(0);
                Ok(())
            }
        }
    }

    /// Brings cluster `index` in from the source, if it is there.
    fn fetch(&mut self, index: u64) -> Result<(), BlockError> {
        if let Some(source) = self.source.as_mut().filter(|_| self.remote.contains(&index)) {
            let mut cluster = zeros();
            source.load(index, &mut cluster)?;
            self.clusters.insert(index, cluster);
            self.remote.remove(&index);
        }
        Ok(())
    }

    /// Cluster `index` in the overlay, copied up from the base unless all of it is `overwritten`.
    fn cluster_mut(&mut self, index: u64, overwritten: bool) -> Result<&mut [u8], BlockError> {
        if overwritten {
            self.remote.remove(&index);
        }
        self.fetch(index)?;
        if !self.clusters.contains_key(&index) {
            let mut cluster = zeros();
            if !overwritten {
                self.read_base(index * CLUSTER, &mut cluster)?;
            }
            self.clusters.insert(index, cluster);
        }
        Ok(self.clusters.get_mut(&index).expect("present or just inserted"))
    }
}

fn open(path: &Path) -> Result<Base, OverlayError> {
    Base::open(path).map_err(|cause| OverlayError::Open { path: path.to_owned(), cause })
}

fn zeros() -> Box<[u8]> {
    vec![0; CLUSTER as usize].into()
}

/// The part of one cluster that an access covers.
struct Part {
    cluster: u64,
    /// Byte in the cluster.
    at: usize,
    /// Bytes of the access before this part.
    done: usize,
    len: usize,
}

/// The parts of an access to `len` bytes from `sector` on.
fn parts(sector: u64, len: usize) -> impl Iterator<Item = Part> {
    let start = sector * SECTOR;
    let mut done = 0;
    std::iter::from_fn(move || {
        let position = start + done as u64;
        let at = (position % CLUSTER) as usize;
        let part = (CLUSTER as usize - at).min(len - done);
        let next = Part { cluster: position / CLUSTER, at, done, len: part };
        done += part;
        (part > 0).then_some(next)
    })
}

impl BlockStore for Overlay {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        for Part { cluster, at, done, len } in parts(sector, into.len()) {
            self.fetch(cluster)?;
            let into = &mut into[done..done + len];
            match self.clusters.get(&cluster) {
                Some(bytes) => into.copy_from_slice(&bytes[at..at + len]),
                None => self.read_base(cluster * CLUSTER + at as u64, into)?,
            }
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        for Part { cluster, at, done, len } in parts(sector, from.len()) {
            let bytes = self.cluster_mut(cluster, len as u64 == CLUSTER)?;
            bytes[at..at + len].copy_from_slice(&from[done..done + len]);
        }
        Ok(())
    }

    /// Clusters wholly inside the range leave the overlay: the base shows again.
    fn discard(&mut self, sector: u64, count: u64) {
        let first = (sector * SECTOR).div_ceil(CLUSTER);
        let last = (sector + count) * SECTOR / CLUSTER;
        for cluster in first..last {
            self.clusters.remove(&cluster);
            self.remote.remove(&cluster);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn image(len: usize) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..len).map(|i| (i / 512 + 1) as u8).collect();
        file.write_all(&bytes).unwrap();
        file
    }

    fn sector(disk: &mut Overlay, sector: u64) -> u8 {
        let mut bytes = [0xee; 512];
        disk.read(sector, &mut bytes).unwrap();
        assert!(bytes.iter().all(|&byte| byte == bytes[0]));
        bytes[0]
    }

    #[test]
    fn writes_go_to_the_overlay_and_the_base_keeps_its_bytes() {
        let file = image(200 * 512);
        let before = std::fs::read(file.path()).unwrap();
        let mut disk = Overlay::open(file.path()).unwrap();
        disk.write(127, &[0xaa; 1024]).unwrap();
        assert_eq!([126, 127, 128, 129].map(|at| sector(&mut disk, at)), [127, 0xaa, 0xaa, 130]);
        assert_eq!(disk.clusters().map(|(index, _)| index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(std::fs::read(file.path()).unwrap(), before);
    }

    #[test]
    fn a_disk_goes_on_with_zeros_beyond_its_image() {
        let file = image(3 * 512 + 100);
        let mut disk = Overlay::open_with_size(file.path(), 1 << 20).unwrap();
        let mut bytes = [0xee; 1024];
        disk.read(3, &mut bytes).unwrap();
        assert_eq!((bytes[99], bytes[100], bytes[1023], disk.sectors()), (4, 0, 0, 2048));
        assert_eq!(Overlay::open(file.path()).unwrap().sectors(), 4);
    }

    #[test]
    fn exported_clusters_make_the_same_disk_again() {
        let file = image(256 * 512);
        let mut disk = Overlay::open(file.path()).unwrap();
        disk.write(130, &[7; 512]).unwrap();
        let mut again = Overlay::open(file.path()).unwrap();
        for (index, bytes) in disk.clusters() {
            again.insert_cluster(index, bytes.into()).unwrap();
        }
        for at in 0..256 {
            assert_eq!(sector(&mut disk, at), sector(&mut again, at));
        }
    }

    #[derive(Debug)]
    struct Filled(BTreeSet<u64>);
    impl ClusterSource for Filled {
        fn indices(&self) -> BTreeSet<u64> {
            self.0.clone()
        }
        fn load(&mut self, index: u64, into: &mut [u8]) -> Result<(), BlockError> {
            assert!(self.0.remove(&index), "cluster {index} was fetched twice");
            into.fill(index as u8 + 100);
            Ok(())
        }
    }

    #[test]
    fn clusters_come_from_the_source_once_and_only_when_needed() {
        let mut disk = Overlay::empty(4 * 128);
        disk.restore_from(Box::new(Filled([0, 2, 3].into()))).unwrap();
        disk.write(2 * 128, &[1; CLUSTER as usize]).unwrap();
        disk.write(0, &[2; 512]).unwrap();
        disk.insert_cluster(2, vec![1; CLUSTER as usize].into()).unwrap();
        assert_eq!([0, 1, 128, 256].map(|at| sector(&mut disk, at)), [2, 100, 0, 1]);
        assert_eq!(*disk.remote(), [3].into());
        disk.insert_cluster(3, vec![8; CLUSTER as usize].into()).unwrap();
        assert_eq!((sector(&mut disk, 3 * 128), disk.remote().len()), (8, 0));
        disk.discard(3 * 128, 128);
        assert_eq!((sector(&mut disk, 3 * 128), disk.remote().len()), (0, 0));
    }

    #[test]
    fn a_discard_frees_whole_clusters_only() {
        let mut disk = Overlay::empty(3 * 128);
        disk.write(0, &[5; 3 * CLUSTER as usize]).unwrap();
        disk.discard(1, 3 * 128 - 1);
        assert_eq!(disk.clusters().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
        assert_eq!([0, 127, 128].map(|at| sector(&mut disk, at)), [5, 5, 0]);
    }

    #[test]
    fn misfits_are_refused_with_a_reason() {
        let missing = Overlay::open(Path::new("/nonexistent/disk.img")).unwrap_err().to_string();
        assert!(missing.contains("/nonexistent/disk.img") && missing.contains("check"));
        let file = image(4096);
        assert!(matches!(
            Overlay::open_with_size(file.path(), 1024),
            Err(OverlayError::TooSmall { image: 4096, disk: 1024, .. })
        ));
        let mut disk = Overlay::empty(128);
        assert!(disk.insert_cluster(1, zeros()).is_err());
        assert!(disk.insert_cluster(0, vec![0; 512].into()).is_err());
        assert!(disk.restore_from(Box::new(Filled([1].into()))).is_err());
    }

    #[test]
    fn an_image_that_shrank_is_an_error_of_the_read() {
        let file = image(4096);
        let mut disk = Overlay::open(file.path()).unwrap();
        file.as_file().set_len(100).unwrap();
        assert!(disk.read(0, &mut [0; 512]).unwrap_err().0.contains("reading 512 bytes at 0"));
    }
}
