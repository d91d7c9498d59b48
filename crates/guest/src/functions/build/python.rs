//! Python functions: Debian's interpreter and gRPC, the folder as /app, classes generated from the proto, bytecode.
//!
//! Debian compiles bytecode in maintainer scripts, which are not run here. Without bytecode a cold start would mostly
//! compile Python, which no real image does; so the same interpreter version, for the host's architecture, compiles it
//! here. The `.pyc` files are of the unchecked-hash kind (PEP 552): no times in them, and none looked at.

use std::fs;
use std::path::Path;

use super::super::error::FunctionError;
use super::debs::Base;
use super::key::Key;
use super::protoc::{PROTOC, Protoc};
use super::step::Step;
use super::tools::{ToolSet, Tools, run_for, write_out};
use super::workshop::Workshop;
use super::{Job, app, complaint, debs};
use crate::tree::{Entry, Node, Tree};

/// What a container runs unless the compose file says otherwise.
pub(super) const ENTRYPOINT: [&str; 2] = ["/usr/bin/python3", "/app/server.py"];

/// The interpreter, gRPC and protobuf.
static BASE: Base = Base {
    title: "python3 + grpcio",
    packages: &["python3", "python3-grpcio", "python3-protobuf"],
    exact: &[],
    prune: &[
        // Parts of the library for developers and desktops, and the tests of packages.
        "usr/lib/python3*/idlelib/**",
        "usr/lib/python3*/lib2to3/**",
        "usr/lib/python3*/turtledemo/**",
        "usr/lib/python3*/tkinter/**",
        "usr/lib/python3*/ensurepip/**",
        "usr/lib/python3*/pydoc_data/**",
        "usr/lib/python3*/venv/**",
        "usr/lib/python3*/_pyrepl/**",
        "usr/lib/python3*/config-*/**",
        "usr/lib/python3*/**/tests/**",
        "usr/lib/python3*/**/test/**",
        "usr/lib/python3*/turtle.py",
        "usr/lib/python3*/lib-dynload/_test*",
        "usr/lib/python3*/lib-dynload/_ctypes_test*",
        "usr/lib/python3*/lib-dynload/_xx*",
        "usr/lib/python3*/lib-dynload/xx*",
        // Tools of Debian's packaging, and of installing mime types.
        "usr/share/python3/**",
        "usr/share/binfmts/**",
        "usr/lib/binfmt.d/**",
        "usr/share/apps/**",
        "usr/bin/pdb*",
        "usr/bin/pydoc*",
        "usr/bin/pygettext*",
        "usr/bin/py3*",
        "usr/lib/valgrind/**",
        "usr/lib/mime/**",
    ],
    bytecode: true,
};

/// An interpreter of the same version that runs here.
pub(super) const INTERPRETER: ToolSet<'_> = ToolSet {
    name: "python",
    closure: &[],
    exact: &[
        "libc6",
        "libexpat1",
        "zlib1g",
        "libpython3.13-minimal",
        "libpython3.13-stdlib",
        "python3.13-minimal",
    ],
    prune: &["usr/share/**", "usr/lib/*/gconv/**", "etc/**"],
};

/// The layers of a Python function.
pub(super) fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    if job.service.build.entrypoint.is_empty() && !job.files.contains_key("server.py") {
        return Err(complaint(
            job,
            "its folder has no server.py, which a Python function's container runs; add it, or name another command \
             under x-vswarm.build.entrypoint",
        ));
    }
    let mut key = Key::new("python");
    key.tools(&INTERPRETER).tools(&PROTOC);
    let mut steps = debs::steps(&BASE, job);
    steps.push(app::step(job, key, &[], |workshop, tree| generate(workshop, job, tree)));
    Ok(steps)
}

/// Adds `*_pb2.py` and `*_pb2_grpc.py`, and bytecode for everything in /app.
fn generate(workshop: &Workshop<'_>, job: &Job<'_>, tree: &mut Tree) -> Result<(), FunctionError> {
    let scratch = workshop.scratch()?;
    if let Some(proto) = job.proto {
        let output = scratch.path().join("generated");
        fs::create_dir(&output).map_err(FunctionError::io("create", &output))?;
        let protoc = Protoc::new(workshop, proto, scratch.path())?;
        protoc.python(job, proto, scratch.path(), &output)?;
        add_files(tree, &output, "app", &|_| true, &|_| false)?;
    }
    compile(workshop, &job.service.name, scratch.path(), tree, "app", false)
}

/// Adds bytecode for all Python sources of the packages in `tree`.
pub(super) fn compile_libraries(
    workshop: &Workshop<'_>,
    tree: &mut Tree,
) -> Result<(), FunctionError> {
    let scratch = workshop.scratch()?;
    compile(workshop, "python", scratch.path(), tree, "usr/lib", true)
}

/// Compiles every `.py` of `tree` below `folder`. Packages may hold templates that are no valid Python (`lenient`); a
/// function may not.
fn compile(
    workshop: &Workshop<'_>,
    function: &str,
    scratch: &Path,
    tree: &mut Tree,
    folder: &str,
    lenient: bool,
) -> Result<(), FunctionError> {
    let root = scratch.join("sources");
    let mut sources = Tree::new();
    for (path, entry) in tree.iter() {
        let inside = path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if inside && path.ends_with(".py") && matches!(entry.node, Node::File(_)) {
            sources.insert(path, entry.clone())?;
        }
    }
    write_out(&sources, &root)?;
    let tools = Tools::get(workshop, &INTERPRETER)?;
    let mut command = tools.dynamic("usr/bin/python3.13")?;
    command.env("PYTHONHOME", tools.path("usr")).env("PYTHONHASHSEED", "0");
    // -S: no site module. -B: the interpreter keeps no bytecode of its own, because what it marshals depends on which of
    // a file's strings its own modules hold too, and those differ between modules read from source and from bytecode.
    // -s and -p: the path recorded in the bytecode is the one in the image.
    command.args([
        "-S",
        "-B",
        "-m",
        "compileall",
        "-q",
        "-j",
        "1",
        "--invalidation-mode",
        "unchecked-hash",
    ]);
    command.arg("-s").arg(&root).args(["-p", "/"]).arg(root.join(folder));
    workshop.progress().start("compiling Python", None);
    let compiled = run_for(function, "Python's compiler", &mut command);
    workshop.progress().finish();
    match compiled {
        Err(FunctionError::Tool { .. }) if lenient => {}
        other => other?,
    }
    add_files(tree, &root, "", &|path| path.ends_with(".pyc"), &|_| false)
}

/// Adds the files below `folder` on disk that are `wanted` to `tree` below `prefix`; those that can be `executed` as
/// programs.
pub(super) fn add_files(
    tree: &mut Tree,
    folder: &Path,
    prefix: &str,
    wanted: &dyn Fn(&str) -> bool,
    executed: &dyn Fn(&str) -> bool,
) -> Result<(), FunctionError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(FunctionError::io("read", folder))? {
        names.push(entry.map_err(FunctionError::io("read", folder))?.file_name());
    }
    names.sort();
    for name in names {
        let at = folder.join(&name);
        let name = name.to_string_lossy();
        let path = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") };
        if at.is_dir() {
            add_files(tree, &at, &path, wanted, executed)?;
        } else if wanted(&path) {
            let bytes = fs::read(&at).map_err(FunctionError::io("read", &at))?;
            let mode = if executed(&path) { 0o755 } else { 0o644 };
            tree.insert(&path, Entry::file(bytes, mode))?;
        }
    }
    Ok(())
}
