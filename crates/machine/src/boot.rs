//! Putting a kernel or a bare-metal program into a machine.

use crate::cpu::Machine;
use crate::fdt::{self, FdtConfig, FdtError};
use crate::htif::Htif;
use crate::loader::{Elf, KernelImage, LoadError, Symbols};
use thiserror::Error;

/// What a Linux boot needs.
#[derive(Clone, Copy, Debug)]
pub struct LinuxBoot<'a> {
    /// Content of the kernel's `Image` file.
    pub kernel: &'a [u8],
    /// Content of the initial RAM disk.
    pub initrd: Option<&'a [u8]>,
    /// Kernel command line.
    pub bootargs: &'a str,
    /// Seed of the entropy given to the guest.
    pub seed: u64,
}

/// A program or kernel cannot be started.
#[derive(Debug, Error)]
pub enum BootError {
    /// The image is not right.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The device tree is not right.
    #[error(transparent)]
    Fdt(#[from] FdtError),
}

impl Machine {
    /// Loads a kernel, its RAM disk and a device tree of this machine, and starts hart 0.
    pub fn boot_linux(&mut self, boot: LinuxBoot<'_>) -> Result<(), BootError> {
        let kernel = KernelImage::parse(boot.kernel)?;
        let ram_size = self.port.ram.size();
        let placement = kernel.place(boot.initrd.map(|initrd| initrd.len() as u64), ram_size)?;
        let config = FdtConfig {
            harts: self.harts.len(),
            ram_size,
            svadu: true,
            bootargs: boot.bootargs.to_owned(),
            initrd: placement.initrd.clone(),
            seed: boot.seed,
        };
        let tree = fdt::build(&config, &self.port.bus.devices())?;
        placement.load(&mut self.port.ram, &kernel, boot.initrd, &tree)?;
        self.start_supervisor(placement.kernel.start, placement.device_tree);
        Ok(())
    }

    /// Loads a bare-metal ELF and starts all harts at its entry in M-mode.
    pub fn load_elf(&mut self, file: &[u8]) -> Result<Symbols, BootError> {
        let elf = Elf::parse(file)?;
        elf.load(&mut self.port.ram)?;
        let symbols = elf.symbols().clone();
        let htif = symbols.tohost.map(|tohost| Htif { tohost, fromhost: symbols.fromhost });
        self.start_machine(elf.entry(), htif);
        Ok(symbols)
    }
}
