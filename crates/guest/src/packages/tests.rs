//! The whole chain against a small archive on loopback, honest and not.

use std::path::Path;

use super::testing::{FakeArchive, FakePackage, new_key, sign};
use super::{Archive, Package, PackageError, unpack};
use crate::progress::{Progress, Silent};
use crate::tree::{Node, Tree};

const PACKAGES: [FakePackage<'_>; 2] = [
    FakePackage {
        name: "app",
        fields: "Depends: lib",
        files: &[("./usr/bin/app", b"program", 0o755)],
    },
    FakePackage { name: "lib", fields: "", files: &[("./usr/lib/lib.so", b"library", 0o644)] },
];

fn open<'p>(
    archive: &FakeArchive,
    home: &Path,
    progress: &'p dyn Progress,
) -> Result<Archive<'p>, PackageError> {
    Archive::open_trusting(&archive.keyring, home, &archive.mirror, "trixie", "riscv64", progress)
}

fn resolved(archive: &FakeArchive, home: &Path) -> Vec<Package> {
    open(archive, home, &Silent).unwrap().resolve(&["app"]).unwrap()
}

fn fetch(
    archive: &FakeArchive,
    home: &Path,
    packages: &[Package],
) -> Result<Vec<std::path::PathBuf>, PackageError> {
    super::fetch(home, &archive.mirror, packages, &Silent)
}

#[test]
fn packages_are_resolved_fetched_once_and_unpacked_with_their_owners() {
    let archive = FakeArchive::new(&PACKAGES);
    let home = archive.home("a");
    let packages = resolved(&archive, &home);
    let debs = fetch(&archive, &home, &packages).unwrap();
    let mut tree = Tree::new();
    for deb in &debs {
        unpack(deb, &mut tree, &|path| path != "usr/lib/lib.so").unwrap();
    }
    let app = tree.get("usr/bin/app").unwrap();
    assert_eq!((app.mode, app.uid, app.gid), (0o755, 0, 42));
    let Node::File(content) = &app.node else { panic!("not a file") };
    assert_eq!(&*content.bytes().unwrap(), b"program");
    assert!(tree.get("usr/lib/lib.so").is_none(), "the filter was ignored");
    archive.files.lock().unwrap().clear();
    assert_eq!(fetch(&archive, &home, &packages).unwrap(), debs, "cached files need no mirror");
}

#[test]
fn an_altered_release_document_is_refused() {
    let archive = FakeArchive::new(&PACKAGES);
    archive.tamper("dists/trixie/InRelease", |bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        *bytes = text.replace("Date: today", "Date: later").into_bytes();
    });
    let error = open(&archive, &archive.home("a"), &Silent).unwrap_err();
    assert!(matches!(error, PackageError::Untrusted { .. }), "{error}");
    assert!(
        error.to_string().contains("signature") && error.to_string().contains("--mirror"),
        "{error}"
    );
}

#[test]
fn a_release_signed_by_a_stranger_or_not_at_all_is_refused() {
    let archive = FakeArchive::new(&PACKAGES);
    for document in [
        sign(&new_key(), "Codename: trixie\nSHA256:\n"),
        b"Codename: trixie\nSHA256:\n".to_vec(),
        vec![0xff; 10],
    ] {
        archive.tamper("dists/trixie/InRelease", |bytes| *bytes = document);
        let error = open(&archive, &archive.home("a"), &Silent).unwrap_err();
        assert!(matches!(error, PackageError::Untrusted { .. }), "{error}");
    }
}

#[test]
fn a_release_of_another_suite_is_refused() {
    let archive = FakeArchive::new(&PACKAGES);
    let document = archive.files.lock().unwrap()["dists/trixie/InRelease"].clone();
    archive.files.lock().unwrap().insert("dists/forky/InRelease".to_owned(), document);
    let error = Archive::open_trusting(
        &archive.keyring,
        &archive.home("a"),
        &archive.mirror,
        "forky",
        "riscv64",
        &Silent,
    );
    assert!(matches!(error.unwrap_err(), PackageError::Untrusted { .. }));
}

#[test]
fn an_altered_index_or_package_is_refused_and_not_kept() {
    let archive = FakeArchive::new(&PACKAGES);
    let home = archive.home("a");
    let packages = resolved(&archive, &home);
    archive.tamper("pool/app_1.deb", |bytes| bytes[100] ^= 1);
    let error = fetch(&archive, &home, &packages).unwrap_err();
    assert!(matches!(error, PackageError::Mismatch { .. }), "{error}");
    assert!(!home.join("packages").join(format!("{}.deb", packages[0].sha256)).exists());
    archive.tamper("dists/trixie/main/binary-riscv64/Packages.xz", |bytes| bytes.push(0));
    let error = open(&archive, &archive.home("b"), &Silent).unwrap_err();
    assert!(matches!(error, PackageError::Mismatch { .. }), "{error}");
}

#[test]
fn a_damaged_cache_entry_is_replaced_and_reported() {
    struct Notes(std::sync::Mutex<Vec<String>>);
    impl Progress for Notes {
        fn start(&self, _: &str, _: Option<u64>) {}
        fn advance(&self, _: u64) {}
        fn finish(&self) {}
        fn note(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }
    let archive = FakeArchive::new(&PACKAGES);
    let home = archive.home("a");
    let packages = resolved(&archive, &home);
    let deb = fetch(&archive, &home, &packages).unwrap().remove(0);
    std::fs::write(&deb, "damaged").unwrap();
    let notes = Notes(Default::default());
    let again = super::fetch(&home, &archive.mirror, &packages, &notes).unwrap();
    assert_eq!(super::sha256_of_file(&again[0]).unwrap(), packages[0].sha256);
    assert!(notes.0.lock().unwrap().iter().any(|line| line.contains("damaged")));
}

#[test]
fn an_interrupted_download_is_resumed_where_it_stopped() {
    let archive = FakeArchive::new(&PACKAGES);
    let home = archive.home("a");
    let packages = resolved(&archive, &home);
    let whole = archive.files.lock().unwrap()["pool/app_1.deb"].clone();
    archive.tamper("pool/app_1.deb", |bytes| bytes.truncate(200));
    assert!(matches!(fetch(&archive, &home, &packages), Err(PackageError::Fetch { .. })));
    archive.tamper("pool/app_1.deb", |bytes| *bytes = whole);
    fetch(&archive, &home, &packages).unwrap();
    assert!(archive.requests.lock().unwrap().contains(&"pool/app_1.deb@200".to_owned()));
}

/// A cache in front of a mirror may hold an older index under the plain name than the `InRelease` it serves.
#[test]
fn an_index_that_lags_behind_its_release_is_fetched_by_its_checksum() {
    let archive = FakeArchive::new(&PACKAGES);
    archive.offer_by_hash();
    archive.tamper("dists/trixie/main/binary-riscv64/Packages.xz", |bytes| bytes.truncate(10));
    assert_eq!(resolved(&archive, &archive.home("a")).len(), 2);
}

#[test]
fn an_index_not_whole_under_its_checksum_is_fetched_by_its_name() {
    let archive = FakeArchive::new(&PACKAGES);
    archive.offer_by_hash();
    let by_hash = archive.files.lock().unwrap().keys().find(|k| k.contains("by-hash")).cloned();
    let by_hash = by_hash.unwrap();
    archive.tamper(&by_hash, |bytes| bytes.truncate(10));
    assert_eq!(resolved(&archive, &archive.home("a")).len(), 2);
    archive.files.lock().unwrap().remove(&by_hash);
    assert_eq!(resolved(&archive, &archive.home("b")).len(), 2);
}

#[test]
fn unreachable_mirrors_and_missing_files_say_what_to_try() {
    let archive = FakeArchive::new(&PACKAGES);
    let nobody = super::Mirror::new("http://127.0.0.1:1/debian").unwrap();
    let gone = Archive::open_trusting(
        &archive.keyring,
        &archive.home("a"),
        &nobody,
        "trixie",
        "riscv64",
        &Silent,
    );
    let message = gone.unwrap_err().to_string();
    assert!(message.contains("--mirror") && message.contains("127.0.0.1:1"), "{message}");
    let missing = Archive::open_trusting(
        &archive.keyring,
        &archive.home("a"),
        &archive.mirror,
        "potato",
        "riscv64",
        &Silent,
    );
    assert!(matches!(missing, Err(PackageError::Missing { status: 404, .. })));
    let no_arch = Archive::open_trusting(
        &archive.keyring,
        &archive.home("a"),
        &archive.mirror,
        "trixie",
        "pdp11",
        &Silent,
    );
    assert!(matches!(no_arch, Err(PackageError::Unresolved { .. })));
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named() {
    let archive = FakeArchive::new(&PACKAGES);
    let file = archive.home("a").join("file");
    std::fs::write(&file, "").unwrap();
    let message = open(&archive, &file, &Silent).unwrap_err().to_string();
    assert!(message.contains("a/file") && message.contains("VSWARM_U_HOME"), "{message}");
}

#[test]
fn files_that_are_no_packages_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.deb");
    let good = super::testing::deb(&[("./a", b"x", 0o644)]);
    for bytes in [b"".to_vec(), b"!<arch>\n".to_vec(), good[..150].to_vec(), good[..300].to_vec()] {
        std::fs::write(&path, &bytes).unwrap();
        let result = unpack(&path, &mut Tree::new(), &|_| true);
        assert!(
            matches!(result, Err(PackageError::Malformed { .. })),
            "{} bytes: {result:?}",
            bytes.len()
        );
    }
}
