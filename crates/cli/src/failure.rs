//! Why a command ended without doing its work, and the exit status that says so.

use std::error::Error;
use std::fmt;

/// The run failed.
pub const FAILED: u8 = 1;
/// The input is wrong.
pub const INPUT: u8 = 2;
/// Stopped by Ctrl-C, as shells report it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// An error and the exit status it leads to.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    error: anyhow::Error,
}

impl Failure {
    /// The input is wrong.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self { status: INPUT, error: error.into() }
    }

    /// The run failed.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { status: FAILED, error: error.into() }
    }

    /// The user asked to stop.
    pub fn interrupted() -> Self {
        Self {
            status: INTERRUPTED,
            error: anyhow::anyhow!("stopped; nothing was left half-written"),
        }
    }

    /// Something that this version does not have.
    pub fn missing(what: impl fmt::Display) -> Self {
        Self::input(anyhow::anyhow!("not implemented in this version: {what}"))
    }

    /// Says on standard error what happened.
    pub fn print(&self) {
        eprintln!("error: {}", self.message());
    }

    /// What happened.
    pub fn message(&self) -> String {
        chain(&self.error)
    }
}

/// The error and its causes. Many messages already contain their cause, which is then left out.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(next) = cause {
        let reason = next.to_string();
        if !text.contains(&reason) {
            text += ": ";
            text += &reason;
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn causes_follow_the_message_unless_it_names_them() {
        let error = Err::<(), _>(anyhow::anyhow!("no space")).context("writing x").unwrap_err();
        assert_eq!(chain(&error), "writing x: no space");
        let error = Err::<(), _>(anyhow::anyhow!("no space")).context("x: no space").unwrap_err();
        assert_eq!(chain(&error), "x: no space");
    }
}
