//! The functions of one compose file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_norway::{Mapping, Value};

use super::builtin;
use super::check::{self, Checked, Function};
use super::error::{FunctionError, Problem};
use super::files::SourceFiles;
use super::merge::has_merge;
use super::nearest::nearest;
use super::proto::ProtoSet;
use super::schema::{BuildDoc, ComposeDoc};

/// A container: a function, or something functions depend on.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name in the compose file.
    pub name: String,
    /// The image's reference.
    pub image: String,
    /// Services started before it.
    pub depends_on: Vec<String>,
    /// How its image is made; `source` is always present.
    pub build: BuildDoc,
    /// The gRPC interface it is built with.
    pub proto: Option<ProtoSet>,
    /// Its compose keys, without `x-vswarm`.
    pub compose: Mapping,
}

impl Service {
    /// The folder with its sources, relative to the compose file.
    pub fn folder(&self) -> &str {
        self.build.source.as_deref().unwrap_or(&self.name)
    }
}

/// All functions of a compose file, and the services they depend on.
#[derive(Debug, Clone)]
pub struct Catalogue {
    functions: BTreeMap<String, Function>,
    dependencies: BTreeMap<String, Service>,
    /// Top-level compose keys other than `services`: networks, volumes.
    pub(crate) top_level: Mapping,
    sources: SourceFiles,
}

impl Catalogue {
    /// The functions that come with the program.
    ///
    /// # Errors
    /// None in practice: a test reads the embedded file.
    pub fn builtin() -> Result<Self, FunctionError> {
        let sources = builtin::sources();
        let text = sources.read(builtin::FILE).map_err(|reason| FunctionError::Unreadable {
            what: "built-in compose file",
            path: builtin::FILE.into(),
            reason,
        })?;
        Self::parse(&String::from_utf8_lossy(&text), "the built-in functions.yaml", sources)
    }

    /// The functions of the compose file at `path`, or the built-in ones.
    ///
    /// # Errors
    /// An unreadable file, bad YAML with its position, or everything that is wrong in it.
    pub fn load(path: Option<&Path>) -> Result<Self, FunctionError> {
        let Some(path) = path else { return Self::builtin() };
        let text = std::fs::read_to_string(path).map_err(|error| FunctionError::Unreadable {
            what: "compose file",
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&text, &path.display().to_string(), SourceFiles::Folder(folder))
    }

    /// Reads `text`, whose relative paths lead into `sources`; `file` names it in messages.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn parse(text: &str, file: &str, sources: SourceFiles) -> Result<Self, FunctionError> {
        let syntax = |error: serde_norway::Error| FunctionError::Syntax {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        // Twice: untyped for what is passed on, typed from the text because only that knows lines and columns.
        let mut value: Value = serde_norway::from_str(text).map_err(syntax)?;
        let doc: ComposeDoc = if has_merge(&value) {
            value.apply_merge().map_err(syntax)?;
            serde_norway::from_value(value.clone()).map_err(syntax)?
        } else {
            serde_norway::from_str(text).map_err(syntax)?
        };
        let (top_level, services) = split(value);
        let mut catalogue =
            Self { functions: BTreeMap::new(), dependencies: BTreeMap::new(), top_level, sources };
        let mut problems = Vec::new();
        for (name, service) in &doc.services {
            let compose = services.get(name.as_str()).and_then(Value::as_mapping);
            let compose = compose.cloned().unwrap_or_default();
            match check::service(name, service, &compose, &catalogue.sources, &mut problems) {
                Some(Checked::Function(function)) => {
                    drop(catalogue.functions.insert(name.clone(), *function))
                }
                Some(Checked::Dependency(service)) => {
                    drop(catalogue.dependencies.insert(name.clone(), *service));
                }
                None => {}
            }
        }
        if problems.is_empty() {
            catalogue.check_together(&mut problems);
        }
        if problems.is_empty() && catalogue.functions.is_empty() {
            problems
                .push(Problem::new("services", "none has an `x-vswarm` block with a `protocol`"));
        }
        if problems.is_empty() {
            Ok(catalogue)
        } else {
            Err(FunctionError::Invalid { file: file.to_owned(), problems })
        }
    }

    /// The function called `name`.
    ///
    /// # Errors
    /// [`FunctionError::Unknown`], with the known names and the one probably meant.
    pub fn get(&self, name: &str) -> Result<&Function, FunctionError> {
        self.functions.get(name).ok_or_else(|| FunctionError::Unknown {
            wanted: name.to_owned(),
            nearest: nearest(name, self.names()).map(str::to_owned),
            known: self.names().map(str::to_owned).collect(),
        })
    }

    /// The functions' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// All functions by name.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// The services to start for `function`: what it depends on, dependencies first, and itself last.
    #[must_use]
    pub fn closure<'a>(&'a self, function: &'a Function) -> Vec<&'a Service> {
        self.closure_of([function])
    }

    /// The same for several functions; each service once.
    #[must_use]
    pub fn closure_of<'a>(
        &'a self,
        functions: impl IntoIterator<Item = &'a Function>,
    ) -> Vec<&'a Service> {
        let mut order = Vec::new();
        for function in functions {
            self.visit(&function.service, &mut order);
        }
        order
    }

    /// Where the sources lie.
    #[must_use]
    pub fn sources(&self) -> &SourceFiles {
        &self.sources
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.dependencies
            .get(name)
            .or_else(|| self.functions.get(name).map(|function| &function.service))
    }

    fn visit<'a>(&'a self, service: &'a Service, order: &mut Vec<&'a Service>) {
        for name in &service.depends_on {
            if let Some(next) = self.service(name)
                && !order.iter().any(|done| done.name == next.name)
            {
                self.visit(next, order);
            }
        }
        order.push(service);
    }

    /// What only shows between services: dependencies that do not exist, circles, one image from two recipes.
    fn check_together(&self, problems: &mut Vec<Problem>) {
        let services: Vec<&Service> = self
            .functions
            .values()
            .map(|function| &function.service)
            .chain(self.dependencies.values())
            .collect();
        for service in &services {
            let at = format!("services.{}.depends_on", service.name);
            for name in &service.depends_on {
                if self.functions.contains_key(name) {
                    problems.push(Problem::new(&at, format!("`{name}` is a function; both would publish port 50000 as container `function`: depend on a service without `protocol`")));
                } else if !self.dependencies.contains_key(name) {
                    problems.push(Problem::new(&at, format!("there is no service `{name}`")));
                }
            }
            if self.reaches(service, &service.name, &mut Vec::new()) {
                problems.push(Problem::new(&at, "leads back to the service itself"));
            }
        }
        for (i, a) in services.iter().enumerate() {
            let other =
                |b: &&&Service| b.image == a.image && (&b.build, &b.proto) != (&a.build, &a.proto);
            for b in services[i + 1..].iter().filter(other) {
                let at = format!("services.{}.image", b.name);
                problems.push(Problem::new(
                    at,
                    format!(
                        "service `{}` makes the same image from another `build` or `proto`",
                        a.name
                    ),
                ));
            }
        }
    }

    /// Whether following dependencies from `service` meets `goal`.
    fn reaches<'a>(&'a self, service: &'a Service, goal: &str, seen: &mut Vec<&'a str>) -> bool {
        service.depends_on.iter().any(|name| {
            if name == goal {
                return true;
            }
            if seen.contains(&name.as_str()) {
                return false;
            }
            seen.push(name);
            self.service(name).is_some_and(|next| self.reaches(next, goal, seen))
        })
    }
}

/// The document's top-level keys that are passed on, and its services.
fn split(value: Value) -> (Mapping, Mapping) {
    let Value::Mapping(mut map) = value else { return Default::default() };
    let services = match map.remove("services") {
        Some(Value::Mapping(services)) => services,
        _ => Mapping::new(),
    };
    map.retain(|key, _| {
        key.as_str().is_some_and(|key| !key.starts_with("x-") && key != "name" && key != "version")
    });
    (map, services)
}

#[cfg(test)]
mod tests;
