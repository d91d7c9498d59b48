//! Hart state management extension (HSM), chapter 9 of the specification.
//!
//! Start and stop take effect at once, so the pending states never show.

use super::{Entry, HartState, Reply, SbiError, SbiHost};

const DEFAULT_RETENTIVE: u64 = 0;
const DEFAULT_NON_RETENTIVE: u64 = 0x8000_0000;

pub(super) fn call(host: &mut impl SbiHost, hart: usize, function: u64, args: [u64; 6]) -> Reply {
    match function {
        0 => start(host, args).into(),
        1 => {
            host.stop_hart(hart);
            Reply::NoReturn
        }
        2 => valid_hart(host, args[0]).map(|hart| host.hart_state(hart) as u64).into(),
        3 => suspend(host, hart, args),
        _ => Err(SbiError::NotSupported).into(),
    }
}

fn start(host: &mut impl SbiHost, args: [u64; 6]) -> Result<u64, SbiError> {
    let [hart, pc, opaque, ..] = args;
    let hart = valid_hart(host, hart)?;
    if host.hart_state(hart) != HartState::Stopped {
        return Err(SbiError::AlreadyAvailable);
    }
    let entry = valid_entry(host, pc, opaque)?;
    host.start_hart(hart, entry);
    Ok(0)
}

fn suspend(host: &mut impl SbiHost, hart: usize, args: [u64; 6]) -> Reply {
    let [kind, pc, opaque, ..] = args;
    match kind {
        DEFAULT_RETENTIVE => {
            host.suspend_hart(hart, None);
            Ok(0).into()
        }
        DEFAULT_NON_RETENTIVE => match valid_entry(host, pc, opaque) {
            Ok(entry) => {
                host.suspend_hart(hart, Some(entry));
                Reply::NoReturn
            }
            Err(error) => Err(error).into(),
        },
        _ => Err(SbiError::InvalidParam).into(),
    }
}

fn valid_hart(host: &impl SbiHost, hart: u64) -> Result<usize, SbiError> {
    if hart < host.hart_count() as u64 { Ok(hart as usize) } else { Err(SbiError::InvalidParam) }
}

/// Code can only start in RAM, at an instruction boundary.
fn valid_entry(host: &mut impl SbiHost, pc: u64, opaque: u64) -> Result<Entry, SbiError> {
    let valid = pc.is_multiple_of(2) && host.ram().offset(pc, 2).is_some();
    if valid { Ok(Entry { pc, opaque }) } else { Err(SbiError::InvalidAddress) }
}
