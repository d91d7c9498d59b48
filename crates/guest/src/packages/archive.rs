//! One release of a Debian archive for one architecture: the public face of this module.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::PackageError;
use super::http::Client;
use super::index::{Index, Record};
use super::mirror::Mirror;
use super::release::Release;
use super::resolve;
use super::signature::Keyring;
use super::store::{Store, Wanted};
use crate::progress::Progress;

/// `InRelease` is about 140 kB; anything near this is not one.
const RELEASE_LIMIT: u64 = 16 << 20;

/// A binary package of the archive, identified exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Package name.
    pub name: String,
    /// Full Debian version.
    pub version: String,
    /// Architecture, or `all`.
    pub arch: String,
    /// Path below the mirror's base.
    pub filename: String,
    /// Size of the `.deb` in bytes.
    pub size: u64,
    /// SHA-256 of the `.deb`, lower-case hex.
    pub sha256: String,
}

impl From<&Record> for Package {
    fn from(record: &Record) -> Self {
        Self {
            name: record.name.clone(),
            version: record.version.clone(),
            arch: record.arch.clone(),
            filename: record.filename.clone(),
            size: record.size,
            sha256: record.sha256.clone(),
        }
    }
}

/// A verified release: its index is in memory, its packages are fetched on demand.
pub struct Archive<'p> {
    mirror: Mirror,
    suite: String,
    arch: String,
    release: Release,
    index: Index,
    client: Client,
    packages: Store,
    progress: &'p dyn Progress,
}

impl fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("mirror", &self.mirror)
            .field("suite", &self.suite)
            .field("arch", &self.arch)
            .finish_non_exhaustive()
    }
}

impl<'p> Archive<'p> {
    /// Fetches and verifies the index of `suite` (its code name, such as `trixie`) for `arch`.
    ///
    /// Every call asks the mirror for the current `InRelease`; the index itself is kept under `home` by checksum.
    pub fn open(
        home: &Path,
        mirror: &Mirror,
        suite: &str,
        arch: &str,
        progress: &'p dyn Progress,
    ) -> Result<Self, PackageError> {
        Self::open_with(&Keyring::from_host()?, home, mirror, suite, arch, progress)
    }

    /// As [`open`](Self::open), trusting the keys in `keyring` (OpenPGP, binary or armoured) and no others.
    pub fn open_trusting(
        keyring: &Path,
        home: &Path,
        mirror: &Mirror,
        suite: &str,
        arch: &str,
        progress: &'p dyn Progress,
    ) -> Result<Self, PackageError> {
        let keyring = Keyring::from_files(&[keyring.to_owned()])?;
        Self::open_with(&keyring, home, mirror, suite, arch, progress)
    }

    fn open_with(
        keyring: &Keyring,
        home: &Path,
        mirror: &Mirror,
        suite: &str,
        arch: &str,
        progress: &'p dyn Progress,
    ) -> Result<Self, PackageError> {
        let client = Client::new();
        let release = fetch_release(&client, mirror, suite, keyring, progress)?;
        let text = fetch_index(&client, mirror, suite, arch, &release, home, progress)?;
        Ok(Self {
            mirror: mirror.clone(),
            suite: suite.to_owned(),
            arch: arch.to_owned(),
            release,
            index: Index::parse(&text)?,
            client,
            packages: Store::open(&home.join("packages"), ".deb")?,
            progress,
        })
    }

    /// The release's version number and date, for manifests.
    pub fn description(&self) -> String {
        format!("{} {} ({})", self.release.codename, self.release.version, self.release.date)
    }

    /// The newest package called `name`.
    pub fn find(&self, name: &str) -> Option<Package> {
        self.index.find(&super::relation::parse_relation(name)?).map(Package::from)
    }

    /// Names of the packages that `name` itself depends on, first alternatives only.
    pub fn dependencies(&self, name: &str) -> Vec<String> {
        let record =
            super::relation::parse_relation(name).and_then(|relation| self.index.find(&relation));
        let groups = record.map(Record::depends).unwrap_or_default();
        groups.into_iter().filter_map(|group| Some(group.into_iter().next()?.name)).collect()
    }

    /// Everything `wanted` needs, itself included: the closure over `Pre-Depends` and `Depends`, sorted by name.
    ///
    /// Each element is a relation in control-file form: `python3`, `python3 (>= 3.13)`, `awk | mawk`.
    pub fn resolve(&self, wanted: &[&str]) -> Result<Vec<Package>, PackageError> {
        let records =
            resolve::closure(&self.index, wanted, &format!("{}/{}", self.suite, self.arch))?;
        Ok(records.into_iter().map(Package::from).collect())
    }

    /// The packages' files, in the same order, downloaded where they are not yet in the cache.
    pub fn fetch(&self, packages: &[Package]) -> Result<Vec<PathBuf>, PackageError> {
        fetch_packages(&self.packages, &self.client, &self.mirror, packages, self.progress)
    }
}

/// The files of packages known from an earlier [`Archive::resolve`], in the same order, without asking for an index.
///
/// Each file is checked against the SHA-256 its [`Package`] carries, which came from a signed index.
pub fn fetch(
    home: &Path,
    mirror: &Mirror,
    packages: &[Package],
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, PackageError> {
    let store = Store::open(&home.join("packages"), ".deb")?;
    fetch_packages(&store, &Client::new(), mirror, packages, progress)
}

fn fetch_packages(
    store: &Store,
    client: &Client,
    mirror: &Mirror,
    packages: &[Package],
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, PackageError> {
    let total = packages.iter().map(|package| package.size).sum();
    progress.start(&format!("packages ({})", packages.len()), Some(total));
    let fetch = |package: &Package| {
        let url = mirror.url(&package.filename);
        store.fetch(
            client,
            Wanted { url: &url, size: package.size, sha256: &package.sha256 },
            progress,
        )
    };
    let files = packages.iter().map(fetch).collect();
    progress.finish();
    files
}

fn fetch_release(
    client: &Client,
    mirror: &Mirror,
    suite: &str,
    keyring: &Keyring,
    progress: &dyn Progress,
) -> Result<Release, PackageError> {
    let url = mirror.url(&format!("dists/{suite}/InRelease"));
    progress.start("signed release index", None);
    let document = client.get(&url, RELEASE_LIMIT);
    progress.finish();
    let release = Release::parse(&keyring.verify(&document?, &url)?)?;
    if release.codename != suite && release.suite != suite {
        let reason = format!("it is signed for `{}`, not for `{suite}`", release.codename);
        return Err(PackageError::Untrusted { what: url, reason });
    }
    Ok(release)
}

fn fetch_index(
    client: &Client,
    mirror: &Mirror,
    suite: &str,
    arch: &str,
    release: &Release,
    home: &Path,
    progress: &dyn Progress,
) -> Result<String, PackageError> {
    let folder = format!("main/binary-{arch}");
    let path = format!("{folder}/Packages.xz");
    let listed = release.file(&path).ok_or_else(|| PackageError::Unresolved {
        wanted: path.clone(),
        by: "the package index".to_owned(),
        release: format!("{suite}/{arch}"),
    })?;
    let store = Store::open(&home.join("indices"), ".xz")?;
    let by_hash = format!("{folder}/by-hash/SHA256/{}", listed.sha256);
    // By checksum first: the plain name may already, or still, be another release's. A mirror may announce by-hash
    // and not carry it, or carry it damaged: then the plain name must hold the same bytes.
    let names = if release.by_hash { vec![by_hash, path] } else { vec![path] };
    progress.start(&format!("package index of {suite}/{arch}"), Some(listed.size));
    let fetch = |name: &String| {
        let url = mirror.url(&format!("dists/{suite}/{name}"));
        let wanted = Wanted { url: &url, size: listed.size, sha256: &listed.sha256 };
        store.fetch(client, wanted, progress)
    };
    let mut file = fetch(&names[0]);
    let elsewhere = matches!(
        file,
        Err(PackageError::Missing { .. }
            | PackageError::Fetch { .. }
            | PackageError::Mismatch { .. })
    );
    if let (true, Some(plain)) = (elsewhere, names.get(1)) {
        file = fetch(plain);
    }
    progress.finish();
    read_xz(&file?)
}

fn read_xz(path: &Path) -> Result<String, PackageError> {
    let file = std::fs::File::open(path).map_err(PackageError::io("open", path))?;
    let mut reader = liblzma::read::XzDecoder::new_multi_decoder(std::io::BufReader::new(file));
    std::io::read_to_string(&mut reader).map_err(|error| PackageError::Malformed {
        what: path.display().to_string(),
        reason: error.to_string(),
    })
}
