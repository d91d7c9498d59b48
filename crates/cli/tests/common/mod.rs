//! The built program, run on files in a folder of its own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part of this, and a test may panic"
)]

use conformance::elf::{self, Segment};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where bare-metal programs begin.
pub const BASE: u64 = 0x8000_0000;
/// Their word for the host.
pub const TOHOST: u64 = BASE + 0x1000;

/// A folder with a state folder inside.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs the program in this folder.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = command(self.0.path(), args).output().unwrap();
        Ran::from(output)
    }

    /// The program, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        command(self.0.path(), args)
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vswarm-u"));
    command.args(args).current_dir(folder).env("VSWARM_U_HOME", folder.join("home"));
    command.env_remove("RUST_LOG");
    command
}

/// How it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asserts the status and that standard error says each of `texts`.
    #[track_caller]
    pub fn fails(&self, status: i32, texts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "no {text:?} in {self:?}");
        }
        assert!(!self.err.contains("panicked"), "{self:?}");
        assert_eq!(self.out, "", "an error is not a result");
    }

    /// Asserts success and returns standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An executable of `words` from [`BASE`], with the symbols that test programs have.
pub fn program(words: &[u32]) -> Vec<u8> {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let code = Segment { address: BASE, bytes };
    let data = Segment { address: TOHOST, bytes: DATA.to_vec() };
    let symbols = [
        ("tohost", TOHOST),
        ("fromhost", TOHOST + 64),
        ("begin_signature", TOHOST + 128),
        ("end_signature", TOHOST + 136),
    ];
    elf::write(BASE, &[code, data], &symbols)
}

/// `tohost`, `fromhost` and a signature of two words.
const DATA: [u8; 136] = {
    let mut data = [0; 136];
    data[128] = 0xef;
    data[129] = 0xbe;
    data[130] = 0xad;
    data[131] = 0xde;
    data[132] = 1;
    data
};

/// RV64I by hand.
pub mod asm {
    /// `addi rd, rs1, imm`.
    pub const fn addi(rd: u32, rs1: u32, imm: i32) -> u32 {
        ((imm as u32) << 20) | (rs1 << 15) | (rd << 7) | 0x13
    }
    /// `auipc rd, pages`.
    pub const fn auipc(rd: u32, pages: u32) -> u32 {
        (pages << 12) | (rd << 7) | 0x17
    }
    /// `sd rs2, 0(rs1)`.
    pub const fn sd(rs2: u32, rs1: u32) -> u32 {
        (rs2 << 20) | (rs1 << 15) | (3 << 12) | 0x23
    }
    /// `bne rs1, x0, -4`.
    pub const fn bnez_back(rs1: u32) -> u32 {
        0xfe00_0ee3 | (rs1 << 15) | (1 << 12)
    }
    /// `j .`.
    pub const HALT: u32 = 0x6f;
    /// `jr t0`.
    pub const JR_T0: u32 = 0x0002_8067;
    /// `wfi`.
    pub const WFI: u32 = 0x1050_0073;
}

/// Counts down from `rounds` and writes `value` to `tohost`.
pub fn ends_with(rounds: i32, value: i32) -> Vec<u8> {
    use asm::{HALT, addi, auipc, bnez_back, sd};
    program(&[
        addi(5, 0, rounds),
        addi(5, 5, -1),
        bnez_back(5),
        auipc(6, 1), // 0x8000_000c + 0x1000
        addi(6, 6, -12),
        addi(7, 0, value),
        sd(7, 6),
        HALT,
    ])
}
