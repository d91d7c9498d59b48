//! Ctrl-C: the first asks the running command to stop cleanly, the second ends the program.
//!
//! Simulation stops within milliseconds of being asked. Downloads and builds cannot be asked; they are
//! given a moment and then cut off. Finished things appear under their names by renaming, so what is
//! cut off is a temporary file that the next run removes.

use crate::failure::INTERRUPTED;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

static ASKED: AtomicBool = AtomicBool::new(false);

/// How long work that cannot be asked may take to come to its end.
const GRACE: Duration = Duration::from_secs(3);

/// Takes over SIGINT, SIGTERM and SIGHUP.
pub fn install() {
    let handler = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            end();
        }
        eprintln!("\nstopping; press Ctrl-C again to stop at once");
        thread::spawn(|| {
            thread::sleep(GRACE);
            end();
        });
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will stop the program at once: {error}");
    }
}

fn end() -> ! {
    process::exit(i32::from(INTERRUPTED))
}

/// Whether the user asked to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
