//! The layers of software that cycles are divided among.

use serde::Deserialize;

/// Whose code an instruction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Layer {
    Function,
    Runtime,
    KernelNetwork,
    KernelScheduler,
    KernelMemory,
    KernelFiles,
    KernelEntry,
    KernelOther,
    Engine,
    Other,
}

impl Layer {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 10] = [
        Self::Function,
        Self::Runtime,
        Self::KernelNetwork,
        Self::KernelScheduler,
        Self::KernelMemory,
        Self::KernelFiles,
        Self::KernelEntry,
        Self::KernelOther,
        Self::Engine,
        Self::Other,
    ];

    /// Its name in paths of statistics, in stacks and in the data file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Runtime => "runtime",
            Self::KernelNetwork => "kernel_network",
            Self::KernelScheduler => "kernel_scheduler",
            Self::KernelMemory => "kernel_memory",
            Self::KernelFiles => "kernel_files",
            Self::KernelEntry => "kernel_entry",
            Self::KernelOther => "kernel_other",
            Self::Engine => "engine",
            Self::Other => "other",
        }
    }

    /// What belongs to it.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Function => {
                "the function's own compiled code; interpreted code counts as runtime"
            }
            Self::Runtime => {
                "the function's language runtime and libraries, interpreted and just-in-time compiled code"
            }
            Self::KernelNetwork => "the kernel's network stack and network drivers",
            Self::KernelScheduler => "the kernel's scheduler, waiting and waking, timers",
            Self::KernelMemory => "the kernel's memory management, copying and page cache",
            Self::KernelFiles => "the kernel's file systems, file descriptors and polling",
            Self::KernelEntry => "entry to and exit from the kernel, system calls and interrupts",
            Self::KernelOther => "the rest of the kernel",
            Self::Engine => "programs of the container engine",
            Self::Other => "other programs, helper containers among them",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_a_place_and_the_name_that_it_has_in_the_data_file() {
        for (place, layer) in Layer::ALL.into_iter().enumerate() {
            assert_eq!(layer as usize, place);
            let read: Layer = serde_json::from_value(layer.name().into()).unwrap();
            assert_eq!(read, layer);
        }
    }
}
