//! The supervisor execution environment: what an `ecall` from S-mode does.
//!
//! Follows the RISC-V Supervisor Binary Interface specification, version 2.0. Extensions: Base, TIME,
//! IPI, RFENCE (without the hypervisor fences), HSM, SRST, DBCN, and of the legacy set timer, console
//! and shutdown. Everything else, PMU included, is absent and probes as such.
//!
//! [`call`] is a function of the register values and of an [`SbiHost`], the machine as this interface
//! sees it; it keeps no state.

mod console;
mod hart_state;

use ram::Ram;

/// What the machine offers to the supervisor interface.
pub trait SbiHost {
    /// Number of harts; their ids are 0 to this, exclusive.
    fn hart_count(&self) -> usize;
    /// State of hart `hart`.
    fn hart_state(&self, hart: usize) -> HartState;
    /// Starts a stopped hart in S-mode at `entry` with the MMU and interrupts off.
    fn start_hart(&mut self, hart: usize, entry: Entry);
    /// Stops the calling hart, which does not return from the call.
    fn stop_hart(&mut self, hart: usize);
    /// Lets the calling hart wait until an interrupt is pending. With `resume` it then continues
    /// there as if started; without, it returns from the call.
    fn suspend_hart(&mut self, hart: usize, resume: Option<Entry>);
    /// Makes the supervisor timer interrupt of `hart` pending from `time` (in ticks) on, and not
    /// pending before.
    fn set_timer(&mut self, hart: usize, time: u64);
    /// Makes the supervisor software interrupt of `hart` pending.
    fn send_ipi(&mut self, hart: usize);
    /// Executes a fence on `hart`.
    fn remote_fence(&mut self, hart: usize, fence: Fence);
    /// Ends or restarts the run.
    fn system_reset(&mut self, reset: Reset);
    /// Guest RAM.
    fn ram(&mut self) -> &mut Ram;
    /// Writes to the console.
    fn console_write(&mut self, bytes: &[u8]);
    /// Takes one byte of console input, if there is one.
    fn console_read(&mut self) -> Option<u8>;
}

/// Where a hart begins: a0 is its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Physical address of the first instruction.
    pub pc: u64,
    /// Value of a1.
    pub opaque: u64,
}

/// State of a hart as HSM reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HartState {
    /// Executing.
    Started = 0,
    /// Not executing; can be started.
    Stopped = 1,
    /// Waiting in a suspend call.
    Suspended = 4,
}

/// A fence to execute on another hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// `fence.i`.
    Instruction,
    /// `sfence.vma` over a range of virtual addresses, `None` for all of them, and over one address
    /// space, `None` for all of them.
    Translation {
        /// First address and length in bytes.
        range: Option<(u64, u64)>,
        /// Address-space identifier.
        asid: Option<u64>,
    },
}

/// A system reset request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// What to do.
    pub kind: ResetKind,
    /// Whether the reason given is a system failure.
    pub failure: bool,
}

/// Kinds of system reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetKind {
    /// Power off.
    Shutdown,
    /// Power cycle.
    ColdReboot,
    /// Processor reset.
    WarmReboot,
}

/// Standard error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbiError {
    /// Failed for an unnamed reason.
    Failed = -1,
    /// No such extension or function.
    NotSupported = -2,
    /// A parameter is not valid.
    InvalidParam = -3,
    /// An address is not valid.
    InvalidAddress = -5,
    /// The hart is already started.
    AlreadyAvailable = -6,
}

/// What an `ecall` leaves in the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// a0 and a1 are written.
    Pair {
        /// Error code, 0 for success.
        error: i64,
        /// Result.
        value: u64,
    },
    /// Only a0 is written (legacy calls).
    Legacy(i64),
    /// The call does not return: the hart stopped, will resume elsewhere, or the run ends.
    NoReturn,
}

impl From<Result<u64, SbiError>> for Reply {
    fn from(result: Result<u64, SbiError>) -> Self {
        match result {
            Ok(value) => Self::Pair { error: 0, value },
            Err(error) => Self::Pair { error: error as i64, value: 0 },
        }
    }
}

const SPEC_VERSION: u64 = 2 << 24;
/// Not in the specification's list of implementations.
const IMPL_ID: u64 = 0x7673_7761;
const IMPL_VERSION: u64 = 1;

const BASE: u64 = 0x10;
const TIME: u64 = 0x5449_4d45;
const IPI: u64 = 0x73_5049;
const RFENCE: u64 = 0x5246_4e43;
const HSM: u64 = 0x48_534d;
const SRST: u64 = 0x5352_5354;
const DBCN: u64 = 0x4442_434e;
const LEGACY_SET_TIMER: u64 = 0;
const LEGACY_PUTCHAR: u64 = 1;
const LEGACY_GETCHAR: u64 = 2;
const LEGACY_SHUTDOWN: u64 = 8;

/// The arguments of an `ecall`: a0 to a5, the function id in a6, the extension id in a7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// a0 to a5.
    pub args: [u64; 6],
    /// a6.
    pub function: u64,
    /// a7.
    pub extension: u64,
}

impl Call {
    /// From a0 to a7 in order.
    #[must_use]
    pub const fn from_registers(a: [u64; 8]) -> Self {
        Self { args: [a[0], a[1], a[2], a[3], a[4], a[5]], function: a[6], extension: a[7] }
    }
}

/// Serves `call`, made by hart `hart`.
pub fn call(host: &mut impl SbiHost, hart: usize, call: Call) -> Reply {
    let args = call.args;
    // Extension and function ids are 32 bits wide; the upper half of the register is not looked at.
    let function = call.function & 0xffff_ffff;
    match call.extension & 0xffff_ffff {
        BASE => base(function, args[0]).into(),
        TIME => set_timer(host, hart, function, args[0]).into(),
        IPI => send_ipi(host, function, args).into(),
        RFENCE => remote_fence(host, function, args).into(),
        HSM => hart_state::call(host, hart, function, args),
        SRST => system_reset(host, function, args),
        DBCN => console::call(host, function, args).into(),
        LEGACY_SET_TIMER => {
            host.set_timer(hart, args[0]);
            Reply::Legacy(0)
        }
        LEGACY_PUTCHAR => {
            host.console_write(&[args[0] as u8]);
            Reply::Legacy(0)
        }
        LEGACY_GETCHAR => Reply::Legacy(host.console_read().map_or(-1, i64::from)),
        LEGACY_SHUTDOWN => {
            host.system_reset(Reset { kind: ResetKind::Shutdown, failure: false });
            Reply::NoReturn
        }
        _ => Err(SbiError::NotSupported).into(),
    }
}

fn base(function: u64, arg: u64) -> Result<u64, SbiError> {
    match function {
        0 => Ok(SPEC_VERSION),
        1 => Ok(IMPL_ID),
        2 => Ok(IMPL_VERSION),
        3 => Ok(u64::from(is_served(arg & 0xffff_ffff))),
        // mvendorid, marchid, mimpid: not implemented, which the architecture encodes as zero.
        4..=6 => Ok(0),
        _ => Err(SbiError::NotSupported),
    }
}

fn is_served(extension: u64) -> bool {
    const SERVED: [u64; 11] = [
        BASE,
        TIME,
        IPI,
        RFENCE,
        HSM,
        SRST,
        DBCN,
        LEGACY_SET_TIMER,
        LEGACY_PUTCHAR,
        LEGACY_GETCHAR,
        LEGACY_SHUTDOWN,
    ];
    SERVED.contains(&extension)
}

fn set_timer(
    host: &mut impl SbiHost,
    hart: usize,
    function: u64,
    time: u64,
) -> Result<u64, SbiError> {
    if function != 0 {
        return Err(SbiError::NotSupported);
    }
    host.set_timer(hart, time);
    Ok(0)
}

fn send_ipi(host: &mut impl SbiHost, function: u64, args: [u64; 6]) -> Result<u64, SbiError> {
    if function != 0 {
        return Err(SbiError::NotSupported);
    }
    for hart in selected_harts(host.hart_count(), args[0], args[1])? {
        host.send_ipi(hart);
    }
    Ok(0)
}

fn remote_fence(host: &mut impl SbiHost, function: u64, args: [u64; 6]) -> Result<u64, SbiError> {
    let [mask, mask_base, start, size, asid, _] = args;
    let fence = match function {
        0 => Fence::Instruction,
        1 => Fence::Translation { range: fence_range(start, size), asid: None },
        2 => Fence::Translation { range: fence_range(start, size), asid: Some(asid) },
        _ => return Err(SbiError::NotSupported),
    };
    for hart in selected_harts(host.hart_count(), mask, mask_base)? {
        host.remote_fence(hart, fence);
    }
    Ok(0)
}

/// A range from 0 of length 0, or of the greatest length, means the whole address space.
fn fence_range(start: u64, size: u64) -> Option<(u64, u64)> {
    ((start, size) != (0, 0) && size != u64::MAX).then_some((start, size))
}

/// The harts that `mask` selects from hart `base` on; a base of all ones selects every hart.
fn selected_harts(
    count: usize,
    mask: u64,
    base: u64,
) -> Result<impl Iterator<Item = usize>, SbiError> {
    let mask: u64 = if base == u64::MAX {
        (1 << count) - 1
    } else {
        let highest = base.saturating_add(u64::from(63 - mask.leading_zeros().min(63)));
        if highest >= count as u64 {
            return Err(SbiError::InvalidParam);
        }
        mask << base
    };
    Ok((0..count).filter(move |hart| mask >> hart & 1 == 1))
}

fn system_reset(host: &mut impl SbiHost, function: u64, args: [u64; 6]) -> Reply {
    if function != 0 {
        return Err(SbiError::NotSupported).into();
    }
    let kind = match args[0] {
        0 => ResetKind::Shutdown,
        1 => ResetKind::ColdReboot,
        2 => ResetKind::WarmReboot,
        _ => return Err(SbiError::InvalidParam).into(),
    };
    if args[1] > 1 {
        return Err(SbiError::InvalidParam).into();
    }
    host.system_reset(Reset { kind, failure: args[1] == 1 });
    Reply::NoReturn
}

#[cfg(test)]
mod tests;
