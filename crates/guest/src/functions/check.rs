//! From the file as written to functions that can be built and called; collects everything that is wrong.

mod generator;
mod requests;

use serde_norway::{Mapping, Value};

use super::catalogue::Service;
use super::error::Problem;
use super::files::SourceFiles;
use super::request::FunctionRequest;
use super::schema::{BuildDoc, Runtime, ServiceDoc, VswarmDoc};
use super::{CONTAINER_NAME, PUBLISHED_PORT, REGISTRY};

/// A service that can be called.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its container.
    pub service: Service,
    /// What it does, in a line; may be empty.
    pub description: String,
    /// What can be sent to it: the default first, then by name. Never empty.
    pub requests: Vec<FunctionRequest>,
    /// The port it listens on inside its container, published as [`PUBLISHED_PORT`].
    pub container_port: u16,
}

impl Function {
    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.service.name
    }
}

/// Compose keys that need files or settings of the host, and what to use instead.
const REFUSED: [(&str, &str); 6] = [
    ("build", "images are made by the recipe in x-vswarm.build"),
    ("env_file", "the file stays on the host; write the variables under `environment`"),
    ("extends", "the other file stays on the host; write the keys here (YAML anchors work)"),
    ("secrets", "the guest has none; put the file into the function's source folder"),
    ("configs", "the guest has none; put the file into the function's source folder"),
    ("cpuset", "the function's container is always pinned to hart 1"),
];

/// Checks one service; problems go into `problems`, and what can be understood is returned.
pub(super) fn service(
    name: &str,
    doc: &ServiceDoc,
    compose: &Mapping,
    sources: &SourceFiles,
    problems: &mut Vec<Problem>,
) -> Option<Checked> {
    let at = format!("services.{name}");
    let before = problems.len();
    check_name(name, &at, problems);
    check_compose_keys(compose, &at, problems);
    let image = check_image(name, doc.image.as_deref(), &at, problems);
    let depends_on = depends_on(doc.depends_on.as_ref(), &at, problems);
    let Some(vswarm) = &doc.vswarm else {
        problems
            .push(Problem::new(at, "has no `x-vswarm` block, which says how its image is built"));
        return None;
    };
    let build = build(name, vswarm, sources, &at, problems);
    let proto = requests::proto(vswarm, sources, &at, problems);
    let function = vswarm.protocol.map(|protocol| {
        let port = published_port(&doc.ports, &at, problems);
        let requests = requests::requests(protocol, vswarm, &at, problems);
        (port, requests)
    });
    check_container_name(doc, vswarm, &at, problems);
    if vswarm.protocol.is_none() {
        requests::check_none(vswarm, &at, problems);
    }
    if problems.len() > before {
        return None;
    }
    let mut compose = compose.clone();
    compose.remove("x-vswarm");
    let service =
        Service { name: name.to_owned(), image: image?, depends_on, build: build?, proto, compose };
    Some(match function {
        None => Checked::Dependency(Box::new(service)),
        Some((port, requests)) => Checked::Function(Box::new(Function {
            service,
            description: vswarm.description.clone().unwrap_or_default(),
            requests,
            container_port: port?,
        })),
    })
}

/// A checked service.
pub(super) enum Checked {
    /// It has no protocol: something functions depend on.
    Dependency(Box<Service>),
    /// It can be called.
    Function(Box<Function>),
}

fn check_name(name: &str, at: &str, problems: &mut Vec<Problem>) {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        problems
            .push(Problem::new(at, "a service's name may hold letters, digits, `.`, `_` and `-`"));
    }
}

fn check_compose_keys(compose: &Mapping, at: &str, problems: &mut Vec<Problem>) {
    for (key, instead) in REFUSED {
        if compose.contains_key(key) {
            problems.push(Problem::new(
                format!("{at}.{key}"),
                format!("cannot be used here: {instead}"),
            ));
        }
    }
    for volume in compose.get("volumes").and_then(Value::as_sequence).into_iter().flatten() {
        let source = volume.as_str().or_else(|| volume.get("source").and_then(Value::as_str));
        if source.is_some_and(|text| text.starts_with(['.', '/', '~']) && text.contains(['/', '~']))
        {
            problems.push(Problem::new(
                format!("{at}.volumes"),
                "mounts a folder of the host, which the guest does not have; put its files into the source folder",
            ));
        }
    }
}

fn check_image(
    name: &str,
    image: Option<&str>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let repository = image.and_then(|image| image.strip_prefix(REGISTRY)?.strip_prefix('/'));
    let parts = repository.and_then(|repository| repository.split_once(':'));
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    let tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match parts {
        Some((repository, version))
            if !repository.is_empty()
                && repository.chars().all(good)
                && !version.is_empty()
                && version.chars().all(tag) =>
        {
            image.map(str::to_owned)
        }
        _ => {
            problems.push(Problem::new(
                format!("{at}.image"),
                format!(
                    "must be in the simulated registry; write `{REGISTRY}/{}:latest`",
                    name.to_ascii_lowercase()
                ),
            ));
            None
        }
    }
}

/// Both forms of compose: a list of names, or a map from names to conditions.
fn depends_on(value: Option<&Value>, at: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let names: Option<Vec<String>> = match value {
        None => Some(Vec::new()),
        Some(Value::Sequence(list)) => {
            list.iter().map(|name| name.as_str().map(str::to_owned)).collect()
        }
        Some(Value::Mapping(map)) => {
            map.keys().map(|name| name.as_str().map(str::to_owned)).collect()
        }
        Some(_) => None,
    };
    names.unwrap_or_else(|| {
        problems.push(Problem::new(
            format!("{at}.depends_on"),
            "must be a list of service names or a map from them",
        ));
        Vec::new()
    })
}

fn check_container_name(
    doc: &ServiceDoc,
    vswarm: &VswarmDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) {
    let at = format!("{at}.container_name");
    match (vswarm.protocol.is_some(), doc.container_name.as_deref()) {
        (true, Some(name)) if name != CONTAINER_NAME => problems.push(Problem::new(
            at,
            format!("the container under test is always called `{CONTAINER_NAME}`; write that or leave it out"),
        )),
        (false, Some(CONTAINER_NAME)) => problems.push(Problem::new(
            at,
            format!("`{CONTAINER_NAME}` is the name of the container under test; give this one another"),
        )),
        _ => {}
    }
}

fn build(
    name: &str,
    vswarm: &VswarmDoc,
    sources: &SourceFiles,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<BuildDoc> {
    let at = format!("{at}.x-vswarm.build");
    let Some(build) = &vswarm.build else {
        problems.push(Problem::new(
            at,
            "is missing; it needs at least `runtime: python|nodejs|go|java|generic`",
        ));
        return None;
    };
    let mut build = build.clone();
    if build.runtime == Runtime::Generic && build.entrypoint.is_empty() {
        problems.push(Problem::new(
            format!("{at}.entrypoint"),
            "is missing; write the command as a list of words",
        ));
    }
    for package in &build.packages {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        if package.len() < 2 || !package.chars().all(good) {
            problems.push(Problem::new(
                format!("{at}.packages"),
                format!("`{package}` is no Debian package name"),
            ));
        }
    }
    let source = build.source.get_or_insert_with(|| name.to_owned());
    if !sources.is_folder(source) {
        let path = sources.display(source);
        problems.push(Problem::new(
            format!("{at}.source"),
            format!("{} is not a folder", path.display()),
        ));
    }
    Some(build)
}

/// The container port published as 50000.
fn published_port(ports: &[Value], at: &str, problems: &mut Vec<Problem>) -> Option<u16> {
    let found = ports.iter().filter_map(port_pair).find(|&(host, _)| host == PUBLISHED_PORT);
    if found.is_none() {
        problems.push(Problem::new(
            format!("{at}.ports"),
            format!("must publish port {PUBLISHED_PORT}, where functions are called; write `- \"{PUBLISHED_PORT}:PORT\"` with the port the function listens on"),
        ));
    }
    found.map(|(_, container)| container)
}

/// Host and container port of one entry: `[IP:]HOST:CONTAINER[/tcp]`, or a map with `published` and `target`.
fn port_pair(entry: &Value) -> Option<(u16, u16)> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    if let Value::Mapping(map) = entry {
        return Some((number(map.get("published")?)?, number(map.get("target")?)?));
    }
    let text = entry.as_str()?;
    let text = text.strip_suffix("/tcp").unwrap_or(text);
    let (host, container) = text.rsplit_once(':')?;
    let host = host.rsplit_once(':').map_or(host, |(_, port)| port);
    Some((host.parse().ok()?, container.parse().ok()?))
}
