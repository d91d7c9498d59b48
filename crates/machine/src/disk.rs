//! Disk overlays in snapshots.
//!
//! An overlay is a space of 64 KiB clusters; a cluster that is absent shows the base image. The base
//! image itself is not part of a snapshot: its hash belongs into the snapshot's key.

use crate::snapshot::{Absent, CHUNK_LEN, Chunk, ChunkReader, Snapshot, SnapshotError, Space};
use devices::virtio::{BlockError, BlockStore, CLUSTER, ClusterSource, Overlay, SECTOR};
use std::collections::BTreeSet;
use std::sync::Arc;

const _: () = assert!(CLUSTER as usize == CHUNK_LEN, "a cluster is stored as a chunk");

/// The space `name` of `disk`; `origin` is the snapshot it was restored from.
pub fn space<'a>(
    name: &'a str,
    disk: &'a Overlay,
    origin: Option<&'a Snapshot>,
) -> Result<Space<'a>, SnapshotError> {
    // A cluster that the guest discarded is gone, though the origin has it.
    let gone = |number: &u64| !disk.remote().contains(number);
    let removed = match origin {
        Some(origin) => origin.chunk_numbers(name)?.into_iter().filter(gone).collect(),
        None => BTreeSet::new(),
    };
    Ok(Space {
        name,
        absent: Absent::Elsewhere,
        chunk_count: (disk.sectors() * SECTOR).div_ceil(CLUSTER),
        touched: disk.clusters().collect(),
        origin,
        removed,
    })
}

/// The clusters of space `name` of `snapshot`, for [`Overlay::restore_from`].
pub fn source(
    snapshot: &Arc<Snapshot>,
    name: &str,
) -> Result<Box<dyn ClusterSource>, SnapshotError> {
    let indices = snapshot.chunk_numbers(name)?.into_iter().collect();
    Ok(Box::new(Clusters { chunks: ChunkReader::new(Arc::clone(snapshot), name)?, indices }))
}

struct Clusters {
    chunks: ChunkReader,
    indices: BTreeSet<u64>,
}

impl ClusterSource for Clusters {
    fn indices(&self) -> BTreeSet<u64> {
        self.indices.clone()
    }

    fn load(&mut self, index: u64, into: &mut [u8]) -> Result<(), BlockError> {
        match self.chunks.read(index, into) {
            Ok(Chunk::Present) => Ok(()),
            Ok(Chunk::Absent) => Err(BlockError(format!("cluster {index} is not in the snapshot"))),
            Err(cause) => Err(BlockError(cause.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Key, SaveRequest, SnapshotStore};

    const DISK: &str = "disk0";

    fn sector(disk: &mut Overlay, number: u64) -> u8 {
        let mut bytes = [0xee; 512];
        disk.read(number, &mut bytes).unwrap();
        bytes[0]
    }

    fn save(store: &SnapshotStore, name: u8, parent: Option<&Snapshot>, disk: &Overlay) {
        let spaces = [space(DISK, disk, parent).unwrap()];
        let key = Key::of(&[&[name]]);
        let request =
            SaveRequest { key, label: "", parent, sections: &[], spaces: &spaces, threads: 1 };
        store.save(&request).unwrap();
    }

    fn restore(
        store: &SnapshotStore,
        name: u8,
        base: &std::path::Path,
    ) -> (Arc<Snapshot>, Overlay) {
        let snapshot = Arc::new(store.open(Key::of(&[&[name]])).unwrap());
        let mut disk = Overlay::open(base).unwrap();
        disk.restore_from(source(&snapshot, DISK).unwrap()).unwrap();
        (snapshot, disk)
    }

    #[test]
    fn an_overlay_comes_back_over_its_base_and_discards_reach_the_child() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base.img");
        std::fs::write(&base, vec![1; 10 * CHUNK_LEN]).unwrap();
        let store = SnapshotStore::new(folder.path().join("snapshots")).unwrap();
        let per_cluster = CLUSTER / SECTOR;

        let mut disk = Overlay::open(&base).unwrap();
        disk.write(0, &[2; 512]).unwrap();
        disk.write(3 * per_cluster, &vec![0; CHUNK_LEN]).unwrap();
        disk.write(5 * per_cluster, &[3; 512]).unwrap();
        save(&store, b'a', None, &disk);

        let (parent, mut disk) = restore(&store, b'a', &base);
        disk.write(7 * per_cluster, &[4; 512]).unwrap();
        disk.discard(5 * per_cluster, per_cluster);
        save(&store, b'b', Some(&parent), &disk);
        assert_eq!(parent.chunks_read(), 0, "untouched clusters are carried over unread");

        let (child, mut disk) = restore(&store, b'b', &base);
        assert_eq!(child.chunk_numbers(DISK).unwrap(), [0, 3, 7]);
        let found = [0, 1, 3, 5, 7].map(|cluster| sector(&mut disk, cluster * per_cluster));
        assert_eq!(found, [2, 1, 0, 1, 4]);
    }

    #[test]
    fn a_damaged_cluster_is_an_error_of_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base.img");
        std::fs::write(&base, vec![1; CHUNK_LEN]).unwrap();
        let store = SnapshotStore::new(folder.path()).unwrap();
        let mut disk = Overlay::open(&base).unwrap();
        disk.write(0, &[2; 512]).unwrap();
        save(&store, b'a', None, &disk);
        let path = store.path(Key::of(&[b"a"]));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        let (_, mut disk) = restore(&store, b'a', &base);
        let error = disk.read(0, &mut [0; 512]).unwrap_err();
        assert!(error.to_string().contains("damaged: chunk 0 of \"disk0\""), "{error}");
    }
}
