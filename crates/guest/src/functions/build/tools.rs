//! Build tools: Debian packages of the host's architecture, unpacked into the state folder and run from there.
//!
//! Dynamically linked tools are started through the C library's loader of the same release (`ld.so(8)`:
//! `--library-path`), so the host's libraries, whatever their age, are not involved.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::error::FunctionError;
use super::super::glob;
use super::Job;
use super::key::Key;
use super::workshop::{Workshop, host_arch};
use crate::packages::unpack;
use crate::tree::{Node, Tree};

/// A set of packages that work together.
pub(super) struct ToolSet<'a> {
    /// Part of the folder's name.
    pub name: &'a str,
    /// Packages whose dependencies are wanted too.
    pub closure: &'a [&'a str],
    /// Packages wanted as they are.
    pub exact: &'a [&'a str],
    /// Paths left out.
    pub prune: &'a [&'a str],
}

/// An unpacked set.
pub(super) struct Tools {
    root: PathBuf,
}

impl Tools {
    /// Unpacks `set` for the host's architecture unless that was done before.
    pub fn get(workshop: &Workshop<'_>, set: &ToolSet<'_>) -> Result<Self, FunctionError> {
        Self::part(workshop, set, host_arch()?, "")
    }

    /// The same for any architecture, and of the closure only packages whose names begin with `prefix`.
    pub fn part(
        workshop: &Workshop<'_>,
        set: &ToolSet<'_>,
        arch: &str,
        prefix: &str,
    ) -> Result<Self, FunctionError> {
        let mut key = Key::new("tools");
        key.text(arch);
        if !prefix.is_empty() {
            key.text(prefix);
        }
        key.texts(set.closure.iter().copied());
        key.texts(set.exact.iter().copied()).texts(set.prune.iter().copied());
        let folder = workshop.home().join("tools");
        let root = folder.join(format!("{}-{}", set.name, key.finish()));
        if !root.is_dir() {
            fs::create_dir_all(&folder).map_err(FunctionError::io("create", &folder))?;
            install(workshop, set, arch, prefix, &root)?;
        }
        Ok(Self { root })
    }

    /// The absolute path of a file of the set.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A command for a statically linked tool, with an empty environment.
    pub fn fixed(&self, program: &str) -> Command {
        clean(Command::new(self.path(program)))
    }

    /// A command for a dynamically linked tool, with an empty environment.
    pub fn dynamic(&self, program: &str) -> Result<Command, FunctionError> {
        let words = self.loader_words(program)?;
        let mut command = clean(Command::new(&words[0]));
        command.args(&words[1..]);
        Ok(command)
    }

    /// A script that starts a dynamically linked tool, for tools that start others by path.
    pub fn script(&self, program: &str, at: &Path) -> Result<(), FunctionError> {
        write_script(at, &format!("exec {} \"$@\"\n", self.shell_words(program)?))
    }

    /// How a shell starts a dynamically linked tool.
    pub fn shell_words(&self, program: &str) -> Result<String, FunctionError> {
        let words: Vec<String> =
            self.loader_words(program)?.iter().map(|word| quoted(word)).collect();
        Ok(words.join(" "))
    }

    fn loader_words(&self, program: &str) -> Result<Vec<PathBuf>, FunctionError> {
        let (loader, triplet) = loader_and_triplet()?;
        let libraries = self.path(&format!("usr/lib/{triplet}"));
        Ok(vec![self.path(loader), "--library-path".into(), libraries, self.path(program)])
    }
}

/// The host's loader of the C library, and what Debian calls its folders of libraries.
pub(super) fn loader_and_triplet() -> Result<(&'static str, &'static str), FunctionError> {
    Ok(match host_arch()? {
        "amd64" => ("usr/lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
        "arm64" => ("usr/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
        _ => ("usr/lib/ld-linux-riscv64-lp64d.so.1", "riscv64-linux-gnu"),
    })
}

/// The path as one word of a shell.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Writes an executable script of these commands.
pub(super) fn write_script(at: &Path, commands: &str) -> Result<(), FunctionError> {
    fs::write(at, format!("#!/bin/sh\n{commands}"))
        .and_then(|()| fs::set_permissions(at, fs::Permissions::from_mode(0o755)))
        .map_err(FunctionError::io("write", at))
}

fn clean(mut command: Command) -> Command {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command
}

/// Runs a tool of `job` to its end.
pub(super) fn run(job: &Job<'_>, tool: &str, command: &mut Command) -> Result<(), FunctionError> {
    run_for(&job.service.name, tool, command)
}

/// Runs a tool to its end; `function` is whose image it works on.
pub(super) fn run_for(
    function: &str,
    tool: &str,
    command: &mut Command,
) -> Result<(), FunctionError> {
    let failure = |status: String, output: String| FunctionError::Tool {
        function: function.to_owned(),
        tool: tool.to_owned(),
        status,
        output,
    };
    let output = command.output().map_err(|error| failure(error.to_string(), String::new()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [&output.stderr[..], &output.stdout[..]].concat();
    Err(failure(output.status.to_string(), String::from_utf8_lossy(&text).trim_end().to_owned()))
}

fn install(
    workshop: &Workshop<'_>,
    set: &ToolSet<'_>,
    arch: &str,
    prefix: &str,
    root: &Path,
) -> Result<(), FunctionError> {
    let archive = if arch == super::TARGET { workshop.target()? } else { workshop.host()? };
    let mut packages =
        if set.closure.is_empty() { Vec::new() } else { archive.resolve(set.closure)? };
    packages.retain(|package| package.name.starts_with(prefix));
    for name in set.exact {
        let package = archive.find(name).ok_or_else(|| FunctionError::Recipe {
            function: set.name.to_owned(),
            reason: format!("the mirror has no package `{name}` of {} for {arch}", super::SUITE),
        })?;
        packages.push(package);
    }
    packages.sort();
    packages.dedup();
    let scratch = workshop.scratch()?;
    let mut tree = Tree::spooled_in(scratch.path())?;
    for deb in archive.fetch(&packages)? {
        unpack(&deb, &mut tree, &|path| !glob::any(set.prune.iter().copied(), path))?;
    }
    workshop.progress().start(&format!("unpacking build tools ({})", set.name), None);
    let written = write_out(&tree, &scratch.path().join("root"));
    workshop.progress().finish();
    written?;
    match fs::rename(scratch.path().join("root"), root) {
        // Another process was faster.
        Err(_) if root.is_dir() => Ok(()),
        done => done.map_err(FunctionError::io("rename to", root)),
    }
}

/// The target of a link at `path` that stays in the folder its package is unpacked to, also if it is absolute.
fn within(path: &str, target: &str) -> PathBuf {
    match target.strip_prefix('/') {
        Some(rest) => Path::new(&"../".repeat(path.matches('/').count())).join(rest),
        None => target.into(),
    }
}

/// Writes a tree below `folder`: files, folders and links, as the user who runs this.
pub(super) fn write_out(tree: &Tree, folder: &Path) -> Result<(), FunctionError> {
    fs::create_dir_all(folder).map_err(FunctionError::io("create", folder))?;
    for (path, entry) in tree.iter() {
        let at = folder.join(path);
        let write = || match &entry.node {
            Node::Dir => fs::create_dir_all(&at),
            Node::Symlink(target) => symlink(within(path, target), &at),
            Node::File(content) => {
                std::io::copy(&mut content.reader(), &mut fs::File::create(&at)?)?;
                // Whatever the package says, the owner must be able to read and replace it.
                fs::set_permissions(&at, fs::Permissions::from_mode((entry.mode & 0o777) | 0o600))
            }
            _ => Ok(()),
        };
        write().map_err(FunctionError::io("write", &at))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_into_the_folder_and_not_into_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Tree::new();
        tree.insert("etc/jvm.cfg", crate::tree::Entry::file("-server", 0o644)).unwrap();
        tree.insert("usr/lib/jvm/jvm.cfg", crate::tree::Entry::symlink("/etc/jvm.cfg")).unwrap();
        tree.insert("usr/lib/jvm/same.cfg", crate::tree::Entry::symlink("jvm.cfg")).unwrap();
        write_out(&tree, folder.path()).unwrap();
        for name in ["jvm.cfg", "same.cfg"] {
            let read = fs::read_to_string(folder.path().join("usr/lib/jvm").join(name)).unwrap();
            assert_eq!(read, "-server", "{name}");
        }
    }
}
