//! What is known of the guest's software before measuring.
//!
//! The survey runs commands in a machine that was restored from the snapshot that measuring begins with, and
//! that is dropped afterwards: the measured machine never executes them, so that profiling changes no
//! number. Both are the same to the byte when they start, so that processes, their numbers and their
//! mappings are, too. The kernel's own addresses can be told from no file of the guest, since it moves
//! itself at boot (KASLR).

use super::kallsyms::Kallsyms;
use super::processes::{self, Processes};
use super::tasks::Layout;
use crate::StudyError;
use crate::rig::Rig;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use sim::Picos;
use std::io::Read as _;

const LIMIT: Picos = Picos::from_secs(60);

/// The kernel's functions, and what lies around its type information; packed, since the kernel hands out what
/// is printed sixteen bytes at a time (drivers/tty/hvc).
const KERNEL: &str = "mawk '$2 ~ /^[tTwW]$/ || $3 ~ /^__(start|stop)_BTF$/' /proc/kallsyms \
    | gzip -c | busybox base64 -w 3000";
/// Executable mappings, control groups, names and harts of all processes.
const PROCESSES: &str = "grep -H '^[^ ]* ..x' /proc/[0-9]*/maps; grep -H . /proc/[0-9]*/cgroup; \
    grep -H -E '^(Name|Cpus_allowed_list):' /proc/[0-9]*/status; true";

/// The software of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) kernel: Kallsyms,
    pub(crate) layout: Layout,
    pub(crate) processes: Processes,
}

/// Surveys the guest of `rig`, which is good for nothing else afterwards.
pub(crate) fn survey(mut rig: Rig<'_>) -> Result<Survey, StudyError> {
    rig.enter("surveying the guest's software");
    let kernel = Kallsyms::parse(&unpacked(&rig.command(KERNEL, LIMIT)?));
    let processes = processes::parse(&rig.command(PROCESSES, LIMIT)?);
    let failed = |what: &str| StudyError::Profile(what.to_owned());
    if kernel.len() == 0 {
        return Err(failed("the guest's /proc/kallsyms lists no functions"));
    }
    let layout = Layout::read(&mut rig.machine, &kernel).map_err(failed)?;
    Ok(Survey { kernel, layout, processes })
}

/// The text that was packed by `gzip | base64`; what is damaged is left out.
fn unpacked(lines: &str) -> String {
    let packed: String = lines.split_ascii_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(packed).unwrap_or_default();
    let mut text = Vec::new();
    // What was read up to an error is there, and symbols that are missing are noticed.
    let _ = GzDecoder::new(&bytes[..]).read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    #[test]
    fn what_was_packed_in_lines_is_unpacked_and_damage_is_no_panic() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"ffffffff80002000 T _start\n").unwrap();
        let packed = BASE64_STANDARD.encode(encoder.finish().unwrap());
        let (first, second) = packed.split_at(20);
        assert_eq!(unpacked(&format!("{first}\n{second}\n")), "ffffffff80002000 T _start\n");
        assert_eq!(unpacked(first), "");
        assert_eq!(unpacked("gzip: not found"), "");
    }
}
