use super::*;
use proptest::prelude::*;
use ram::{CHUNK, RAM_BASE, Ram};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const CHUNKS: u64 = 8;

fn key(name: &str) -> Key {
    Key::of(&[name.as_bytes()])
}

fn store() -> (tempfile::TempDir, SnapshotStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::new(folder.path()).unwrap();
    (folder, store)
}

/// Bytes that do not compress, different for each seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn put(ram: &mut Ram, chunk: u64, bytes: &[u8]) {
    ram.write(RAM_BASE + chunk * CHUNK, bytes).unwrap();
}

fn get(ram: &mut Ram, chunk: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    ram.read(RAM_BASE + chunk * CHUNK, &mut bytes).unwrap();
    bytes
}

fn save_with(
    store: &SnapshotStore,
    name: &str,
    parent: Option<&Snapshot>,
    spaces: &[Space<'_>],
    threads: usize,
) -> Result<SaveReport, SnapshotError> {
    let sections: [(&str, &[u8]); 2] = [("harts", name.as_bytes()), ("empty", b"")];
    let (key, label) = (key(name), name);
    store.save(&SaveRequest { key, label, parent, sections: &sections, spaces, threads })
}

fn save_ram(
    store: &SnapshotStore,
    name: &str,
    parent: Option<&Snapshot>,
    ram: &Ram,
    origin: Option<&Snapshot>,
) -> SaveReport {
    let space = Space::of_ram(ram, origin).unwrap();
    save_with(store, name, parent, &[space], 2).unwrap()
}

fn open(store: &SnapshotStore, name: &str) -> Arc<Snapshot> {
    Arc::new(store.open(key(name)).unwrap())
}

/// A store with a snapshot "a" of a RAM that has text in chunk 0, noise in 1, zeroes touched in 2.
fn sample() -> (tempfile::TempDir, SnapshotStore, Ram) {
    let (folder, store) = store();
    let mut ram = Ram::new(CHUNKS * CHUNK);
    put(&mut ram, 0, b"text");
    put(&mut ram, 1, &noise(1, CHUNK_LEN));
    put(&mut ram, 2, &[0; 9]);
    save_ram(&store, "a", None, &ram, None);
    (folder, store, ram)
}

#[test]
fn what_was_saved_is_what_is_restored() {
    let (_folder, store, _) = sample();
    let snapshot = open(&store, "a");
    assert_eq!((snapshot.label(), snapshot.key(), snapshot.parent()), ("a", key("a"), None));
    assert_eq!(snapshot.section("harts").unwrap(), b"a");
    assert_eq!(snapshot.section("empty").unwrap(), b"");
    assert_eq!(snapshot.section_names().collect::<Vec<_>>(), ["harts", "empty"]);
    assert_eq!(snapshot.space_names().collect::<Vec<_>>(), [RAM_SPACE]);
    let mut ram = snapshot.restore_ram().unwrap();
    assert_eq!(ram.size(), CHUNKS * CHUNK);
    assert_eq!(get(&mut ram, 0, 5), b"text\0");
    assert_eq!(get(&mut ram, 1, CHUNK_LEN), noise(1, CHUNK_LEN));
    assert_eq!(get(&mut ram, 7, CHUNK_LEN), vec![0; CHUNK_LEN]);
    snapshot.verify().unwrap();
}

#[test]
fn only_touched_chunks_are_read_and_zeroes_never() {
    let (_folder, store, _) = sample();
    let snapshot = open(&store, "a");
    let mut ram = snapshot.restore_ram().unwrap();
    assert_eq!(snapshot.chunks_read(), 0);
    get(&mut ram, 1, 4);
    get(&mut ram, 1, 4000);
    get(&mut ram, 2, 4);
    assert_eq!(snapshot.chunks_read(), 1);
}

#[test]
fn missing_names_are_errors_that_repeat_them() {
    let (_folder, store, _) = sample();
    let snapshot = open(&store, "a");
    assert!(snapshot.section("nope").unwrap_err().to_string().contains("\"nope\""));
    assert!(snapshot.chunk_numbers("nope").unwrap_err().to_string().contains("\"nope\""));
    assert!(matches!(store.open(key("b")), Err(SnapshotError::NotFound { .. })));
}

#[test]
fn a_child_stores_only_what_changed() {
    let (_folder, store, mut ram) = sample();
    let parent = open(&store, "a");
    put(&mut ram, 5, b"new");
    let report = save_ram(&store, "b", Some(&parent), &ram, None);
    assert_eq!((report.chunks_stored, report.chunks_elided), (1, 3), "two as before, one zero");
    assert!(report.file_bytes < 1000, "{report:?}");
    let child = open(&store, "b");
    assert_eq!((child.chain_len(), child.parent()), (2, Some(key("a"))));
    let mut restored = child.restore_ram().unwrap();
    assert_eq!(get(&mut restored, 1, CHUNK_LEN), noise(1, CHUNK_LEN));
    assert_eq!(get(&mut restored, 5, 3), b"new");
}

#[test]
fn a_child_of_a_restored_ram_carries_untouched_chunks_over_unread() {
    let (_folder, store, _) = sample();
    let parent = open(&store, "a");
    let mut ram = parent.restore_ram().unwrap();
    put(&mut ram, 0, b"next");
    save_ram(&store, "b", Some(&parent), &ram, Some(&parent));
    assert_eq!(parent.chunks_read(), 1, "only the chunk that was written to");
    let mut restored = open(&store, "b").restore_ram().unwrap();
    assert_eq!(get(&mut restored, 0, 4), b"next");
    assert_eq!(get(&mut restored, 1, CHUNK_LEN), noise(1, CHUNK_LEN));
}

#[test]
fn a_chunk_that_became_zero_hides_the_parents() {
    let (_folder, store, mut ram) = sample();
    let parent = open(&store, "a");
    put(&mut ram, 1, &vec![0; CHUNK_LEN]);
    let report = save_ram(&store, "b", Some(&parent), &ram, None);
    assert_eq!(report.chunks_stored, 0);
    let child = open(&store, "b");
    assert_eq!(child.chunk_numbers(RAM_SPACE).unwrap(), [0]);
    assert_eq!(get(&mut child.restore_ram().unwrap(), 1, 8), [0; 8]);
}

#[test]
fn a_fresh_ram_saved_on_a_parent_does_not_inherit_its_chunks() {
    let (_folder, store, _) = sample();
    let parent = open(&store, "a");
    save_ram(&store, "b", Some(&parent), &Ram::new(CHUNKS * CHUNK), None);
    assert!(open(&store, "b").chunk_numbers(RAM_SPACE).unwrap().is_empty());
}

#[test]
fn a_restored_ram_saved_without_its_origin_as_parent_is_complete() {
    let (_folder, store, _) = sample();
    let origin = open(&store, "a");
    let mut ram = origin.restore_ram().unwrap();
    put(&mut ram, 4, b"four");
    save_ram(&store, "flat", None, &ram, Some(&origin));
    save_ram(&store, "other", None, &Ram::new(CHUNKS * CHUNK), None);
    let other = open(&store, "other");
    save_ram(&store, "moved", Some(&other), &ram, Some(&origin));
    store.remove(key("a")).unwrap();
    for name in ["flat", "moved"] {
        let mut restored = open(&store, name).restore_ram().unwrap();
        assert_eq!(get(&mut restored, 0, 4), b"text");
        assert_eq!(get(&mut restored, 1, CHUNK_LEN), noise(1, CHUNK_LEN));
        assert_eq!(get(&mut restored, 4, 4), b"four");
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_or_on_the_way_the_content_came() {
    let (_folder, store) = store();
    let mut ram = Ram::new(600 * CHUNK);
    for chunk in 0..590 {
        put(&mut ram, chunk, &noise(chunk % 7, 100 + chunk as usize));
    }
    let mut files = Vec::new();
    for threads in [1, 2, 3, 0] {
        save_with(&store, "a", None, &[Space::of_ram(&ram, None).unwrap()], threads).unwrap();
        files.push(fs::read(store.path(key("a"))).unwrap());
    }
    let origin = open(&store, "a");
    let restored = origin.restore_ram().unwrap();
    save_ram(&store, "a", None, &restored, Some(&origin));
    files.push(fs::read(store.path(key("a"))).unwrap());
    assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_continued_run_and_a_restored_one_save_the_same_bytes() {
    let (_folder, store, mut continued) = sample();
    let parent = open(&store, "a");
    let mut restored = parent.restore_ram().unwrap();
    let mut files = Vec::new();
    for (ram, origin) in [(&mut continued, None), (&mut restored, Some(&*parent))] {
        put(ram, 0, &[0; 4]);
        put(ram, 1, b"noise no more");
        put(ram, 2, &[0; 1]);
        put(ram, 6, b"six");
        save_ram(&store, "b", Some(&parent), ram, origin);
        files.push(fs::read(store.path(key("b"))).unwrap());
    }
    assert!(files[0] == files[1]);
}

#[test]
fn a_chain_can_have_eight_files_and_no_more() {
    let (_folder, store) = store();
    let mut ram = Ram::new(CHUNKS * CHUNK);
    let mut parent: Option<Arc<Snapshot>> = None;
    for step in 0..MAX_CHAIN as u64 {
        put(&mut ram, step, &[step as u8 + 1]);
        save_ram(&store, &step.to_string(), parent.as_deref(), &ram, None);
        parent = Some(open(&store, &step.to_string()));
    }
    let last = parent.unwrap();
    assert_eq!(last.chain_len(), MAX_CHAIN);
    let mut restored = last.restore_ram().unwrap();
    assert!((0..CHUNKS).all(|chunk| get(&mut restored, chunk, 1) == [chunk as u8 + 1]));
    let spaces = [Space::of_ram(&ram, None).unwrap()];
    let refused = save_with(&store, "9", Some(&last), &spaces, 1);
    assert!(matches!(refused, Err(SnapshotError::ChainTooLong)));
}

#[test]
fn a_missing_damaged_or_different_parent_is_an_error_that_names_it() {
    let (_folder, store, mut ram) = sample();
    let parent = open(&store, "a");
    save_ram(&store, "b", Some(&parent), &ram, None);
    let good = fs::read(store.path(key("a"))).unwrap();
    let fails = || store.open(key("b")).unwrap_err();

    put(&mut ram, 0, b"else");
    save_ram(&store, "a", None, &ram, None);
    assert!(matches!(fails(), SnapshotError::ParentChanged { parent, .. } if parent == key("a")));

    fs::write(store.path(key("a")), &good[..good.len() - 1]).unwrap();
    assert!(matches!(fails(), SnapshotError::Parent { .. }));

    assert!(store.remove(key("a")).unwrap());
    assert!(!store.remove(key("a")).unwrap());
    assert!(fails().to_string().contains(&key("a").to_string()));

    fs::write(store.path(key("a")), &good).unwrap();
    store.open(key("b")).unwrap();
}

#[test]
fn a_parent_with_another_size_of_ram_is_refused() {
    let (_folder, store, _) = sample();
    let parent = open(&store, "a");
    let larger = Ram::new(2 * CHUNKS * CHUNK);
    let spaces = [Space::of_ram(&larger, None).unwrap()];
    let refused = save_with(&store, "b", Some(&parent), &spaces, 1);
    assert!(matches!(refused, Err(SnapshotError::SpaceMismatch { .. })));
    assert!(!store.contains(key("b")));
}

/// Changes the file of "a" and tells how opening and reading everything ends.
fn outcome(store: &SnapshotStore, changed: &[u8]) -> Result<(), SnapshotError> {
    fs::write(store.path(key("a")), changed).unwrap();
    store.open(key("a"))?.verify()
}

#[test]
fn every_truncation_is_detected_when_opening() {
    let (_folder, store) = store();
    let mut ram = Ram::new(CHUNKS * CHUNK);
    put(&mut ram, 0, &noise(0, 300));
    save_ram(&store, "a", None, &ram, None);
    let good = fs::read(store.path(key("a"))).unwrap();
    for len in 0..good.len() {
        fs::write(store.path(key("a")), &good[..len]).unwrap();
        let error = store.open(key("a")).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{len}: {error}");
    }
    assert!(outcome(&store, &[&good[..], b"x"].concat()).is_err());
    outcome(&store, &good).unwrap();
}

#[test]
fn every_single_changed_byte_is_detected() {
    let (_folder, store) = store();
    let mut ram = Ram::new(CHUNKS * CHUNK);
    put(&mut ram, 0, &noise(0, 300));
    put(&mut ram, 3, b"compressible");
    save_ram(&store, "a", None, &ram, None);
    let good = fs::read(store.path(key("a"))).unwrap();
    let original = all_content(&store).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        // A flipped bit of a compressed frame may be one that means nothing: then the content is
        // the same, which the hash proves.
        if outcome(&store, &changed).is_ok() {
            assert_eq!(all_content(&store).unwrap(), original, "byte {at} of {}", good.len());
        }
    }
}

fn all_content(store: &SnapshotStore) -> Result<(Vec<u8>, Vec<u8>), SnapshotError> {
    let snapshot = Arc::new(store.open(key("a"))?);
    let mut ram = snapshot.restore_ram()?;
    let size = ram.size() as usize;
    Ok((get(&mut ram, 0, size), snapshot.section("harts")?))
}

#[test]
fn a_chunk_found_damaged_at_its_first_touch_is_reported_by_the_ram() {
    let (_folder, store, _) = sample();
    let mut bytes = fs::read(store.path(key("a"))).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(store.path(key("a")), &bytes).unwrap();
    let snapshot = open(&store, "a");
    let mut ram = snapshot.restore_ram().unwrap();
    assert_eq!((get(&mut ram, 0, 4), ram.has_load_error()), (b"text".to_vec(), false));
    assert_eq!(get(&mut ram, 1, 4), [0; 4]);
    let refused = Space::of_ram(&ram, Some(&snapshot)).unwrap_err();
    assert!(matches!(refused, SnapshotError::UnsoundRam(_)));
    let error = ram.take_load_error().unwrap().to_string();
    assert!(error.contains("chunk 1") && error.contains("checksum"), "{error}");
}

#[test]
fn a_damaged_origin_fails_the_save_and_leaves_nothing_behind() {
    let (folder, store, _) = sample();
    let origin = open(&store, "a");
    let ram = origin.restore_ram().unwrap();
    let mut bytes = fs::read(store.path(key("a"))).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // Written in place: the open snapshot reads this file.
    fs::write(store.path(key("a")), &bytes).unwrap();
    let spaces = [Space::of_ram(&ram, Some(&origin)).unwrap()];
    assert!(save_with(&store, "b", None, &spaces, 2).is_err());
    assert_eq!(names(folder.path()), [format!("{}.snapshot", key("a"))]);
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_of_another_version_or_key_is_refused() {
    let (_folder, store, _) = sample();
    let good = fs::read(store.path(key("a"))).unwrap();
    let mut newer = good.clone();
    newer[8] = 2;
    assert!(matches!(outcome(&store, &newer), Err(SnapshotError::Version { found: 2, .. })));
    fs::write(store.path(key("b")), &good).unwrap();
    assert!(matches!(store.open(key("b")), Err(SnapshotError::Damaged { .. })));
}

#[test]
fn zeroes_of_a_disk_are_not_the_same_as_nothing() {
    let (_folder, store) = store();
    let zeroes = vec![0; CHUNK_LEN];
    let space = |touched| Space {
        name: "disk0",
        absent: Absent::Elsewhere,
        chunk_count: 4,
        touched,
        origin: None,
        removed: Default::default(),
    };
    save_with(&store, "a", None, &[space(vec![(2, &zeroes)])], 1).unwrap();
    let parent = open(&store, "a");
    let mut chunk = vec![7; CHUNK_LEN];
    assert_eq!(parent.read_chunk("disk0", 1, &mut chunk).unwrap(), Chunk::Absent);
    assert_eq!(chunk[0], 7);
    assert_eq!(parent.read_chunk("disk0", 2, &mut chunk).unwrap(), Chunk::Present);
    assert_eq!(chunk, zeroes);
    save_with(&store, "b", Some(&parent), &[space(vec![])], 1).unwrap();
    assert!(open(&store, "b").chunk_numbers("disk0").unwrap().is_empty());
}

#[test]
fn the_store_lists_its_snapshots_and_keys_survive_being_written_down() {
    let (folder, store, _) = sample();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].key, &listed[0].path), (key("a"), &store.path(key("a"))));
    assert_eq!(key("a").to_string().parse::<Key>().unwrap(), key("a"));
    for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
        assert!(bad.parse::<Key>().is_err());
    }
    assert_ne!(Key::of(&[b"ab", b"c"]), Key::of(&[b"a", b"bc"]));
}

#[test]
fn a_save_that_cannot_write_says_so() {
    let (folder, store, ram) = sample();
    drop(folder);
    let error = save_with(&store, "b", None, &[Space::of_ram(&ram, None).unwrap()], 1).unwrap_err();
    assert!(error.to_string().starts_with("creating "), "{error}");
}

const KILLED_IN: &str = "MACHINE_TEST_KILLED_IN";

/// Runs again as a child process that dies while it writes.
#[test]
fn a_killed_save_leaves_a_temporary_file_that_is_ignored_and_cleaned_away() {
    if let Some(folder) = std::env::var_os(KILLED_IN) {
        let target = Path::new(&folder).join(format!("{}.snapshot", key("b")));
        let mut file = temporary::TemporaryFile::create(&target).unwrap();
        file.append(&noise(0, 3 << 20)).unwrap();
        std::process::abort();
    }
    let (folder, store, _) = sample();
    let this_test = "snapshot::tests::a_killed_save_leaves_a_temporary_file_that_is_ignored_and_\
                     cleaned_away";
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([this_test, "--exact"])
        .env(KILLED_IN, folder.path())
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
    assert_eq!(names(folder.path()).len(), 2);
    assert!(!store.contains(key("b")) && store.open(key("b")).is_err());
    assert_eq!(store.list().unwrap().len(), 1);

    let cleaned = SnapshotStore::new(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [format!("{}.snapshot", key("a"))]);
    cleaned.open(key("a")).unwrap();
}

#[test]
fn a_temporary_file_whose_owner_lives_is_left_alone() {
    let (folder, store, _) = sample();
    let mut file = temporary::TemporaryFile::create(&store.path(key("b"))).unwrap();
    file.append(b"half").unwrap();
    SnapshotStore::new(folder.path()).unwrap();
    assert_eq!(names(folder.path()).len(), 2);
    drop(file);
    assert_eq!(names(folder.path()).len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Write { chunk: u64, seed: u8 },
    Touch { chunk: u64 },
    SaveAndGoOn,
    SaveAndRestore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..CHUNKS, 0..4_u8).prop_map(|(chunk, seed)| Step::Write { chunk, seed }),
        2 => (0..CHUNKS).prop_map(|chunk| Step::Touch { chunk }),
        1 => Just(Step::SaveAndGoOn),
        1 => Just(Step::SaveAndRestore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is written, saved and restored in whatever order, the RAM is as if nothing had
    /// been saved.
    #[test]
    fn saving_and_restoring_never_changes_what_the_guest_sees(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let (_folder, store) = store();
        let mut model = [0; CHUNKS as usize];
        let mut ram = Ram::new(CHUNKS * CHUNK);
        let (mut origin, mut newest) = (None::<Arc<Snapshot>>, None::<Arc<Snapshot>>);
        for (at, step) in steps.iter().enumerate() {
            match *step {
                Step::Write { chunk, seed } => {
                    model[chunk as usize] = seed;
                    put(&mut ram, chunk, &[seed; CHUNK_LEN]);
                }
                Step::Touch { chunk } => {
                    let seen = get(&mut ram, chunk, CHUNK_LEN);
                    prop_assert_eq!(seen, vec![model[chunk as usize]; CHUNK_LEN]);
                }
                Step::SaveAndGoOn | Step::SaveAndRestore => {
                    let parent = newest.take().filter(|newest| newest.chain_len() < MAX_CHAIN);
                    let name = at.to_string();
                    save_ram(&store, &name, parent.as_deref(), &ram, origin.as_deref());
                    let saved = open(&store, &name);
                    if matches!(step, Step::SaveAndRestore) {
                        ram = saved.restore_ram().unwrap();
                        origin = Some(Arc::clone(&saved));
                    }
                    newest = Some(saved);
                }
            }
        }
        for chunk in 0..CHUNKS {
            let seen = get(&mut ram, chunk, CHUNK_LEN);
            prop_assert_eq!(seen, vec![model[chunk as usize]; CHUNK_LEN]);
        }
    }

    /// A file that an attacker sealed with right hashes is still refused or harmless.
    #[test]
    fn a_forged_index_does_no_harm(changes: Vec<(prop::sample::Index, u8)>) {
        let (_folder, store, _) = sample();
        let mut bytes = fs::read(store.path(key("a"))).unwrap();
        let trailer_at = bytes.len() - format::TRAILER_LEN;
        let trailer: [u8; format::TRAILER_LEN] = bytes[trailer_at..].try_into().unwrap();
        let path = store.path(key("a"));
        let mut trailer =
            format::Trailer::decode(&path, &trailer, bytes.len() as u64).unwrap();
        let index = &mut bytes[trailer.index_offset as usize..trailer_at];
        for (at, byte) in changes {
            let at = at.index(index.len());
            index[at] = byte;
        }
        trailer.identity = codec::hash(index);
        bytes[trailer_at..].copy_from_slice(&trailer.encode());
        let _refused_or_harmless = outcome(&store, &bytes);
    }
}
