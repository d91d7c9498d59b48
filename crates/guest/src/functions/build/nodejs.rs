//! Node.js functions: Debian's node, the npm packages of the folder's lock file, the folder as /app.

use super::super::error::FunctionError;
use super::super::npm;
use super::debs::Base;
use super::key::Key;
use super::step::Step;
use super::{Job, app, complaint, debs};
use crate::tree::{Entry, Tree};

/// What a container runs unless the compose file says otherwise.
pub(super) const ENTRYPOINT: [&str; 2] = ["/usr/bin/node", "/app/server.js"];

/// npm's lock file.
const LOCK: &str = "package-lock.json";

static BASE: Base = Base {
    title: "nodejs",
    packages: &["nodejs"],
    exact: &[],
    // What only serves npm, compilers and debugging of node itself.
    prune: &[
        "usr/share/nodejs/corepack/**",
        "usr/share/nodejs/**/*.d.ts",
        "usr/share/nodejs/**/*.map",
        "usr/share/systemtap/**",
        "etc/**",
    ],
    bytecode: false,
};

/// The layers of a Node.js function.
pub(super) fn steps<'j>(job: &'j Job<'_>) -> Result<Vec<Step<'j>>, FunctionError> {
    if job.service.build.entrypoint.is_empty() && !job.files.contains_key("server.js") {
        return Err(complaint(
            job,
            "its folder has no server.js, which a Node.js function's container runs; add it, or name another command \
             under x-vswarm.build.entrypoint",
        ));
    }
    let mut steps = debs::steps(&BASE, job);
    if let Some(lock) = job.files.get(LOCK) {
        steps.push(npm_step(job, &lock.bytes)?);
    } else if job.files.contains_key("package.json") {
        return Err(complaint(
            job,
            "its folder has a package.json but no package-lock.json; run `npm install --package-lock-only` there",
        ));
    }
    steps.push(app::step(job, Key::new("nodejs"), &[LOCK], |_, tree| {
        for (name, text) in job.proto.iter().flat_map(|proto| &proto.files) {
            tree.insert(&format!("app/protos/{name}"), Entry::file(text.as_bytes(), 0o644))?;
        }
        Ok(())
    }));
    Ok(steps)
}

/// The packages of a lock file under /app/node_modules.
fn npm_step<'j>(job: &Job<'_>, lock: &[u8]) -> Result<Step<'j>, FunctionError> {
    let packages =
        npm::read_lock(lock).map_err(|reason| complaint(job, format!("{LOCK}: {reason}")))?;
    let mut key = Key::new("npm");
    key.json(&packages).texts(npm::PRUNE);
    Ok(Step::new(key.finish(), "npm packages", move |workshop| {
        let mut tree = Tree::new();
        npm::install(workshop, &packages, "app", &mut tree)?;
        Ok((tree, Vec::new()))
    }))
}
