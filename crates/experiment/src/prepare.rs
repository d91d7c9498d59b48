//! Everything a run needs before a machine is made: the guest, the function, its image, the requests.

use crate::requests::{self, Requests};
use crate::{Observer, Study, StudyError};
use client::Registry;
use guest::bootable::{self, Guest, Spec};
use guest::compose::co_runner_port;
use guest::functions::{self, Catalogue, Choice, FunctionRequest, PUBLISHED_PORT, Workshop};
use guest::oci::Image;
use guest::packages::Mirror;
use std::path::Path;

/// Name and tag of an image in the registry, from `registry/name:tag`.
const DEFAULT_TAG: &str = "latest";

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub images: Vec<Image>,
    /// The compose file that is put into the guest.
    pub compose: String,
    pub requests: Requests,
    /// Who is deployed beside the function, on its hart.
    pub co_runners: Vec<CoRunner>,
}

/// A function that runs between two invocations of the one under test.
#[derive(Debug)]
pub(crate) struct CoRunner {
    pub name: String,
    pub requests: Requests,
}

/// A payload of a function.
#[derive(Debug)]
pub(crate) struct Named {
    pub name: String,
    pub method: String,
    pub requests: Requests,
    /// Whether it changes from request to request.
    pub changes: bool,
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

/// A function and the requests that are sent to it, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    catalogue: Catalogue,
    requests: Requests,
    co_runners: Vec<CoRunner>,
}

/// Reads the functions file and checks function and payload: what is wrong with the input is told
/// before anything is built.
pub(crate) fn plan(study: &Study) -> Result<Plan, StudyError> {
    let catalogue = Catalogue::load(study.functions_file.as_deref())?;
    let function = catalogue.get(&study.function)?;
    let chosen = function.choose(&study.request)?;
    let count = requests::sent_by(study);
    let requests = Requests::new(function, &chosen, PUBLISHED_PORT, study.request_timeout, count)?;
    let co_runners = co_runners(study, &catalogue)?;
    Ok(Plan { catalogue, requests, co_runners })
}

/// Of a co-runner's payload that changes from request to request, so many different ones are made.
const CO_RUNNER_REQUESTS: u64 = 1000;

fn co_runners(study: &Study, catalogue: &Catalogue) -> Result<Vec<CoRunner>, StudyError> {
    let Some(interleaving) = study.condition.interleaving() else { return Ok(Vec::new()) };
    let co_runner = |(number, name): (usize, String)| {
        let function = catalogue.get(&name)?;
        let chosen = function.choose(&Choice::default())?;
        let (port, timeout) = (co_runner_port(number), study.request_timeout);
        let requests = Requests::new(function, &chosen, port, timeout, CO_RUNNER_REQUESTS)?;
        Ok(CoRunner { name, requests })
    };
    let names = interleaving.names(&study.function, catalogue)?;
    names.into_iter().enumerate().map(co_runner).collect()
}

impl Plan {
    /// All payloads of the function, the default first, with up to `count` different requests of each.
    pub(crate) fn payloads(&self, study: &Study, count: u64) -> Result<Vec<Named>, StudyError> {
        let function = self.catalogue.get(&study.function)?;
        let named = |request: &FunctionRequest| {
            Ok(Named {
                name: request.name.clone().unwrap_or_default(),
                method: request.call.written(),
                requests: Requests::new(
                    function,
                    request,
                    PUBLISHED_PORT,
                    study.request_timeout,
                    count,
                )?,
                changes: matches!(request.content, functions::Content::Generated(_)),
            })
        };
        function.requests.iter().map(named).collect()
    }
}

/// Builds the function's images unless they are there.
pub(crate) fn function(
    home: &Path,
    study: &Study,
    plan: Plan,
    observer: &dyn Observer,
) -> Result<Prepared, StudyError> {
    observer.phase("building the function's image");
    let Plan { catalogue, requests, co_runners } = plan;
    let function = catalogue.get(&study.function)?;
    let beside: Vec<_> =
        co_runners.iter().map(|one| catalogue.get(&one.name)).collect::<Result<_, _>>()?;
    let workshop = Workshop::new(home, mirror(study)?, observer.as_progress())?;
    let together = beside.iter().copied().chain([function]);
    let images = functions::build_all(&workshop, &catalogue, together)?;
    let compose = guest::compose::guest_file(&catalogue, function, &beside);
    Ok(Prepared { images, compose, requests, co_runners })
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
