//! The threads of a running Linux, read out of its memory: which process an address of a `task_struct`
//! stands for. Members are where the kernel's own type information says.

use super::btf::Btf;
use super::kallsyms::Kallsyms;
use machine::Machine;
use std::collections::BTreeMap;

/// Bytes of a task's name (include/linux/sched.h, TASK_COMM_LEN).
const NAME: usize = 16;
/// More type information than any kernel has.
const MOST_BTF: u64 = 64 << 20;

/// Where a task keeps what is asked of it, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    comm: u64,
    tgid: u64,
    group_leader: u64,
}

/// A thread of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its process; each of the kernel's threads is one, the idle ones are all 0.
    pub(crate) process: u64,
    /// What the process is called.
    pub(crate) name: String,
}

impl Layout {
    /// Reads it out of the memory of a running kernel; `Err` says what is not there.
    pub(crate) fn read(machine: &mut Machine, symbols: &Kallsyms) -> Result<Self, &'static str> {
        let (start, end) =
            symbols.btf().ok_or("it has no type information (CONFIG_DEBUG_INFO_BTF)")?;
        if end - start > MOST_BTF {
            return Err("its type information is impossibly large");
        }
        let mut bytes = vec![0; (end - start) as usize];
        if !machine.read_virtual(0, start, &mut bytes) {
            return Err("its type information is not mapped");
        }
        let btf =
            Btf::parse(&bytes).ok_or("its type information is of a form that is not known")?;
        let of = |member| {
            btf.offset("task_struct", member).ok_or(
                "its type information lacks a member of task_struct (comm, tgid, group_leader)",
            )
        };
        Ok(Self { comm: of("comm")?, tgid: of("tgid")?, group_leader: of("group_leader")? })
    }

    /// The task at `address`, if there is memory.
    fn task(self, machine: &mut Machine, address: u64) -> Option<Task> {
        let mut read = |at: u64, into: &mut [u8]| {
            machine.read_virtual(0, address.wrapping_add(at), into).then_some(())
        };
        let (mut tgid, mut leader, mut comm) = ([0; 4], [0; 8], [0; NAME]);
        read(self.tgid, &mut tgid)?;
        read(self.group_leader, &mut leader)?;
        let leader = u64::from_le_bytes(leader);
        let at = leader.wrapping_add(self.comm);
        machine.read_virtual(0, at, &mut comm).then_some(())?;
        let name = comm.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(Task {
            process: u64::from(u32::from_le_bytes(tgid)),
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }
}

/// The threads that were seen, by the addresses of their tasks.
///
/// One is looked up when it is first asked for and remembered: a thread that has ended since was still one
/// of its process, as the kernel does not hand out the memory of a task that it may still be asked for
/// within a request's time.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    layout: Layout,
    known: BTreeMap<u64, Task>,
}

impl Tasks {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, known: BTreeMap::new() }
    }

    /// Looks up those of `addresses` that are not known yet.
    pub(crate) fn look_up(&mut self, machine: &mut Machine, addresses: impl Iterator<Item = u64>) {
        for address in addresses {
            if !self.known.contains_key(&address)
                && let Some(task) = self.layout.task(machine, address)
            {
                self.known.insert(address, task);
            }
        }
    }

    pub(crate) fn get(&self, address: u64) -> Option<&Task> {
        self.known.get(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::MachineConfig;
    use ram::{RAM_BASE, Ram};

    /// Where Linux maps all memory: a page of 1 GiB, whose entry is the 256th of the root table (Sv39).
    const LINEAR: u64 = 0xffff_ffc0_0000_0000;
    const LEAF: u64 = 0x43;
    const LAYOUT: Layout = Layout { comm: 0x100, tgid: 0x20, group_leader: 0x28 };

    fn put(machine: &mut Machine, offset: u64, bytes: &[u8]) {
        let at = machine.ram().offset(RAM_BASE + offset, bytes.len() as u64).unwrap();
        machine.ram().touch(at);
        machine.ram().bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// A thread of process 7 at 0x3000, whose first thread, at 0x4000, is called `server`.
    fn machine() -> Machine {
        let mut machine = Machine::new(MachineConfig::default(), Ram::new(16 << 20));
        machine.start_supervisor(RAM_BASE, 0);
        put(&mut machine, 256 * 8, &(RAM_BASE >> 12 << 10 | LEAF).to_le_bytes());
        machine.hart_mut(0).csr.satp = 8 << 60 | RAM_BASE >> 12;
        put(&mut machine, 0x3020, &7_u32.to_le_bytes());
        put(&mut machine, 0x3028, &(LINEAR + 0x4000).to_le_bytes());
        put(&mut machine, 0x3100, b"worker\0");
        put(&mut machine, 0x4100, b"server\0junk");
        machine
    }

    #[test]
    fn a_thread_is_its_process_s_and_is_called_what_that_is_called() {
        let (mut machine, mut tasks) = (machine(), Tasks::new(LAYOUT));
        tasks.look_up(&mut machine, [LINEAR + 0x3000, 0x3000].into_iter());
        let wanted = Task { process: 7, name: "server".to_owned() };
        assert_eq!(tasks.get(LINEAR + 0x3000), Some(&wanted));
        assert_eq!(tasks.get(0x3000), None, "nothing is mapped there");
        put(&mut machine, 0x3020, &8_u32.to_le_bytes());
        tasks.look_up(&mut machine, [LINEAR + 0x3000].into_iter());
        assert_eq!(tasks.get(LINEAR + 0x3000), Some(&wanted), "it is remembered");
    }

    #[test]
    fn a_kernel_without_type_information_is_told_of() {
        let told = Layout::read(&mut machine(), &Kallsyms::parse("")).unwrap_err();
        assert!(told.contains("CONFIG_DEBUG_INFO_BTF"), "{told}");
        let ends = "ffffffc000005000 R __start_BTF\nffffffc000006000 R __stop_BTF\n";
        let told = Layout::read(&mut machine(), &Kallsyms::parse(ends)).unwrap_err();
        assert!(told.contains("form"), "{told}");
    }
}
