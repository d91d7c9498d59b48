//! The signature of `InRelease`: OpenPGP clear-signed text (RFC 9580 section 7) made with Debian's archive keys.
//!
//! Debian signs with several keys at once (the current release's and the previous one's), so that hosts of both
//! releases can check it. One valid signature by a trusted key is enough, as it is for apt.
//!
//! A key counts when it is bound to its primary key and not revoked, and was not expired when the signature was made.
//! Expiry is judged at signing time, not by the host's clock: old releases stay verifiable and results do not depend
//! on the date.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::KeyDetails;

use super::error::PackageError;

/// Where Debian-like systems keep the archive keys; newer releases use the `.pgp` name.
const KEYRING_FOLDERS: [&str; 2] = ["/usr/share/keyrings", "/etc/apt/trusted.gpg.d"];

/// Trusted keys.
#[derive(Debug, Clone)]
pub(super) struct Keyring {
    keys: Vec<SignedPublicKey>,
}

impl Keyring {
    /// Debian's archive keys as installed on this host by `debian-archive-keyring`.
    pub fn from_host() -> Result<Self, PackageError> {
        let mut files = Vec::new();
        for folder in KEYRING_FOLDERS {
            files.extend(debian_keyrings(Path::new(folder)));
        }
        let keyring = Self::from_files(&files)?;
        if keyring.keys.is_empty() {
            return Err(PackageError::NoKeyring(KEYRING_FOLDERS.join(" or ")));
        }
        Ok(keyring)
    }

    /// The keys in `files`, armoured or binary. Key formats this program does not know are skipped.
    pub fn from_files(files: &[PathBuf]) -> Result<Self, PackageError> {
        let mut keys = Vec::new();
        for file in files {
            let bytes = std::fs::read(file).map_err(PackageError::io("read", file))?;
            keys.extend(parse_keys(&bytes));
        }
        Ok(Self { keys })
    }

    /// The text of a clear-signed document if a trusted key signed it. `what` names the document in errors.
    pub fn verify(&self, document: &[u8], what: &str) -> Result<String, PackageError> {
        let untrusted = |reason: String| PackageError::Untrusted { what: what.to_owned(), reason };
        let text =
            std::str::from_utf8(document).map_err(|_| untrusted("it is not text".to_owned()))?;
        let (message, _) = CleartextSignedMessage::from_string(text)
            .map_err(|error| untrusted(format!("it is not a signed document ({error})")))?;
        let signed = message.signed_text();
        for signature in message.signatures() {
            if self.keys.iter().any(|key| signed_by(signature, &signed, key)) {
                return Ok(signed.replace("\r\n", "\n"));
            }
        }
        Err(untrusted(format!(
            "none of its {} signatures is valid and by one of the {} trusted Debian keys",
            message.signatures().len(),
            self.keys.len()
        )))
    }
}

fn debian_keyrings(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_trusted(path)).collect();
    files.sort();
    files
}

/// The main keyring and the per-release keys, not the ones Debian has retired.
fn is_trusted(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let known_format = [".gpg", ".pgp", ".asc"].iter().any(|ending| name.ends_with(ending));
    name.starts_with("debian-archive-")
        && known_format
        && !name.contains("removed")
        && path.is_file()
}

fn parse_keys(bytes: &[u8]) -> Vec<SignedPublicKey> {
    let parsed = if bytes.starts_with(b"-----BEGIN") {
        SignedPublicKey::from_armor_many(bytes).map(|(keys, _)| keys.flatten().collect())
    } else {
        SignedPublicKey::from_bytes_many(bytes).map(|keys| keys.flatten().collect())
    };
    parsed.unwrap_or_default()
}

/// Whether `key` or one of its signing subkeys made `signature` over `text` while it was good.
fn signed_by(signature: &Signature, text: &str, key: &SignedPublicKey) -> bool {
    if !is_acceptable(signature) || !key.details.revocation_signatures.is_empty() {
        return false;
    }
    if signature.verify(key, text.as_bytes()).is_ok() {
        let certifications = key.details.users.iter().flat_map(|user| &user.signatures);
        return was_current(
            signature,
            key.primary_key.created_at().into(),
            longest_life(certifications),
        );
    }
    key.public_subkeys.iter().any(|subkey| signed_by_subkey(signature, text, key, subkey))
}

fn signed_by_subkey(
    signature: &Signature,
    text: &str,
    key: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
) -> bool {
    let revoked =
        subkey.signatures.iter().any(|s| s.typ() == Some(SignatureType::SubkeyRevocation));
    if revoked
        || signature.verify(subkey, text.as_bytes()).is_err()
        || subkey.verify_bindings(&key.primary_key).is_err()
    {
        return false;
    }
    let may_sign = subkey.signatures.iter().any(|s| s.key_flags().sign());
    may_sign
        && was_current(signature, subkey.key.created_at().into(), longest_life(&subkey.signatures))
}

/// A signature over text or bytes with a hash that still resists collisions.
fn is_acceptable(signature: &Signature) -> bool {
    let strong = matches!(
        signature.hash_alg(),
        Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512)
    );
    strong && matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary))
}

/// The longest lifetime the bindings grant: owners extend keys by signing them again. Zero stands for no end.
fn longest_life<'a>(bindings: impl IntoIterator<Item = &'a Signature>) -> Duration {
    let lives = bindings.into_iter().filter_map(Signature::key_expiration_time).map(Duration::from);
    lives.max().unwrap_or_default()
}

/// Whether a key made at `born` with this lifetime was valid when it signed.
fn was_current(signature: &Signature, born: SystemTime, lifetime: Duration) -> bool {
    let Some(signed) = signature.created() else { return false };
    let signed: SystemTime = signed.into();
    signed >= born && (lifetime.is_zero() || signed < born + lifetime)
}
