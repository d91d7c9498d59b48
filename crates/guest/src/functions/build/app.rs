//! The function's own layer: `/app`.

use super::super::catalogue::Service;
use super::super::error::FunctionError;
use super::key::Key;
use super::step::Step;
use super::workshop::Workshop;
use super::{Job, key_sources};
use crate::tree::{Entry, Tree};

/// The folder's files under `/app`, and what `generate` adds. `leave_out` names files that are only for the build;
/// `key` covers what `generate` works with beyond the sources.
pub(super) fn step<'j>(
    job: &'j Job<'_>,
    key: Key,
    leave_out: &'j [&'j str],
    generate: impl FnOnce(&Workshop<'_>, &mut Tree) -> Result<(), FunctionError> + 'j,
) -> Step<'j> {
    bare(job, key, move |workshop, tree| {
        tree.insert("app", Entry::dir())?;
        for (path, file) in &job.files {
            if !leave_out.contains(&path.as_str()) {
                let mode = if file.executable { 0o755 } else { 0o644 };
                tree.insert(&format!("app/{path}"), Entry::file(file.bytes.clone(), mode))?;
            }
        }
        generate(workshop, tree)
    })
}

/// A layer that `fill` makes from the sources, without the sources themselves.
pub(super) fn bare<'j>(
    job: &'j Job<'_>,
    mut key: Key,
    fill: impl FnOnce(&Workshop<'_>, &mut Tree) -> Result<(), FunctionError> + 'j,
) -> Step<'j> {
    key_sources(&mut key, job);
    let title = title(job.service);
    key.text(&title);
    Step::new(key.finish(), title, move |workshop| {
        let mut tree = Tree::new();
        fill(workshop, &mut tree)?;
        Ok((tree, Vec::new()))
    })
}

/// By the folder of the sources, not the service: services that share a folder share the layer, whichever of
/// them it is made for, and the title is part of the image.
fn title(service: &Service) -> String {
    let folder = service.folder();
    let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder);
    format!("function {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::catalogue::Catalogue;
    use std::collections::BTreeMap;

    #[test]
    fn services_that_share_an_image_give_its_layer_the_same_title() {
        let catalogue = Catalogue::builtin().unwrap();
        let mut titles = BTreeMap::new();
        let services = catalogue.functions().flat_map(|function| catalogue.closure(function));
        for service in services {
            let title = title(service);
            let known = titles.entry(service.image.as_str()).or_insert_with(|| title.clone());
            assert_eq!(*known, title, "{}", service.name);
        }
        assert_eq!(titles["registry.vswarm:5000/hotel:latest"], "function hotel");
    }
}
