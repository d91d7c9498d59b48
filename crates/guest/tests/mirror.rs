//! The package chain against the mirror this host's apt uses. Skipped, with a notice, where there is none to reach.

use std::path::PathBuf;

use guest::packages::{Archive, Mirror, PackageError, unpack};
use guest::progress::Silent;
use guest::tree::Tree;

/// The state folder of the program, so that downloads are shared with it.
fn home() -> PathBuf {
    let folder =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let home = folder("VSWARM_U_HOME").or_else(|| Some(cache()?.join("vswarm-u")));
    home.unwrap_or_else(|| std::env::temp_dir().join("vswarm-u"))
}

fn archive() -> Option<Archive<'static>> {
    let opened = Mirror::from_host()
        .and_then(|mirror| Archive::open(&home(), &mirror, "trixie", "riscv64", &Silent));
    match opened {
        Ok(archive) => Some(archive),
        Err(
            error @ (PackageError::NoMirror(_)
            | PackageError::Fetch { .. }
            | PackageError::Missing { .. }
            | PackageError::NoKeyring(_)),
        ) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_container_engine_resolves_against_debians_signed_index() {
    let Some(archive) = archive() else { return };
    let packages = archive
        .resolve(&["docker.io", "docker-compose", "iptables"])
        .unwrap_or_else(|e| panic!("{e}"));
    for name in ["containerd", "libc6", "runc"] {
        assert!(
            packages.iter().any(|package| package.name == name),
            "{name} is missing from the closure"
        );
    }
    assert!(
        packages.windows(2).all(|pair| pair[0].name < pair[1].name),
        "not sorted, or a name twice"
    );
    assert!(
        archive
            .dependencies("linux-image-riscv64")
            .iter()
            .any(|name| name.starts_with("linux-image-6."))
    );
}

#[test]
fn a_debian_package_is_fetched_and_unpacked() {
    let Some(archive) = archive() else { return };
    let package = archive.find("base-files").expect("every release has base-files");
    let debs = archive.fetch(&[package]).unwrap_or_else(|e| panic!("{e}"));
    let mut tree = Tree::new();
    unpack(&debs[0], &mut tree, &|_| true).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        tree.follow("bin").is_some_and(|entry| entry.is_dir()),
        "the merged /usr links are missing"
    );
    assert!(tree.get("etc/debian_version").is_some());
}
