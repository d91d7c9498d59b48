//! The test finisher: a word written here ends the run.
//!
//! Source: SiFive test finisher as on the QEMU `virt` board (`sifive,test0`), one 32-bit register:
//! the low half word is the command, the high half word an exit code. Linux uses it through
//! `syscon-poweroff` and `syscon-reboot` nodes; bare-metal programs write to it directly.

use crate::{Context, Device, Model, Wiring, fdt, state};
use serde::{Deserialize, Serialize};

const FAIL: u16 = 0x3333;
const PASS: u16 = 0x5555;
const RESET: u16 = 0x7777;

/// How the guest asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// Power off, success.
    Pass,
    /// Power off with an exit code.
    Fail(u16),
    /// Restart.
    Reset,
}

/// The finisher. The first request counts.
#[derive(Debug)]
pub struct Finisher {
    phandle: u32,
    finish: Option<Finish>,
}

impl Finisher {
    /// A finisher whose node has `phandle`.
    #[must_use]
    pub fn new(phandle: u32) -> Self {
        Self { phandle, finish: None }
    }

    /// What the guest asked for, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Finish> {
        self.finish
    }

    /// A node by which Linux writes `command` to the register.
    fn syscon_node(
        &self,
        fdt: &mut vm_fdt::FdtWriter,
        name: &str,
        command: u16,
    ) -> Result<(), vm_fdt::Error> {
        let node = fdt.begin_node(name)?;
        fdt.property_string("compatible", &format!("syscon-{name}"))?;
        fdt.property_u32("regmap", self.phandle)?;
        fdt.property_u32("offset", 0)?;
        fdt.property_u32("value", u32::from(command))?;
        fdt.end_node(node)
    }
}

impl Model for Finisher {
    const NAME: &'static str = "finisher";
    const WINDOW: u64 = 0x1000;
    const INTERRUPTS: bool = false;

    fn sample() -> Self {
        Self::new(7)
    }
}

impl Device for Finisher {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn read(&mut self, _ctx: &mut Context<'_>, _offset: u64, _size: u8) -> u64 {
        0
    }

    fn write(&mut self, _ctx: &mut Context<'_>, offset: u64, size: u8, value: u64) {
        if offset != 0 || size < 2 {
            return;
        }
        let code = if size == 2 { 0 } else { (value >> 16) as u16 };
        let finish = match value as u16 {
            PASS => Finish::Pass,
            FAIL => Finish::Fail(code),
            RESET => Finish::Reset,
            _ => return,
        };
        self.finish.get_or_insert(finish);
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let node = fdt::begin(fdt, "test", &["sifive,test1", "sifive,test0", "syscon"], wiring)?;
        fdt.property_phandle(self.phandle)?;
        fdt.end_node(node)?;
        self.syscon_node(fdt, "poweroff", PASS)?;
        self.syscon_node(fdt, "reboot", RESET)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.finish)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        self.finish = state::load(Self::NAME, state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn after(value: u64, size: u8) -> Option<Finish> {
        let mut finisher = Bench::new(Finisher::sample());
        finisher.write(0, size, value);
        finisher.device.exit()
    }

    #[test]
    fn commands_are_told_apart() {
        assert_eq!(after(0x5555, 4), Some(Finish::Pass));
        assert_eq!(after(0x002a_3333, 4), Some(Finish::Fail(42)));
        assert_eq!(after(0x7777, 2), Some(Finish::Reset));
        assert_eq!((after(0x1234, 4), after(0x55, 1)), (None, None));
    }

    #[test]
    fn the_first_request_counts_also_after_a_restore() {
        let mut finisher = Bench::new(Finisher::sample());
        finisher.write(0, 4, 0x0001_3333);
        finisher.hand_over(Finisher::sample());
        finisher.write(0, 4, 0x5555);
        assert_eq!(finisher.device.exit(), Some(Finish::Fail(1)));
    }
}
