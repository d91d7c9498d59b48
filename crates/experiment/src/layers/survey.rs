//! What is known of the guest's software before measuring.
//!
//! The survey runs commands in a machine that was restored from the snapshot that measuring begins with, and
//! that is dropped afterwards: the measured machine never executes them, so that profiling changes no
//! number. Both are the same to the byte when they start, so that processes, their numbers and their
//! mappings are, too. No file tells the kernel's addresses: Debian's image comes without symbols, and modules
//! lie where they are loaded.
//!
//! The kernel lists hundreds of thousands of symbols, which takes the guest a few thousand million
//! instructions. What it said is therefore kept in the state folder, under the key of the snapshot.

use super::kallsyms::Kallsyms;
use super::processes::{self, Processes};
use crate::StudyError;
use crate::rig::Rig;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use machine::snapshot::Key;
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const LIMIT: Picos = Picos::from_secs(60);

/// The kernel's functions without the labels in them, and what lies around its type information; packed, since
/// the kernel hands out what is printed sixteen bytes at a time (drivers/tty/hvc).
const KERNEL: &str = "mawk '/ [tTwW] ([^$.L]|L[^0])| __(start|stop)_BTF$/' /proc/kallsyms | gzip -c | busybox base64 -w 3000";
/// Executable mappings, control groups, names and harts of all processes.
const PROCESSES: &str = "grep -H '^[^ ]* ..x' /proc/[0-9]*/maps; grep -H . /proc/[0-9]*/cgroup; \
    grep -H -E '^(Name|Cpus_allowed_list):' /proc/[0-9]*/status; true";
/// Changes with the commands.
const FORMAT: u32 = 1;

/// The software of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) kernel: Kallsyms,
    pub(crate) processes: Processes,
}

/// What the guest said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    format: u32,
    /// What [`KERNEL`] printed.
    kernel: String,
    /// What [`PROCESSES`] printed.
    processes: String,
}

/// Where surveys are kept.
#[derive(Clone, Debug)]
pub(crate) struct Surveys {
    folder: PathBuf,
}

impl Surveys {
    /// Those of the state folder `home`.
    pub(crate) fn of(home: &Path) -> Self {
        Self { folder: home.join("surveys") }
    }

    /// The software of the guest as the snapshot with this key has it, which `restored` gives a machine of.
    pub(crate) fn get<'a>(
        &self,
        key: Key,
        restored: impl FnOnce() -> Result<Rig<'a>, StudyError>,
    ) -> Result<Survey, StudyError> {
        let path = self.folder.join(format!("{key}.json"));
        if let Some(survey) = kept(&path).and_then(|answers| answers.survey().ok()) {
            return Ok(survey);
        }
        let answers = ask(restored()?)?;
        let survey = answers.survey()?;
        self.keep(&path, &answers).map_err(|source| StudyError::Io {
            doing: "keeping the survey of the guest's software in",
            path,
            source,
        })?;
        Ok(survey)
    }

    /// Written beside its place and renamed, so that it is whole or not there.
    fn keep(&self, path: &Path, answers: &Answers) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(answers)?)?;
        file.persist(path)?;
        Ok(())
    }
}

/// What was kept in a file; one that is missing, damaged or of another format is made anew.
fn kept(path: &Path) -> Option<Answers> {
    let answers: Answers = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (answers.format == FORMAT).then_some(answers)
}

/// Asks the guest of `rig`, which is good for nothing else afterwards.
fn ask(mut rig: Rig<'_>) -> Result<Answers, StudyError> {
    rig.enter("surveying the guest's software");
    let kernel = rig.command(KERNEL, LIMIT)?;
    let processes = rig.command(PROCESSES, LIMIT)?;
    Ok(Answers { format: FORMAT, kernel, processes })
}

impl Answers {
    fn survey(&self) -> Result<Survey, StudyError> {
        let failed = |what: &str| StudyError::Profile(what.to_owned());
        let symbols = unpacked(&self.kernel)
            .ok_or_else(|| failed("the guest's list of the kernel's symbols cannot be unpacked"))?;
        let kernel = Kallsyms::parse(&symbols);
        if kernel.len() == 0 {
            return Err(failed("the guest's /proc/kallsyms lists no functions"));
        }
        Ok(Survey { kernel, processes: processes::parse(&self.processes) })
    }
}

/// The text that was packed by `gzip | base64`; none of one that is damaged, since a name that is missing would
/// give what lies there to the function before.
fn unpacked(lines: &str) -> Option<String> {
    let packed: String = lines.split_ascii_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(packed).ok()?;
    let mut text = Vec::new();
    GzDecoder::new(&bytes[..]).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn packed(text: &str) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        BASE64_STANDARD.encode(encoder.finish().unwrap())
    }

    #[test]
    fn what_was_packed_in_lines_is_unpacked_and_damage_is_no_panic() {
        let packed = packed("ffffffff80002000 T _start\n");
        let (first, second) = packed.split_at(20);
        let text = unpacked(&format!("{first}\n{second}\n"));
        assert_eq!(text.as_deref(), Some("ffffffff80002000 T _start\n"));
        assert_eq!(unpacked(first), None);
        assert_eq!(unpacked("gzip: not found"), None);
    }

    #[test]
    fn a_survey_is_kept_and_a_damaged_one_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let surveys = Surveys::of(home.path());
        let key = Key::of(&[b"warm"]);
        let nobody = || Err(StudyError::Cancelled);
        assert!(matches!(surveys.get(key, nobody), Err(StudyError::Cancelled)), "it asks");
        let kernel = packed("ffffffff80002000 T _start\n");
        let processes = "/proc/7/status:Name:\tserver\n".to_owned();
        let answers = Answers { format: FORMAT, kernel, processes };
        let path = surveys.folder.join(format!("{key}.json"));
        surveys.keep(&path, &answers).unwrap();
        let survey = surveys.get(key, nobody).unwrap();
        assert_eq!((survey.kernel.len(), &*survey.processes[&7].name), (1, "server"));
        for damage in [
            Answers { format: FORMAT + 1, ..answers.clone() },
            Answers { kernel: String::new(), ..answers },
        ] {
            surveys.keep(&path, &damage).unwrap();
            assert!(surveys.get(key, nobody).is_err(), "{damage:?}");
        }
        fs::write(&path, "{").unwrap();
        assert!(surveys.get(key, nobody).is_err());
    }
}
