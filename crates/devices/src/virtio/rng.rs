//! The virtio entropy device.
//!
//! Source: VIRTIO 1.2 section 5.4. The bytes are a ChaCha20 stream from a configured seed: the same
//! seed and the same requests give the same bytes. The seed is configuration, the position in the
//! stream is state; a device restored under another seed goes on in that seed's stream.

use super::{Backend, Io, QueueError, VirtioMmio, queue::pieces};
use crate::{dma, state};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng},
};

/// The entropy device on its transport.
pub type VirtioRng = VirtioMmio<Rng>;

/// Bytes given to one request at most, so that a request over all of RAM does not stall a run.
const MAX_REQUEST: u64 = 64 * 1024;

/// The entropy device.
#[derive(Debug)]
pub struct Rng {
    stream: ChaCha20Rng,
}

impl Rng {
    /// A device with the stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { stream: ChaCha20Rng::seed_from_u64(seed) }
    }
}

impl Backend for Rng {
    const NAME: &'static str = "virtio-rng";
    const DEVICE_ID: u32 = 4;

    fn sample() -> Self {
        Self::new(1)
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![8]
    }

    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError> {
        while let Some(chain) = io.queues[queue].pop(io.ram)? {
            let mut written = 0;
            for piece in pieces(&chain.writable, 0, MAX_REQUEST) {
                self.stream.fill_bytes(dma::slice_mut(io.ram, piece.pa, piece.len)?);
                written += piece.len;
            }
            io.queues[queue].push(io.ram, chain.head, written)?;
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.stream.get_word_pos())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        self.stream.set_word_pos(state::load(Self::NAME, state)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
