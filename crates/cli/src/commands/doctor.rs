//! `doctor`: is everything here that a run needs, and what to do if not.

use crate::args::DoctorArgs;
use crate::failure::{FAILED, Failure};
use crate::{home, host, output};
use ::guest::bootable::{self, Spec};
use ::guest::packages::{Archive, Mirror};
use ::guest::progress::Silent;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Packages, guest, images and snapshots of the built-in functions, with room to rebuild.
const DISK_BYTES: u64 = 6 << 30;
/// The guest's default RAM as far as it is touched, and the program.
const MEMORY_BYTES: u64 = 3 << 30;
/// Where Debian keeps the keys of its archive.
const KEYRINGS: &str = "/usr/share/keyrings";

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    Warning,
    Problem,
}

/// A check and what it found.
struct Finding {
    what: &'static str,
    mark: Mark,
    text: String,
}

fn good(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { what, mark: Mark::Good, text: text.into() }
}

fn bad(what: &'static str, mark: Mark, text: impl Into<String>) -> Finding {
    Finding { what, mark, text: text.into() }
}

pub fn doctor(args: DoctorArgs) -> Result<u8, Failure> {
    let home = home::find()?;
    let mut findings = vec![state_folder(&home), disk_space(&home), memory()];
    findings.push(keyring());
    findings.extend(mirror(args.mirror.as_deref()));
    findings.push(cache(&home));
    if args.json {
        output::print_json(&document(&home, &findings))?;
    } else {
        output::print(findings.iter().map(line).collect::<String>())?;
    }
    let problems = findings.iter().any(|finding| finding.mark == Mark::Problem);
    Ok(if problems { FAILED } else { 0 })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.mark {
        Mark::Good => "ok     ",
        Mark::Warning => "warning",
        Mark::Problem => "PROBLEM",
    };
    format!("{mark}  {}: {}\n", finding.what, finding.text)
}

fn document(home: &Path, findings: &[Finding]) -> Value {
    let check = |finding: &Finding| {
        let result = match finding.mark {
            Mark::Good => "ok",
            Mark::Warning => "warning",
            Mark::Problem => "problem",
        };
        json!({"check": finding.what, "result": result, "text": finding.text})
    };
    let checks: Vec<Value> = findings.iter().map(check).collect();
    json!({"schema": 1, "home": home.display().to_string(), "checks": checks})
}

fn state_folder(home: &Path) -> Finding {
    let what = "state folder";
    let write = fs::create_dir_all(home).and_then(|()| tempfile::tempfile_in(home));
    match write {
        Ok(_) => good(what, format!("{} can be written to", home.display())),
        Err(error) => bad(
            what,
            Mark::Problem,
            format!(
                "{} cannot be written to: {error}; point VSWARM_U_HOME at another folder",
                home.display()
            ),
        ),
    }
}

fn disk_space(home: &Path) -> Finding {
    let what = "disk space";
    let place = home.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(place) {
        Ok(volume) => {
            let free = volume.f_bavail * volume.f_frsize;
            let text = format!("{} free in {}", gib(free), place.display());
            if free >= DISK_BYTES {
                good(what, text)
            } else {
                let advice = format!(
                    "{text}, about {} are needed; make room (`vswarm-u guest clean`) or point \
                     VSWARM_U_HOME at another disk",
                    gib(DISK_BYTES)
                );
                bad(what, Mark::Problem, advice)
            }
        }
        Err(error) => {
            bad(what, Mark::Warning, format!("cannot be asked of {}: {error}", place.display()))
        }
    }
}

fn memory() -> Finding {
    let what = "memory";
    let text = host::text("/proc/meminfo");
    match host::bytes_of("MemAvailable:", &text) {
        Some(bytes) if bytes >= MEMORY_BYTES => good(what, format!("{} available", gib(bytes))),
        Some(bytes) => bad(
            what,
            Mark::Warning,
            format!(
                "{} available, up to {} may be used; close other programs or give a smaller --ram",
                gib(bytes),
                gib(MEMORY_BYTES)
            ),
        ),
        None => bad(what, Mark::Warning, "cannot be told from /proc/meminfo"),
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn keyring() -> Finding {
    let what = "archive keys";
    let entries = fs::read_dir(KEYRINGS).into_iter().flatten().flatten();
    let found =
        entries.filter(|e| e.file_name().to_string_lossy().starts_with("debian-archive")).count();
    if found > 0 {
        good(what, format!("{found} Debian keyrings in {KEYRINGS}"))
    } else {
        let text = format!(
            "no Debian keyring in {KEYRINGS}; install the package debian-archive-keyring, without \
             which downloads cannot be trusted"
        );
        bad(what, Mark::Problem, text)
    }
}

/// The mirror is asked for its signed index, and the signature checked, in a folder of its own.
fn mirror(url: Option<&str>) -> Vec<Finding> {
    let what = "mirror";
    let mirror = match url.map_or_else(Mirror::from_host, Mirror::new) {
        Ok(mirror) => mirror,
        Err(error) => return vec![bad(what, Mark::Problem, error.to_string())],
    };
    let spec = Spec::default();
    let asked = tempfile::tempdir().map_err(|error| anyhow!("making a temporary folder: {error}"));
    let asked = asked.and_then(|folder| {
        let archive = Archive::open(folder.path(), &mirror, &spec.suite, &spec.arch, &Silent)?;
        Ok(archive.description())
    });
    vec![match asked {
        Ok(description) => good(what, format!("{} serves {description}", mirror.base())),
        Err(error) => bad(what, Mark::Problem, error.to_string()),
    }]
}

/// A guest that was built is checked against its sums.
fn cache(home: &Path) -> Finding {
    let what = "built guest";
    match bootable::find(home, &Spec::default(), &Silent) {
        Ok(Some(guest)) => good(what, format!("{} is intact", guest.hash)),
        Ok(None) => good(what, "none (or a damaged one, now removed); the first run builds it"),
        Err(error) => bad(what, Mark::Problem, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_measured_where_it_would_be() {
        let finding = disk_space(Path::new("/no/such/folder"));
        assert!(finding.text.contains(" free in /"), "{}", finding.text);
    }
}
