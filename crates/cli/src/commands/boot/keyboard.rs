//! What the user types, and the terminal it is typed on.
//!
//! While it lives, a terminal is in raw mode: keys, Ctrl-C among them, go to the guest. Ctrl-A X leaves
//! and Ctrl-A Ctrl-A types a Ctrl-A, as in other emulators.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::io::{self, Read as _};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

const ESCAPE: u8 = 1;

/// Standard input, read by a thread of its own.
pub(super) struct Keyboard {
    bytes: Receiver<Vec<u8>>,
    escaped: bool,
    saved: Option<Termios>,
}

/// What came in since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// For the guest.
    pub bytes: Vec<u8>,
    /// The user wants to leave.
    pub leave: bool,
    /// Nothing more will come.
    pub ended: bool,
}

impl Keyboard {
    /// Starts reading.
    pub(super) fn open() -> Self {
        let (sender, bytes) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(len @ 1..) = io::stdin().read(&mut buffer) {
                if sender.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { bytes, escaped: false, saved: raw_mode() }
    }

    /// Whether a person types.
    pub(super) fn is_terminal(&self) -> bool {
        self.saved.is_some()
    }

    /// What was typed since the last call.
    pub(super) fn typed(&mut self) -> Typed {
        let mut typed = Typed::default();
        loop {
            match self.bytes.try_recv() {
                Ok(bytes) if self.is_terminal() => {
                    typed.leave |= filter(&bytes, &mut self.escaped, &mut typed.bytes);
                }
                Ok(bytes) => typed.bytes.extend(bytes),
                Err(TryRecvError::Empty) => return typed,
                Err(TryRecvError::Disconnected) => {
                    typed.ended = true;
                    return typed;
                }
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(saved) = &self.saved {
            // Nothing can be done about a terminal that has gone away.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, saved);
        }
    }
}

/// Puts standard input into raw mode, if it is a terminal, and returns how it was.
fn raw_mode() -> Option<Termios> {
    if !isatty(io::stdin()) {
        return None;
    }
    let saved = tcgetattr(io::stdin()).ok()?;
    let mut raw = saved.clone();
    raw.make_raw();
    // Line ends of our own messages still return the carriage.
    raw.output_modes = saved.output_modes;
    tcsetattr(io::stdin(), OptionalActions::Now, &raw).ok()?;
    Some(saved)
}

/// Passes `bytes` on to `out` except for the escape sequences; returns whether one says to leave.
fn filter(bytes: &[u8], escaped: &mut bool, out: &mut Vec<u8>) -> bool {
    for &byte in bytes {
        match (std::mem::take(escaped), byte) {
            (false, ESCAPE) => *escaped = true,
            (true, b'x' | b'X') => return true,
            (true, ESCAPE) | (false, _) => out.push(byte),
            (true, _) => out.extend([ESCAPE, byte]),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_sequence_leaves_even_when_cut_in_two() {
        let (mut escaped, mut out) = (false, Vec::new());
        assert!(!filter(b"ls\x01", &mut escaped, &mut out));
        assert!(filter(b"x", &mut escaped, &mut out));
        assert_eq!(out, b"ls");
    }

    #[test]
    fn a_doubled_escape_and_other_keys_reach_the_guest() {
        let (mut escaped, mut out) = (false, Vec::new());
        assert!(!filter(b"\x01\x01a\x01b\x03", &mut escaped, &mut out));
        assert_eq!(out, b"\x01a\x01b\x03");
    }
}
