//! The machine: harts, memory and devices, and the way time passes for them.

use crate::board::Board;
use crate::htif::{Htif, Verdict};
use crate::sbi::Reset;
use devices::virtio::{NetConfig, VirtioBlk, VirtioConsole, VirtioNet, VirtioRng};
use devices::{Finisher, Rtc, Uart};
use engine::{Code, FastPort, Stepper};
use hart::mmu::{ADUE, PBMTE};
use hart::{Hart, Pmp, Privilege};
use ram::Ram;
use sim::Picos;
use std::collections::VecDeque;

/// What kind of machine to build.
#[derive(Debug)]
pub struct MachineConfig {
    /// Number of harts, 1 to 8.
    pub harts: usize,
    /// Seed of everything random the guest sees.
    pub seed: u64,
    /// Network card; `None` leaves the slot empty.
    pub net: Option<NetConfig>,
    /// Disk; `None` leaves the slot empty.
    pub disk: Option<VirtioBlk>,
    /// Seconds since 1970 that the real-time clock shows at power-on.
    pub epoch_secs: u64,
}

impl Default for MachineConfig {
    fn default() -> Self {
        Self { harts: 2, seed: 0, net: None, disk: None, epoch_secs: devices::DEFAULT_EPOCH_SECS }
    }
}

/// Something the caller of a run must know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time asked for has come.
    Deadline,
    /// The guest sent network frames: take them.
    Transmit,
    /// The guest executed a marker instruction.
    Marker {
        /// Which hart.
        hart: usize,
        /// gem5's function number.
        function: u8,
        /// a0 to a5.
        args: [u64; 6],
    },
    /// The guest switched the machine off or asked for a reboot.
    Reset(Reset),
    /// A bare-metal program ended.
    Verdict(Verdict),
    /// No hart will ever run again: all wait and nothing is scheduled.
    Stuck,
    /// The host failed to supply guest memory or disk content.
    Failed(String),
}

/// Whether a hart executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Power {
    /// It does.
    On,
    /// It was stopped or never started.
    Off,
    /// It waits in an SBI suspend call; where to resume, if not in place.
    Suspended(Option<(u64, u64)>),
}

/// A whole machine.
#[derive(Debug)]
pub struct Machine {
    pub(crate) harts: Vec<Hart>,
    pub(crate) power: Vec<Power>,
    pub(crate) port: FastPort<Board>,
    pub(crate) code: Code<Board>,
    pub(crate) stepper: Stepper<crate::source::Description>,
    /// Virtual time up to which everything has happened.
    pub(crate) now: Picos,
    pub(crate) events: VecDeque<Event>,
    pub(crate) console: Vec<u8>,
    pub(crate) console_input: VecDeque<u8>,
    pub(crate) htif: Option<Htif>,
    /// External lines last given to each hart.
    pub(crate) external: Vec<(bool, bool)>,
    /// The stepper ran since the block cache did.
    pub(crate) stepping: bool,
    pub(crate) pending_flushes: Vec<VecDeque<stream::FlushScope>>,
    pub(crate) identity: Identity,
}

/// What a snapshot needs to build the same machine again.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub seed: u64,
    pub epoch_secs: u64,
    pub net: Option<NetConfig>,
}

impl Machine {
    /// A machine with its devices, all harts off. Panics unless 1 to 8 harts are asked for.
    #[must_use]
    pub fn new(config: MachineConfig, ram: Ram) -> Self {
        let harts = config.harts;
        assert!((1..=crate::layout::MAX_HARTS).contains(&harts), "1 to 8 harts");
        let identity =
            Identity { seed: config.seed, epoch_secs: config.epoch_secs, net: config.net.clone() };
        let board = assemble(config);
        Self {
            harts: (0..harts).map(|id| Hart::new(id as u64, 0)).collect(),
            power: vec![Power::Off; harts],
            port: FastPort::new(ram, board, harts),
            code: Code::new(),
            stepper: Stepper::describing(harts),
            now: Picos::ZERO,
            events: VecDeque::new(),
            console: Vec::new(),
            console_input: VecDeque::new(),
            htif: None,
            external: vec![(false, false); harts],
            stepping: false,
            pending_flushes: vec![VecDeque::new(); harts],
            identity,
        }
    }

    /// Starts hart 0 in S-mode as firmware would hand over to a kernel: `pc`, hart id in a0 and the
    /// device tree's address in a1. SBI is served by the machine.
    pub fn start_supervisor(&mut self, pc: u64, device_tree: u64) {
        for index in 0..self.harts.len() {
            self.ready_supervisor(index);
        }
        self.power_on(0, pc, device_tree);
    }

    /// What M-mode firmware would have set up: delegation of all that S-mode handles, open PMP,
    /// counters, timer and page-table features enabled.
    fn ready_supervisor(&mut self, index: usize) {
        let hart = &mut self.harts[index];
        hart.sbi = true;
        hart.pmp = Pmp::open();
        // Everything but ecall from S and M.
        hart.csr.medeleg = 0xb1ff;
        hart.csr.mideleg = 1 << 1 | 1 << 5 | 1 << 9;
        hart.csr.mcounteren = 0xffff_ffff;
        // Programs read `time` directly: cycle, time and instret.
        hart.csr.scounteren = 7;
        hart.csr.menvcfg = hart::csr::STCE | PBMTE | ADUE | 0xf0;
    }

    /// Lets hart `index` begin in S-mode with translation and interrupts off.
    pub(crate) fn power_on(&mut self, index: usize, pc: u64, opaque: u64) {
        let now = self.now;
        let hart = &mut self.harts[index];
        hart.pc = pc;
        hart.prv = Privilege::Supervisor;
        hart.x[10] = index as u64;
        hart.x[11] = opaque;
        hart.csr.satp = 0;
        hart.csr.mstatus &= !(1 << 1);
        hart.waiting = false;
        let step = hart.clock.step;
        hart.set_clock(now, step);
        self.power[index] = Power::On;
        self.port.select(index);
        self.port.adopt(&mut self.harts[index]);
    }

    /// Starts all harts in M-mode at `pc`, hart id in a0, as reset does on a machine without
    /// firmware. `htif` ends the run through `tohost`.
    pub fn start_machine(&mut self, pc: u64, htif: Option<Htif>) {
        self.port.watch(htif.as_ref().map(|h| h.tohost));
        self.htif = htif;
        for index in 0..self.harts.len() {
            let hart = &mut self.harts[index];
            hart.pc = pc;
            hart.x[10] = index as u64;
            self.power[index] = Power::On;
            self.port.select(index);
            self.port.adopt(&mut self.harts[index]);
        }
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Picos {
        self.now
    }

    /// Number of harts.
    #[must_use]
    pub fn hart_count(&self) -> usize {
        self.harts.len()
    }

    /// A hart, to look at.
    #[must_use]
    pub fn hart(&self, index: usize) -> &Hart {
        &self.harts[index]
    }

    /// A hart, to set a0 after a marker.
    pub fn hart_mut(&mut self, index: usize) -> &mut Hart {
        &mut self.harts[index]
    }

    /// Instructions retired by all harts.
    #[must_use]
    pub fn retired(&self) -> u64 {
        self.harts.iter().map(|hart| hart.retired).sum()
    }

    /// Guest RAM.
    pub fn ram(&mut self) -> &mut Ram {
        &mut self.port.ram
    }

    /// The devices.
    pub fn board(&mut self) -> &mut Board {
        &mut self.port.bus
    }

    /// The devices, to look at.
    #[must_use]
    pub fn board_ref(&self) -> &Board {
        &self.port.bus
    }

    /// Takes what the guest wrote to its console (UART and SBI) since the last call.
    pub fn take_console(&mut self) -> Vec<u8> {
        self.drain_uart();
        std::mem::take(&mut self.console)
    }

    /// Types on the guest's console.
    pub fn push_console(&mut self, bytes: &[u8]) {
        if let Some(uart) = self.board().find::<Uart>() {
            uart.push_input(bytes);
        }
        self.console_input.extend(bytes);
    }

    pub(crate) fn drain_uart(&mut self) {
        if let Some(uart) = self.port.bus.find::<Uart>() {
            let output = uart.take_output();
            self.console.extend(output);
        }
    }

    /// Drops everything that is cached about the guest. After this a continued run and one restored
    /// from a snapshot are in the same state to the byte.
    pub fn forget_caches(&mut self) {
        self.code.clear();
        self.port.ram.clear_code_marks();
        self.port.flush_all();
        self.stepper.clear();
        for (index, hart) in self.harts.iter_mut().enumerate() {
            hart.reservation = None;
            self.port.select(index);
            self.port.adopt(hart);
        }
    }
}

fn assemble(config: MachineConfig) -> Board {
    use crate::layout::{self, virtio};
    let mut board = Board::new(config.harts);
    board.attach(layout::UART, Box::new(Uart::new()), false);
    board.attach(layout::RTC, Box::new(Rtc::new(config.epoch_secs)), false);
    board.attach(layout::FINISHER, Box::new(Finisher::new(FINISHER_PHANDLE)), true);
    if let Some(disk) = config.disk {
        board.attach(virtio(0), Box::new(disk), false);
    }
    if let Some(net) = config.net {
        let net = devices::virtio::Net::new(net);
        board.attach(virtio(1), Box::new(VirtioNet::new(net)), true);
    }
    let rng = devices::virtio::Rng::new(config.seed);
    board.attach(virtio(2), Box::new(VirtioRng::new(rng)), false);
    let console = devices::virtio::Console::default();
    board.attach(virtio(3), Box::new(VirtioConsole::new(console)), true);
    board
}

const FINISHER_PHANDLE: u32 = 0x21;
