//! Preparing in turns: what runs with one state folder, in one process or in several, would otherwise make twice.
//!
//! Guest, images and snapshots appear under their names when they are complete, so that making one twice does no harm
//! but takes memory and minutes. Who waits finds everything made. A lock on a file goes with its process, however that
//! ends, and works on network file systems that know `flock`.

use crate::{Observer, StudyError};
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// The file whose lock is the turn. It stays.
const LOCK: &str = "preparing.lock";

/// How long to wait before looking again: short for a user, long for the host.
const PAUSE: Duration = Duration::from_millis(100);

/// The turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "closing the file ends the turn")] File);

impl Turn {
    /// Waits for its turn to prepare something in the state folder `home`.
    pub(crate) fn take(home: &Path, observer: &dyn Observer) -> Result<Self, StudyError> {
        let path = home.join(LOCK);
        let failed = |source| StudyError::Io {
            doing: "waiting for a turn with",
            path: path.clone(),
            source,
        };
        fs::create_dir_all(home).map_err(failed)?;
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if observer.cancelled() => {
                    return Err(StudyError::Cancelled);
                }
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        observer.phase("waiting for another run to prepare");
                        told = true;
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest::progress::Progress;
    use sim::Picos;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Stops what waits.
    #[derive(Default)]
    struct Impatient(AtomicBool);

    impl Progress for Impatient {
        fn start(&self, _: &str, _: Option<u64>) {}
        fn advance(&self, _: u64) {}
        fn finish(&self) {}
        fn note(&self, _: &str) {}
    }

    impl Observer for Impatient {
        fn phase(&self, _: &str) {
            self.0.store(true, Ordering::SeqCst);
        }
        fn console(&self, _: &[u8]) {}
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
        fn running(&self, _: &str, _: Picos, _: u64) {}
        fn as_progress(&self) -> &dyn Progress {
            self
        }
    }

    #[test]
    fn a_second_turn_waits_until_the_first_is_over() {
        let home = tempfile::tempdir().unwrap();
        let observer = Impatient::default();
        let turn = Turn::take(home.path(), &observer).unwrap();
        let waiting = Turn::take(home.path(), &observer);
        assert!(matches!(waiting, Err(StudyError::Cancelled)));
        assert!(observer.cancelled(), "it said that it waits");
        drop(turn);
        Turn::take(home.path(), &Impatient::default()).unwrap();
    }
}
