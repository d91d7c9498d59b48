//! Java functions: Debian's OpenJDK and gRPC, classes compiled from the folder and the proto as /app.
//!
//! Java libraries are Debian packages for all architectures, so the same jars are compiled against here and run there;
//! only the virtual machine differs. javac is the one of the host's architecture, of the same release as the image's.
//! Left out: a virtual machine cut down to the modules in use (jlink), so an image holds all of Java's library.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::error::FunctionError;
use super::debs::Base;
use super::key::Key;
use super::protoc::{PROTOC, Protoc};
use super::python::add_files;
use super::step::Step;
use super::tools::{ToolSet, Tools, run, write_out};
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
    title: "openjdk + grpc-java",
    packages: &["libc6", "libgcc-s1", "libstdc++6", "zlib1g"],
    // Without their dependencies: those of the JDK serve its installation, smart cards, printing and images, those of the
    // libraries are annotations and code for other transports.
    exact: &[
        "openjdk-21-jre-headless",
        "libgrpc-java",
        "libguava-java",
        "libnetty-java",
        "libperfmark-java",
        "libprotobuf-java",
    ],
    prune: &[
        "usr/lib/jvm/*/legal/**",
        "usr/lib/jvm/*/man/**",
        "usr/share/maven-repo/**",
        "usr/share/binfmts/**",
        // Shared classes for heaps of more than 32 GB.
        "usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
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
    steps.push(app::bare(job, key, |workshop, tree| {
        tree.insert("app", Entry::dir())?;
        let scratch = workshop.scratch()?;
        let classes = compile(workshop, job, scratch.path())?;
        add_files(tree, &classes, "app", &|_| true)?;
        for (path, file) in job.files.iter().filter(|(path, _)| !is_source(path)) {
            tree.insert(&format!("app/{path}"), Entry::file(file.bytes.clone(), 0o644))?;
        }
        Ok(())
    }));
    Ok(steps)
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
    let java = format!("usr/lib/jvm/java-21-openjdk-{}/bin/java", host_arch()?);
    let mut command = tools.dynamic(&java)?;
    // Compiling is over before optimised code would pay.
    command.args(["-XX:TieredStopAtLevel=1", "-m", "jdk.compiler/com.sun.tools.javac.Main"]);
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
