//! Java functions: Debian's OpenJDK and gRPC, classes compiled from the folder and the proto as /app.
//!
//! Java libraries are Debian packages for all architectures, so the same jars are compiled against here and run there;
//! only the virtual machine differs. javac is the one of the host's architecture, of the same release as the image's.
//!
//! The virtual machine is linked (JEP 282) from Debian's modules for RV64 to those that gRPC and most services
//! need: a guest spends some 165 instructions on each byte of an image, more than half of them to hash it twice.
//! Left out with it: an archive of shared classes, which only the machine itself could make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::error::FunctionError;
use super::debs::Base;
use super::key::Key;
use super::protoc::{PROTOC, Protoc};
use super::python::add_files;
use super::step::Step;
use super::tools::{ToolSet, Tools, run, run_for, write_out};
use super::workshop::{Workshop, host_arch};
use super::{Job, app, complaint, debs};
use crate::tree::{Entry, Tree};

/// What a container runs unless the compose file says otherwise: `main` of the class `Server`.
pub(super) const ENTRYPOINT: [&str; 4] =
    ["/usr/lib/jvm/java-21-openjdk-riscv64/bin/java", "-cp", CLASS_PATH, "Server"];

/// The function, gRPC, and the parts of Netty, Guava and PerfMark that gRPC uses.
const CLASS_PATH: &str = "/app\
    :/usr/share/java/grpc-api.jar\
    :/usr/share/java/grpc-context.jar\
    :/usr/share/java/grpc-core.jar\
    :/usr/share/java/grpc-netty.jar\
    :/usr/share/java/grpc-protobuf.jar\
    :/usr/share/java/grpc-protobuf-lite.jar\
    :/usr/share/java/grpc-stub.jar\
    :/usr/share/java/netty-buffer.jar\
    :/usr/share/java/netty-codec.jar\
    :/usr/share/java/netty-codec-http.jar\
    :/usr/share/java/netty-codec-http2.jar\
    :/usr/share/java/netty-common.jar\
    :/usr/share/java/netty-handler.jar\
    :/usr/share/java/netty-resolver.jar\
    :/usr/share/java/netty-transport.jar\
    :/usr/share/java/netty-transport-native-unix-common.jar\
    :/usr/share/java/protobuf.jar\
    :/usr/share/java/guava.jar\
    :/usr/share/java/perfmark-api.jar";

static BASE: Base = Base {
    title: "grpc-java",
    packages: &["libc6", "libgcc-s1", "libstdc++6", "zlib1g"],
    // Without their dependencies: annotations and code for other transports.
    exact: &[
        "libgrpc-java",
        "libguava-java",
        "libnetty-java",
        "libperfmark-java",
        "libprotobuf-java",
    ],
    prune: &[
        "usr/share/maven-repo/**",
        // Parts of Netty for other protocols and other operating systems, tools of PerfMark.
        "usr/share/java/netty-all*",
        "usr/share/java/netty-codec-dns*",
        "usr/share/java/netty-codec-haproxy*",
        "usr/share/java/netty-codec-memcache*",
        "usr/share/java/netty-codec-mqtt*",
        "usr/share/java/netty-codec-redis*",
        "usr/share/java/netty-codec-smtp*",
        "usr/share/java/netty-codec-stomp*",
        "usr/share/java/netty-resolver-dns*",
        "usr/share/java/netty-transport-native-kqueue*",
        "usr/share/java/netty-transport-sctp*",
        "usr/share/java/perfmark-java*",
        "usr/share/java/perfmark-trace*",
        "usr/share/java/protobuf-util*",
    ],
    bytecode: false,
};

/// The compiler, and the libraries that generated and most other code needs.
const JDK: ToolSet<'_> = ToolSet {
    name: "jdk",
    closure: &[],
    exact: &[
        "libc6",
        "libgcc-s1",
        "libstdc++6",
        "zlib1g",
        "openjdk-21-jre-headless",
        "openjdk-21-jdk-headless",
        "libgrpc-java",
        "libguava-java",
        "libnetty-java",
        "libprotobuf-java",
        // The annotation on every class that gRPC's plugin writes.
        "libgeronimo-annotation-1.3-spec-java",
    ],
    prune: &[
        "usr/share/doc/**",
        "usr/share/man/**",
        "usr/share/maven-repo/**",
        "usr/lib/*/gconv/**",
        "usr/lib/jvm/*/jmods/**",
        "usr/lib/jvm/*/legal/**",
        "usr/lib/jvm/*/man/**",
    ],
};

/// Where the virtual machine lies in an image: where Debian's lies, so that `build.packages` can put all of it there.
const MACHINE: &str = "usr/lib/jvm/java-21-openjdk-riscv64";

/// The modules that images have, and those they require: logging, names and sasl for gRPC; management for Netty;
/// Unsafe for both and for protobuf.
const MODULES: &str =
    "java.base,java.logging,java.management,java.naming,java.security.sasl,jdk.unsupported";

/// The packages that hold a whole virtual machine: who names one wants more than [`MODULES`].
const WHOLE: &str = "openjdk-21-jre";

/// Debian's modules for RV64.
const TARGET_MODULES: ToolSet<'_> = ToolSet {
    name: "jmods",
    closure: &[],
    exact: &["openjdk-21-jdk-headless"],
    prune: &[
        "etc/**",
        "usr/share/**",
        "usr/lib/debug/**",
        "usr/lib/jvm/*/bin/**",
        "usr/lib/jvm/*/include/**",
        "usr/lib/jvm/*/lib/**",
        "usr/lib/jvm/*/man/**",
    ],
};

/// protoc's plugin for gRPC in Java.
const PLUGIN: ToolSet<'_> = ToolSet {
    name: "protoc-java",
    closure: &["protobuf-compiler-grpc-java-plugin"],
    exact: &[],
    prune: PROTOC.prune,
};

/// The layers of a Java function.
pub(super) fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    if !job.files.keys().any(|path| is_source(path)) {
        return Err(complaint(
            job,
            "its folder holds no .java file; the container runs the class Server, or another command under \
             x-vswarm.build.entrypoint",
        ));
    }
    let mut key = Key::new("java");
    key.tools(&JDK).tools(&PROTOC).tools(&PLUGIN);
    key.texts(job.service.build.packages.iter().map(String::as_str));
    let mut steps = debs::steps(&BASE, job);
    // Below the packages of the function, which may hold a whole one.
    steps.insert(1, machine(&job.service.name));
    steps.push(app::bare(job, key, |workshop, tree| {
        tree.insert("app", Entry::dir())?;
        let scratch = workshop.scratch()?;
        let classes = compile(workshop, job, scratch.path())?;
        add_files(tree, &classes, "app", &|_| true, &|_| false)?;
        for (path, file) in job.files.iter().filter(|(path, _)| !is_source(path)) {
            tree.insert(&format!("app/{path}"), Entry::file(file.bytes.clone(), 0o644))?;
        }
        Ok(())
    }));
    Ok(steps)
}

/// The layer of the virtual machine; `function` is told of if it cannot be made.
fn machine(function: &str) -> Step<'_> {
    let mut key = Key::new("java machine");
    key.tools(&JDK).tools(&TARGET_MODULES).text(MODULES);
    Step::new(key.finish(), "openjdk", move |workshop| {
        let scratch = workshop.scratch()?;
        let linked = link(workshop, function, scratch.path())?;
        let mut tree = Tree::new();
        let is_program = |path: &str| path.contains("/bin/") || path.ends_with("/lib/jspawnhelper");
        add_files(&mut tree, &linked, MACHINE, &|path| !path.contains("/legal/"), &is_program)?;
        Ok((tree, Vec::new()))
    })
}

/// Links a virtual machine of [`MODULES`]; returns where it is.
fn link(workshop: &Workshop<'_>, function: &str, scratch: &Path) -> Result<PathBuf, FunctionError> {
    let modules = Tools::part(workshop, &TARGET_MODULES, super::TARGET, "")?;
    let linked = scratch.join("linked");
    let mut command = java(&Tools::get(workshop, &JDK)?)?;
    command.args(["-m", "jdk.jlink/jdk.tools.jlink.internal.Main", "--add-modules", MODULES]);
    command.args(["--no-header-files", "--no-man-pages", "--module-path"]);
    command.arg(modules.path(MACHINE).join("jmods")).arg("--output").arg(&linked);
    workshop.progress().start("linking Java's virtual machine", None);
    let done = run_for(function, "Java's linker", &mut command);
    workshop.progress().finish();
    done.map(|()| linked)
}

/// A command for the virtual machine of the host. Its tools are over before optimised code would pay.
fn java(tools: &Tools) -> Result<Command, FunctionError> {
    let java = format!("usr/lib/jvm/java-21-openjdk-{}/bin/java", host_arch()?);
    let mut command = tools.dynamic(&java)?;
    command.arg("-XX:TieredStopAtLevel=1");
    Ok(command)
}

fn is_source(path: &str) -> bool {
    path.ends_with(".java")
}

/// Compiles the folder and what is generated from the proto; returns where the classes are.
fn compile(
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    scratch: &Path,
) -> Result<PathBuf, FunctionError> {
    let (sources, classes) = (scratch.join("sources"), scratch.join("classes"));
    let mut written = Tree::new();
    for (path, file) in job.files.iter().filter(|(path, _)| is_source(path)) {
        written.insert(path, Entry::file(file.bytes.clone(), 0o644))?;
    }
    write_out(&written, &sources)?;
    fs::create_dir(&classes).map_err(FunctionError::io("create", &classes))?;
    if let Some(proto) = job.proto {
        let plugin = Tools::get(workshop, &PLUGIN)?;
        Protoc::new(workshop, proto, scratch)?.java(job, proto, &plugin, scratch, &sources)?;
    }
    let tools = Tools::get(workshop, &JDK)?;
    let mut jars = jars(&tools)?;
    if let Some(more) = libraries(workshop, job)? {
        jars.extend(self::jars(&more)?);
    }
    let class_path = std::env::join_paths(jars).map_err(|_| {
        complaint(job, "the state folder has a `:` in its path, which Java cannot work with; point VSWARM_U_HOME elsewhere")
    })?;
    let mut command = java(&tools)?;
    command.args(["-m", "jdk.compiler/com.sun.tools.javac.Main"]);
    if !job.service.build.packages.iter().any(|name| name.starts_with(WHOLE)) {
        // What is not there when it runs must not be there now.
        command.args(["--limit-modules", MODULES]);
    }
    command.args(["-proc:none", "-g", "-d"]).arg(&classes).arg("-cp").arg(class_path);
    command.args(source_paths(&sources)?).current_dir(&sources);
    workshop.progress().start(&format!("compiling {}", job.service.name), None);
    let compiled = run(job, "Java's compiler", &mut command);
    workshop.progress().finish();
    compiled?;
    Ok(classes)
}

/// The jars of the libraries that the function names.
fn libraries(workshop: &Workshop<'_>, job: &Job<'_>) -> Result<Option<Tools>, FunctionError> {
    let names: Vec<&str> = job.service.build.packages.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let prune = &["usr/share/doc/**", "usr/share/man/**", "usr/share/maven-repo/**"];
    let set = ToolSet { name: "java-libraries", closure: &[], exact: &names, prune };
    Tools::get(workshop, &set).map(Some)
}

fn jars(tools: &Tools) -> Result<Vec<PathBuf>, FunctionError> {
    let folder = tools.path("usr/share/java");
    let mut jars = list(&folder)?;
    jars.retain(|path| path.extension().is_some_and(|extension| extension == "jar"));
    Ok(jars)
}

/// All Java sources below `folder`, relative to it: what the compiler says then names them as the user does.
fn source_paths(folder: &Path) -> Result<Vec<PathBuf>, FunctionError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in list(&next)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().is_some_and(is_source) {
                found.push(path.strip_prefix(folder).unwrap_or(&path).to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What lies in `folder`, sorted.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FunctionError> {
    let entries = fs::read_dir(folder).map_err(FunctionError::io("read", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(FunctionError::io("read", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}
