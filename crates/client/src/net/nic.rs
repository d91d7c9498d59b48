//! The peer's network card as smoltcp sees it: one frame in at a time, any number out.

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// Longest Ethernet frame without frame check sequence: 1500 bytes of payload and the header.
pub(crate) const MAX_FRAME_BYTES: usize = 1514;

/// Frames between the stack and the link.
#[derive(Debug, Default)]
pub(crate) struct Nic {
    pub(crate) inward: Option<Vec<u8>>,
    pub(crate) outward: VecDeque<Vec<u8>>,
}

/// Permission to read the frame that came in.
pub(crate) struct RxToken(Vec<u8>);

/// Permission to send a frame.
pub(crate) struct TxToken<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl Device for Nic {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken, TxToken<'_>)> {
        let frame = self.inward.take()?;
        Some((RxToken(frame), TxToken(&mut self.outward)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        Some(TxToken(&mut self.outward))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_BYTES;
        capabilities
    }
}
