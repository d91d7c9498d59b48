//! Guest memory by virtual address, for those who look at the operating system from outside.

use crate::cpu::Machine;

/// The smallest page.
const PAGE: u64 = 4096;

impl Machine {
    /// Fills `into` from virtual address `va` of what `hart` has mapped, whatever its permissions. Returns
    /// whether all of it was there. The guest does not notice: nothing is marked as accessed.
    pub fn read_virtual(&mut self, hart: usize, va: u64, into: &mut [u8]) -> bool {
        let mut done = 0;
        while done < into.len() {
            let at = va.wrapping_add(done as u64);
            let Some(found) = self.port.walk(&self.harts[hart], at) else { return false };
            let in_page = (PAGE - at % PAGE).min((into.len() - done) as u64);
            let Some(offset) = self.port.ram.offset(found.pa, in_page) else { return false };
            // A page lies in one chunk.
            self.port.ram.touch(offset);
            let bytes = &self.port.ram.bytes()[offset..offset + in_page as usize];
            into[done..done + bytes.len()].copy_from_slice(bytes);
            done += bytes.len();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::{Machine, MachineConfig};
    use ram::{RAM_BASE, Ram};

    /// A leaf entry, valid, readable and accessed.
    const LEAF: u64 = 0x43;

    /// A machine whose hart 0 maps two neighbouring pages the other way round: Sv39, tables in the first three
    /// pages of RAM, 4 KiB pages from virtual address 0.
    fn machine() -> Machine {
        let mut machine = Machine::new(MachineConfig::default(), Ram::new(16 << 20));
        machine.start_supervisor(RAM_BASE, 0);
        let page = |number: u64| RAM_BASE + 4096 * number;
        let entry = |number: u64, flags: u64| page(number) >> 12 << 10 | flags;
        let mut put = |at: u64, value: u64| {
            let offset = machine.ram().offset(at, 8).unwrap();
            machine.ram().touch(offset);
            machine.ram().bytes_mut()[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        };
        put(page(0), entry(1, 1));
        put(page(1), entry(2, 1));
        put(page(2), entry(5, LEAF));
        put(page(2) + 8, entry(4, LEAF));
        put(page(5) + 4092, 0x1111_1111);
        put(page(4), 0x2222_2222);
        machine.hart_mut(0).csr.satp = 8 << 60 | RAM_BASE >> 12;
        machine
    }

    #[test]
    fn what_lies_on_two_pages_is_put_together_and_what_is_not_mapped_is_refused() {
        let mut machine = machine();
        let mut bytes = [0; 8];
        assert!(machine.read_virtual(0, 4092, &mut bytes));
        assert_eq!(bytes, [0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22]);
        assert!(!machine.read_virtual(0, 8188, &mut bytes), "the third page is not mapped");
        assert!(!machine.read_virtual(0, u64::MAX - 3, &mut bytes));
    }
}
