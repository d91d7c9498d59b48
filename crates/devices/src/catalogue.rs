//! The list of device kinds. A new device is a file of its own and one line in `devices!` below;
//! every kind listed is put through the contract suite of this crate's tests.

use crate::{Clint, Device, Finisher, Plic, Rtc, Uart, virtio};

/// What a kind of device says about itself before one is built.
pub trait Model: Device + Sized {
    /// Short name, unique in the catalogue; stable, because snapshots label states with it.
    const NAME: &'static str;
    /// Size of the register window in bytes, for [`crate::Wiring::size`].
    const WINDOW: u64;
    /// Whether it has an interrupt line.
    const INTERRUPTS: bool;

    /// A small working instance, for tests and listings.
    fn sample() -> Self;
}

/// One kind of device.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// [`Model::NAME`].
    pub name: &'static str,
    /// [`Model::WINDOW`].
    pub window: u64,
    /// [`Model::INTERRUPTS`].
    pub interrupts: bool,
    /// Builds [`Model::sample`].
    pub sample: fn() -> Box<dyn Device>,
}

macro_rules! devices {
    ($($model:ty),* $(,)?) => {
        static CATALOGUE: &[Entry] = &[$(Entry {
            name: <$model as Model>::NAME,
            window: <$model as Model>::WINDOW,
            interrupts: <$model as Model>::INTERRUPTS,
            sample: || Box::new(<$model as Model>::sample()),
        }),*];
    };
}

devices! {
    Uart,
    Plic,
    Clint,
    Rtc,
    Finisher,
    virtio::VirtioBlk,
    virtio::VirtioNet,
    virtio::VirtioRng,
    virtio::VirtioConsole,
}

/// All kinds of device.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
}

/// The kind called `name`.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}
