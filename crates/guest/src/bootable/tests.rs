//! Builds of a synthetic guest from a small archive on loopback.

use std::path::Path;

use super::{Guest, GuestError, Spec, build, find};
use crate::packages::PackageError;
use crate::packages::testing::{FakeArchive, FakePackage};
use crate::progress::Silent;

/// A boot image header and nothing else.
const IMAGE: [u8; 64] = {
    let mut image = [0; 64];
    (image[56], image[57], image[58], image[59]) = (b'R', b'S', b'C', 5);
    image
};

/// Every module the guest asks for, declared as built in.
fn built_in() -> String {
    crate::kernel::MODULES.iter().map(|name| format!("kernel/{name}.ko\n")).collect()
}

fn archive() -> FakeArchive {
    let modules = built_in();
    let kernel = [
        ("./boot/vmlinux-1", IMAGE.as_slice(), 0o644),
        ("./usr/lib/modules/1/modules.builtin", modules.as_bytes(), 0o644),
    ];
    let mut packages = vec![
        FakePackage {
            name: "linux-image-riscv64",
            fields: "Depends: linux-image-1-riscv64 (= 1)",
            files: &[],
        },
        FakePackage { name: "linux-image-1-riscv64", fields: "", files: &kernel },
    ];
    for name in crate::rootfs::PACKAGES {
        packages.push(FakePackage {
            name,
            fields: "",
            files: &[("./usr/bin/busybox", b"busybox", 0o755), ("./usr/share/doc/x", b"", 0o644)],
        });
    }
    FakeArchive::new(&packages)
}

fn spec(archive: &FakeArchive) -> Spec {
    Spec {
        mirror: Some(archive.mirror.clone()),
        keyring: Some(archive.keyring.clone()),
        disk_bytes: 128 << 20,
        ..Spec::default()
    }
}

fn contents(guest: &Guest) -> Vec<Vec<u8>> {
    [&guest.kernel, &guest.initrd, &guest.disk]
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn left_over(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("guest")).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".build-"))
        .collect()
}

#[test]
fn the_same_packages_give_the_same_bytes_in_any_folder() {
    let archive = archive();
    let spec = spec(&archive);
    let (a, b) = (
        build(&archive.home("a"), &spec, &Silent).unwrap(),
        build(&archive.home("b"), &spec, &Silent).unwrap(),
    );
    assert_eq!(a.hash, b.hash);
    assert_eq!(a.lock, b.lock);
    assert!(contents(&a) == contents(&b), "the files differ");
}

#[test]
fn a_finished_guest_is_reused_without_the_mirror() {
    let archive = archive();
    let (home, spec) = (archive.home("a"), spec(&archive));
    assert_eq!(find(&home, &spec, &Silent).unwrap(), None);
    let first = build(&home, &spec, &Silent).unwrap();
    archive.files.lock().unwrap().clear();
    let requests = archive.requests.lock().unwrap().len();
    assert_eq!(build(&home, &spec, &Silent).unwrap(), first);
    assert_eq!(find(&home, &spec, &Silent).unwrap(), Some(first));
    assert_eq!(archive.requests.lock().unwrap().len(), requests);
}

#[test]
fn a_damaged_or_truncated_guest_is_built_again() {
    let archive = archive();
    let (home, spec) = (archive.home("a"), spec(&archive));
    let guest = build(&home, &spec, &Silent).unwrap();
    let good = contents(&guest);
    for (file, damage) in [(&guest.disk, 4096), (&guest.initrd, 50), (&guest.kernel, 10)] {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[damage] ^= 0x55;
        std::fs::write(file, &bytes).unwrap();
        assert!(
            contents(&build(&home, &spec, &Silent).unwrap()) == good,
            "damage to {} stayed",
            file.display()
        );
        std::fs::File::options().write(true).open(file).unwrap().set_len(20).unwrap();
        assert!(
            contents(&build(&home, &spec, &Silent).unwrap()) == good,
            "{} stayed short",
            file.display()
        );
    }
    std::fs::remove_file(guest.disk.with_file_name("manifest.json")).unwrap();
    assert!(contents(&build(&home, &spec, &Silent).unwrap()) == good);
}

#[test]
fn what_a_killed_build_left_is_removed_and_failures_leave_nothing() {
    let archive = archive();
    let (home, spec) = (archive.home("a"), spec(&archive));
    std::fs::create_dir_all(home.join("guest/.build-dead")).unwrap();
    std::fs::write(home.join("guest/.build-dead/disk.img"), "half").unwrap();
    archive.tamper("pool/linux-image-1-riscv64_1.deb", |bytes| bytes[200] ^= 1);
    let error = build(&home, &spec, &Silent).unwrap_err();
    assert!(matches!(error, GuestError::Package(PackageError::Mismatch { .. })), "{error}");
    assert!(left_over(&home).is_empty(), "{:?}", left_over(&home));
    archive.tamper("pool/linux-image-1-riscv64_1.deb", |bytes| bytes[200] ^= 1);
    let guest = build(&home, &spec, &Silent).unwrap();
    assert!(guest.disk.exists() && left_over(&home).is_empty());
}

#[test]
fn a_disk_too_small_for_the_packages_is_an_error_that_leaves_nothing() {
    let archive = archive();
    let home = archive.home("a");
    let big = vec![1u8; 60 << 20];
    let modules = built_in();
    let kernel = [
        ("./boot/vmlinux-1", IMAGE.as_slice(), 0o644),
        ("./m/modules.builtin", modules.as_bytes(), 0o644),
    ];
    let files = [
        ("./a", big.as_slice(), 0o644),
        ("./b", big.as_slice(), 0o644),
        ("./c", big.as_slice(), 0o644),
    ];
    let mut packages = vec![
        FakePackage {
            name: "linux-image-riscv64",
            fields: "Depends: linux-image-1-riscv64",
            files: &[],
        },
        FakePackage { name: "linux-image-1-riscv64", fields: "", files: &kernel },
    ];
    for (at, name) in crate::rootfs::PACKAGES.into_iter().enumerate() {
        packages.push(FakePackage { name, fields: "", files: if at == 0 { &files } else { &[] } });
    }
    archive.publish(&packages);
    let error = build(&home, &spec(&archive), &Silent).unwrap_err();
    assert!(
        matches!(error, GuestError::Disk(_)) && error.to_string().contains("larger disk"),
        "{error}"
    );
    assert!(left_over(&home).is_empty());
}

#[test]
fn a_package_that_left_the_mirror_is_replaced_by_the_current_one() {
    let archive = archive();
    let (home, spec) = (archive.home("a"), spec(&archive));
    let mut lock = build(&home, &spec, &Silent).unwrap().lock;
    // A lock of the past: names a file that is neither cached nor served.
    lock.packages[0].filename = "pool/old_0.deb".to_owned();
    lock.packages[0].sha256 = "1".repeat(64);
    super::lock::write(&super::lock::path(&home.join("guest"), &spec), &lock).unwrap();
    let guest = build(&home, &spec, &Silent).unwrap();
    assert_ne!(guest.lock, lock);
}
