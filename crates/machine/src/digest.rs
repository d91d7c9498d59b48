//! Fingerprints of a machine's state, to compare runs with each other.
//!
//! None holds what is merely cached: decoded instructions, TLBs, reservations. All read the whole of
//! RAM, which loads what a restored machine has not touched yet.

use crate::cpu::Machine;
use hart::{Csrs, Hart};
use ram::{CHUNK, Ram};

static ZEROES: [u8; CHUNK as usize] = [0; CHUNK as usize];

impl Machine {
    /// The digest of the content of RAM.
    pub fn memory_digest(&mut self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hash_ram(&mut hasher, &mut self.port.ram);
        hasher.finalize().into()
    }

    /// The digest of what programs computed, whatever time it took: RAM, and of every hart the
    /// integer and floating-point registers, pc, privilege, memory protection and the CSRs that do
    /// not tell time.
    ///
    /// Left out are `mip`, `stimecmp`, the cycle and instruction counts and all device state: they
    /// depend on when something happened. A program that keeps what it read from a clock, or what it
    /// did in an interrupt handler, in memory or a register has another digest all the same.
    pub fn program_digest(&mut self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for hart in &self.harts {
            hash_hart(&mut hasher, hart);
        }
        hash_ram(&mut hasher, &mut self.port.ram);
        hasher.finalize().into()
    }

    /// The digest of all that a snapshot holds but the disk's content: harts with all CSRs and
    /// counters, power, virtual time, console input, devices, RAM.
    pub fn state_digest(&mut self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.state_bytes().expect("state is plain data"));
        hash_ram(&mut hasher, &mut self.port.ram);
        hasher.finalize().into()
    }
}

fn hash_ram(hasher: &mut blake3::Hasher, ram: &mut Ram) {
    hasher.update(&ram.size().to_le_bytes());
    for index in 0..ram.chunk_count() {
        ram.touch(index * CHUNK as usize);
        // Most of RAM is zero and never hashed; the numbers say where the rest lies.
        if let Some(chunk) = ram.chunk(index).filter(|chunk| **chunk != ZEROES) {
            hasher.update(&(index as u64).to_le_bytes());
            hasher.update(chunk);
        }
    }
}

fn hash_hart(hasher: &mut blake3::Hasher, hart: &Hart) {
    let mut word = |value: u64| {
        hasher.update(&value.to_le_bytes());
    };
    hart.x[..32].iter().chain(&hart.f).copied().for_each(&mut word);
    word(hart.pc);
    word(hart.prv as u64);
    timeless(&hart.csr).into_iter().for_each(&mut word);
    (0..4).step_by(2).map(|index| hart.pmp.read_cfg(index)).for_each(&mut word);
    (0..16).map(|index| hart.pmp.read_addr(index)).for_each(&mut word);
}

/// The CSRs that do not depend on when something happened.
fn timeless(csr: &Csrs) -> [u64; 22] {
    // All by name, so that a new one is not forgotten.
    let Csrs {
        mstatus,
        medeleg,
        mideleg,
        mie,
        mip: _,
        mtvec,
        mscratch,
        mepc,
        mcause,
        mtval,
        mcounteren,
        mcountinhibit,
        menvcfg,
        stvec,
        sscratch,
        sepc,
        scause,
        stval,
        satp,
        scounteren,
        senvcfg,
        stimecmp: _,
        fflags,
        frm,
        mcycle_offset: _,
        minstret_offset: _,
    } = *csr;
    [
        mstatus,
        medeleg,
        mideleg,
        mie,
        mtvec,
        mscratch,
        mepc,
        mcause,
        mtval,
        mcounteren,
        mcountinhibit,
        menvcfg,
        stvec,
        sscratch,
        sepc,
        scause,
        stval,
        satp,
        scounteren,
        senvcfg,
        fflags.into(),
        frm.into(),
    ]
}
