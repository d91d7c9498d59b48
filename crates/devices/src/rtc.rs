//! The goldfish real-time clock: the guest's wall clock.
//!
//! Source: Android emulator documentation, "Goldfish virtual hardware", section on the real-time
//! clock. Time is nanoseconds since 1970: a configured epoch plus virtual time, so a guest sees the
//! same dates in every run. Reading `TIME_LOW` latches `TIME_HIGH`; a time is set by writing the
//! high word, then the low one. The alarm raises the interrupt once, if enabled.
//!
//! Registers are 32 bits wide; accesses of another size read zero and write nothing.

use crate::{Context, Device, Model, Wiring, fdt, state};
use serde::{Deserialize, Serialize};
use sim::Picos;

/// 2026-01-01T00:00:00Z in seconds since 1970.
pub const DEFAULT_EPOCH_SECS: u64 = 1_767_225_600;

const TIME_LOW: u64 = 0x00;
const TIME_HIGH: u64 = 0x04;
const ALARM_LOW: u64 = 0x08;
const ALARM_HIGH: u64 = 0x0c;
const IRQ_ENABLED: u64 = 0x10;
const CLEAR_ALARM: u64 = 0x14;
const ALARM_STATUS: u64 = 0x18;
const CLEAR_INTERRUPT: u64 = 0x1c;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Nanoseconds since 1970 at virtual time zero.
    epoch_nanos: u64,
    latched_high: u32,
    time_high: u32,
    alarm_high: u32,
    /// Nanoseconds since 1970.
    alarm: Option<u64>,
    enabled: bool,
    raised: bool,
}

/// The clock.
#[derive(Debug)]
pub struct Rtc {
    state: State,
}

impl Rtc {
    /// A clock that shows `epoch_secs` (seconds since 1970) at virtual time zero.
    #[must_use]
    pub fn new(epoch_secs: u64) -> Self {
        let state = State {
            epoch_nanos: epoch_secs.saturating_mul(1_000_000_000),
            latched_high: 0,
            time_high: 0,
            alarm_high: 0,
            alarm: None,
            enabled: false,
            raised: false,
        };
        Self { state }
    }
}

impl State {
    fn time(&self, now: Picos) -> u64 {
        self.epoch_nanos.wrapping_add(now.as_nanos())
    }

    fn fire(&mut self, now: Picos) {
        if self.alarm.is_some_and(|due| due <= self.time(now)) {
            self.alarm = None;
            self.raised = true;
        }
    }

    fn read(&mut self, now: Picos, register: u64) -> u32 {
        match register {
            TIME_LOW => {
                let time = self.time(now);
                self.latched_high = (time >> 32) as u32;
                time as u32
            }
            TIME_HIGH => self.latched_high,
            ALARM_LOW => self.alarm.unwrap_or(0) as u32,
            ALARM_HIGH => (self.alarm.unwrap_or(0) >> 32) as u32,
            IRQ_ENABLED => u32::from(self.enabled),
            ALARM_STATUS => u32::from(self.alarm.is_some()),
            _ => 0,
        }
    }

    fn write(&mut self, now: Picos, register: u64, value: u32) {
        match register {
            TIME_LOW => {
                let time = u64::from(self.time_high) << 32 | u64::from(value);
                self.epoch_nanos = time.wrapping_sub(now.as_nanos());
            }
            TIME_HIGH => self.time_high = value,
            ALARM_LOW => self.alarm = Some(u64::from(self.alarm_high) << 32 | u64::from(value)),
            ALARM_HIGH => self.alarm_high = value,
            IRQ_ENABLED => self.enabled = value & 1 != 0,
            CLEAR_ALARM => self.alarm = None,
            CLEAR_INTERRUPT => self.raised = false,
            _ => {}
        }
        self.fire(now);
    }
}

impl Model for Rtc {
    const NAME: &'static str = "rtc";
    const WINDOW: u64 = 0x1000;
    const INTERRUPTS: bool = true;

    fn sample() -> Self {
        Self::new(DEFAULT_EPOCH_SECS)
    }
}

impl Device for Rtc {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn read(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8) -> u64 {
        if size == 4 { u64::from(self.state.read(ctx.now, offset)) } else { 0 }
    }

    fn write(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8, value: u64) {
        if size == 4 {
            self.state.write(ctx.now, offset, value as u32);
        }
    }

    fn poll(&mut self, ctx: &mut Context<'_>) {
        self.state.fire(ctx.now);
    }

    fn next_event(&self) -> Option<Picos> {
        let span = self.state.alarm?.saturating_sub(self.state.epoch_nanos);
        span.checked_mul(1000).map(Picos)
    }

    fn interrupt(&self) -> bool {
        self.state.raised && self.state.enabled
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let node = fdt::begin(fdt, "rtc", &["google,goldfish-rtc"], wiring)?;
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

    fn bench() -> Bench<Rtc> {
        Bench::new(Rtc::sample())
    }

    fn time(rtc: &mut Bench<Rtc>) -> u64 {
        rtc.read(TIME_LOW, 4) | rtc.read(TIME_HIGH, 4) << 32
    }

    fn set(rtc: &mut Bench<Rtc>, low: u64, value: u64) {
        rtc.write(low + 4, 4, value >> 32);
        rtc.write(low, 4, value & 0xffff_ffff);
    }

    const EPOCH: u64 = DEFAULT_EPOCH_SECS * 1_000_000_000;

    #[test]
    fn the_clock_is_the_epoch_plus_virtual_time() {
        let mut rtc = bench();
        assert_eq!(time(&mut rtc), EPOCH);
        rtc.now = Picos::from_secs(100);
        assert_eq!(time(&mut rtc), EPOCH + 100_000_000_000);
    }

    #[test]
    fn the_high_word_belongs_to_the_low_word_read_before() {
        let mut rtc = bench();
        let low = rtc.read(TIME_LOW, 4);
        rtc.now = Picos::from_secs(10);
        assert_eq!(rtc.read(TIME_HIGH, 4) << 32 | low, EPOCH);
    }

    #[test]
    fn a_set_clock_goes_on_from_there() {
        let mut rtc = bench();
        rtc.now = Picos::from_secs(3);
        set(&mut rtc, TIME_LOW, 5_000_000_000);
        rtc.now = Picos::from_secs(4);
        assert_eq!(time(&mut rtc), 6_000_000_000);
    }

    #[test]
    fn the_alarm_rings_once_at_its_time_also_after_a_restore() {
        let mut rtc = bench();
        rtc.write(IRQ_ENABLED, 4, 1);
        set(&mut rtc, ALARM_LOW, EPOCH + 2_000);
        assert_eq!((rtc.read(ALARM_STATUS, 4), rtc.device.interrupt()), (1, false));
        rtc.hand_over(Rtc::new(0));
        assert_eq!(rtc.device.next_event(), Some(Picos::from_micros(2)));
        rtc.run_until(Picos(Picos::from_micros(2).0 - 1));
        assert!(!rtc.device.interrupt());
        rtc.run_until(Picos::from_micros(2));
        assert!(rtc.device.interrupt());
        assert_eq!((rtc.device.next_event(), rtc.read(ALARM_STATUS, 4)), (None, 0));
        rtc.write(CLEAR_INTERRUPT, 4, 1);
        assert!(!rtc.device.interrupt());
    }

    #[test]
    fn an_alarm_in_the_past_rings_at_once_and_a_cleared_one_never() {
        let mut rtc = bench();
        rtc.write(IRQ_ENABLED, 4, 1);
        set(&mut rtc, ALARM_LOW, 1);
        assert!(rtc.device.interrupt());
        rtc.write(CLEAR_INTERRUPT, 4, 1);
        set(&mut rtc, ALARM_LOW, EPOCH + 5);
        rtc.write(CLEAR_ALARM, 4, 1);
        rtc.run_until(Picos::from_secs(1));
        assert!(!rtc.device.interrupt());
    }
}
