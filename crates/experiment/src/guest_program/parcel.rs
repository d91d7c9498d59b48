//! What is sent into the guest: one tar archive with the program, the files it needs, the launcher
//! and the script that starts it. The guest fetches it over the network, as it does images.

use super::{GuestProgram, elf, launcher};
use crate::StudyError;
use crate::measure::FUNCTION_HART;
use client::{Manifest, Registry};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Everything of ours in the guest, in memory.
const FOLDER: &str = "/tmp/vswarm-u";
/// The program's working folder, where its relative files are, too.
const WORK: &str = "/tmp/vswarm-u/program";
/// Name in the registry.
const REPOSITORY: &str = "vswarm-u/program";

/// The archive, ready to be sent.
#[derive(Debug)]
pub(super) struct Parcel {
    archive: Vec<u8>,
    /// The dynamic linker that the program asks for.
    pub interpreter: Option<String>,
}

impl Parcel {
    /// Reads and checks everything, and finds fault with all of it at once.
    pub fn pack(program: &GuestProgram) -> Result<Self, StudyError> {
        let mut problems = Vec::new();
        let mut note = |problem: String| problems.push(problem);
        let name = program.elf.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let image = read(&program.elf).and_then(|file| Ok((elf::inspect(&file)?, file.bytes)));
        let image = image.map_err(|problem| note(format!("{}: {problem}", program.elf.display())));
        let mut taken: BTreeSet<String> =
            name.iter().map(|name| format!("{WORK}/{name}")).collect();
        let mut files = Vec::new();
        for file in &program.files {
            let found = guest_path(file).and_then(|path| Ok((path, read(&file.host)?)));
            match found {
                Ok((path, _)) if !taken.insert(path.clone()) => {
                    note(format!("{}: another file goes to {path} as well", file.host.display()));
                }
                Ok(found) => files.push(found),
                Err(problem) => note(format!("{}: {problem}", file.host.display())),
            }
        }
        let (Ok((image, bytes)), Some(name), true) = (image, name, problems.is_empty()) else {
            return Err(StudyError::Input(format!("running a program: {}", problems.join("; "))));
        };
        let script = script(&name, &program.args);
        let mut parcel = Packer(tar::Builder::new(Vec::new()));
        parcel.add(&format!("{FOLDER}/launch"), 0o755, &launcher::elf())?;
        parcel.add(&format!("{FOLDER}/start"), 0o644, script.as_bytes())?;
        parcel.add(&format!("{WORK}/{name}"), 0o755, &bytes)?;
        for (path, file) in files {
            parcel.add(&path, if file.executable { 0o755 } else { 0o644 }, &file.bytes)?;
        }
        Ok(Self { archive: parcel.finish()?, interpreter: image.interpreter })
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        self.archive.len() as u64
    }

    /// A registry that serves the archive, and the command that fetches and unpacks it.
    pub fn serve(self) -> Result<(Registry, String), StudyError> {
        let mut registry = Registry::new();
        let digest = registry.add_blob(self.archive);
        // What is not under a name is not served.
        let manifest = serde_json::json!({"schemaVersion": 2, "layers": [{"digest": digest}]});
        let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let bytes = manifest.to_string().into_bytes().into();
        registry.add_image(REPOSITORY, "latest", Manifest { media_type, bytes })?;
        let url = format!("http://registry.vswarm:5000/v2/{REPOSITORY}/blobs/{digest}");
        Ok((registry, format!("set -o pipefail; wget -q -O - {url} | tar x -C / -f -")))
    }
}

/// The command that starts the program and returns at once.
pub(super) fn start_command() -> String {
    let [out, err] = [output_path("stdout"), output_path("stderr")];
    format!("sh {FOLDER}/start > {out} 2> {err} < /dev/null &")
}

/// Where the guest keeps what the program writes to `stream`.
pub(super) fn output_path(stream: &str) -> String {
    format!("{FOLDER}/{stream}")
}

/// The shell script that becomes the launcher on the program's hart.
fn script(name: &str, args: &[String]) -> String {
    let mut words = vec![quoted(&format!("./{name}"))];
    words.extend(args.iter().map(|arg| quoted(arg)));
    let mask = 1_u32 << FUNCTION_HART;
    format!("cd {WORK} && exec taskset {mask:x} ../launch {}\n", words.join(" "))
}

/// One word for the shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Where a file goes, as an absolute path.
fn guest_path(file: &super::SentFile) -> Result<String, String> {
    let own = file.host.file_name().and_then(|name| name.to_str());
    let path = file.guest.as_deref().or(own).ok_or("it has no name to be sent under")?;
    let path = if path.ends_with('/') {
        format!("{path}{}", own.ok_or("it has no name to be sent under")?)
    } else {
        path.to_owned()
    };
    let path = if path.starts_with('/') { path } else { format!("{WORK}/{path}") };
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") {
        return Err(format!("it cannot go to {path}; name a file, without `..`"));
    }
    Ok(format!("/{}", parts.join("/")))
}

/// A file of the host.
struct HostFile {
    bytes: Vec<u8>,
    executable: bool,
}

impl std::ops::Deref for HostFile {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

fn read(path: &Path) -> Result<HostFile, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no regular file; name each file of a folder".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Ok(HostFile { bytes, executable: about.permissions().mode() & 0o111 != 0 })
}

/// Writes an archive that depends on nothing but names, modes and contents.
struct Packer(tar::Builder<Vec<u8>>);

impl Packer {
    fn add(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<(), StudyError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        let path = path.trim_start_matches('/');
        self.0.append_data(&mut header, path, bytes).map_err(|error| cannot_pack(path, error))
    }

    fn finish(self) -> Result<Vec<u8>, StudyError> {
        self.0.into_inner().map_err(|error| cannot_pack(FOLDER, error))
    }
}

fn cannot_pack(path: &str, source: io::Error) -> StudyError {
    StudyError::Io { doing: "packing for the guest", path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::super::SentFile;
    use super::*;
    use std::io::Read as _;
    use std::path::PathBuf;

    fn program(folder: &Path, files: Vec<SentFile>) -> GuestProgram {
        let elf = folder.join("hello");
        fs::write(&elf, launcher::elf()).unwrap();
        let args = vec!["it's".to_owned(), "two\nlines".to_owned(), String::new()];
        GuestProgram { elf, args, files, max_instructions: 1, warmup_instructions: 0 }
    }

    fn sent(host: PathBuf, guest: &str) -> SentFile {
        SentFile { host, guest: Some(guest.to_owned()) }
    }

    #[test]
    fn the_archive_holds_program_files_launcher_and_script() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.bin");
        fs::write(&data, b"data").unwrap();
        let files = vec![
            SentFile { host: data.clone(), guest: None },
            sent(data.clone(), "/lib/"),
            sent(data, "sub/other"),
        ];
        let parcel = Parcel::pack(&program(folder.path(), files)).unwrap();
        let mut archive = tar::Archive::new(&parcel.archive[..]);
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mode = entry.header().mode().unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            if path.ends_with("start") {
                let text = String::from_utf8(bytes).unwrap();
                let wanted = "cd /tmp/vswarm-u/program && exec taskset 2 ../launch './hello' \
                              'it'\\''s' 'two\nlines' ''\n";
                assert_eq!(text, wanted);
            }
            found.push((path, mode));
        }
        let wanted = [
            ("tmp/vswarm-u/launch", 0o755),
            ("tmp/vswarm-u/start", 0o644),
            ("tmp/vswarm-u/program/hello", 0o755),
            ("tmp/vswarm-u/program/data.bin", 0o644),
            ("lib/data.bin", 0o644),
            ("tmp/vswarm-u/program/sub/other", 0o644),
        ];
        assert_eq!(found, wanted.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn the_same_files_give_the_same_archive() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), Vec::new());
        let first = Parcel::pack(&program).unwrap();
        fs::File::open(&program.elf).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(first.archive, Parcel::pack(&program).unwrap().archive);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        fs::write(&here, "").unwrap();
        let files = vec![
            sent(folder.path().join("missing"), "x"),
            sent(here.clone(), "../up"),
            sent(here, "./hello"),
            sent(folder.path().to_owned(), "dir"),
        ];
        let mut program = program(folder.path(), files);
        fs::write(&program.elf, "#!/bin/sh").unwrap();
        let error = Parcel::pack(&program).unwrap_err();
        assert!(error.is_input());
        let text = error.to_string();
        for part in ["no ELF", "No such file", "`..`", "another file goes to", "no regular file"] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        program.elf = folder.path().join("gone");
        let text = Parcel::pack(&program).unwrap_err().to_string();
        assert!(text.contains("gone: No such file"), "{text}");
    }
}
