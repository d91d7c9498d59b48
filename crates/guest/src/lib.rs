//! Debian packages to a bootable guest and OCI function images.
//!
//! Nothing here needs root, a container engine or a package manager on the host: packages come from the Debian mirror
//! the host already uses, are verified against Debian's signing keys, and are laid out by our own writers. No
//! maintainer script is ever run.
//!
//! * [`functions`], [`compose`]: what can be run, and the images it becomes.
//! * [`oci`]: layers, images and their on-disk layout.
//! * [`packages`]: mirror, signed archive, dependency closure, verified download, unpacking.
//! * [`tree`]: files with owners and modes, held outside any real file system.
//! * [`progress`]: how long work reports itself.

#![forbid(unsafe_code)]

pub mod bootable;
pub mod compose;
mod cpio;
mod ext4;
pub mod functions;
pub mod init;
mod kernel;
pub mod oci;
pub mod packages;
pub mod progress;
mod rootfs;
pub mod tree;
