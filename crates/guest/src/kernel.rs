//! The kernel package: its Image, and the modules the guest needs in the order they must be loaded.
//!
//! Debian's `linux-image-*-riscv64` holds `/boot/vmlinux-*`, a RISC-V Image (kernel documentation,
//! `arch/riscv/boot-image-header`), and modules as `.ko.xz`. Modules are decompressed here, on the host, and lose the
//! signature appended behind the ELF file; their code and data are Debian's. The signature has done its work by then:
//! the package it came in was verified. Checking it again in the guest took 3.0 G of the 3.3 G instructions that loading
//! the modules took (hashing and RSA without hardware help), half of the whole boot. The kernel notes unsigned modules as
//! taint `E`, which changes nothing else. The order of modules follows the `depends=` entries of their `.modinfo` sections, which is what `depmod` reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use object::{Object, ObjectSection};

use crate::tree::{Content, Node, Tree};

/// What the guest uses, in the order of first need. Dependencies are added.
pub(crate) const MODULES: [&str; 24] = [
    // The root disk.
    "virtio_mmio",
    "virtio_blk",
    "crc32c_generic",
    "ext4",
    // The wire, the command channel, randomness.
    "virtio_net",
    "virtio_console",
    "virtio_rng",
    // Containers: layered file systems, virtual Ethernet, bridges.
    "overlay",
    "veth",
    "bridge",
    "br_netfilter",
    // The container engine's address translation, as iptables-nft expresses it.
    "nf_tables",
    "nft_compat",
    "nft_chain_nat",
    "nf_conntrack_netlink",
    "xt_conntrack",
    "xt_addrtype",
    "xt_nat",
    "xt_MASQUERADE",
    "xt_tcpudp",
    "xt_mark",
    "xt_comment",
    "nft_masq",
    "nft_nat",
];

/// Why the kernel package is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// There is no kernel where Debian puts it.
    #[error(
        "the kernel package has no RISC-V Image under /boot; this release's kernel is packaged in a way this program does not know"
    )]
    NoImage,
    /// A module is neither a file nor built in.
    #[error(
        "the kernel package has no module `{0}`, which the guest needs; this release's kernel is configured in a way this program does not know"
    )]
    NoModule(String),
    /// A module file is not readable as one.
    #[error("kernel module `{name}` cannot be read: {reason}; the kernel package is damaged")]
    BadModule {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Contents could not be read back.
    #[error(
        "cannot read the unpacked kernel package: {0}; check free space and permissions of the state folder"
    )]
    Io(#[from] std::io::Error),
}

/// A module ready to be loaded.
#[derive(Debug, Clone)]
pub struct Module {
    /// Name with underscores.
    pub name: String,
    /// The ELF file.
    pub bytes: Arc<[u8]>,
}

/// A kernel and its modules.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The RISC-V Image.
    pub image: Content,
    /// Modules, each after those it depends on.
    pub modules: Vec<Module>,
}

/// Whether `path` of the kernel package can matter; skips the bulk of it, drivers for hardware we do not model.
pub fn is_relevant(path: &str) -> bool {
    let Some((_, module)) = path.split_once("/kernel/") else {
        return path.starts_with("boot/vmlinux-") || path.ends_with("/modules.builtin");
    };
    match module.strip_prefix("drivers/") {
        Some(driver) => ["net/", "block/", "virtio/", "char/"].iter().any(|folder| {
            driver
                .strip_prefix(folder)
                .is_some_and(|rest| !rest.contains('/') || rest.starts_with("hw_random/"))
        }),
        None => !module.starts_with("sound/"),
    }
}

impl Kernel {
    /// Takes the kernel out of its unpacked package.
    pub fn from_package(tree: &Tree) -> Result<Self, KernelError> {
        let image = tree.iter().find_map(|(path, entry)| match &entry.node {
            Node::File(content) if path.starts_with("boot/vmlinux-") => Some(content.clone()),
            _ => None,
        });
        let image = image.ok_or(KernelError::NoImage)?;
        // The boot image header's second magic number is at byte 56.
        let mut head = [0; 64];
        image.reader().read_exact(&mut head)?;
        if &head[56..60] != b"RSC\x05" {
            return Err(KernelError::NoImage);
        }
        Ok(Self { image, modules: Loader::new(tree)?.load_all()? })
    }
}

/// Collects modules depth first, so that dependencies come first.
struct Loader {
    files: BTreeMap<String, Content>,
    built_in: BTreeSet<String>,
    seen: BTreeSet<String>,
    loaded: Vec<Module>,
}

impl Loader {
    fn new(tree: &Tree) -> Result<Self, KernelError> {
        let mut loader = Self {
            files: BTreeMap::new(),
            built_in: BTreeSet::new(),
            seen: BTreeSet::new(),
            loaded: Vec::new(),
        };
        for (path, entry) in tree.iter() {
            let Node::File(content) = &entry.node else { continue };
            if path.ends_with("/modules.builtin") {
                let text = String::from_utf8_lossy(&content.bytes()?).into_owned();
                loader.built_in = text.lines().filter_map(module_name).collect();
            } else if let Some(name) = module_name(path) {
                loader.files.insert(name, content.clone());
            }
        }
        Ok(loader)
    }

    fn load_all(mut self) -> Result<Vec<Module>, KernelError> {
        for name in MODULES {
            self.load(name)?;
        }
        Ok(self.loaded)
    }

    fn load(&mut self, name: &str) -> Result<(), KernelError> {
        if self.built_in.contains(name) || !self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let content = self.files.get(name).ok_or_else(|| KernelError::NoModule(name.to_owned()))?;
        let bytes: Arc<[u8]> = without_signature(&decompress(name, &content.bytes()?)?).into();
        for needed in dependencies(name, &bytes)? {
            self.load(&needed)?;
        }
        self.loaded.push(Module { name: name.to_owned(), bytes });
        Ok(())
    }
}

/// `.../nf-nat.ko.xz` is module `nf_nat`.
fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    let stem = file.strip_suffix(".xz").unwrap_or(file).strip_suffix(".ko")?;
    Some(stem.replace('-', "_"))
}

fn decompress(name: &str, bytes: &Arc<[u8]>) -> Result<Arc<[u8]>, KernelError> {
    if bytes.starts_with(b"\x7fELF") {
        return Ok(bytes.clone());
    }
    let mut plain = Vec::new();
    let decoded = liblzma::read::XzDecoder::new(&bytes[..]).read_to_end(&mut plain);
    decoded.map_err(|error| KernelError::BadModule {
        name: name.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(plain.into())
}

/// What a signed module ends with.
const SIGNATURE_MARK: &[u8] = b"~Module signature appended~\n";
/// `struct module_signature` before the mark; its last four bytes are the signature's length, big-endian.
const SIGNATURE_INFO: usize = 12;

/// The ELF file without the signature block the kernel build appended (`scripts/sign-file.c`), if it has one.
fn without_signature(bytes: &[u8]) -> &[u8] {
    let signed = || {
        let body = bytes.strip_suffix(SIGNATURE_MARK)?;
        let len = u32::from_be_bytes(*body.last_chunk()?) as usize;
        body.get(..body.len().checked_sub(len.checked_add(SIGNATURE_INFO)?)?)
    };
    signed().unwrap_or(bytes)
}

/// The comma-separated `depends=` entry of `.modinfo`.
fn dependencies(name: &str, bytes: &[u8]) -> Result<Vec<String>, KernelError> {
    let bad = |error: object::Error| KernelError::BadModule {
        name: name.to_owned(),
        reason: error.to_string(),
    };
    let file = object::File::parse(bytes).map_err(bad)?;
    let Some(section) = file.section_by_name(".modinfo") else { return Ok(Vec::new()) };
    let info = section.data().map_err(bad)?;
    let entry = info.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"depends="));
    let names = String::from_utf8_lossy(entry.unwrap_or_default()).into_owned();
    Ok(names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Entry;

    #[test]
    fn drivers_of_other_hardware_are_skipped() {
        for (path, relevant) in [
            ("boot/vmlinux-6.12-riscv64", true),
            ("boot/config-6.12-riscv64", false),
            ("usr/lib/modules/6.12/modules.builtin", true),
            ("usr/lib/modules/6.12/kernel/fs/ext4/ext4.ko.xz", true),
            ("usr/lib/modules/6.12/kernel/drivers/net/veth.ko.xz", true),
            ("usr/lib/modules/6.12/kernel/drivers/char/hw_random/virtio-rng.ko.xz", true),
            ("usr/lib/modules/6.12/kernel/drivers/net/ethernet/intel/e1000.ko.xz", false),
            ("usr/lib/modules/6.12/kernel/drivers/gpu/drm/drm.ko.xz", false),
            ("usr/lib/modules/6.12/kernel/sound/core/snd.ko.xz", false),
        ] {
            assert_eq!(is_relevant(path), relevant, "{path}");
        }
    }

    #[test]
    fn only_the_signature_block_is_cut_off() {
        let mut module = b"ELF and all".to_vec();
        module.extend(b"pkcs7");
        module.extend([0, 0, 2, 0, 0, 0, 0, 0]);
        module.extend(5u32.to_be_bytes());
        module.extend(SIGNATURE_MARK);
        assert_eq!(without_signature(&module), b"ELF and all");
        assert_eq!(without_signature(b"ELF and all"), b"ELF and all");
        let absurd = [&[0xff; 4], SIGNATURE_MARK].concat();
        assert_eq!(without_signature(&absurd), absurd);
    }

    #[test]
    fn a_package_without_a_kernel_or_a_needed_module_is_refused() {
        let mut tree = Tree::new();
        assert!(matches!(Kernel::from_package(&tree), Err(KernelError::NoImage)));
        let mut image = vec![0; 64];
        image[56..60].copy_from_slice(b"RSC\x05");
        tree.insert("boot/vmlinux-1", Entry::file(image, 0o644)).unwrap();
        let message = Kernel::from_package(&tree).unwrap_err().to_string();
        assert!(message.contains("virtio_mmio"), "{message}");
        tree.insert("usr/lib/modules/1/kernel/virtio_mmio.ko", Entry::file("not ELF", 0o644))
            .unwrap();
        assert!(matches!(Kernel::from_package(&tree), Err(KernelError::BadModule { .. })));
    }
}
