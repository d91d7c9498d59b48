//! Standard output, for results only.

use crate::failure::Failure;
use std::io::{self, ErrorKind, Write as _};

/// Writes `text`. A reader that has gone away (`| head`) is no error.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(anyhow::anyhow!("writing to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a JSON document and a line end.
pub fn print_json(document: &serde_json::Value) -> Result<(), Failure> {
    print(format!("{document:#}\n"))
}
