//! Go functions: one static binary, cross-compiled with Debian's Go.
//!
//! Debian packages Go libraries as sources for GOPATH mode (golang-*-dev, architecture all), so nothing comes from
//! outside the verified archive. The result does not depend on where it is built: `-trimpath`, no build id, no VCS
//! stamp, no C.

use std::fs;
use std::path::Path;

use super::super::error::FunctionError;
use super::key::Key;
use super::protoc::{PROTOC, Protoc};
use super::step::Step;
use super::tools::{ToolSet, Tools, run};
use super::workshop::Workshop;
use super::{Job, app, complaint};
use crate::tree::{Entry, Tree};

/// What a container runs unless the compose file says otherwise.
pub(super) const ENTRYPOINT: [&str; 1] = ["/app/server"];

/// What stands before a .proto file's name in the import path of its Go package.
pub(super) const PROTO_IMPORTS: &str = "vswarm/protos/";

/// The import path of the function itself.
const FUNCTION_IMPORT: &str = "vswarm/function";

/// The compiler, protoc's Go plugins, gRPC and what it imports.
const GO: ToolSet<'_> = ToolSet {
    name: "go",
    closure: &[],
    exact: &[
        "golang-1.24-go",
        "golang-1.24-src",
        "protoc-gen-go",
        "protoc-gen-go-grpc",
        "golang-google-grpc-dev",
        "golang-google-protobuf-dev",
        "golang-google-genproto-dev",
        "golang-github-golang-protobuf-1-5-dev",
        "golang-golang-x-net-dev",
        "golang-golang-x-sys-dev",
        "golang-golang-x-text-dev",
    ],
    prune: &[
        "usr/share/doc/**",
        "usr/share/man/**",
        "usr/share/go-*/test/**",
        "usr/share/go-*/misc/**",
        "usr/share/go-*/api/**",
        "usr/share/go*/**/testdata/**",
        "usr/share/go*/**/*_test.go",
        // 80 MB of Google's cloud interfaces; gRPC imports only the status messages under rpc.
        "usr/share/gocode/src/google.golang.org/genproto/**",
        "!usr/share/gocode/src/google.golang.org/genproto/googleapis/rpc/**",
    ],
};

/// The one layer of a Go function.
pub(super) fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    if !job.files.keys().any(|path| path.ends_with(".go") && !path.contains('/')) {
        return Err(complaint(job, "its folder holds no .go file of package main"));
    }
    let mut key = Key::new("go");
    key.tools(&GO).tools(&PROTOC);
    key.texts(job.service.build.packages.iter().map(String::as_str));
    Ok(vec![app::bare(job, key, |workshop, tree| {
        let scratch = workshop.scratch()?;
        let binary = compile(workshop, job, scratch.path())?;
        Ok(tree.insert("app/server", Entry::file(binary, 0o755))?)
    })])
}

fn compile(
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    scratch: &Path,
) -> Result<Vec<u8>, FunctionError> {
    let tools = Tools::get(workshop, &GO)?;
    let own = scratch.join("gopath");
    let mut sources = Tree::new();
    for (path, file) in &job.files {
        let path = format!("src/{FUNCTION_IMPORT}/{path}");
        sources.insert(&path, Entry::file(file.bytes.clone(), 0o644))?;
    }
    super::tools::write_out(&sources, &own)?;
    if let Some(proto) = job.proto {
        Protoc::new(workshop, proto, scratch)?.go(job, proto, &tools, &own.join("src"))?;
    }
    let mut gopath = vec![own, tools.path("usr/share/gocode")];
    if let Some(more) = libraries(workshop, job)? {
        gopath.push(more.path("usr/share/gocode"));
    }
    let output = scratch.join("server");
    let mut command = go(workshop, &tools, &gopath)?;
    command.arg("build").arg("-trimpath").args(["-ldflags", "-w -buildid="]);
    command.arg("-o").arg(&output).arg(FUNCTION_IMPORT).current_dir(scratch);
    workshop.progress().start(&format!("compiling {}", job.service.name), None);
    let built = run(job, "Go's compiler", &mut command);
    workshop.progress().finish();
    built?;
    fs::read(&output).map_err(FunctionError::io("read", output))
}

/// The sources of the libraries that the function names.
fn libraries(workshop: &Workshop<'_>, job: &Job<'_>) -> Result<Option<Tools>, FunctionError> {
    let names: Vec<&str> = job.service.build.packages.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let set = ToolSet {
        name: "go-libraries",
        closure: &names,
        exact: &[],
        prune: &["usr/share/doc/**", "usr/share/man/**", "usr/bin/**"],
    };
    Tools::get(workshop, &set).map(Some)
}

fn go(
    workshop: &Workshop<'_>,
    tools: &Tools,
    gopath: &[std::path::PathBuf],
) -> Result<std::process::Command, FunctionError> {
    let cache = workshop.home().join("tools/go-build-cache");
    fs::create_dir_all(&cache).map_err(FunctionError::io("create", &cache))?;
    let gopath = std::env::join_paths(gopath).map_err(|_| FunctionError::Recipe {
        function: "any".to_owned(),
        reason: format!("the state folder {} has a `:` in its path, which Go cannot work with; point VSWARM_U_HOME elsewhere", workshop.home().display()),
    })?;
    let mut command = tools.fixed("usr/lib/go-1.24/bin/go");
    command
        .env("GOROOT", tools.path("usr/lib/go-1.24"))
        .env("GOPATH", gopath)
        .env("GOCACHE", cache)
        .env("GO111MODULE", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOTELEMETRY", "off")
        .env("GOENV", "off")
        .env("GOOS", "linux")
        .env("GOARCH", super::TARGET)
        .env("GORISCV64", "rva20u64")
        .env("CGO_ENABLED", "0");
    Ok(command)
}
