//! The core-local interruptor: software interrupts and the M-mode timer for bare-metal programs.
//!
//! Source: SiFive FU540-C000 Manual v1p4, chapter 9. One `msip` word and one `mtimecmp` a hart, one
//! `mtime` that counts virtual time in ticks of 100 ns (10 MHz). Programs under an SBI do not need
//! it: there the timer is `stimecmp` or the SBI call.
//!
//! Left out: writing `mtime` (ignored: it is the virtual clock, which cannot be set). `mtimecmp`
//! resets to all ones, so that no timer is due before a program asks. Registers answer 4-byte
//! accesses, the 64-bit ones also 8-byte accesses; others read zero and write nothing.

use crate::{Context, Device, Model, Wiring, fdt, state};
use serde::{Deserialize, Serialize};
use sim::Picos;

/// One tick of `mtime`.
pub const TICK: Picos = Picos::from_nanos(100);

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;
const MTIME_LAST: u64 = 0xbfff;
/// Harts for which registers fit below `mtime`; far more than a machine has.
const MAX_HARTS: usize = 4095;

/// Software and timer interrupt numbers in M mode (Privileged Architecture, `mip`).
const LOCAL_LINES: [u32; 2] = [3, 7];

#[derive(Debug, Serialize, Deserialize)]
struct State {
    msip: Vec<bool>,
    mtimecmp: Vec<u64>,
    /// Virtual time of the last poll: timers up to here have been seen to fire.
    polled: Picos,
}

/// The interruptor.
#[derive(Debug)]
pub struct Clint {
    intc_phandles: Vec<u32>,
    state: State,
}

impl Clint {
    /// An interruptor for the harts whose `riscv,cpu-intc` nodes have `intc_phandles`. Panics if
    /// there is none, or more than fit.
    #[must_use]
    pub fn new(intc_phandles: &[u32]) -> Self {
        let harts = intc_phandles.len();
        assert!((1..=MAX_HARTS).contains(&harts), "a CLINT serves 1 to 4095 harts, not {harts}");
        let state = State {
            msip: vec![false; harts],
            mtimecmp: vec![u64::MAX; harts],
            polled: Picos::ZERO,
        };
        Self { intc_phandles: intc_phandles.to_vec(), state }
    }

    /// The value of `mtime` at `now`.
    #[must_use]
    pub fn mtime(now: Picos) -> u64 {
        now.0 / TICK.0
    }

    /// Whether the software interrupt of `hart` is raised.
    #[must_use]
    pub fn msip(&self, hart: usize) -> bool {
        self.state.msip.get(hart).is_some_and(|&raised| raised)
    }

    /// Whether the timer interrupt of `hart` is raised at `now`.
    #[must_use]
    pub fn mtip(&self, hart: usize, now: Picos) -> bool {
        self.state.mtimecmp.get(hart).is_some_and(|&due| due <= Self::mtime(now))
    }

    /// When the first timer fires that has not fired at `now`.
    #[must_use]
    pub fn next_timer(&self, now: Picos) -> Option<Picos> {
        let dues = self.state.mtimecmp.iter();
        dues.filter_map(|&due| due.checked_mul(TICK.0).map(Picos)).filter(|&due| due > now).min()
    }

    /// The half or whole of a 64-bit register.
    fn part(value: u64, offset: u64, size: u8) -> u64 {
        match (size, offset % 8) {
            (8, 0) => value,
            (4, 0) => value & u64::from(u32::MAX),
            (4, 4) => value >> 32,
            _ => 0,
        }
    }
}

fn set_part(register: &mut u64, offset: u64, size: u8, value: u64) {
    let low = u64::from(u32::MAX);
    match (size, offset % 8) {
        (8, 0) => *register = value,
        (4, 0) => *register = *register & !low | value & low,
        (4, 4) => *register = *register & low | value << 32,
        _ => {}
    }
}

impl Model for Clint {
    const NAME: &'static str = "clint";
    const WINDOW: u64 = 0x1_0000;
    const INTERRUPTS: bool = false;

    fn sample() -> Self {
        Self::new(&[1, 2])
    }
}

impl Device for Clint {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn read(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8) -> u64 {
        match offset {
            ..MTIMECMP if size == 4 && offset.is_multiple_of(4) => {
                u64::from(self.msip((offset / 4) as usize))
            }
            MTIME..=MTIME_LAST => Self::part(Self::mtime(ctx.now), offset, size),
            MTIMECMP.. => {
                let hart = ((offset - MTIMECMP) / 8) as usize;
                let value = self.state.mtimecmp.get(hart).copied().unwrap_or(0);
                Self::part(value, offset, size)
            }
            _ => 0,
        }
    }

    fn write(&mut self, _ctx: &mut Context<'_>, offset: u64, size: u8, value: u64) {
        match offset {
            ..MTIMECMP if size == 4 && offset.is_multiple_of(4) => {
                if let Some(msip) = self.state.msip.get_mut((offset / 4) as usize) {
                    *msip = value & 1 != 0;
                }
            }
            MTIMECMP..MTIME => {
                let hart = ((offset - MTIMECMP) / 8) as usize;
                if let Some(register) = self.state.mtimecmp.get_mut(hart) {
                    set_part(register, offset, size, value);
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, ctx: &mut Context<'_>) {
        self.state.polled = ctx.now;
    }

    fn next_event(&self) -> Option<Picos> {
        self.next_timer(self.state.polled)
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let node = fdt::begin(fdt, "clint", &["sifive,clint0", "riscv,clint0"], wiring)?;
        let targets = fdt::per_hart(&self.intc_phandles, LOCAL_LINES);
        fdt.property_array_u32("interrupts-extended", &targets)?;
        fdt.end_node(node)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let fresh: State = state::load(Self::NAME, state)?;
        let (has, needs) = (fresh.msip.len(), self.state.msip.len());
        if has != needs || fresh.mtimecmp.len() != needs {
            return Err(format!(
                "restoring clint: the saved state has {has} harts, this machine {needs}; \
                 restore with the number of harts it was saved with"
            ));
        }
        self.state = fresh;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench<Clint> {
        Bench::new(Clint::sample())
    }

    #[test]
    fn mtime_is_virtual_time_in_ticks_of_100_ns() {
        let mut clint = bench();
        clint.now = Picos(7 * 100_000 + 99_999);
        assert_eq!(clint.read(MTIME, 8), 7);
        clint.write(MTIME, 8, 0);
        assert_eq!(clint.read(MTIME, 4), 7);
        clint.now = Picos(100_000 << 33);
        assert_eq!((clint.read(MTIME + 4, 4), clint.read(MTIME, 4)), (2, 0));
    }

    #[test]
    fn a_timer_fires_at_its_tick_and_not_before() {
        let mut clint = bench();
        clint.write(MTIMECMP + 8, 8, 50);
        let due = Picos::from_micros(5);
        assert!(!clint.device.mtip(1, Picos(due.0 - 1)));
        assert!(clint.device.mtip(1, due) && !clint.device.mtip(0, due));
        assert_eq!(clint.device.next_event(), Some(due));
        clint.run_until(due);
        assert_eq!(clint.device.next_event(), None);
    }

    #[test]
    fn msip_has_one_bit_a_hart() {
        let mut clint = bench();
        clint.write(4, 4, u64::MAX);
        assert_eq!((clint.read(4, 4), clint.read(0, 4)), (1, 0));
        assert!(clint.device.msip(1) && !clint.device.msip(0) && !clint.device.msip(2));
    }

    #[test]
    fn a_compare_register_can_be_written_by_halves() {
        let mut clint = bench();
        clint.write(MTIMECMP, 4, 0x1111_2222);
        clint.write(MTIMECMP + 4, 4, 0x3333_4444);
        assert_eq!(clint.read(MTIMECMP, 8), 0x3333_4444_1111_2222);
        clint.write(MTIMECMP + 16, 8, 1);
        assert_eq!(clint.read(MTIMECMP + 16, 8), 0);
    }

    #[test]
    fn a_restored_timer_still_fires() {
        let mut clint = bench();
        clint.write(MTIMECMP, 8, 10);
        clint.write(0, 4, 1);
        clint.hand_over(Clint::sample());
        assert_eq!(clint.device.next_event(), Some(Picos::from_micros(1)));
        assert!(clint.device.msip(0));
        assert!(Clint::new(&[1]).restore(&clint.device.save()).is_err());
    }
}
