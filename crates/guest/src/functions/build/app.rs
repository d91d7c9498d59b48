//! The function's own layer: `/app`.

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
    Step::new(key.finish(), format!("function {}", job.service.name), move |workshop| {
        let mut tree = Tree::new();
        fill(workshop, &mut tree)?;
        Ok((tree, Vec::new()))
    })
}
