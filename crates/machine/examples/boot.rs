//! Boots a kernel or a bare-metal ELF with the console on standard output.
//! `boot ELF` or `boot KERNEL INITRD DISK [SECONDS]`, seconds of virtual time.
#![expect(clippy::unwrap_used, reason = "a tool for developers: what fails may panic")]

use devices::virtio::{Blk, BlkConfig, NetConfig, Overlay, VirtioBlk};
use machine::{Event, LinuxBoot, Machine, MachineConfig};
use ram::Ram;
use sim::Picos;
use std::io::Write;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut machine = if args.len() == 1 { bare(&args[0]) } else { linux(&args) };
    let limit: f64 = args.get(3).and_then(|s| s.parse().ok()).unwrap_or(600.0);
    let start = std::time::Instant::now();
    let mut at = Picos::from_millis(10);
    loop {
        let event = machine.run_fast(at);
        let text = machine.take_console();
        std::io::stdout().write_all(&text).unwrap();
        std::io::stdout().flush().unwrap();
        match event {
            Event::Deadline => at += Picos::from_millis(10),
            Event::Transmit => {
                machine
                    .board()
                    .find::<devices::virtio::VirtioNet>()
                    .unwrap()
                    .backend_mut()
                    .take_tx();
                continue;
            }
            other => {
                eprintln!("{other:?}");
                break;
            }
        }
        if at > Picos::from_nanos((limit * 1e9) as u64) {
            break;
        }
    }
    let secs = start.elapsed().as_secs_f64();
    for h in 0..machine.hart_count() {
        let hart = machine.hart(h);
        eprintln!(
            "hart {h}: pc {:#x} retired {} prv {:?} waiting {} mip {:x} mie {:x} satp {:x} time {} cmp {}",
            hart.pc,
            hart.retired,
            hart.prv,
            hart.waiting,
            hart.csr.mip,
            hart.csr.mie,
            hart.csr.satp,
            hart.time(),
            hart.csr.stimecmp
        );
        eprintln!(
            "  sepc {:#x} scause {:#x} stval {:#x} stvec {:#x}",
            hart.csr.sepc, hart.csr.scause, hart.csr.stval, hart.csr.stvec
        );
    }
    eprintln!(
        "{} instructions, {secs:.2} s, {:.1} MIPS, virtual {}",
        machine.retired(),
        machine.retired() as f64 / secs / 1e6,
        machine.now()
    );
}

fn bare(path: &str) -> Machine {
    let mut machine =
        Machine::new(MachineConfig { harts: 1, ..Default::default() }, Ram::new(128 << 20));
    machine.load_elf(&std::fs::read(path).unwrap()).unwrap();
    machine
}

fn linux(args: &[String]) -> Machine {
    let disk = Overlay::open(std::path::Path::new(&args[2])).unwrap();
    let disk = VirtioBlk::new(Blk::new(Box::new(disk), BlkConfig::default()));
    let config =
        MachineConfig { disk: Some(disk), net: Some(NetConfig::default()), ..Default::default() };
    let mut machine = Machine::new(config, Ram::new(3 << 30));
    let bootargs =
        std::env::var("BOOTARGS").unwrap_or("console=ttyS0 earlycon=sbi panic=-1".into());
    machine
        .boot_linux(LinuxBoot {
            kernel: &std::fs::read(&args[0]).unwrap(),
            initrd: Some(&std::fs::read(&args[1]).unwrap()),
            bootargs: &bootargs,
            seed: 1,
        })
        .unwrap();
    machine
}
