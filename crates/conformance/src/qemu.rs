//! Running an image on QEMU (qemu-system-riscv64, machine `virt`), with its RAM in a file that is read
//! afterwards.

use crate::body::Features;
use crate::layout::RAM_SIZE;
use isa::{Extension, Op};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use thiserror::Error;

const PROGRAM: &str = "qemu-system-riscv64";
/// Longest an image may run.
const LIMIT: Duration = Duration::from_secs(120);

/// QEMU could not run an image.
#[derive(Debug, Error)]
pub enum QemuError {
    /// A file or process operation failed.
    #[error("running {PROGRAM}: {0}; is there room in the temporary folder?")]
    Io(#[from] std::io::Error),
    /// It ended with an error.
    #[error("{PROGRAM} ended with {status}: {stderr}")]
    Failed {
        /// Exit status.
        status: std::process::ExitStatus,
        /// What it printed.
        stderr: String,
    },
    /// The image did not end.
    #[error("the image was still running on {PROGRAM} after {} s", LIMIT.as_secs())]
    Timeout,
}

/// An installed QEMU.
#[derive(Clone, Debug)]
pub struct Qemu {
    version: String,
    cpu: String,
    features: Features,
}

/// CPU properties that must be on, with the extension each brings.
const WANTED: [(&str, Extension); 9] = [
    ("zba", Extension::Zba),
    ("zbb", Extension::Zbb),
    ("zbs", Extension::Zbs),
    ("zicbom", Extension::Zicbom),
    ("zicboz", Extension::Zicboz),
    ("zawrs", Extension::Zawrs),
    ("svinval", Extension::Svinval),
    ("Zihintpause", Extension::Zihintpause),
    ("zihintpause", Extension::Zihintpause),
];
/// CPU properties without instructions of their own that must be on.
const WANTED_SILENTLY: [&str; 5] = ["svnapot", "svpbmt", "svadu", "sstc", "zicbop"];
/// CPU properties that would make illegal instructions legal.
const UNWANTED: [&str; 10] =
    ["h", "v", "zbc", "zfa", "zfh", "zfhmin", "zcb", "zacas", "zicond", "sscofpmf"];
/// Extensions every RV64GC machine has; prefetches are hints everywhere.
const ALWAYS: [Extension; 9] = [
    Extension::Rv64I,
    Extension::Zifencei,
    Extension::Zicsr,
    Extension::Rv64M,
    Extension::Rv64A,
    Extension::Rv64F,
    Extension::Rv64D,
    Extension::Privileged,
    Extension::Zicbop,
];

impl Qemu {
    /// The installed QEMU, or `None` after printing a notice that says what is skipped.
    #[must_use]
    pub fn find() -> Option<Self> {
        let output =
            Command::new(PROGRAM).arg("--version").output().ok().filter(|o| o.status.success());
        let Some(output) = output else {
            println!(
                "SKIPPED: {PROGRAM} is not installed (Debian package qemu-system-misc); nothing is compared"
            );
            return None;
        };
        let version =
            String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("").to_owned();
        let properties = match properties() {
            Ok(properties) => properties,
            Err(error) => {
                println!("SKIPPED: {PROGRAM} does not answer ({error}); nothing is compared");
                return None;
            }
        };
        let has = |name: &str| properties.iter().any(|p| p == name);
        let wanted: Vec<_> = WANTED.into_iter().filter(|(name, _)| has(name)).collect();
        let on = wanted
            .iter()
            .map(|(name, _)| *name)
            .chain(WANTED_SILENTLY.into_iter().filter(|n| has(n)));
        let on: String = on.map(|name| format!(",{name}=on")).collect();
        let off: String =
            UNWANTED.into_iter().filter(|n| has(n)).map(|n| format!(",{n}=off")).collect();
        let mut extensions = ALWAYS.to_vec();
        extensions.extend(wanted.iter().map(|(_, extension)| *extension));
        let features = Features::new(extensions, broken(&version));
        Some(Self { version, cpu: format!("rv64{on}{off}"), features })
    }

    /// What it calls itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The extensions it has.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Runs an executable until it powers off and returns the content of RAM.
    ///
    /// # Errors
    /// When QEMU fails or the program does not end.
    pub fn run(&self, elf: &[u8]) -> Result<Vec<u8>, QemuError> {
        let folder = tempfile::tempdir()?;
        let (kernel, ram) = (folder.path().join("image.elf"), folder.path().join("ram"));
        std::fs::write(&kernel, elf)?;
        self.run_file(&kernel, &ram)?;
        Ok(std::fs::read(&ram)?)
    }

    fn run_file(&self, kernel: &Path, ram: &Path) -> Result<(), QemuError> {
        let backend = format!(
            "memory-backend-file,id=ram,size={RAM_SIZE},mem-path={},share=on",
            ram.display()
        );
        let mut child = Command::new(PROGRAM)
            .args(["-M", "virt,memory-backend=ram", "-object", &backend, "-m"])
            .arg(format!("{}M", RAM_SIZE >> 20))
            // Room for a second hart makes QEMU use real atomics, which fault as stores.
            .args(["-cpu", &self.cpu, "-smp", "1,maxcpus=2", "-bios", "none", "-no-reboot"])
            .args(["-display", "none", "-serial", "none", "-monitor", "none", "-kernel"])
            .arg(kernel)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let start = Instant::now();
        while child.try_wait()?.is_none() {
            if start.elapsed() > LIMIT {
                child.kill()?;
                child.wait()?;
                return Err(QemuError::Timeout);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(QemuError::Failed { status: output.status, stderr })
    }
}

/// Instructions that this version gets wrong.
fn broken(version: &str) -> Vec<Op> {
    let major =
        version.split(' ').filter_map(|word| word.split('.').next()?.parse::<u32>().ok()).next();
    match major {
        // Before version 8, `ctzw` of a word of zeros looked at the upper half.
        Some(major) if major < 8 => vec![Op::Ctzw],
        _ => Vec::new(),
    }
}

/// The names of the `rv64` CPU's properties, asked for over QMP.
fn properties() -> std::io::Result<Vec<String>> {
    let mut child = Command::new(PROGRAM)
        .args(["-M", "virt", "-S", "-display", "none", "-qmp", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let commands = concat!(
        r#"{"execute":"qmp_capabilities"}"#,
        r#"{"execute":"qom-list-properties","arguments":{"typename":"rv64-riscv-cpu"}}"#,
        r#"{"execute":"quit"}"#
    );
    let mut stdin = child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    stdin.write_all(commands.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.split(r#""name": ""#).skip(1);
    Ok(names.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect())
}
