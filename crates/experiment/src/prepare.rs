//! Everything a run needs before a machine is made: the guest, the function, its image, the request.

use crate::{Observer, Study, StudyError};
use client::{Call, Expectation, HttpCall, Protocol, Protos, Registry, Request};
use guest::bootable::{self, Guest, Spec};
use guest::functions::{self, Catalogue, Expect, Function, Workshop};
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
    /// What the reply must say; none for a payload of the user's.
    pub expect: Option<Expectation>,
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
    payload: Value,
    request: Request,
}

/// Reads the functions file and checks function and payload: what is wrong with the input is told
/// before anything is built.
pub(crate) fn plan(study: &Study) -> Result<Plan, StudyError> {
    let catalogue = Catalogue::load(study.functions_file.as_deref())?;
    let function = catalogue.get(&study.function)?;
    let payload = study.payload.clone().unwrap_or_else(|| function.payload.clone());
    let request = request(function, &payload, study)?;
    Ok(Plan { catalogue, payload, request })
}

/// Builds the function's images unless they are there.
pub(crate) fn function(
    home: &Path,
    study: &Study,
    plan: Plan,
    observer: &dyn Observer,
) -> Result<Prepared, StudyError> {
    observer.phase("building the function's image");
    let Plan { catalogue, payload, request } = plan;
    let function = catalogue.get(&study.function)?;
    let workshop = Workshop::new(home, mirror(study)?, observer.as_progress())?;
    let images = functions::build_all(&workshop, &catalogue, function)?;
    let expect = study.payload.is_none().then_some(function.expect.as_ref()).flatten();
    Ok(Prepared {
        images,
        compose: guest::compose::guest_file(&catalogue, function),
        payload,
        protocol: request.call.protocol(),
        request,
        expect: expect.map(expectation),
    })
}

fn expectation(expect: &Expect) -> Expectation {
    match expect.clone() {
        Expect::Exact(value) => Expectation::Exact(value),
        Expect::Contains { field, text } => Expectation::Contains { field, text },
        Expect::Matches { field, pattern } => Expectation::Matches { field, pattern },
    }
}

fn request(function: &Function, payload: &Value, study: &Study) -> Result<Request, StudyError> {
    let call = match &function.call {
        functions::Call::Grpc { proto, service, method } => {
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
