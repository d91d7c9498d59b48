//! A log of every instruction's way through the core, for the Konata pipeline viewer.
//!
//! The format is Kanata 0004 (github.com/shioyadan/Konata, docs/kanata-log-format.md). Its commands
//! are in the order of cycles and its instructions are numbered in the order they appear, so what is
//! logged is kept until it is written.
//!
//! | lane | stage | from | to |
//! |---|---|---|---|
//! | 0 | `F` | fetch | the first cycle in which it can be decoded |
//! | 0 | `Dc` | then | the first cycle in which it can be renamed: waits in the decode queue included |
//! | 0 | `Rn` | then | rename: waits for registers and places in the queues included |
//! | 0 | `Ds` | rename | issue: waits for operands and ports |
//! | 0 | `X` | issue | the result |
//! | 0 | `Cm` | the result | commit |
//! | 1 | `Ag` | issue | the address is translated: computing it and misses of the TLB |
//! | 1 | `L1` `L2` `LLC` `Mem` | then | the data; the name is the farthest level that had a part of it |
//! | 1 | `Fw` | then | the data, from a store in the queue |
//! | 1 | `St` | then | the store can commit |
//!
//! A stage of no cycles is not logged. Squashed instructions are, up to the squash; those of a wrong
//! path are marked. Left out: what stores do after they commit, and which instruction woke which.

use super::slot::{NEVER, NOBODY, Slot};
use mem::{Cycle, Level};
use std::fmt::Write as _;
use std::io::{self, Write};
use stream::{HartId, Instr, MemKind};

/// The log of a stretch of execution.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The serial number before that of the first instruction that is logged.
    before: u64,
    limit: u64,
    ways: Vec<Way>,
}

/// One instruction's way. Times that never came are [`NEVER`].
#[derive(Clone, Debug)]
struct Way {
    serial: u64,
    instr: Instr,
    off_path: bool,
    squashed: bool,
    begins: [Cycle; STAGES.len()],
    translated_at: Cycle,
    memory: &'static str,
    end: Cycle,
}

const STAGES: [&str; 6] = ["F", "Dc", "Rn", "Ds", "X", "Cm"];
/// Where in [`STAGES`] execution and what follows it are.
const EXECUTE: usize = 4;
const DONE: usize = 5;

/// A command of the log and when it is due.
struct Command {
    at: Cycle,
    text: String,
}

impl Viewer {
    /// A log of the next `limit` instructions that are fetched.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { before: 0, limit, ways: Vec::new() }
    }

    /// Instructions logged until now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ways.len()
    }

    /// Whether nothing was logged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The same log, for the instructions after that with the given serial number.
    pub(super) fn starting_after(self, serial: u64) -> Self {
        Self { before: serial, ..self }
    }

    pub(super) fn committed(&mut self, slot: &Slot, now: Cycle) {
        self.log(slot, now, false);
    }

    pub(super) fn squashed(&mut self, slot: &Slot, now: Cycle) {
        self.log(slot, now, true);
    }

    /// Which instructions are logged is decided by the order of fetch: by that of the ends, long
    /// ones would be left out of the log of what overlaps with them.
    fn log(&mut self, slot: &Slot, end: Cycle, squashed: bool) {
        if slot.serial <= self.before || slot.serial - self.before > self.limit {
            return;
        }
        let Slot { fetched_at, decode_at, rename_at, renamed_at, .. } = *slot;
        // What the back end notes is still another's where it was not renamed.
        let back_end = [slot.issued_at, slot.done_at, slot.translated_at()];
        let [issued_at, done_at, translated_at] =
            if renamed_at == NEVER { [NEVER; 3] } else { back_end };
        self.ways.push(Way {
            serial: slot.serial,
            instr: slot.instr,
            off_path: slot.off_path,
            squashed,
            begins: [fetched_at, decode_at, rename_at, renamed_at, issued_at, done_at],
            translated_at,
            memory: place(slot),
            end,
        });
    }

    /// Writes the log.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, hart: HartId, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Kanata\t0004")?;
        let mut ways: Vec<&Way> = self.ways.iter().collect();
        ways.sort_by_key(|way| way.serial);
        let mut retired = 0;
        let mut commands = Vec::new();
        for (id, way) in ways.into_iter().enumerate() {
            way.commands(id, hart, retired, &mut commands);
            retired += u64::from(!way.squashed);
        }
        // A stable sort: commands of one cycle stay in the order of instructions and stages.
        commands.sort_by_key(|command| command.at);
        let Some(first) = commands.first() else { return Ok(()) };
        let mut now = first.at;
        writeln!(out, "C=\t{}", now.0)?;
        for Command { at, text } in &commands {
            if *at > now {
                writeln!(out, "C\t{}", *at - now)?;
                now = *at;
            }
            writeln!(out, "{text}")?;
        }
        Ok(())
    }
}

impl Way {
    fn commands(&self, id: usize, hart: HartId, retired: u64, out: &mut Vec<Command>) {
        let fetched = self.begins[0];
        let mut say = |at, text| out.push(Command { at, text });
        say(fetched, format!("I\t{id}\t{}\t{}", self.serial, hart.0));
        say(fetched, format!("L\t{id}\t0\t{}", self.label()));
        if let Some(details) = self.details() {
            say(fetched, format!("L\t{id}\t1\t{details}"));
        }
        for (stage, from, to) in self.stages() {
            say(from, format!("S\t{id}\t0\t{stage}"));
            say(to, format!("E\t{id}\t0\t{stage}"));
        }
        for (stage, from, to) in self.memory_stages() {
            say(from, format!("S\t{id}\t1\t{stage}"));
            say(to, format!("E\t{id}\t1\t{stage}"));
        }
        say(self.end, format!("R\t{id}\t{retired}\t{}", u8::from(self.squashed)));
    }

    /// The stages it was in and the cycles from which and to which.
    fn stages(&self) -> impl Iterator<Item = (&'static str, Cycle, Cycle)> {
        let until = |stage: usize| {
            let later = self.begins.get(stage + 1).copied().unwrap_or(NEVER);
            later.min(self.end)
        };
        let all = STAGES.iter().enumerate();
        all.map(move |(n, stage)| (*stage, self.begins[n], until(n))).filter(takes_time)
    }

    fn memory_stages(&self) -> impl Iterator<Item = (&'static str, Cycle, Cycle)> {
        let translated = self.translated_at.min(self.end);
        let done = self.begins[DONE].min(self.end);
        let address = ("Ag", self.begins[EXECUTE], translated);
        let data = (self.memory, self.translated_at, done);
        let touches = self.instr.mem.is_some();
        [address, data].into_iter().filter(move |_| touches).filter(takes_time)
    }

    fn label(&self) -> String {
        let path = if self.off_path { " (wrong path)" } else { "" };
        format!("{:x}: {:?}{path}", self.instr.pc.0, self.instr.class)
    }

    /// What a viewer shows of an instruction that is pointed at.
    fn details(&self) -> Option<String> {
        let mut text = String::new();
        if let Some(access) = &self.instr.mem {
            text += &format!("{:?} {:x}, {} bytes", access.kind, access.va.0, access.size);
        }
        if let Some(branch) = &self.instr.branch {
            let taken = if branch.taken { "taken" } else { "not taken" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{:?} to {:x}, {taken}", branch.kind, branch.target.0);
        }
        (!text.is_empty()).then_some(text)
    }
}

fn takes_time((_, from, to): &(&'static str, Cycle, Cycle)) -> bool {
    from < to
}

/// Where the data of an access are, or what else its last stage is for.
fn place(slot: &Slot) -> &'static str {
    let store = slot.instr.mem.is_some_and(|access| access.kind != MemKind::Load);
    match slot.access.found {
        Some(Level::L1) => "L1",
        Some(Level::L2) => "L2",
        Some(Level::Llc) => "LLC",
        Some(Level::Memory) => "Mem",
        None if store => "St",
        None if slot.access.forwarded_from != NOBODY => "Fw",
        None => "L1",
    }
}
