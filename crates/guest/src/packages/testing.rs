//! A Debian archive in miniature for tests: packages made on the spot, signed with a throw-away key, served over
//! loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedSecretKey,
};
use pgp::types::Password;
use sha2::{Digest, Sha256};

use super::Mirror;

/// The archive: change `files` to make it misbehave.
pub(crate) struct FakeArchive {
    pub mirror: Mirror,
    pub keyring: PathBuf,
    pub files: Files,
    /// Requests seen, as `path` or `path@offset`.
    pub requests: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
    key: SignedSecretKey,
}

pub(crate) type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// One package: name, control fields beyond the usual, files (path, content, mode).
pub(crate) struct FakePackage<'a> {
    pub name: &'a str,
    pub fields: &'a str,
    pub files: &'a [(&'a str, &'a [u8], u32)],
}

impl FakeArchive {
    /// Serves `packages` as suite `trixie`, architecture `riscv64`.
    pub fn new(packages: &[FakePackage<'_>]) -> Self {
        let key = new_key();
        let folder = tempfile::tempdir().unwrap();
        let keyring = folder.path().join("keyring.asc");
        let public = key.to_public_key().to_armored_string(ArmorOptions::default()).unwrap();
        std::fs::write(&keyring, public).unwrap();
        let (files, requests) = (Files::default(), Arc::default());
        let address = serve(Arc::clone(&files), Arc::clone(&requests));
        let mirror = Mirror::new(&format!("http://{address}/debian")).unwrap();
        let archive = Self { mirror, keyring, files, requests, folder, key };
        archive.publish(packages);
        archive
    }

    /// An empty state folder.
    pub fn home(&self, name: &str) -> PathBuf {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        home
    }

    /// Replaces the archive's contents, newly signed.
    pub fn publish(&self, packages: &[FakePackage<'_>]) {
        let mut index = String::new();
        let mut files = BTreeMap::new();
        for package in packages {
            let deb = deb(package.files);
            let path = format!("pool/{}_1.deb", package.name);
            index.push_str(&format!(
                "Package: {}\nVersion: 1\nArchitecture: riscv64\nFilename: {path}\nSize: {}\nSHA256: {}\n{}\n\n",
                package.name,
                deb.len(),
                sha256(&deb),
                package.fields
            ));
            files.insert(path, deb);
        }
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(index.as_bytes(), 1).read_to_end(&mut packed).unwrap();
        let release = format!(
            "Suite: stable\nCodename: trixie\nVersion: 13.0\nDate: today\nSHA256:\n {} {} main/binary-riscv64/Packages.xz\n",
            sha256(&packed),
            packed.len()
        );
        files.insert("dists/trixie/InRelease".to_owned(), sign(&self.key, &release));
        files.insert("dists/trixie/main/binary-riscv64/Packages.xz".to_owned(), packed);
        *self.files.lock().unwrap() = files;
    }

    /// Announces index files by checksum and carries the present one there too.
    pub fn offer_by_hash(&self) {
        let mut files = self.files.lock().unwrap();
        let index = files["dists/trixie/main/binary-riscv64/Packages.xz"].clone();
        let sum = sha256(&index);
        let release = format!(
            "Suite: stable\nCodename: trixie\nAcquire-By-Hash: yes\nSHA256:\n {sum} {} main/binary-riscv64/Packages.xz\n",
            index.len()
        );
        files.insert("dists/trixie/InRelease".to_owned(), sign(&self.key, &release));
        files.insert(format!("dists/trixie/main/binary-riscv64/by-hash/SHA256/{sum}"), index);
    }

    /// Changes the bytes at `path`.
    pub fn tamper(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.files.lock().unwrap().get_mut(path).expect("a served path"));
    }
}

pub(crate) fn new_key() -> SignedSecretKey {
    let mut params = SecretKeyParamsBuilder::default();
    params.key_type(KeyType::Ed25519Legacy).can_sign(true).primary_user_id("test".to_owned());
    params.build().unwrap().generate(rand08::rngs::OsRng).unwrap()
}

pub(crate) fn sign(key: &SignedSecretKey, text: &str) -> Vec<u8> {
    let message = CleartextSignedMessage::sign(
        rand08::rngs::OsRng,
        text,
        &key.primary_key,
        &Password::empty(),
    );
    message.unwrap().to_armored_bytes(ArmorOptions::default()).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A `.deb` whose payload is an uncompressed tar.
pub(crate) fn deb(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(42);
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", vec![0; 3]),
        ("data.tar", tar.into_inner().unwrap()),
    ] {
        writeln!(out, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, bytes.len())
            .unwrap();
        out.extend(&bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

fn serve(files: Files, requests: Arc<Mutex<Vec<String>>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (files, requests) = (Arc::clone(&files), Arc::clone(&requests));
            std::thread::spawn(move || answer(stream, &files, &requests));
        }
    });
    address
}

/// One request a connection: the file, from the offset asked for.
fn answer(mut stream: TcpStream, files: &Files, requests: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.strip_prefix("/debian/")?.to_owned();
    let headers: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned)
    });
    let offset: usize =
        range.and_then(|range| range.trim_end_matches('-').parse().ok()).unwrap_or(0);
    requests.lock().unwrap().push(if offset > 0 {
        format!("{path}@{offset}")
    } else {
        path.clone()
    });
    let body = files.lock().unwrap().get(&path).cloned();
    let status = match (&body, offset) {
        (None, _) => "404 Not Found",
        (_, 0) => "200 OK",
        _ => "206 Partial Content",
    };
    let body = body.unwrap_or_default();
    let body = &body[offset.min(body.len())..];
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .ok()?;
    stream.write_all(body).ok()
}
