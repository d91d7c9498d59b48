//! The machine that an appendix is written on, in the words of its kernel and distribution.

use crate::host::{bytes_of, processor, text};
use ::report::artifact::Machine;
use std::thread;

/// This machine.
pub(super) fn machine() -> Machine {
    let release = [text("/etc/os-release"), text("/usr/lib/os-release")];
    Machine {
        processor: processor(&text("/proc/cpuinfo")),
        processors: thread::available_parallelism().ok().map(usize::from),
        memory_bytes: bytes_of("MemTotal:", &text("/proc/meminfo")),
        system: system(
            release.iter().find_map(|text| name(text)),
            text("/proc/sys/kernel/osrelease").trim(),
        ),
    }
}

/// Distribution and kernel, as far as they are known.
fn system(distribution: Option<String>, kernel: &str) -> Option<String> {
    let kernel = (!kernel.is_empty()).then(|| format!("Linux {kernel}"));
    let known: Vec<String> = [distribution, kernel].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// What a distribution calls itself in os-release (freedesktop.org), where values may be quoted.
fn name(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name = value.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_named_as_far_as_it_names_itself() {
        assert_eq!(name("ID=x\nPRETTY_NAME=\"X 13 (y)\"\n").as_deref(), Some("X 13 (y)"));
        assert_eq!(name("PRETTY_NAME=Plain\n").as_deref(), Some("Plain"));
        assert_eq!(name("ID=x\nPRETTY_NAME=\"\"\n"), None);
        assert_eq!(system(Some("X".to_owned()), "6.1").as_deref(), Some("X, Linux 6.1"));
        assert_eq!(system(None, "6.1").as_deref(), Some("Linux 6.1"));
        assert_eq!(system(None, ""), None);
    }
}
