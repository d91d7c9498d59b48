//! Rust functions: one static binary, cross-compiled with Debian's rustc and cargo from Debian's crates.
//!
//! Debian packages crates as sources (`librust-*-dev`, one folder each below /usr/share/cargo/registry), which cargo takes in
//! the place of crates.io (The Cargo Book, "Source Replacement": directory sources), so nothing comes from outside the
//! verified archive. The target's standard library, C library and start files are the riscv64 packages; LLVM's linker
//! links, for the image and for what the build runs itself (build scripts, procedural macros). The latter use the
//! unpacked C library through their interpreter's path, so the host's is not involved.
//!
//! Compiled crates are kept in the state folder: the first function takes minutes, the others seconds. Paths of the state
//! folder are mapped away in the binary (`--remap-path-prefix`).

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::error::FunctionError;
use super::key::Key;
use super::protoc::{PROTOC, Protoc};
use super::step::Step;
use super::tools::{ToolSet, Tools, loader_and_triplet, quoted, run, write_out, write_script};
use super::workshop::{Workshop, host_arch};
use super::{Job, app, complaint};
use crate::tree::{Entry, Tree};

/// What a container runs unless the compose file says otherwise.
pub(super) const ENTRYPOINT: [&str; 1] = ["/app/server"];

/// rustc's name for what images run on.
const TRIPLE: &str = "riscv64gc-unknown-linux-gnu";

/// What neither compiling nor linking needs.
const UNNEEDED: [&str; 5] = [
    "usr/share/doc/**",
    "usr/share/man/**",
    "usr/lib/*/gconv/**",
    "usr/lib/gcc/*/*/lib*san*",
    "etc/**",
];

/// Compiler, cargo and linker, and what they and build scripts are linked with.
const TOOLCHAIN: ToolSet<'_> = ToolSet {
    name: "rust",
    closure: &[
        "libstd-rust-1.85",
        "lld-19",
        "libcurl4t64",
        "libgit2-1.9",
        "libsqlite3-0",
        "libssh2-1t64",
        "libssl3t64",
    ],
    exact: &["rustc", "cargo", "libstd-rust-dev", "libc6-dev", "libgcc-14-dev"],
    prune: &UNNEEDED,
};

/// What a function is linked with.
const SYSROOT: ToolSet<'_> = ToolSet {
    name: "rust-riscv64",
    closure: &[],
    exact: &["libstd-rust-dev", "libc6-dev", "libgcc-14-dev"],
    prune: &UNNEEDED,
};

/// The crates that every function can use: gRPC, messages and the runtime they need.
const CRATES: ToolSet<'_> = ToolSet {
    name: "rust-crates",
    closure: &[
        "librust-tonic-dev",
        "librust-tonic-build-dev",
        "librust-prost-dev",
        "librust-tokio-dev",
    ],
    exact: &[],
    prune: &UNNEEDED,
};

/// Folders of a build that begin empty.
const FOLDERS: [&str; 5] = ["function", "registry", "bin", "cargo", "root"];

/// Where packages of crates put them.
const REGISTRY: &str = "usr/share/cargo/registry";

/// The one layer of a Rust function.
pub(super) fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    if !job.files.contains_key("Cargo.toml") {
        return Err(complaint(
            job,
            "its folder has no Cargo.toml; it must describe a program named `server` (docs/functions/runtimes.md)",
        ));
    }
    let mut key = Key::new("rust program");
    key.tools(&TOOLCHAIN).tools(&SYSROOT).tools(&CRATES).tools(&PROTOC);
    key.texts(job.service.build.packages.iter().map(String::as_str));
    Ok(vec![app::bare(job, key, |workshop, tree| {
        let scratch = workshop.scratch()?;
        let binary = compile(workshop, job, scratch.path())?;
        Ok(tree.insert("app/server", Entry::file(binary, 0o755))?)
    })])
}

/// The folders and programs of a build.
struct Build {
    toolchain: Tools,
    sysroot: Tools,
    crates: Vec<Tools>,
    /// Always the same place: cargo then finds what it compiled before.
    folder: PathBuf,
}

fn compile(
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    scratch: &Path,
) -> Result<Vec<u8>, FunctionError> {
    let build = Build {
        toolchain: Tools::get(workshop, &TOOLCHAIN)?,
        sysroot: Tools::part(workshop, &SYSROOT, super::TARGET, "")?,
        crates: crates(workshop, job)?,
        folder: workshop.home().join("tools/rust-build"),
    };
    let _turn = build.lock()?;
    build.prepare(job)?;
    let mut command = build.cargo()?;
    if let Some(proto) = job.proto {
        let protoc = Protoc::new(workshop, proto, scratch)?;
        let includes = protoc.script(&build.bin("protoc"))?;
        command.env("PROTOC", build.bin("protoc")).env("PROTOC_INCLUDE", includes);
    }
    workshop.progress().start(&format!("compiling {}", job.service.name), None);
    let built = run(job, "cargo", &mut command);
    workshop.progress().finish();
    built?;
    let at = build.folder.join("target").join(TRIPLE).join("release/server");
    fs::read(&at).map_err(FunctionError::io("read", at))
}

fn is_workspace(manifest: &[u8]) -> bool {
    String::from_utf8_lossy(manifest)
        .lines()
        .any(|line| line.trim_start().starts_with("[workspace"))
}

/// The crates of every function and those that this one names.
fn crates(workshop: &Workshop<'_>, job: &Job<'_>) -> Result<Vec<Tools>, FunctionError> {
    // Only crates: what else their packages depend on (a C compiler, libraries of C) serves crates that wrap C.
    let sources_of = |set: &ToolSet<'_>| Tools::part(workshop, set, host_arch()?, "librust-");
    let mut crates = vec![sources_of(&CRATES)?];
    let names: Vec<&str> = job.service.build.packages.iter().map(String::as_str).collect();
    if !names.is_empty() {
        crates.push(sources_of(&ToolSet { closure: &names, ..CRATES })?);
    }
    Ok(crates)
}

impl Build {
    /// One build at a time uses the folder, until the lock is dropped.
    fn lock(&self) -> Result<File, FunctionError> {
        fs::create_dir_all(&self.folder).map_err(FunctionError::io("create", &self.folder))?;
        let at = self.folder.join("lock");
        let file = File::create(&at).map_err(FunctionError::io("create", &at))?;
        file.lock().map_err(FunctionError::io("lock", at))?;
        Ok(file)
    }

    /// Writes the function's folder with protos/ in it, and empties the others.
    fn prepare(&self, job: &Job<'_>) -> Result<(), FunctionError> {
        for folder in FOLDERS.map(|name| self.folder.join(name)) {
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(FunctionError::io("remove", &folder))?;
            }
            fs::create_dir(&folder).map_err(FunctionError::io("create", folder))?;
        }
        let mut tree = Tree::new();
        for (path, file) in &job.files {
            let mut bytes = file.bytes.clone();
            if path == "Cargo.toml" && !is_workspace(&bytes) {
                // The state folder may lie in the folder of a workspace, to which the package would have to belong.
                bytes.extend_from_slice(b"\n[workspace]\n");
            }
            tree.insert(path, Entry::file(bytes, 0o644))?;
        }
        for (name, text) in job.proto.iter().flat_map(|proto| &proto.files) {
            tree.insert(&format!("protos/{name}"), Entry::file(text.as_bytes(), 0o644))?;
        }
        write_out(&tree, &self.folder.join("function"))?;
        self.crates.iter().try_for_each(|crates| self.register(&crates.path(REGISTRY)))
    }

    /// Links to the crates of `folder`, in one place for all functions: cargo compiles a crate again if its path changes.
    fn register(&self, folder: &Path) -> Result<(), FunctionError> {
        for entry in fs::read_dir(folder).map_err(FunctionError::io("read", folder))? {
            let entry = entry.map_err(FunctionError::io("read", folder))?;
            let at = self.folder.join("registry").join(entry.file_name());
            if !at.exists() {
                symlink(entry.path(), &at).map_err(FunctionError::io("link", at))?;
            }
        }
        Ok(())
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn cargo(&self) -> Result<Command, FunctionError> {
        self.host_linker()?;
        self.target_linker()?;
        self.compiler()?;
        self.configuration()?;
        let mut command = self.toolchain.dynamic("usr/bin/cargo")?;
        command
            .args(["build", "--release", "--offline", "--bin", "server", "--target", TRIPLE])
            .arg("--manifest-path")
            .arg(self.folder.join("function/Cargo.toml"))
            // Settings of the user are looked for in the working folder and above it.
            .current_dir("/")
            .env("CARGO_HOME", self.folder.join("cargo"))
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("RUSTC", self.bin("rustc"));
        Ok(command)
    }

    /// Debian's crates in the place of crates.io.
    fn configuration(&self) -> Result<(), FunctionError> {
        let registry = self.folder.join("registry").display().to_string();
        let text = format!(
            "[source.crates-io]\nreplace-with = \"debian\"\n\n[source.debian]\ndirectory = {registry:?}\n"
        );
        let at = self.folder.join("cargo/config.toml");
        fs::write(&at, text).map_err(FunctionError::io("write", at))
    }

    /// rustc, which cargo calls with `--target` for what goes into the image and without for what the build runs.
    fn compiler(&self) -> Result<(), FunctionError> {
        let text = format!(
            "case \" $* \" in\n\
             *' --target '*) set -- \"$@\" --sysroot {sysroot} -C linker={linker} \
             -C target-feature=+crt-static -C relocation-model=static \
             --remap-path-prefix {folder}=/build ;;\n\
             *) set -- \"$@\" -C linker={host_linker} ;;\n\
             esac\n\
             exec {rustc} -C linker-flavor=ld \"$@\"\n",
            sysroot = quoted(&self.sysroot.path("usr")),
            linker = quoted(&self.bin("ld-target")),
            host_linker = quoted(&self.bin("ld-host")),
            folder = quoted(&self.folder),
            rustc = self.toolchain.shell_words("usr/bin/rustc")?,
        );
        write_script(&self.bin("rustc"), &text)
    }

    /// A linker for static programs: rustc's `ld` flavour leaves the start files to whoever calls it. Debugging information and
    /// the labels that RISC-V's relaxation needs would be most of the image; function names stay, as in Go's programs.
    fn target_linker(&self) -> Result<(), FunctionError> {
        let text = format!(
            "L={libraries}\n\
             exec {lld} -flavor gnu --strip-debug --discard-locals \"$L/crt1.o\" \"$L/crti.o\" -L\"$L\" -L{gcc} \
             \"$@\" \"$L/crtn.o\"\n",
            libraries = quoted(&self.sysroot.path("usr/lib/riscv64-linux-gnu")),
            gcc = quoted(&self.sysroot.path("usr/lib/gcc/riscv64-linux-gnu/14")),
            lld = self.toolchain.shell_words("usr/lib/llvm-19/bin/lld")?,
        );
        write_script(&self.bin("ld-target"), &text)
    }

    /// A linker for build scripts and procedural macros, which run here with the toolchain's C library.
    fn host_linker(&self) -> Result<(), FunctionError> {
        let (loader, triplet) = loader_and_triplet()?;
        // The C library's linker script names files from the root: this one, with Debian's merged /usr.
        let root = self.folder.join("root");
        let links = [
            (self.toolchain.path("usr"), "usr"),
            ("usr/lib".into(), "lib"),
            ("usr/lib64".into(), "lib64"),
        ];
        for (to, name) in links {
            let at = root.join(name);
            symlink(to, &at).map_err(FunctionError::io("link", at))?;
        }
        let text = format!(
            "L={libraries}\n\
             case \" $* \" in *' -shared '*) start= ;; *) start=\"$L/Scrt1.o\" ;; esac\n\
             exec {lld} -flavor gnu --sysroot={root} --dynamic-linker={loader} -rpath {run_path} \
             ${{start:+\"$start\"}} \"$L/crti.o\" -L\"$L\" -L{gcc} \"$@\" \"$L/crtn.o\"\n",
            libraries = quoted(&root.join(format!("usr/lib/{triplet}"))),
            lld = self.toolchain.shell_words("usr/lib/llvm-19/bin/lld")?,
            root = quoted(&root),
            loader = quoted(&self.toolchain.path(loader)),
            run_path = quoted(&self.toolchain.path(&format!("usr/lib/{triplet}"))),
            gcc = quoted(&root.join(format!("usr/lib/gcc/{triplet}/14"))),
        );
        write_script(&self.bin("ld-host"), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_package_without_a_workspace_is_made_one() {
        assert!(!is_workspace(b"[package]\nname = \"a\"\nworkspace = \"..\"\n"));
        assert!(is_workspace(b"[package]\n\n[workspace]\n"));
        assert!(is_workspace(b"[workspace.dependencies]\n"));
    }
}
