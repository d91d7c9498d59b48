//! The devices of the machine behind one address decoder, with their interrupt wiring.

use crate::layout::{self, Window};
use devices::{Clint, Context, Device, Plic};
use engine::Bus;
use ram::Ram;
use sim::Picos;

/// A device in its window.
#[derive(Debug)]
struct Slot {
    window: Window,
    device: Box<dyn Device>,
}

/// All devices. PLIC and CLINT are known by type because the harts' interrupt lines come from them.
#[derive(Debug)]
pub struct Board {
    plic: Plic,
    clint: Clint,
    slots: Vec<Slot>,
    harts: usize,
    attention: bool,
    /// Set while something outside must look at the board: a frame left, the finisher was written.
    watched: Vec<usize>,
}

impl Board {
    /// A board with interrupt controllers for `harts` harts and no devices.
    #[must_use]
    pub fn new(harts: usize) -> Self {
        let phandles: Vec<u32> = (0..harts).map(layout::cpu_intc_phandle).collect();
        Self {
            plic: Plic::new(layout::PLIC_PHANDLE, &phandles),
            clint: Clint::new(&phandles),
            slots: Vec::new(),
            harts,
            attention: false,
            watched: Vec::new(),
        }
    }

    /// Adds a device. With `watched`, every access to it asks for the machine's attention.
    pub fn attach(&mut self, window: Window, device: Box<dyn Device>, watched: bool) {
        if watched {
            self.watched.push(self.slots.len());
        }
        self.slots.push(Slot { window, device });
    }

    /// All devices with their windows, for the device tree.
    #[must_use]
    pub fn devices(&self) -> Vec<(&dyn Device, Window)> {
        let mut all: Vec<(&dyn Device, Window)> =
            vec![(&self.plic, layout::PLIC), (&self.clint, layout::CLINT)];
        all.extend(self.slots.iter().map(|slot| (&*slot.device, slot.window)));
        all
    }

    /// The first device of type `T`.
    pub fn find<T: Device>(&mut self) -> Option<&mut T> {
        self.slots.iter_mut().find_map(|slot| slot.device.downcast_mut::<T>())
    }

    /// As [`Board::find`], to look at.
    #[must_use]
    pub fn find_ref<T: Device>(&self) -> Option<&T> {
        self.slots.iter().find_map(|slot| slot.device.downcast_ref::<T>())
    }

    /// Lets every device act at `now` and samples the interrupt lines.
    pub fn poll(&mut self, ram: &mut Ram, now: Picos) {
        if self.clint.next_event().is_some_and(|at| at <= now) {
            self.clint.poll(&mut Context { ram, now });
        }
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.device.next_event().is_some_and(|at| at <= now) {
                slot.device.poll(&mut Context { ram, now });
            }
            self.sample(index);
        }
    }

    /// When a device next has something to do.
    #[must_use]
    pub fn next_event(&self) -> Picos {
        let timer = self.clint.next_event().unwrap_or(Picos::NEVER);
        self.slots
            .iter()
            .filter_map(|slot| slot.device.next_event())
            .fold(timer, std::cmp::Ord::min)
    }

    fn sample(&mut self, index: usize) {
        let slot = &self.slots[index];
        if slot.window.irq != 0 {
            self.plic.set_level(slot.window.irq, slot.device.interrupt());
        }
    }

    /// External interrupt lines of `hart`: machine level, supervisor level.
    #[must_use]
    pub fn external(&self, hart: usize) -> (bool, bool) {
        let m = self.plic.pending(Plic::machine_context(hart));
        let s = self.plic.pending(Plic::supervisor_context(hart));
        (m, s)
    }

    /// Software and timer lines of `hart` from the CLINT.
    #[must_use]
    pub fn local(&self, hart: usize, now: Picos) -> (bool, bool) {
        (self.clint.msip(hart), self.clint.mtip(hart, now))
    }

    fn lines(&self) -> u64 {
        (0..self.harts).fold(0, |lines, hart| {
            let (m, s) = self.external(hart);
            lines << 2 | u64::from(m) << 1 | u64::from(s)
        })
    }

    /// Finds the device at `pa` and lets `act` use it; then looks at what changed.
    fn access<T>(
        &mut self,
        ram: &mut Ram,
        now: Picos,
        pa: u64,
        act: impl FnOnce(&mut dyn Device, &mut Context<'_>, u64) -> T,
    ) -> Option<T> {
        let mut ctx = Context { ram, now };
        if let Some(offset) = layout::CLINT.offset(pa) {
            self.attention = true;
            return Some(act(&mut self.clint, &mut ctx, offset));
        }
        if let Some(offset) = layout::PLIC.offset(pa) {
            self.attention = true;
            return Some(act(&mut self.plic, &mut ctx, offset));
        }
        let index = self.slots.iter().position(|slot| slot.window.offset(pa).is_some())?;
        let (lines, due) = (self.lines(), self.next_event());
        let slot = &mut self.slots[index];
        let offset = pa - slot.window.base;
        let value = act(&mut *slot.device, &mut ctx, offset);
        self.sample(index);
        self.attention |=
            self.lines() != lines || self.next_event() < due || self.watched.contains(&index);
        Some(value)
    }

    /// States of all devices, in the order they were attached.
    #[must_use]
    pub fn save(&self) -> Vec<Vec<u8>> {
        self.devices().iter().map(|(device, _)| device.save()).collect()
    }

    /// Takes back what [`Board::save`] gave, on a board with the same devices.
    pub fn restore(&mut self, states: &[Vec<u8>]) -> Result<(), String> {
        let mut all: Vec<&mut dyn Device> = vec![&mut self.plic, &mut self.clint];
        all.extend(self.slots.iter_mut().map(|slot| &mut *slot.device));
        if all.len() != states.len() {
            return Err(format!("{} devices here, {} in the snapshot", all.len(), states.len()));
        }
        for (device, state) in all.iter_mut().zip(states) {
            device.restore(state).map_err(|e| format!("{}: {e}", device.name()))?;
        }
        (0..self.slots.len()).for_each(|index| self.sample(index));
        Ok(())
    }
}

impl Bus for Board {
    fn read(&mut self, ram: &mut Ram, now: Picos, pa: u64, size: u8) -> Option<u64> {
        self.access(ram, now, pa, |device, ctx, offset| device.read(ctx, offset, size))
    }

    fn write(&mut self, ram: &mut Ram, now: Picos, pa: u64, size: u8, value: u64) -> Option<()> {
        self.access(ram, now, pa, |device, ctx, offset| device.write(ctx, offset, size, value))
    }

    fn take_attention(&mut self) -> bool {
        std::mem::take(&mut self.attention)
    }
}
