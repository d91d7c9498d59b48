//! Everything a run needs before a machine is made: the guest, the function, its image, the request.

use crate::{Observer, Study, StudyError};
use client::{Call, Expectation, HttpCall, Protocol, Protos, Registry, Request};
use guest::bootable::{self, Guest, Spec};
use guest::functions::{self, Catalogue, Expect, Function, FunctionRequest, Workshop};
use guest::oci::Image;
use guest::packages::Mirror;
use serde_json::Value;
use std::path::Path;

/// The port of the guest on which functions are published.
pub(crate) const PORT: u16 = 50_000;
/// Name and tag of an image in the registry, from `registry/name:tag`.
const DEFAULT_TAG: &str = "latest";

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub images: Vec<Image>,
    /// The compose file that is put into the guest.
    pub compose: String,
    pub payload: Value,
    pub request: Request,
    pub protocol: Protocol,
    /// What the reply must say; nothing is known for a payload of the user's.
    pub expect: Option<Expectation>,
}

/// A request that can be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    payload: Value,
    pub request: Request,
    pub expect: Option<Expectation>,
}

/// A request of a function.
#[derive(Debug)]
pub(crate) struct Named {
    pub name: String,
    pub method: String,
    pub ready: Ready,
}

/// Builds the guest unless it is there.
pub(crate) fn guest(
    home: &Path,
    study: &Study,
    observer: &dyn Observer,
) -> Result<Guest, StudyError> {
    observer.phase("building the guest");
    let spec = Spec { mirror: mirror(study)?, ..Spec::default() };
    Ok(bootable::build(home, &spec, observer.as_progress())?)
}

fn mirror(study: &Study) -> Result<Option<Mirror>, StudyError> {
    Ok(study.mirror.as_deref().map(Mirror::new).transpose()?)
}

/// A function and the request that is sent to it, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    catalogue: Catalogue,
    ready: Ready,
}

/// Reads the functions file and checks function and payload: what is wrong with the input is told
/// before anything is built.
pub(crate) fn plan(study: &Study) -> Result<Plan, StudyError> {
    let catalogue = Catalogue::load(study.functions_file.as_deref())?;
    let function = catalogue.get(&study.function)?;
    let ready = ready(function, &function.choose(&study.request)?, study)?;
    Ok(Plan { catalogue, ready })
}

/// All requests of the function, the default first.
pub(crate) fn requests(study: &Study) -> Result<Vec<Named>, StudyError> {
    let catalogue = Catalogue::load(study.functions_file.as_deref())?;
    let function = catalogue.get(&study.function)?;
    let named = |request: &FunctionRequest| {
        Ok(Named {
            name: request.name.clone().unwrap_or_default(),
            method: request.call.written(),
            ready: ready(function, request, study)?,
        })
    };
    function.requests.iter().map(named).collect()
}

fn ready(
    function: &Function,
    chosen: &FunctionRequest,
    study: &Study,
) -> Result<Ready, StudyError> {
    Ok(Ready {
        request: request(function, chosen, study)?,
        expect: chosen.expect.as_ref().map(expectation),
        payload: chosen.payload.clone(),
    })
}

/// Builds the function's images unless they are there.
pub(crate) fn function(
    home: &Path,
    study: &Study,
    plan: Plan,
    observer: &dyn Observer,
) -> Result<Prepared, StudyError> {
    observer.phase("building the function's image");
    let Plan { catalogue, ready: Ready { payload, request, expect } } = plan;
    let function = catalogue.get(&study.function)?;
    let workshop = Workshop::new(home, mirror(study)?, observer.as_progress())?;
    let images = functions::build_all(&workshop, &catalogue, function)?;
    Ok(Prepared {
        images,
        compose: guest::compose::guest_file(&catalogue, function),
        payload,
        protocol: request.call.protocol(),
        request,
        expect,
    })
}

fn expectation(expect: &Expect) -> Expectation {
    match expect.clone() {
        Expect::Exact(value) => Expectation::Exact(value),
        Expect::Contains { field, text } => Expectation::Contains { field, text },
        Expect::Matches { field, pattern } => Expectation::Matches { field, pattern },
    }
}

fn request(
    function: &Function,
    chosen: &FunctionRequest,
    study: &Study,
) -> Result<Request, StudyError> {
    let payload = &chosen.payload;
    let call = match &chosen.call {
        functions::Call::Grpc { service, method } => {
            let proto = function.service.proto.as_ref().expect("a gRPC function has an interface");
            let folder = write_protos(proto)?;
            let protos = Protos::compile(&folder.path().join(&proto.entry), &[])?;
            protos.method(&format!("{service}/{method}"))?.call(payload)?
        }
        functions::Call::Http { method, path } if method == "GET" => {
            Call::Http(HttpCall::get(path))
        }
        functions::Call::Http { path, .. } => Call::Http(HttpCall::post_json(path, payload)),
    };
    let timeout = Some(study.request_timeout);
    Ok(Request { port: PORT, call, timeout })
}

/// The compiler of protos reads files.
fn write_protos(proto: &functions::ProtoSet) -> Result<tempfile::TempDir, StudyError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| StudyError::Io { doing: "writing a proto file to", path, source }
    };
    let folder = tempfile::tempdir().map_err(io(&std::env::temp_dir()))?;
    for (name, text) in &proto.files {
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io(parent))?;
        }
        std::fs::write(&path, text).map_err(io(&path))?;
    }
    Ok(folder)
}

/// The registry that serves the images.
pub(crate) fn registry(images: &[Image]) -> Result<Registry, StudyError> {
    let mut registry = Registry::new();
    for image in images {
        for (digest, path) in &image.blobs {
            let digest = digest.as_str().parse().expect("the guest crate writes valid digests");
            registry.add_blob_file(digest, path)?;
        }
        let path = &image.blobs[&image.manifest_digest];
        let bytes = std::fs::read(path).map_err(|source| StudyError::Io {
            doing: "reading an image manifest from",
            path: path.clone(),
            source,
        })?;
        let manifest =
            client::Manifest { media_type: image.media_type.to_owned(), bytes: bytes.into() };
        let (name, tag) = name_and_tag(&image.reference);
        registry.add_image(name, tag, manifest)?;
    }
    registry.check()?;
    Ok(registry)
}

/// `registry.vswarm:5000/fibonacci-go:latest` is image `fibonacci-go` with tag `latest`.
fn name_and_tag(reference: &str) -> (&str, &str) {
    let path = reference.split_once('/').map_or(reference, |(_, path)| path);
    path.rsplit_once(':').unwrap_or((path, DEFAULT_TAG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_s_host_is_no_part_of_an_image_s_name() {
        assert_eq!(
            name_and_tag("registry.vswarm:5000/fibonacci-go:latest"),
            ("fibonacci-go", "latest")
        );
        assert_eq!(name_and_tag("registry.vswarm:5000/a/b"), ("a/b", "latest"));
    }
}
