//! The device tree that tells a kernel what machine it runs on.
//!
//! Follows the Devicetree Specification 0.4 and the Linux bindings `riscv/cpus.yaml`,
//! `riscv/extensions.yaml` and `chosen`. Devices write their own nodes below `soc`; the processors,
//! RAM and the boot parameters are written here. Nothing is read from the host: the seeds given to
//! the guest derive from the run's seed.

use crate::layout::{MAX_HARTS, PLIC_PHANDLE, TIMEBASE_HZ, Window, cpu_intc_phandle};
use devices::{Device, Wiring};
use ram::RAM_BASE;
use std::ops::Range;
use thiserror::Error;
use vm_fdt::FdtWriter;

/// What the tree says beyond the devices.
#[derive(Clone, Debug)]
pub struct FdtConfig {
    /// Number of harts, 1 to [`MAX_HARTS`].
    pub harts: usize,
    /// Size of RAM in bytes.
    pub ram_size: u64,
    /// Whether the harts update the accessed and dirty bits of page tables themselves and say so
    /// (Svadu). Without it the tree leaves the matter open, which kernels take as either.
    pub svadu: bool,
    /// Kernel command line.
    pub bootargs: String,
    /// Physical addresses of the initial RAM disk.
    pub initrd: Option<Range<u64>>,
    /// Seed of the run; the guest's entropy derives from it.
    pub seed: u64,
}

/// The device tree cannot be built.
#[derive(Debug, Error)]
pub enum FdtError {
    /// A machine of that many harts is not possible.
    #[error("building the device tree: {0} harts asked for, 1 to {MAX_HARTS} are possible")]
    Harts(usize),
    /// The writer refused a node or property.
    #[error("building the device tree: {0}")]
    Writer(#[from] vm_fdt::Error),
}

/// Single-letter extensions, then the others in the order of the ISA naming rules.
const LETTERS: &str = "imafdc";
const EXTENSIONS: [&str; 17] = [
    "zicbom",
    "zicbop",
    "zicboz",
    "zicntr",
    "zicsr",
    "zifencei",
    "zihintpause",
    "zihpm",
    "zawrs",
    "zba",
    "zbb",
    "zbs",
    "sstc",
    "svadu",
    "svinval",
    "svnapot",
    "svpbmt",
];
/// Block size of the cache-block operations (Zicbom, Zicbop, Zicboz) in bytes.
pub const CACHE_BLOCK: u32 = 64;

/// The flattened tree for `config` and `devices`, each wired to its window.
pub fn build(config: &FdtConfig, devices: &[(&dyn Device, Window)]) -> Result<Vec<u8>, FdtError> {
    if !(1..=MAX_HARTS).contains(&config.harts) {
        return Err(FdtError::Harts(config.harts));
    }
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string_list("compatible", vec!["vswarm-u,virt".into(), "riscv-virtio".into()])?;
    fdt.property_string("model", "vswarm-u virtual machine")?;
    chosen(&mut fdt, config, devices)?;
    memory(&mut fdt, config.ram_size)?;
    cpus(&mut fdt, config)?;
    soc(&mut fdt, devices)?;
    fdt.end_node(root)?;
    Ok(fdt.finish()?)
}

fn chosen(
    fdt: &mut FdtWriter,
    config: &FdtConfig,
    devices: &[(&dyn Device, Window)],
) -> Result<(), FdtError> {
    let node = fdt.begin_node("chosen")?;
    fdt.property_string("bootargs", &config.bootargs)?;
    if let Some((_, uart)) = devices.iter().find(|(device, _)| device.name() == "uart") {
        fdt.property_string("stdout-path", &format!("/soc/serial@{:x}", uart.base))?;
    }
    if let Some(initrd) = &config.initrd {
        fdt.property_u64("linux,initrd-start", initrd.start)?;
        fdt.property_u64("linux,initrd-end", initrd.end)?;
    }
    let mut entropy = [0; 72];
    blake3::Hasher::new_derive_key("vswarm-u guest boot entropy")
        .update(&config.seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut entropy);
    fdt.property("rng-seed", &entropy[..64])?;
    fdt.property("kaslr-seed", &entropy[64..])?;
    fdt.end_node(node)?;
    Ok(())
}

fn memory(fdt: &mut FdtWriter, size: u64) -> Result<(), FdtError> {
    let node = fdt.begin_node(&format!("memory@{RAM_BASE:x}"))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[RAM_BASE, size])?;
    fdt.end_node(node)?;
    Ok(())
}

fn cpus(fdt: &mut FdtWriter, config: &FdtConfig) -> Result<(), FdtError> {
    let node = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    fdt.property_u32("timebase-frequency", TIMEBASE_HZ as u32)?;
    for hart in 0..config.harts {
        cpu(fdt, hart, config.svadu)?;
    }
    fdt.end_node(node)?;
    Ok(())
}

fn cpu(fdt: &mut FdtWriter, hart: usize, svadu: bool) -> Result<(), FdtError> {
    let node = fdt.begin_node(&format!("cpu@{hart:x}"))?;
    fdt.property_string("device_type", "cpu")?;
    fdt.property_u32("reg", hart as u32)?;
    fdt.property_string("status", "okay")?;
    fdt.property_string("compatible", "riscv")?;
    fdt.property_string("mmu-type", "riscv,sv48")?;
    fdt.property_string("riscv,isa", &isa_string(svadu))?;
    fdt.property_string("riscv,isa-base", "rv64i")?;
    fdt.property_string_list("riscv,isa-extensions", extension_list(svadu))?;
    for block in ["riscv,cbom-block-size", "riscv,cbop-block-size", "riscv,cboz-block-size"] {
        fdt.property_u32(block, CACHE_BLOCK)?;
    }
    let intc = fdt.begin_node("interrupt-controller")?;
    fdt.property_u32("#address-cells", 0)?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_string("compatible", "riscv,cpu-intc")?;
    fdt.property_phandle(cpu_intc_phandle(hart))?;
    fdt.end_node(intc)?;
    fdt.end_node(node)?;
    Ok(())
}

fn extensions(svadu: bool) -> impl Iterator<Item = &'static str> {
    EXTENSIONS.into_iter().filter(move |&name| name != "svadu" || svadu)
}

fn isa_string(svadu: bool) -> String {
    extensions(svadu).fold(format!("rv64{LETTERS}"), |isa, name| isa + "_" + name)
}

fn extension_list(svadu: bool) -> Vec<String> {
    LETTERS.chars().map(String::from).chain(extensions(svadu).map(String::from)).collect()
}

fn soc(fdt: &mut FdtWriter, devices: &[(&dyn Device, Window)]) -> Result<(), FdtError> {
    let node = fdt.begin_node("soc")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "simple-bus")?;
    fdt.property_null("ranges")?;
    for (device, window) in devices {
        let Window { base, size, irq } = *window;
        device.fdt_node(fdt, &Wiring { base, size, irq, plic_phandle: PLIC_PHANDLE })?;
    }
    fdt.end_node(node)?;
    Ok(())
}

#[cfg(test)]
mod tests;
