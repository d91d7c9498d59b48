//! How programs end, and the markers that say so.

use super::windows::WorkId;
use super::{launcher, retired};
use crate::StudyError;
use crate::measure::FUNCTION_HART;
use crate::rig::{Happening, Rig};
use sim::Picos;
use std::path::Path;

/// gem5's `work_begin` and `work_end`.
const WORK_BEGIN: u8 = 0x5a;
const WORK_END: u8 = 0x5b;

/// A program that does next to nothing for this long waits for something that does not come: it has
/// no input and nobody talks to it.
const PATIENCE: Picos = Picos::from_secs(10);
/// Fewer instructions than this in that time are the kernel's, which keeps time.
const NEXT_TO_NOTHING: u64 = 1_000_000;

const ENOENT: i64 = -2;
const ENOEXEC: i64 = -8;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(u8),
    /// By a signal.
    Killed(u8),
    /// The kernel would not start it: its error, negative.
    NotStarted(i64),
    /// It executed as many instructions as it was allowed to and was left alone.
    OutOfInstructions,
    /// It waits for something that does not come.
    Waiting,
}

impl Ending {
    /// From the status that `wait4` gives, or a negative error (`wait(2)` of the Linux manual).
    fn of(status: i64) -> Self {
        match status {
            ..0 => Self::NotStarted(status),
            status if status & 0x7f == 0 => Self::Exited((status >> 8) as u8),
            status => Self::Killed(status as u8 & 0x7f),
        }
    }
}

/// What the launcher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Started,
    Ended(Ending),
}

/// What a marker means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkerUse {
    Launcher(Mark),
    Begin(WorkId),
    End(WorkId),
    /// It is no marker, or one without effect.
    None,
}

impl MarkerUse {
    pub fn of(happening: &Happening) -> Self {
        let &Happening::Marker { hart, function, args } = happening else { return Self::None };
        if hart != FUNCTION_HART as usize {
            return Self::None;
        }
        let work = (args[0], args[1]);
        match (function, args[0]) {
            (WORK_BEGIN, launcher::MARK) => Self::Launcher(Mark::Started),
            (WORK_END, launcher::MARK) => Self::Launcher(Mark::Ended(Ending::of(args[1] as i64))),
            (WORK_BEGIN, _) => Self::Begin(work),
            (WORK_END, _) => Self::End(work),
            _ => Self::None,
        }
    }
}

/// Watches whether a program gets anywhere.
pub(super) struct Patience {
    retired: u64,
    at: Picos,
}

impl Patience {
    pub fn new(rig: &Rig<'_>) -> Self {
        Self { retired: retired(rig), at: rig.machine.now() }
    }

    /// The ending of a program that has executed `done` instructions, if nothing more can be
    /// expected of it.
    pub fn lost(&mut self, rig: &Rig<'_>, done: u64, most: u64) -> Option<Ending> {
        if done >= most {
            return Some(Ending::OutOfInstructions);
        }
        if retired(rig) - self.retired > NEXT_TO_NOTHING {
            *self = Self::new(rig);
        }
        let waited = rig.machine.now().saturating_sub(self.at);
        (waited > PATIENCE).then_some(Ending::Waiting)
    }
}

/// Why the kernel did not start the program.
pub(super) fn not_started(error: i64, elf: &Path, interpreter: Option<&str>) -> StudyError {
    let reason = match (error, interpreter) {
        (ENOENT, Some(linker)) => format!(
            "its dynamic linker {linker} is not in the guest; link the program statically, or send \
             the linker along: --file FILE:{linker}"
        ),
        (ENOEXEC, _) => "the kernel does not know its format; is it a Linux program?".to_owned(),
        _ => format!("the kernel refuses it with error {}", -error),
    };
    StudyError::Input(format!("starting {} in the guest: {reason}", elf.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(hart: usize, function: u8, first: u64, second: u64) -> MarkerUse {
        MarkerUse::of(&Happening::Marker { hart, function, args: [first, second, 0, 0, 0, 0] })
    }

    #[test]
    fn a_wait_status_is_an_exit_status_or_a_signal() {
        assert_eq!(Ending::of(0), Ending::Exited(0));
        assert_eq!(Ending::of(0x2a00), Ending::Exited(42));
        assert_eq!(Ending::of(0x8b), Ending::Killed(11), "with a core dump");
        assert_eq!(Ending::of(-8), Ending::NotStarted(-8));
    }

    #[test]
    fn markers_of_launcher_and_program_are_told_apart() {
        let mark = launcher::MARK;
        assert_eq!(marker(1, 0x5a, mark, 0), MarkerUse::Launcher(Mark::Started));
        let killed = MarkerUse::Launcher(Mark::Ended(Ending::Killed(6)));
        assert_eq!(marker(1, 0x5b, mark, 6), killed);
        assert_eq!(marker(1, 0x5a, 3, 4), MarkerUse::Begin((3, 4)));
        assert_eq!(marker(1, 0x5b, 3, 4), MarkerUse::End((3, 4)));
        assert_eq!(marker(0, 0x5a, 3, 4), MarkerUse::None, "another hart's");
        assert_eq!(marker(1, 0x21, 0, 0), MarkerUse::None, "m5_exit");
    }

    #[test]
    fn a_missing_dynamic_linker_is_named() {
        let error = not_started(-2, Path::new("p"), Some("/lib/ld.so"));
        assert!(error.is_input());
        assert!(error.to_string().contains("--file FILE:/lib/ld.so"), "{error}");
        assert!(not_started(-12, Path::new("p"), None).to_string().contains("error 12"));
    }
}
