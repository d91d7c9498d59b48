//! Who spent it: the cycles and instructions of a window, divided among the layers of the guest's software.
//!
//! Cores count where what they commit lies ([`pipeline::Profile`]); here that becomes names. Kernel code
//! goes by the kernel's own symbols, whatever process it runs for. User code goes by the process whose
//! thread runs, which is read out of the memory of the running kernel, and by the file that is mapped
//! there. Nothing is changed in the guest, and nothing in it says where a layer begins.
//!
//! [`Surveys`] find out what software there is, in a copy of the machine; [`Profiler`] reads the profiles
//! at the edges of windows; [`Ledger`] gives each place its layer and its stack; `data/layers.toml` has
//! the rules.
//!
//! Left out: what an interpreter or a just-in-time compiler executes for the function is not told from what
//! it does for itself; both are the runtime's.

mod btf;
mod kallsyms;
mod layer;
mod ledger;
mod processes;
mod profiler;
mod programs;
mod rules;
mod survey;
mod tasks;

pub(crate) use ledger::Ledger;
pub(crate) use profiler::{Profiler, describe};
pub(crate) use survey::Surveys;
