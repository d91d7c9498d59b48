//! From a function's sources to its image.
//!
//! An image is a stack of layers, each made under a key that hashes everything it is made from, so functions of one
//! runtime share the layers below their own and nothing is made twice:
//!
//! 1. the runtime's Debian packages (python, nodejs, java; none for go and rust),
//! 2. the function's own Debian packages, if it names any,
//! 3. the npm packages of its lock file (nodejs),
//! 4. the function: its folder as `/app`, what is generated from the proto, for go and rust only the binary, for java
//!    the classes.
//!
//! Tools of the build (Go, javac, protoc, Python to compile bytecode) are Debian's packages for the host's architecture,
//! unpacked into the state folder; nothing of the host but a kernel and `/bin/sh` is used. A key does not cover package versions: they are
//! settled when a layer is first made, kept in its record, and renewed by deleting the state folder.

mod app;
mod debs;
mod go;
mod java;
mod key;
mod nodejs;
mod protoc;
mod prune;
mod python;
mod rust;
mod step;
mod tools;
mod workshop;

pub use workshop::Workshop;

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, Service};
use super::check::Function;
use super::error::FunctionError;
use super::files::{SourceFile, SourceFiles};
use super::proto::ProtoSet;
use super::schema::Runtime;
use crate::oci::{Image, ImageConfig};
use key::Key;
use step::Step;

/// What Debian calls the release that images are made from.
pub const SUITE: &str = "trixie";

/// The architecture of images.
pub const TARGET: &str = "riscv64";

/// Everything a recipe works from.
struct Job<'a> {
    service: &'a Service,
    proto: Option<&'a ProtoSet>,
    files: BTreeMap<String, SourceFile>,
}

/// Builds the images of everything `function` needs, dependencies first; services may share one.
///
/// # Errors
/// Missing sources, packages that cannot be had, a failing build tool, the disk.
pub fn build_all<'a>(
    workshop: &Workshop<'_>,
    catalogue: &'a Catalogue,
    functions: impl IntoIterator<Item = &'a Function>,
) -> Result<Vec<Image>, FunctionError> {
    let mut images: Vec<Image> = Vec::new();
    for service in catalogue.closure_of(functions) {
        if !images.iter().any(|image| image.reference == service.image) {
            images.push(build_service(workshop, catalogue.sources(), service)?);
        }
    }
    Ok(images)
}

/// Builds the image of `function`, or takes it from the cache.
///
/// # Errors
/// As for [`build_all`].
pub fn build(
    workshop: &Workshop<'_>,
    catalogue: &Catalogue,
    function: &Function,
) -> Result<Image, FunctionError> {
    build_service(workshop, catalogue.sources(), &function.service)
}

/// The key under which the image of `function` is or would be cached: a hash of its recipe and sources. Cheap, and
/// needs neither network nor cache.
///
/// # Errors
/// Sources that cannot be read or that the recipe cannot work with.
pub fn image_key(catalogue: &Catalogue, function: &Function) -> Result<String, FunctionError> {
    key_of_service(catalogue.sources(), &function.service)
}

/// The keys of the images of everything `function` needs, dependencies first.
///
/// # Errors
/// As for [`image_key`].
pub fn image_keys(
    catalogue: &Catalogue,
    function: &Function,
) -> Result<Vec<String>, FunctionError> {
    let services = catalogue.closure(function).into_iter();
    services.map(|service| key_of_service(catalogue.sources(), service)).collect()
}

fn key_of_service(sources: &SourceFiles, service: &Service) -> Result<String, FunctionError> {
    let job = job(sources, service)?;
    Ok(key_of(&job, &config(&job), &steps(&job)?))
}

fn job<'a>(sources: &SourceFiles, service: &'a Service) -> Result<Job<'a>, FunctionError> {
    let folder = service.folder();
    let files = sources.walk(folder).map_err(|reason| FunctionError::Unreadable {
        what: "source folder",
        path: sources.display(folder),
        reason,
    })?;
    Ok(Job { service, proto: service.proto.as_ref(), files })
}

/// The layers, lowest first.
fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    match job.service.build.runtime {
        Runtime::Rust => rust::steps(job),
        Runtime::Python => python::steps(job),
        Runtime::Nodejs => nodejs::steps(job),
        Runtime::Go => go::steps(job),
        Runtime::Java => java::steps(job),
        Runtime::Generic => {
            let mut steps = debs::steps(&debs::BARE, job);
            steps.push(app::step(job, Key::new("files"), &[], |_, _| Ok(())));
            Ok(steps)
        }
    }
}

fn key_of(job: &Job<'_>, config: &ImageConfig, steps: &[Step<'_>]) -> String {
    let mut key = Key::new("image");
    key.text(&job.service.image).text(&config.working_dir);
    key.texts(config.entrypoint.iter().map(String::as_str));
    key.json(&config.env).texts(steps.iter().map(|step| step.key.as_str()));
    key.finish()
}

/// The sources' share of a key.
fn key_sources(key: &mut Key, job: &Job<'_>) {
    for (path, file) in &job.files {
        key.text(path).bytes(&file.bytes).flag(file.executable);
    }
    for (name, text) in job.proto.iter().flat_map(|proto| &proto.files) {
        key.text(name).text(text);
    }
}

fn build_service(
    workshop: &Workshop<'_>,
    sources: &SourceFiles,
    service: &Service,
) -> Result<Image, FunctionError> {
    let job = job(sources, service)?;
    let (config, steps) = (config(&job), steps(&job)?);
    let key = key_of(&job, &config, &steps);
    if let Some(image) = workshop.store().image(&key) {
        return Ok(image);
    }
    let layers: Result<Vec<_>, _> = steps.into_iter().map(|step| step.layer(workshop)).collect();
    Ok(workshop.store().put_image(&key, &service.image, &config, layers?)?)
}

fn config(job: &Job<'_>) -> ImageConfig {
    let usual: &[&str] = match job.service.build.runtime {
        Runtime::Rust => &rust::ENTRYPOINT,
        Runtime::Python => &python::ENTRYPOINT,
        Runtime::Nodejs => &nodejs::ENTRYPOINT,
        Runtime::Go => &go::ENTRYPOINT,
        Runtime::Java => &java::ENTRYPOINT,
        Runtime::Generic => &[],
    };
    let mut entrypoint = job.service.build.entrypoint.clone();
    if entrypoint.is_empty() {
        entrypoint = usual.iter().map(|&word| word.to_owned()).collect();
    }
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut env = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
    env.extend(job.service.build.env.clone());
    ImageConfig { entrypoint, env, working_dir: "/app".to_owned() }
}

/// A recipe's complaint about the sources of `job`.
fn complaint(job: &Job<'_>, reason: impl Into<String>) -> FunctionError {
    FunctionError::Recipe { function: job.service.name.clone(), reason: reason.into() }
}
