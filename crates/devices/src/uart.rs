//! A 16550A serial port.
//!
//! Source: National Semiconductor PC16550D data sheet (June 1995), sections 8.1-8.10. Eight byte
//! registers without shift; the 16-byte receive FIFO and its trigger levels, interrupt
//! identification with the data sheet's priorities, loopback, scratch, divisor latch.
//!
//! Left out: line time (a byte written has left at once, so the transmitter is always empty and
//! output is never lost), hence also the divisor's meaning; modem-status changes, line errors and
//! breaks, DMA mode. The modem inputs show a connected peer. Input waits on the host side and enters
//! the FIFO as there is room, so there is no overrun; clearing the FIFO drops what is in it. Data
//! below the trigger level is reported as a character time-out at once.

use crate::{Context, Device, Model, Wiring, fdt, state};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// RBR / THR, or the low divisor byte with DLAB.
const DATA: u64 = 0;
/// Interrupt enable, or the high divisor byte with DLAB.
const IER: u64 = 1;
/// Interrupt identification (read), FIFO control (write).
const IIR_FCR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;
const SCRATCH: u64 = 7;

const IER_RECEIVE: u8 = 1 << 0;
const IER_TRANSMIT: u8 = 1 << 1;
const IER_MASK: u8 = 0x0f;

const IIR_NONE: u8 = 0x01;
const IIR_TRANSMIT: u8 = 0x02;
const IIR_RECEIVE: u8 = 0x04;
const IIR_TIMEOUT: u8 = 0x0c;
const IIR_FIFO_ON: u8 = 0xc0;

const FCR_ENABLE: u8 = 1 << 0;
const FCR_CLEAR_RECEIVE: u8 = 1 << 1;

const LCR_DLAB: u8 = 1 << 7;

const MCR_MASK: u8 = 0x1f;
const MCR_LOOP: u8 = 1 << 4;

const LSR_DATA_READY: u8 = 1 << 0;
const LSR_TRANSMIT_EMPTY: u8 = 0x60;

/// Carrier, data set ready, clear to send.
const MSR_CONNECTED: u8 = 0xb0;

/// The input clock most 16550 boards have: 16 x 115200 x 2 Hz.
const CLOCK_HZ: u32 = 3_686_400;
const FIFO_DEPTH: usize = 16;
/// Receive trigger levels by FCR bits 7:6.
const TRIGGERS: [usize; 4] = [1, 4, 8, 14];

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scratch: u8,
    divisor: u16,
    /// The transmitter became empty and nobody was told yet.
    transmit_pending: bool,
    fifo: VecDeque<u8>,
    /// Host input that is still on the line.
    line: VecDeque<u8>,
    /// Output the host has not taken.
    output: Vec<u8>,
}

/// The serial port.
#[derive(Debug, Default)]
pub struct Uart {
    state: State,
}

impl Uart {
    /// A port after reset.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the guest has written since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.output)
    }

    /// Sends `bytes` to the guest. The interrupt level may change: sample it after this call.
    pub fn push_input(&mut self, bytes: &[u8]) {
        self.state.line.extend(bytes);
        self.state.refill();
    }
}

impl State {
    fn fifo_on(&self) -> bool {
        self.fcr & FCR_ENABLE != 0
    }

    fn refill(&mut self) {
        let depth = if self.fifo_on() { FIFO_DEPTH } else { 1 };
        let room = depth.saturating_sub(self.fifo.len()).min(self.line.len());
        self.fifo.extend(self.line.drain(..room));
    }

    fn receive(&mut self) -> u8 {
        let byte = self.fifo.pop_front().unwrap_or(0);
        self.refill();
        byte
    }

    fn transmit(&mut self, byte: u8) {
        if self.mcr & MCR_LOOP != 0 {
            self.line.push_back(byte);
            self.refill();
        } else {
            self.output.push(byte);
        }
        self.transmit_pending = true;
    }

    fn set_interrupt_enable(&mut self, value: u8) {
        if value & IER_TRANSMIT != 0 && self.ier & IER_TRANSMIT == 0 {
            self.transmit_pending = true;
        }
        self.ier = value & IER_MASK;
    }

    fn set_fifo_control(&mut self, value: u8) {
        if value & FCR_CLEAR_RECEIVE != 0 || (value ^ self.fcr) & FCR_ENABLE != 0 {
            self.fifo.clear();
        }
        self.fcr = value;
        self.refill();
    }

    /// The interrupt of highest priority, as the low bits of IIR.
    fn interrupt(&self) -> u8 {
        if self.ier & IER_RECEIVE != 0 && !self.fifo.is_empty() {
            let trigger = TRIGGERS[usize::from(self.fcr >> 6)];
            let below = self.fifo_on() && self.fifo.len() < trigger;
            if below { IIR_TIMEOUT } else { IIR_RECEIVE }
        } else if self.ier & IER_TRANSMIT != 0 && self.transmit_pending {
            IIR_TRANSMIT
        } else {
            IIR_NONE
        }
    }

    /// Reading IIR answers a transmitter interrupt, if that is what it shows.
    fn identify(&mut self) -> u8 {
        let interrupt = self.interrupt();
        if interrupt == IIR_TRANSMIT {
            self.transmit_pending = false;
        }
        interrupt | if self.fifo_on() { IIR_FIFO_ON } else { 0 }
    }

    fn modem_status(&self) -> u8 {
        if self.mcr & MCR_LOOP == 0 {
            return MSR_CONNECTED;
        }
        let [dtr, rts, out1, out2] = [0, 1, 2, 3].map(|bit| self.mcr >> bit & 1);
        rts << 4 | dtr << 5 | out1 << 6 | out2 << 7
    }

    fn read(&mut self, register: u64) -> u8 {
        let dlab = self.lcr & LCR_DLAB != 0;
        match register {
            DATA if dlab => self.divisor as u8,
            DATA => self.receive(),
            IER if dlab => (self.divisor >> 8) as u8,
            IER => self.ier,
            IIR_FCR => self.identify(),
            LCR => self.lcr,
            MCR => self.mcr,
            LSR if self.fifo.is_empty() => LSR_TRANSMIT_EMPTY,
            LSR => LSR_TRANSMIT_EMPTY | LSR_DATA_READY,
            MSR => self.modem_status(),
            SCRATCH => self.scratch,
            _ => 0,
        }
    }

    fn write(&mut self, register: u64, value: u8) {
        let dlab = self.lcr & LCR_DLAB != 0;
        match register {
            DATA if dlab => self.divisor = self.divisor & 0xff00 | u16::from(value),
            DATA => self.transmit(value),
            IER if dlab => self.divisor = self.divisor & 0xff | u16::from(value) << 8,
            IER => self.set_interrupt_enable(value),
            IIR_FCR => self.set_fifo_control(value),
            LCR => self.lcr = value,
            MCR => self.mcr = value & MCR_MASK,
            SCRATCH => self.scratch = value,
            _ => {}
        }
    }
}

impl Model for Uart {
    const NAME: &'static str = "uart";
    const WINDOW: u64 = 0x100;
    const INTERRUPTS: bool = true;

    fn sample() -> Self {
        Self::new()
    }
}

impl Device for Uart {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn read(&mut self, _ctx: &mut Context<'_>, offset: u64, _size: u8) -> u64 {
        u64::from(self.state.read(offset))
    }

    fn write(&mut self, _ctx: &mut Context<'_>, offset: u64, _size: u8, value: u64) {
        self.state.write(offset, value as u8);
    }

    fn interrupt(&self) -> bool {
        self.state.interrupt() != IIR_NONE
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let node = fdt::begin(fdt, "serial", &["ns16550a"], wiring)?;
        fdt.property_u32("clock-frequency", CLOCK_HZ)?;
        fdt.end_node(node)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        self.state = state::load(Self::NAME, state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench<Uart> {
        Bench::new(Uart::new())
    }

    #[test]
    fn polled_output_arrives_whole_and_in_order() {
        let mut port = bench();
        for byte in b"hello, serial world" {
            assert_eq!(port.read(LSR, 1) as u8 & LSR_TRANSMIT_EMPTY, LSR_TRANSMIT_EMPTY);
            port.write(DATA, 1, u64::from(*byte));
        }
        assert_eq!(port.device.take_output(), b"hello, serial world");
        assert_eq!(port.device.take_output(), b"");
    }

    #[test]
    fn divisor_bytes_are_not_output() {
        let mut port = bench();
        port.write(LCR, 1, u64::from(LCR_DLAB | 3));
        port.write(DATA, 1, 0x12);
        port.write(IER, 1, 0x34);
        assert_eq!((port.read(DATA, 1), port.read(IER, 1)), (0x12, 0x34));
        port.write(LCR, 1, 3);
        assert_eq!((port.read(IER, 1), port.device.take_output().len()), (0, 0));
    }

    #[test]
    fn enabling_the_transmit_interrupt_raises_it_and_reading_iir_answers_it() {
        let mut port = bench();
        port.write(IER, 1, u64::from(IER_TRANSMIT));
        assert!(port.device.interrupt());
        assert_eq!(port.read(IIR_FCR, 1) as u8, IIR_TRANSMIT);
        assert_eq!(port.read(IIR_FCR, 1) as u8, IIR_NONE);
        assert!(!port.device.interrupt());
        port.write(DATA, 1, 0x41);
        assert!(port.device.interrupt());
    }

    #[test]
    fn input_beyond_the_fifo_waits_and_nothing_is_lost() {
        let mut port = bench();
        port.write(IIR_FCR, 1, 0x81);
        port.write(IER, 1, u64::from(IER_RECEIVE));
        let sent: Vec<u8> = (0..40).collect();
        port.device.push_input(&sent);
        assert_eq!(port.read(IIR_FCR, 1) as u8, IIR_FIFO_ON | IIR_RECEIVE);
        let mut got = Vec::new();
        while port.read(LSR, 1) as u8 & LSR_DATA_READY != 0 {
            got.push(port.read(DATA, 1) as u8);
        }
        assert_eq!(got, sent);
        assert!(!port.device.interrupt());
    }

    #[test]
    fn data_below_the_trigger_level_is_a_timeout() {
        let mut port = bench();
        port.write(IIR_FCR, 1, 0x81);
        port.write(IER, 1, u64::from(IER_RECEIVE));
        port.device.push_input(&[1; 7]);
        assert_eq!(port.read(IIR_FCR, 1) as u8 & 0x0f, IIR_TIMEOUT);
        port.device.push_input(&[1]);
        assert_eq!(port.read(IIR_FCR, 1) as u8 & 0x0f, IIR_RECEIVE);
    }

    #[test]
    fn clearing_the_fifo_drops_its_content_only() {
        let mut port = bench();
        port.write(IIR_FCR, 1, 1);
        let sent: Vec<u8> = (0..18).collect();
        port.device.push_input(&sent);
        port.write(IIR_FCR, 1, u64::from(FCR_ENABLE | FCR_CLEAR_RECEIVE));
        assert_eq!((port.read(DATA, 1), port.read(DATA, 1)), (16, 17));
    }

    #[test]
    fn switching_the_fifo_on_or_off_clears_it() {
        let mut port = bench();
        port.device.push_input(&[1, 2, 3]);
        port.write(IIR_FCR, 1, u64::from(FCR_ENABLE));
        assert_eq!(port.read(DATA, 1), 2);
        port.write(IIR_FCR, 1, 0);
        assert_eq!(port.read(LSR, 1) as u8 & LSR_DATA_READY, 0);
    }

    #[test]
    fn loopback_turns_output_and_modem_lines_around() {
        let mut port = bench();
        assert_eq!(port.read(MSR, 1), u64::from(MSR_CONNECTED));
        port.write(MCR, 1, u64::from(MCR_LOOP | 0x0a));
        assert_eq!(port.read(MSR, 1) & 0xf0, 0x90);
        port.write(DATA, 1, 0x55);
        assert_eq!((port.read(DATA, 1), port.device.take_output().len()), (0x55, 0));
    }

    #[test]
    fn a_restored_port_goes_on_mid_stream() {
        let mut port = bench();
        port.write(IIR_FCR, 1, 1);
        port.write(IER, 1, u64::from(IER_RECEIVE | IER_TRANSMIT));
        port.device.push_input(b"twenty bytes of input");
        port.write(DATA, 1, 0x21);
        port.read(DATA, 1);
        port.hand_over(Uart::new());
        assert!(port.device.interrupt());
        assert_eq!(port.read(DATA, 1) as u8, b'w');
        assert_eq!(port.device.take_output(), b"!");
    }
}
