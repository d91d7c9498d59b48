//! Makes the three files of a guest out of its packages.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::{GuestError, Lock, Spec};
use crate::kernel::{self, Kernel};
use crate::packages::{self, Package, unpack};
use crate::progress::Progress;
use crate::tree::{Entry, Node, Tree};
use crate::{cpio, ext4, init, rootfs};

/// File names inside a guest's folder.
pub(super) const KERNEL: &str = "Image";
pub(super) const INITRD: &str = "initrd.cpio";
pub(super) const DISK: &str = "disk.img";

/// The code and settings that turn packages into bytes. Any change to them makes another guest, so none can be
/// forgotten; a change of a comment costs one rebuild.
const RECIPE: [&str; 12] = [
    init::EARLY,
    init::MAIN,
    include_str!("files.rs"),
    include_str!("../cpio.rs"),
    include_str!("../kernel.rs"),
    include_str!("../rootfs.rs"),
    include_str!("../tree.rs"),
    include_str!("../packages/unpack.rs"),
    include_str!("../ext4/directory.rs"),
    include_str!("../ext4/layout.rs"),
    include_str!("../ext4/inode.rs"),
    include_str!("../ext4/writer.rs"),
];

/// The identity of the guest: everything its bytes follow from.
pub(super) fn hash(spec: &Spec, lock: &Lock) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&spec.disk_bytes.to_le_bytes());
    for text in RECIPE {
        hash.update(blake3::hash(text.as_bytes()).as_bytes());
    }
    for package in std::iter::once(&lock.kernel).chain(&lock.packages) {
        hash.update(package.sha256.as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

/// Writes the files into `work` and returns the length of the disk's used part.
pub(super) fn make(
    home: &Path,
    work: &Path,
    spec: &Spec,
    lock: &Lock,
    hash: &str,
    progress: &dyn Progress,
) -> Result<u64, GuestError> {
    let mut wanted: Vec<Package> = lock.packages.clone();
    wanted.push(lock.kernel.clone());
    let debs = packages::fetch(home, &spec.mirror()?, &wanted, progress)?;
    let (kernel_deb, debs) = debs.split_last().expect("the kernel is one of the packages");
    let mut tree = Tree::spooled_in(work)?;
    progress.start("unpacking packages", Some(wanted.iter().map(|package| package.size).sum()));
    unpack(kernel_deb, &mut tree, &kernel::is_relevant)?;
    progress.advance(lock.kernel.size);
    let kernel = Kernel::from_package(&tree)?;
    let mut tree = Tree::spooled_in(work)?;
    for (package, deb) in base_first(lock, debs) {
        unpack(deb, &mut tree, &rootfs::is_kept)?;
        progress.advance(package.size);
    }
    progress.finish();
    rootfs::configure(&mut tree)?;
    write_kernel(&work.join(KERNEL), &kernel)?;
    write_initrd(&work.join(INITRD), &kernel, &tree)?;
    write_disk(&work.join(DISK), &tree, spec.disk_bytes, hash, progress)
}

/// `base-files` brings the links of the merged `/usr`, so it is unpacked before the rest.
fn base_first<'a>(
    lock: &'a Lock,
    debs: &'a [std::path::PathBuf],
) -> Vec<(&'a Package, &'a std::path::PathBuf)> {
    let mut pairs: Vec<_> = lock.packages.iter().zip(debs).collect();
    pairs.sort_by_key(|(package, _)| package.name != "base-files");
    pairs
}

fn write_kernel(path: &Path, kernel: &Kernel) -> Result<(), GuestError> {
    let io = |doing| GuestError::io(doing, path);
    let mut file = File::create(path).map_err(io("create"))?;
    std::io::copy(&mut kernel.image.reader(), &mut file).map_err(io("write"))?;
    file.sync_all().map_err(io("write"))
}

/// Busybox, the modules in loading order, and the script that uses both.
fn write_initrd(path: &Path, kernel: &Kernel, root: &Tree) -> Result<(), GuestError> {
    let mut tree = Tree::new();
    for folder in ["dev", "root", "modules"] {
        tree.insert(folder, Entry::dir())?;
    }
    tree.insert("init", Entry::file(init::EARLY, 0o755))?;
    if let Some(busybox) = root.follow("usr/bin/busybox") {
        tree.insert("bin/busybox", busybox.clone())?;
    }
    let mut order = String::new();
    for module in &kernel.modules {
        order.push_str(&module.name);
        order.push('\n');
        tree.insert(&format!("modules/{}.ko", module.name), Entry::file(&*module.bytes, 0o644))?;
    }
    tree.insert("modules/order", Entry::file(order, 0o644))?;
    tree.insert(
        "dev/console",
        Entry { node: Node::CharDevice(5, 1), mode: 0o600, uid: 0, gid: 0 },
    )?;
    let io = |doing| GuestError::io(doing, path);
    let mut file = BufWriter::new(File::create(path).map_err(io("create"))?);
    cpio::write(&tree, &mut file).map_err(io("write"))?;
    file.flush().map_err(io("write"))?;
    file.get_ref().sync_all().map_err(io("write"))
}

fn write_disk(
    path: &Path,
    tree: &Tree,
    bytes: u64,
    hash: &str,
    progress: &dyn Progress,
) -> Result<u64, GuestError> {
    let mut file = File::create(path).map_err(GuestError::io("create", path))?;
    let identity =
        *blake3::hash(hash.as_bytes()).as_bytes().first_chunk().expect("a hash has 32 bytes");
    let used = ext4::write(tree, bytes, identity, &mut file, progress)?;
    file.sync_all().map_err(GuestError::io("write", path))?;
    Ok(used)
}
