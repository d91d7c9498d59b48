//! What every device in the catalogue promises, checked for each.

use crate::{Context, Device, Wiring, catalogue};
use proptest::prelude::*;
use ram::{CHUNK, Ram};
use sim::Picos;

fn wiring(window: u64) -> Wiring {
    Wiring { base: 0x1000_0000, size: window, irq: 3, plic_phandle: 9 }
}

fn each_device(check: impl Fn(&'static crate::Entry, Box<dyn Device>)) {
    for entry in catalogue() {
        check(entry, (entry.sample)());
    }
}

#[test]
fn names_are_unique_and_told_alike() {
    let mut names = std::collections::BTreeSet::new();
    each_device(|entry, device| assert_eq!(entry.name, device.name()));
    for entry in catalogue() {
        assert!(names.insert(entry.name), "{} is listed twice", entry.name);
        assert_eq!(crate::entry(entry.name).unwrap().window, entry.window);
    }
    assert!(crate::entry("no such device").is_none());
}

#[test]
fn windows_are_whole_powers_of_two() {
    each_device(|entry, _| assert!(entry.window.is_power_of_two(), "{}", entry.name));
}

#[test]
fn every_node_is_accepted_by_the_device_tree_writer() {
    each_device(|entry, device| {
        let mut fdt = vm_fdt::FdtWriter::new().unwrap();
        let root = fdt.begin_node("").unwrap();
        device.fdt_node(&mut fdt, &wiring(entry.window)).unwrap();
        fdt.end_node(root).unwrap();
        let blob = fdt.finish().unwrap();
        let holds = |word: &[u8]| blob.windows(word.len()).any(|at| at == word);
        assert!(holds(b"compatible\0") && holds(b"reg\0") && holds(b"@10000000\0"));
    });
}

#[test]
fn truncated_and_padded_states_are_refused() {
    each_device(|entry, mut device| {
        let state = device.save();
        let padded = [&state[..], &[0]].concat();
        assert!(device.restore(&padded).unwrap_err().contains(entry.name));
        if let Some(cut) = state.len().checked_sub(1) {
            assert!(device.restore(&state[..cut]).is_err(), "{}", entry.name);
        }
        device.restore(&state).unwrap();
    });
}

#[test]
fn a_fresh_device_raises_no_interrupt_and_waits_for_nothing() {
    each_device(|entry, device| {
        assert!(!device.interrupt(), "{}", entry.name);
        assert_eq!(device.next_event(), None, "{}", entry.name);
    });
}

/// One access: offset seed, log2 of the size, value, write or read, time that passes before.
type Access = (u64, u8, u64, bool, u32);

fn apply(device: &mut dyn Device, ram: &mut Ram, now: &mut Picos, window: u64, access: Access) {
    let (seed, log_size, value, write, wait) = access;
    let size = 1 << log_size;
    let offset = (seed % window) & !(u64::from(size) - 1);
    *now += Picos(u64::from(wait));
    let mut ctx = Context { ram, now: *now };
    device.poll(&mut ctx);
    if write {
        device.write(&mut ctx, offset, size, value);
    } else {
        device.read(&mut ctx, offset, size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Low offsets are where the registers are, so half of the accesses go there.
    #[test]
    fn random_accesses_neither_panic_nor_differ_after_a_restore(
        accesses in prop::collection::vec(
            (prop_oneof![any::<u64>(), 0..0x200_u64], 0..4_u8,
             prop_oneof![any::<u64>(), 0..16_u64], any::<bool>(), any::<u32>()),
            1..120,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        for entry in catalogue() {
            let mut device = (entry.sample)();
            let mut ram = Ram::new(CHUNK);
            let mut now = Picos::ZERO;
            let cut = cut.index(accesses.len());
            for (step, &access) in accesses.iter().enumerate() {
                if step == cut {
                    let state = device.save();
                    device = (entry.sample)();
                    device.restore(&state).unwrap();
                    prop_assert_eq!(device.save(), state, "{}", entry.name);
                }
                apply(&mut *device, &mut ram, &mut now, entry.window, access);
            }
        }
    }
}
