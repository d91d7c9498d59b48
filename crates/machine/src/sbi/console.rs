//! Debug console extension (DBCN), chapter 12 of the specification.

use super::{SbiError, SbiHost};

/// Most bytes moved by one call; the specification lets a call move fewer than asked for.
const MAX_TRANSFER: u64 = 64 * 1024;

pub(super) fn call(
    host: &mut impl SbiHost,
    function: u64,
    args: [u64; 6],
) -> Result<u64, SbiError> {
    match function {
        0 => write(host, args),
        1 => read(host, args),
        2 => {
            host.console_write(&[args[0] as u8]);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}

fn write(host: &mut impl SbiHost, args: [u64; 6]) -> Result<u64, SbiError> {
    let (address, len) = range(host, args)?;
    let mut bytes = vec![0; len];
    host.ram().read(address, &mut bytes).map_err(|_| SbiError::InvalidParam)?;
    host.console_write(&bytes);
    Ok(len as u64)
}

fn read(host: &mut impl SbiHost, args: [u64; 6]) -> Result<u64, SbiError> {
    let (address, len) = range(host, args)?;
    let bytes: Vec<u8> = std::iter::from_fn(|| host.console_read()).take(len).collect();
    host.ram().write(address, &bytes).map_err(|_| SbiError::InvalidParam)?;
    Ok(bytes.len() as u64)
}

/// Checks the whole range that the caller named, then limits what is moved.
fn range(host: &mut impl SbiHost, args: [u64; 6]) -> Result<(u64, usize), SbiError> {
    let [len, address, address_high, ..] = args;
    let inside = address_high == 0 && host.ram().offset(address, len).is_some();
    if inside { Ok((address, len.min(MAX_TRANSFER) as usize)) } else { Err(SbiError::InvalidParam) }
}
