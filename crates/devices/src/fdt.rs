//! What device-tree nodes have in common (Devicetree Specification 0.4, sections 2.2 and 2.4).

use crate::Wiring;
use vm_fdt::{Error, FdtWriter, FdtWriterNode};

/// Opens the node `name@base` with `compatible`, `reg` and, if wired, `interrupts`.
pub(crate) fn begin(
    fdt: &mut FdtWriter,
    name: &str,
    compatible: &[&str],
    wiring: &Wiring,
) -> Result<FdtWriterNode, Error> {
    let node = fdt.begin_node(&format!("{name}@{:x}", wiring.base))?;
    let compatible = compatible.iter().map(|&name| name.to_owned()).collect();
    fdt.property_string_list("compatible", compatible)?;
    fdt.property_array_u64("reg", &[wiring.base, wiring.size])?;
    if wiring.irq != 0 {
        fdt.property_u32("interrupt-parent", wiring.plic_phandle)?;
        fdt.property_array_u32("interrupts", &[wiring.irq])?;
    }
    Ok(node)
}

/// The list `<phandle line>` for each hart's interrupt controller and each of `lines`.
pub(crate) fn per_hart(intc_phandles: &[u32], lines: [u32; 2]) -> Vec<u32> {
    intc_phandles.iter().flat_map(|&intc| lines.map(|line| [intc, line])).flatten().collect()
}
