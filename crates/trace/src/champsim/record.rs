//! One record: `struct input_instr` of ChampSim's `inc/trace_instruction.h`, little endian, without
//! padding.

/// A record. In registers and addresses 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) ip: u64,
    pub(super) is_branch: bool,
    pub(super) taken: bool,
    pub(super) destinations: [u8; 2],
    pub(super) sources: [u8; 4],
    pub(super) stores: [u64; 2],
    pub(super) loads: [u64; 4],
}

impl Record {
    pub(super) const SIZE: usize = 64;

    /// The record, or what no record has.
    pub(super) fn parse(bytes: &[u8; Self::SIZE]) -> Result<Self, &'static str> {
        let word =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        if word(0) == 0 {
            return Err("its instruction pointer is 0");
        }
        if bytes[8] > 1 || bytes[9] > 1 {
            return Err("its branch flags are neither 0 nor 1");
        }
        Ok(Self {
            ip: word(0),
            is_branch: bytes[8] == 1,
            taken: bytes[9] == 1,
            destinations: [bytes[10], bytes[11]],
            sources: [bytes[12], bytes[13], bytes[14], bytes[15]],
            stores: [16, 24].map(word),
            loads: [32, 40, 48, 56].map(word),
        })
    }

    pub(super) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.ip.to_le_bytes());
        bytes[8] = u8::from(self.is_branch);
        bytes[9] = u8::from(self.taken);
        bytes[10..12].copy_from_slice(&self.destinations);
        bytes[12..16].copy_from_slice(&self.sources);
        let addresses = self.stores.iter().chain(&self.loads);
        for (place, address) in bytes[16..].chunks_exact_mut(8).zip(addresses) {
            place.copy_from_slice(&address.to_le_bytes());
        }
        bytes
    }
}
