//! From places in the code to layers and stacks.

use super::layer::Layer;
use super::processes::Process;
use super::programs::Programs;
use super::rules::Classifier;
use super::survey::Survey;
use super::tasks::{Layout, Task, Tasks};
use crate::StudyError;
use crate::measure::FUNCTION_HART;
use guest::oci::Image;
use machine::Machine;
use pipeline::{Context, Place, Profile, Reading, Spending};
use std::collections::BTreeMap;

/// What each layer spent, by [`Layer::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent(pub(crate) [Spending; Layer::ALL.len()]);

/// Names of places, and what was spent at stacks of them.
#[derive(Debug)]
pub(crate) struct Ledger {
    survey: Survey,
    tasks: Tasks,
    programs: Programs,
    rules: Classifier,
    /// The layers of the kernel's functions that were asked for, by number.
    kernel: Vec<Option<Layer>>,
    /// Cycles by stack.
    stacks: BTreeMap<String, u64>,
}

/// What an address stands for.
struct Frame {
    name: String,
    layer: Layer,
}

impl Ledger {
    /// For a guest that runs on `machine` and was surveyed, and whose containers are of `images`.
    pub(crate) fn new(
        survey: Survey,
        images: &[Image],
        machine: &mut Machine,
    ) -> Result<Self, StudyError> {
        let layout = Layout::read(machine, &survey.kernel)
            .map_err(|what| StudyError::Profile(format!("the kernel cannot be read: {what}")))?;
        Ok(Self {
            tasks: Tasks::new(layout),
            kernel: vec![None; survey.kernel.len()],
            survey,
            programs: Programs::of(images),
            rules: Classifier::builtin(),
            stacks: BTreeMap::new(),
        })
    }

    /// Divides what `hart` spent between two readings of its profile among layers, and adds it to the stacks.
    pub(crate) fn enter(
        &mut self,
        hart: usize,
        profile: &Profile,
        (before, after): (&Reading, &Reading),
        machine: &mut Machine,
    ) -> Spent {
        self.tasks.look_up(machine, profile.contexts().threads());
        let mut spent = Spent::default();
        // Places of one context follow each other more often than not.
        let mut callers = Callers::default();
        for (place, spending) in profile.between(before, after) {
            let task = profile.contexts().thread_of(place.context);
            let task =
                task.and_then(|address| self.tasks.get(address)).cloned().unwrap_or_default();
            let leaf = self.frame(&task, place.pc.0);
            spent.0[leaf.layer as usize] += spending;
            if spending.cycles > 0 {
                if callers.of != Some(place.context) {
                    callers = self.callers(profile, place, &task);
                }
                let stack = callers.stack(hart, &task, &leaf);
                *self.stacks.entry(stack).or_default() += spending.cycles;
            }
        }
        spent
    }

    /// All that was entered, as lines of `frame;frame;... cycles` (B. Gregg, "The flame graph", CACM 59(6),
    /// 2016), sorted.
    pub(crate) fn folded(&self) -> String {
        let lines = self.stacks.iter().map(|(stack, cycles)| format!("{stack} {cycles}\n"));
        lines.collect()
    }

    fn callers(&mut self, profile: &Profile, place: &Place, task: &Task) -> Callers {
        let mut frames: Vec<String> = profile
            .contexts()
            .entries(place.context)
            .map(|entry| self.frame(task, entry.0).name)
            .collect();
        frames.reverse();
        Callers { of: Some(place.context), frames }
    }

    fn kernel_frame(&mut self, address: u64) -> Frame {
        let Some(number) = self.survey.kernel.at(address) else {
            return Frame { name: "[kernel]".to_owned(), layer: Layer::KernelOther };
        };
        let function = self.survey.kernel.function(number);
        let layer = *self.kernel[number].get_or_insert_with(|| self.rules.kernel(function));
        Frame { name: function.name.to_string(), layer }
    }

    fn frame(&mut self, task: &Task, address: u64) -> Frame {
        if (address as i64) < 0 {
            return self.kernel_frame(address);
        }
        let process = self.survey.processes.get(&task.process);
        let mapping = process.and_then(|process| process.mapping(address));
        let path = mapping.map_or("", |mapping| &mapping.path);
        let offset = mapping.map_or(0, |mapping| address - mapping.start + mapping.offset);
        let in_function = process.is_some_and(is_function);
        let symbol = match path {
            "" => None,
            path if in_function => self.programs.symbols(path).at(offset),
            _ => None,
        };
        let layer = if self.rules.is_engine(&task.name) {
            Layer::Engine
        } else if in_function {
            self.rules.user(path, symbol)
        } else {
            Layer::Other
        };
        Frame { name: symbol.map_or_else(|| of_file(path), printable), layer }
    }
}

/// Whether a process is one of the function's: it runs in a container, on the function's hart only.
fn is_function(process: &Process) -> bool {
    process.contained && process.harts.parse() == Ok(FUNCTION_HART)
}

/// What stands for code that has no symbol.
fn of_file(path: &str) -> String {
    match path.rsplit('/').next() {
        Some("") | None => "[no file]".to_owned(),
        Some(name) if name.starts_with('[') => name.to_owned(),
        Some(name) => format!("[{}]", printable(name)),
    }
}

/// A name without what separates frames and lines.
fn printable(name: &str) -> String {
    name.replace([';', '\n'], ",")
}

/// The names of what called a place.
#[derive(Default)]
struct Callers {
    of: Option<Context>,
    /// The outermost first.
    frames: Vec<String>,
}

impl Callers {
    /// The stack of `leaf`, below its hart, process and layer.
    fn stack(&self, hart: usize, task: &Task, leaf: &Frame) -> String {
        let process = if task.name.is_empty() { "[unknown]" } else { &task.name };
        let mut stack = format!("hart{hart};{};{}", printable(process), leaf.layer.name());
        let mut last = "";
        for frame in self.frames.iter().map(String::as_str).chain([&*leaf.name]) {
            // The leaf is in what was called last, and code of a file without symbols calls its like.
            if frame != last {
                stack.push(';');
                stack += frame;
            }
            last = frame;
        }
        stack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_begins_with_hart_process_and_layer_and_names_no_frame_twice_in_a_row() {
        let frames = ["main", "read", "[libc.so.6]", "[libc.so.6]", "vfs_read"];
        let callers = Callers { of: None, frames: frames.map(str::to_owned).into() };
        let task = Task { process: 7, name: "a;b".to_owned() };
        let leaf = Frame { name: "vfs_read".to_owned(), layer: Layer::KernelFiles };
        let wanted = "hart1;a,b;kernel_files;main;read;[libc.so.6];vfs_read";
        assert_eq!(callers.stack(1, &task, &leaf), wanted);
        let nobody = Task::default();
        assert_eq!(
            Callers::default().stack(0, &nobody, &leaf),
            "hart0;[unknown];kernel_files;vfs_read"
        );
    }

    #[test]
    fn the_function_is_what_is_contained_and_pinned() {
        let process = |contained, harts: &str| Process {
            contained,
            harts: harts.to_owned(),
            ..Process::default()
        };
        assert!(is_function(&process(true, "1")));
        assert!(!is_function(&process(true, "0")), "a helper's");
        assert!(!is_function(&process(true, "0-1")));
        assert!(!is_function(&process(false, "1")), "a thread of the kernel");
    }

    #[test]
    fn code_without_a_symbol_goes_by_its_file() {
        assert_eq!(of_file("/usr/bin/python3.13"), "[python3.13]");
        assert_eq!(of_file("[vdso]"), "[vdso]");
        assert_eq!(of_file(""), "[no file]");
    }
}
