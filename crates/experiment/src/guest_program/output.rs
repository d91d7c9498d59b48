//! What a program wrote, fetched from the guest.

use super::parcel::output_path;
use crate::StudyError;
use crate::rig::Rig;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sim::Picos;

/// Bytes of each stream that are fetched.
const MOST: u64 = 1 << 20;
/// Virtual time that fetching may take.
const LIMIT: Picos = Picos::from_secs(60);

/// One output stream of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its first bytes, at most a mebibyte.
    pub bytes: Vec<u8>,
    /// How many bytes there are.
    pub total: u64,
}

/// Standard output and standard error, in fast mode.
pub(super) fn fetch(rig: &mut Rig<'_>) -> Result<[Output; 2], StudyError> {
    rig.enter("fetching the output");
    Ok([fetch_stream(rig, "stdout")?, fetch_stream(rig, "stderr")?])
}

fn fetch_stream(rig: &mut Rig<'_>, stream: &str) -> Result<Output, StudyError> {
    let path = output_path(stream);
    let command = format!("wc -c < {path} && head -c {MOST} {path} | base64");
    let text = rig.command(&command, LIMIT)?;
    read(&text).ok_or(StudyError::Command { during: rig.phase, command, status: 0, output: text })
}

/// The size on the first line, base 64 on the others.
fn read(text: &str) -> Option<Output> {
    let (total, coded) = text.split_once('\n')?;
    let coded: String = coded.lines().collect();
    Some(Output { bytes: BASE64_STANDARD.decode(&coded).ok()?, total: total.trim().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_bytes_are_read() {
        let output = Output { bytes: b"foob".to_vec(), total: 4 };
        assert_eq!(read("4\nZm9v\nYg==\n"), Some(output));
        assert_eq!(read("0\n"), Some(Output::default()));
        assert_eq!(read("wc: no such file\n"), None);
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["Z", "Zg=", "Zg==Zg==", "Z===", "Zm9*", "Z=9v"] {
            assert_eq!(read(&format!("1\n{text}\n")), None, "{text}");
        }
    }
}
