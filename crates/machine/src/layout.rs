//! Physical memory map and interrupt numbers.
//!
//! The map is that of QEMU's RISC-V `virt` board (QEMU documentation, "virt Generic Virtual
//! Platform"), because bare-metal programs are commonly written and linked for it. RAM starts at
//! [`ram::RAM_BASE`]. What that board has and ours lacks: flash, PCIe, fw_cfg, AIA.

/// A window of physical addresses that belongs to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Physical address of the first byte.
    pub base: u64,
    /// Length in bytes.
    pub size: u64,
    /// PLIC source the device raises, 0 for none.
    pub irq: u32,
}

impl Window {
    /// The offset of `pa` in this window, if it lies inside.
    #[must_use]
    pub const fn offset(&self, pa: u64) -> Option<u64> {
        match pa.checked_sub(self.base) {
            Some(offset) if offset < self.size => Some(offset),
            _ => None,
        }
    }
}

/// Test finisher: bare-metal programs end a run by writing here.
pub const FINISHER: Window = Window { base: 0x10_0000, size: 0x1000, irq: 0 };
/// Goldfish real-time clock.
pub const RTC: Window = Window { base: 0x10_1000, size: 0x1000, irq: 11 };
/// Core-local interruptor: software interrupts, `mtime`, `mtimecmp`.
pub const CLINT: Window = Window { base: 0x200_0000, size: 0x1_0000, irq: 0 };
/// Platform-level interrupt controller.
pub const PLIC: Window = Window { base: 0xc00_0000, size: 0x400_0000, irq: 0 };
/// 16550A serial port.
pub const UART: Window = Window { base: 0x1000_0000, size: 0x100, irq: 10 };
/// Number of virtio-mmio slots.
pub const VIRTIO_SLOTS: usize = 8;

/// Virtio-mmio slot `slot`, counted from 0. Panics from [`VIRTIO_SLOTS`] on.
#[must_use]
pub const fn virtio(slot: usize) -> Window {
    assert!(slot < VIRTIO_SLOTS, "the board has eight virtio-mmio slots");
    Window { base: 0x1000_1000 + slot as u64 * 0x1000, size: 0x1000, irq: 1 + slot as u32 }
}

/// Most harts a machine can have.
pub const MAX_HARTS: usize = 8;
/// Frequency of the `time` counter in Hz.
pub const TIMEBASE_HZ: u64 = 10_000_000;
/// Device-tree phandle of the PLIC.
pub const PLIC_PHANDLE: u32 = 0x20;

/// Device-tree phandle of the test finisher.
pub const FINISHER_PHANDLE: u32 = 0x21;

/// Device-tree phandle of the interrupt controller in hart `hart`.
#[must_use]
pub const fn cpu_intc_phandle(hart: usize) -> u32 {
    1 + hart as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use ram::RAM_BASE;

    #[test]
    fn windows_do_not_overlap_and_lie_below_ram() {
        let mut windows = vec![FINISHER, RTC, CLINT, PLIC, UART];
        windows.extend((0..VIRTIO_SLOTS).map(virtio));
        windows.sort_by_key(|window| window.base);
        for pair in windows.windows(2) {
            assert!(pair[0].base + pair[0].size <= pair[1].base, "{pair:x?}");
        }
        let last = windows[windows.len() - 1];
        assert!(last.base + last.size <= RAM_BASE);
    }

    #[test]
    fn interrupt_numbers_are_unique_and_phandles_do_not_meet_the_plic() {
        let mut irqs: Vec<u32> = (0..VIRTIO_SLOTS).map(|slot| virtio(slot).irq).collect();
        irqs.extend([UART.irq, RTC.irq]);
        irqs.sort_unstable();
        let count = irqs.len();
        irqs.dedup();
        assert_eq!(irqs.len(), count);
        assert!((0..MAX_HARTS).all(|hart| cpu_intc_phandle(hart) < PLIC_PHANDLE));
    }

    #[test]
    fn a_window_knows_which_addresses_are_its_own() {
        assert_eq!(UART.offset(0x1000_0005), Some(5));
        assert_eq!(UART.offset(0x1000_0100), None);
        assert_eq!(UART.offset(0xfff_ffff), None);
        assert_eq!(virtio(7).base, 0x1000_8000);
    }
}
