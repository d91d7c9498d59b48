//! Where npm packages come from: npm itself if this host has it, else the registry its configuration names.
//!
//! npm knows its registry, credentials, proxies and certificates best. Without it, `npm_config_registry`, `~/.npmrc`
//! and `/etc/npmrc` are read (npm documentation, "npmrc"); where they say nothing, npm's own default is taken from
//! Debian's npm package. Tarballs are at `<registry>/<name>/-/<name without scope>-<version>.tgz`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha512};

use super::super::build::Workshop;
use super::super::error::FunctionError;
use super::lock::LockedPackage;
use crate::packages::unpack;
use crate::tree::{Node, Tree};

/// No package of a function is near this size.
const LIMIT: u64 = 256 << 20;

/// Transfers are tried this often.
const ATTEMPTS: u32 = 3;

/// Where the tarball of `package` is kept, by checksum.
pub(super) fn place(folder: &Path, package: &LockedPackage) -> PathBuf {
    folder.join(format!("{}.tgz", &package.sha512[..64]))
}

/// Brings every package into `folder`, verified.
pub(super) fn fetch(
    workshop: &Workshop<'_>,
    packages: &[LockedPackage],
    folder: &Path,
) -> Result<(), FunctionError> {
    let mut missing = missing(packages, folder)?;
    if missing.is_empty() {
        return Ok(());
    }
    let progress = workshop.progress();
    progress.start(&format!("npm packages ({})", missing.len()), None);
    let fetched = with_npm(workshop, &missing, folder).and_then(|()| {
        missing.retain(|package| !place(folder, package).is_file());
        without_npm(workshop, &missing, folder)
    });
    progress.finish();
    fetched
}

/// The packages that are not in `folder`; damaged ones are deleted and count as missing.
fn missing<'a>(
    packages: &'a [LockedPackage],
    folder: &Path,
) -> Result<Vec<&'a LockedPackage>, FunctionError> {
    let mut missing = Vec::new();
    for package in packages {
        let path = place(folder, package);
        match fs::read(&path) {
            Ok(bytes) if sha512(&bytes) == package.sha512 => continue,
            Ok(_) => fs::remove_file(&path).map_err(FunctionError::io("delete", &path))?,
            Err(_) => {}
        }
        missing.push(package);
    }
    Ok(missing)
}

/// Lets npm fetch what it can. Whether it did is seen by what arrived; a host without npm is no error.
fn with_npm(
    workshop: &Workshop<'_>,
    packages: &[&LockedPackage],
    folder: &Path,
) -> Result<(), FunctionError> {
    let scratch = workshop.scratch()?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(scratch.path());
    npm.args(packages.iter().map(ToString::to_string));
    npm.current_dir(scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if npm.status().is_err() {
        return Ok(());
    }
    let scratch_path = scratch.path();
    for entry in fs::read_dir(scratch_path).map_err(FunctionError::io("read", scratch_path))? {
        let path = entry.map_err(FunctionError::io("read", scratch_path))?.path();
        let Ok(bytes) = fs::read(&path) else { continue };
        let sum = sha512(&bytes);
        if let Some(package) = packages.iter().find(|package| package.sha512 == sum) {
            let place = place(folder, package);
            fs::rename(&path, &place).map_err(FunctionError::io("rename to", place))?;
        }
    }
    Ok(())
}

fn without_npm(
    workshop: &Workshop<'_>,
    packages: &[&LockedPackage],
    folder: &Path,
) -> Result<(), FunctionError> {
    if packages.is_empty() {
        return Ok(());
    }
    let registry = match configured() {
        Some(registry) => registry,
        None => npms_default(workshop)?,
    };
    let agent = agent();
    for package in packages {
        let url = tarball_url(&registry, package);
        let bytes = get(&agent, &url, package)?;
        if sha512(&bytes) != package.sha512 {
            return Err(failure(
                package,
                format!(
                    "{url} does not have the content that the lock file announces (SHA-512 mismatch)"
                ),
            ));
        }
        let place = place(folder, package);
        let mut file =
            tempfile::NamedTempFile::new_in(folder).map_err(FunctionError::io("write", &place))?;
        std::io::Write::write_all(&mut file, &bytes).map_err(FunctionError::io("write", &place))?;
        file.persist(&place).map_err(|error| FunctionError::io("write", &place)(error.error))?;
        workshop.progress().advance(bytes.len() as u64);
    }
    Ok(())
}

fn tarball_url(registry: &str, package: &LockedPackage) -> String {
    let base = registry.trim_end_matches('/');
    let bare = package.name.rsplit('/').next().unwrap_or(&package.name);
    format!("{base}/{}/-/{bare}-{}.tgz", package.name, package.version)
}

/// The registry that the environment or a configuration file names.
fn configured() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let files = [
        variable("NPM_CONFIG_USERCONFIG").map(PathBuf::from),
        variable("HOME").map(|home| Path::new(&home).join(".npmrc")),
        Some(PathBuf::from("/etc/npmrc")),
    ];
    variable("npm_config_registry")
        .or_else(|| variable("NPM_CONFIG_REGISTRY"))
        .or_else(|| {
            files
                .into_iter()
                .flatten()
                .find_map(|file| registry_in(&fs::read_to_string(file).ok()?))
        })
        .filter(|registry| registry.starts_with("http"))
}

/// The `registry` of an npmrc file: an ini file without sections.
fn registry_in(npmrc: &str) -> Option<String> {
    npmrc.lines().rev().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "registry").then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The registry npm uses where nothing is configured, from the definitions in Debian's npm package.
fn npms_default(workshop: &Workshop<'_>) -> Result<String, FunctionError> {
    let unknown = || {
        FunctionError::Npm {
        package: "(any)".to_owned(),
        reason: "this host has no npm, no configured registry, and Debian's npm package does not tell its default".to_owned(),
    }
    };
    let archive = workshop.host()?;
    let package = archive.find("npm").ok_or_else(unknown)?;
    let mut tree = Tree::new();
    for deb in archive.fetch(&[package])? {
        unpack(&deb, &mut tree, &|path| {
            path.contains("config") && path.ends_with("definitions.js")
        })?;
    }
    let files = tree.iter().filter_map(|(_, entry)| match &entry.node {
        Node::File(content) => content.bytes().ok(),
        _ => None,
    });
    files
        .filter_map(|bytes| default_in(&String::from_utf8_lossy(&bytes)))
        .next()
        .ok_or_else(unknown)
}

/// The default of the option `registry` in npm's `definitions.js`.
fn default_in(definitions: &str) -> Option<String> {
    let at = ["define('registry'", "new Definition('registry'", "registry: new Definition"]
        .iter()
        .find_map(|start| definitions.find(start))?;
    let (_, rest) = definitions[at..].split_once("default:")?;
    let value = rest.trim_start().trim_start_matches(['\'', '"', '`']);
    let end = value.find(['\'', '"', '`'])?;
    value[..end].starts_with("http").then(|| value[..end].to_owned())
}

/// An HTTP client that trusts the host's certificates, where it has any.
fn agent() -> ureq::Agent {
    const HOST_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
    let mut tls = ureq::tls::TlsConfig::builder();
    let pem = fs::read(HOST_CERTIFICATES).unwrap_or_default();
    let certificates: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if !certificates.is_empty() {
        tls = tls.root_certs(ureq::tls::RootCerts::new_with_certs(&certificates));
    }
    ureq::Agent::config_builder()
        .tls_config(tls.build())
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_global(Some(Duration::from_secs(120)))
        .build()
        .new_agent()
}

fn get(agent: &ureq::Agent, url: &str, package: &LockedPackage) -> Result<Vec<u8>, FunctionError> {
    let attempt = || -> Result<Vec<u8>, String> {
        let response = agent.get(url).call().map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let reader = response.into_body().into_reader();
        reader.take(LIMIT).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match attempt() {
            Ok(bytes) => return Ok(bytes),
            Err(reason) => last = reason,
        }
    }
    Err(failure(package, format!("{url}: {last}")))
}

fn failure(package: &LockedPackage, reason: String) -> FunctionError {
    FunctionError::Npm { package: package.to_string(), reason }
}

fn sha512(bytes: &[u8]) -> String {
    Sha512::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tarballs_of_scoped_packages_drop_the_scope_in_the_file_name() {
        let package = LockedPackage {
            path: "node_modules/@grpc/grpc-js".to_owned(),
            name: "@grpc/grpc-js".to_owned(),
            version: "1.2.3".to_owned(),
            sha512: "0".repeat(128),
        };
        assert_eq!(
            tarball_url("https://r.example/npm/", &package),
            "https://r.example/npm/@grpc/grpc-js/-/grpc-js-1.2.3.tgz"
        );
    }

    #[test]
    fn the_registry_is_read_from_an_npmrc() {
        assert_eq!(
            registry_in("fund=false\nregistry = https://r.example/npm/\n").as_deref(),
            Some("https://r.example/npm/")
        );
        assert_eq!(registry_in("@scope:registry=https://other.example/\n"), None);
    }

    #[test]
    fn npms_default_is_found_in_its_definitions() {
        let text = "const registry = new Definition('registry', {\n  default: 'https://r.example/',\n  type: url,\n})";
        assert_eq!(default_in(text).as_deref(), Some("https://r.example/"));
        assert_eq!(default_in("nothing"), None);
    }
}
