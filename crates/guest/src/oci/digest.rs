//! Content digests: `sha256:` and 64 hex digits (OCI image spec, "Digests").

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some content, written `sha256:<hex>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest; one is written `sha256:` and 64 lower-case hex digits")]
pub struct DigestError(String);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(&Sha256::digest(bytes))
    }

    /// The digest of everything `reader` yields, and its length.
    ///
    /// # Errors
    /// The reader's.
    pub fn of_reader(mut reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut size = 0;
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok((Self::from_hash(&hash.finalize()), size)),
                count => {
                    hash.update(&buffer[..count]);
                    size += count as u64;
                }
            }
        }
    }

    /// Reads `sha256:<hex>`.
    ///
    /// # Errors
    /// Any other form.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let good = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if hex.len() == 64 && hex.chars().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(DigestError(text.to_owned()))
        }
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn from_hash(hash: &[u8]) -> Self {
        use fmt::Write as _;
        let mut text = String::from("sha256:");
        for byte in hash {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(text)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_sha256_of_the_bytes() {
        // FIPS 180-4's example: the message "abc".
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").as_str(), abc);
        assert_eq!(Digest::of_reader(&b"abc"[..]).unwrap(), (Digest::parse(abc).unwrap(), 3));
        assert_eq!(Digest::of(b"abc").hex(), &abc[7..]);
    }

    #[test]
    fn anything_but_sha256_in_lower_case_hex_is_refused() {
        let good = Digest::of(b"").as_str().to_owned();
        for bad in
            ["", "sha256:", "sha512:00", &good.to_uppercase(), &good[..70], &format!("{good}0")]
        {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Digest>("\"sha256:../../etc/passwd\"").is_err());
    }
}
