//! Layers of Debian packages.

use std::collections::BTreeSet;

use super::super::error::FunctionError;
use super::super::glob;
use super::key::Key;
use super::step::{Made, Step};
use super::workshop::Workshop;
use super::{Job, prune};
use crate::packages::{Package, unpack};
use crate::tree::{Entry, Tree};

/// The packages of a runtime.
pub(super) struct Base {
    /// What the layer is called in the image's history.
    pub title: &'static str,
    /// The packages asked for; their dependencies come with them.
    pub packages: &'static [&'static str],
    /// Packages that come without their dependencies.
    pub exact: &'static [&'static str],
    /// Paths left out beyond [`prune::ALWAYS`].
    pub prune: &'static [&'static str],
    /// Whether Python sources get bytecode beside them.
    pub bytecode: bool,
}

/// No runtime at all.
pub(super) static BARE: Base =
    Base { title: "base", packages: &[], exact: &[], prune: &[], bytecode: false };

/// The layer of `base`, and one with the packages that `job` adds.
pub(super) fn steps<'j>(base: &'static Base, job: &'j Job<'_>) -> Vec<Step<'j>> {
    let prune: Vec<&str> = job.service.build.prune.iter().map(String::as_str).collect();
    let more: Vec<&str> = job.service.build.packages.iter().map(String::as_str).collect();
    let mut steps = vec![step(base, Vec::new(), prune.clone())];
    if !more.is_empty() {
        steps.push(step(base, more, prune));
    }
    steps
}

/// The layer of `base` alone (`more` empty), or of what `more` adds to it.
fn step<'j>(base: &'static Base, more: Vec<&'j str>, prune: Vec<&'j str>) -> Step<'j> {
    let leave_out: Vec<&str> =
        prune::ALWAYS.iter().chain(base.prune).copied().chain(prune).collect();
    let mut key = Key::new("packages");
    key.texts(base.packages.iter().chain(base.exact).copied()).texts(more.iter().copied());
    key.texts(leave_out.iter().copied()).texts(prune::NEVER_NEEDED).flag(base.bytecode);
    if base.bytecode {
        key.tools(&super::python::INTERPRETER);
    }
    let title = match more.as_slice() {
        [] => base.title.to_owned(),
        more => format!("{} + {}", base.title, more.join(" ")),
    };
    Step::new(key.finish(), title, move |workshop| make(workshop, base, &more, &leave_out))
}

fn make(
    workshop: &Workshop<'_>,
    base: &Base,
    more: &[&str],
    leave_out: &[&str],
) -> Result<Made, FunctionError> {
    let packages = choose(workshop, base, more)?;
    let scratch = workshop.scratch()?;
    let mut tree = Tree::spooled_in(scratch.path())?;
    if more.is_empty() {
        skeleton(&mut tree)?;
    }
    if !packages.is_empty() {
        for deb in workshop.target()?.fetch(&packages)? {
            unpack(&deb, &mut tree, &|path| !glob::any(leave_out.iter().copied(), path))?;
        }
    }
    drop_empty_folders(&mut tree);
    if base.bytecode {
        super::python::compile_libraries(workshop, &mut tree)?;
    }
    Ok((tree, packages))
}

/// The packages of `base`, or what `more` adds to them, without what no container needs.
fn choose(
    workshop: &Workshop<'_>,
    base: &Base,
    more: &[&str],
) -> Result<Vec<Package>, FunctionError> {
    if base.packages.is_empty() && more.is_empty() {
        return Ok(Vec::new());
    }
    let archive = workshop.target()?;
    let mut below = archive.resolve(base.packages)?;
    for name in base.exact {
        below.push(archive.find(name).ok_or_else(|| FunctionError::Recipe {
            function: base.title.to_owned(),
            reason: format!("the mirror has no package `{name}` of {}", super::SUITE),
        })?);
    }
    let all = if more.is_empty() {
        below
    } else {
        let below: BTreeSet<Package> = below.into_iter().collect();
        let wanted: Vec<&str> = base.packages.iter().chain(more).copied().collect();
        archive.resolve(&wanted)?.into_iter().filter(|package| !below.contains(package)).collect()
    };
    let asked = |name: &str| base.packages.contains(&name) || more.contains(&name);
    Ok(all
        .into_iter()
        .filter(|package| {
            asked(&package.name) || !prune::NEVER_NEEDED.contains(&package.name.as_str())
        })
        .collect())
}

/// What base-files and base-passwd would bring: merged-/usr links, a place for temporary files, two users.
fn skeleton(tree: &mut Tree) -> Result<(), FunctionError> {
    for name in ["bin", "lib", "sbin"] {
        tree.insert(name, Entry::symlink(&format!("usr/{name}")))?;
        tree.insert(&format!("usr/{name}"), Entry::dir())?;
    }
    tree.insert("tmp", Entry { mode: 0o1777, ..Entry::dir() })?;
    tree.insert("root", Entry { mode: 0o700, ..Entry::dir() })?;
    let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    tree.insert("etc/passwd", Entry::file(passwd, 0o644))?;
    tree.insert("etc/group", Entry::file("root:x:0:\nnogroup:x:65534:\n", 0o644))?;
    Ok(())
}

/// Folders of /usr that held only pruned files are noise: every entry is work for the guest's container engine. Empty
/// folders elsewhere (/var/lib/redis) may be what a program writes to.
fn drop_empty_folders(tree: &mut Tree) {
    const KEPT: [&str; 3] = ["usr/bin", "usr/lib", "usr/sbin"];
    let mut used = BTreeSet::new();
    for (path, _) in tree.iter().filter(|(_, entry)| !entry.is_dir()) {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        used.extend(parents.map(str::to_owned));
    }
    let unused =
        |path: &str| path.starts_with("usr/") && !used.contains(path) && !KEPT.contains(&path);
    let unused: Vec<String> = tree
        .iter()
        .filter(|(path, entry)| entry.is_dir() && unused(path))
        .map(|(path, _)| path.to_owned())
        .collect();
    for path in &unused {
        tree.remove(path);
    }
}
