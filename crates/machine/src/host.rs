//! The machine as its supervisor binary interface sees it.

use crate::cpu::{Event, Machine, Power};
use crate::sbi::{self, Call, Entry, Fence, HartState, Reply, Reset, SbiHost};
use hart::Interrupt;
use ram::Ram;

/// Above this many pages a remote fence drops everything.
const MAX_PAGES: u64 = 64;

impl Machine {
    /// Serves the `ecall` that hart `index` has just made.
    pub(crate) fn serve_sbi(&mut self, index: usize) {
        let mut registers = [0; 8];
        registers.copy_from_slice(&self.harts[index].x[10..18]);
        let reply = sbi::call(self, index, Call::from_registers(registers));
        let x = &mut self.harts[index].x;
        match reply {
            Reply::Pair { error, value } => {
                x[10] = error as u64;
                x[11] = value;
            }
            Reply::Legacy(value) => x[10] = value as u64,
            Reply::NoReturn => {}
        }
        self.port.select(index);
    }
}

impl SbiHost for Machine {
    fn hart_count(&self) -> usize {
        self.harts.len()
    }

    fn hart_state(&self, hart: usize) -> HartState {
        match self.power[hart] {
            Power::On => HartState::Started,
            Power::Off => HartState::Stopped,
            Power::Suspended(_) => HartState::Suspended,
        }
    }

    fn start_hart(&mut self, hart: usize, entry: Entry) {
        self.power_on(hart, entry.pc, entry.opaque);
    }

    fn stop_hart(&mut self, hart: usize) {
        self.power[hart] = Power::Off;
    }

    fn suspend_hart(&mut self, hart: usize, resume: Option<Entry>) {
        self.power[hart] = Power::Suspended(resume.map(|entry| (entry.pc, entry.opaque)));
    }

    fn set_timer(&mut self, hart: usize, time: u64) {
        self.harts[hart].csr.stimecmp = time;
    }

    fn send_ipi(&mut self, hart: usize) {
        self.harts[hart].csr.mip |= Interrupt::SupervisorSoftware.bit();
        self.refresh_hart(hart);
    }

    fn remote_fence(&mut self, hart: usize, fence: Fence) {
        let Fence::Translation { range, asid } = fence else { return };
        let pages = range.map(|(start, len)| (start & !0xfff, len.div_ceil(4096) + 1));
        match pages {
            Some((start, count)) if count <= MAX_PAGES => {
                for page in 0..count {
                    let va = start.wrapping_add(page * 4096);
                    self.port.flush_hart(hart, Some(va));
                    let scope = match asid {
                        Some(asid) => {
                            stream::FlushScope::PageAsid(stream::VirtAddr(va), asid as u16)
                        }
                        None => stream::FlushScope::Page(stream::VirtAddr(va)),
                    };
                    self.note_flush(hart, scope);
                }
            }
            _ => {
                self.port.flush_hart(hart, None);
                let scope = match asid {
                    Some(asid) => stream::FlushScope::Asid(asid as u16),
                    None => stream::FlushScope::All,
                };
                self.note_flush(hart, scope);
            }
        }
    }

    fn system_reset(&mut self, reset: Reset) {
        self.events.push_back(Event::Reset(reset));
    }

    fn ram(&mut self) -> &mut Ram {
        &mut self.port.ram
    }

    fn console_write(&mut self, bytes: &[u8]) {
        self.drain_uart();
        self.console.extend_from_slice(bytes);
    }

    fn console_read(&mut self) -> Option<u8> {
        self.console_input.pop_front()
    }
}
