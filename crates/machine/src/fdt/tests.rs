use super::*;
use crate::layout;
use std::io::Write;
use std::process::{Command, Stdio};

fn config() -> FdtConfig {
    FdtConfig {
        harts: 2,
        ram_size: 3 << 30,
        svadu: false,
        bootargs: "console=hvc0 isolcpus=1".into(),
        initrd: Some(0xb000_0000..0xb123_4567),
        seed: 7,
    }
}

/// All devices that a machine has, on their places.
fn tree(config: &FdtConfig) -> Vec<u8> {
    let intc: Vec<u32> = (0..config.harts).map(layout::cpu_intc_phandle).collect();
    let sample = |name: &str| (devices::entry(name).unwrap().sample)();
    let virtio =
        ["virtio-blk", "virtio-net", "virtio-rng", "virtio-console"].into_iter().map(sample);
    let mut devices: Vec<(Box<dyn Device>, Window)> = vec![
        (Box::new(devices::Finisher::new(layout::FINISHER_PHANDLE)), layout::FINISHER),
        (sample("rtc"), layout::RTC),
        (Box::new(devices::Clint::new(&intc)), layout::CLINT),
        (Box::new(devices::Plic::new(layout::PLIC_PHANDLE, &intc)), layout::PLIC),
        (Box::new(devices::Uart::new()), layout::UART),
    ];
    devices.extend(virtio.enumerate().map(|(slot, device)| (device, layout::virtio(slot))));
    let devices: Vec<_> = devices.iter().map(|(device, window)| (&**device, *window)).collect();
    build(config, &devices).unwrap()
}

#[test]
fn every_kind_of_device_fits_its_window() {
    let window = |name: &str| match name {
        "uart" => layout::UART,
        "plic" => layout::PLIC,
        "clint" => layout::CLINT,
        "rtc" => layout::RTC,
        "finisher" => layout::FINISHER,
        _ => layout::virtio(0),
    };
    for entry in devices::catalogue() {
        assert!(entry.window <= window(entry.name).size, "{}", entry.name);
        assert_eq!(entry.interrupts, window(entry.name).irq != 0, "{}", entry.name);
    }
}

/// The tree as source text with a warning for each oddity; `None` where dtc is not installed.
fn decompile(tree: &[u8]) -> Option<(String, String)> {
    let mut dtc = Command::new("dtc")
        .args(["-I", "dtb", "-O", "dts"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| eprintln!("skipped: dtc (package device-tree-compiler) is not installed"))
        .ok()?;
    dtc.stdin.take().unwrap().write_all(tree).unwrap();
    let output = dtc.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some((text(output.stdout), text(output.stderr)))
}

#[test]
fn the_device_tree_compiler_accepts_the_tree_without_a_warning() {
    if let Some((_, warnings)) = decompile(&tree(&config())) {
        // The finisher's two children of the bus have no registers of their own, by their binding.
        let expected = |line: &&str| line.contains("/soc/poweroff") || line.contains("/soc/reboot");
        let warnings: Vec<_> = warnings.lines().filter(|line| !expected(line)).collect();
        assert!(warnings.is_empty(), "{warnings:#?}");
    }
}

#[test]
fn the_tree_names_harts_memory_and_boot_parameters() {
    let Some((source, _)) = decompile(&tree(&config())) else { return };
    for expected in [
        "cpu@1",
        "timebase-frequency = <0x989680>",
        "riscv,isa-base = \"rv64i\"",
        r#"riscv,isa-extensions = "i\0m\0a\0f\0d\0c\0zicbom\0zicbop"#,
        "mmu-type = \"riscv,sv48\"",
        "riscv,cboz-block-size = <0x40>",
        "memory@80000000",
        "reg = <0x00 0x80000000 0x00 0xc0000000>",
        "bootargs = \"console=hvc0 isolcpus=1\"",
        "stdout-path = \"/soc/serial@10000000\"",
        "linux,initrd-end = <0x00 0xb1234567>",
        "interrupt-controller@c000000",
        "serial@10000000",
        "virtio@10004000",
    ] {
        assert!(source.contains(expected), "{expected} is missing in\n{source}");
    }
    assert!(!source.contains("cpu@2") && !source.contains("svadu"));
    let svadu = decompile(&tree(&FdtConfig { svadu: true, ..config() })).unwrap().0;
    assert!(svadu.contains(r"\0svadu\0") && svadu.contains("_sstc_svadu_svinval"));
}

#[test]
fn the_tree_depends_on_the_seed_and_on_nothing_else_outside_its_input() {
    assert_eq!(tree(&config()), tree(&config()));
    assert_ne!(tree(&config()), tree(&FdtConfig { seed: 8, ..config() }));
}

#[test]
fn impossible_numbers_of_harts_are_refused() {
    for harts in [0, 9] {
        let error = build(&FdtConfig { harts, ..config() }, &[]).unwrap_err();
        assert!(error.to_string().contains("1 to 8 are possible"));
    }
    assert!(build(&FdtConfig { harts: 8, initrd: None, ..config() }, &[]).is_ok());
}
