//! Debian packages: from a mirror's signed index to files in a [`Tree`](crate::tree::Tree).
//!
//! The chain of trust is Debian's own (sources: the Debian repository format page, `deb822(5)`, `deb-control(5)`,
//! Debian Policy chapters 5 and 7): the OpenPGP signature of `InRelease`, the SHA-256 of `Packages.xz` inside it, and
//! the SHA-256 of each package inside that. Any break in the chain is an error.
//!
//! Left out: source packages, pdiffs, `Recommends`, `Conflicts` and maintainer scripts. The closures built here come
//! from one release, whose packages do not conflict unless asked for by name.
//!
//! ```no_run
//! # use guest::{packages::{Archive, Mirror, unpack}, progress::Silent, tree::Tree};
//! # fn main() -> Result<(), guest::packages::PackageError> {
//! let home = std::path::Path::new("/tmp/vswarm-u");
//! let archive = Archive::open(home, &Mirror::from_host()?, "trixie", "riscv64", &Silent)?;
//! let mut tree = Tree::new();
//! for deb in archive.fetch(&archive.resolve(&["base-files", "python3"])?)? {
//!     unpack(&deb, &mut tree, &|path| !path.starts_with("usr/share/doc/"))?;
//! }
//! # Ok(())
//! # }
//! ```

mod archive;
mod control;
mod error;
mod http;
mod index;
mod mirror;
mod relation;
mod release;
mod resolve;
mod signature;
mod sources;
mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unpack;
mod version;

pub use archive::{Archive, Package, fetch};
pub use error::PackageError;
pub use mirror::Mirror;
pub use store::{Store, sha256_of_file};
pub use unpack::{unpack, unpack_tar};
pub use version::compare as compare_versions;
