//! A log of every instruction's way through the core, for the Konata pipeline viewer.
//!
//! The format is Kanata 0004 (github.com/shioyadan/Konata, docs/kanata-log-format.md): commands in the
//! order of cycles, so the log is kept until it is written. Lane 0 has the stages, lane 1 a memory
//! access from its request to its data.

use super::slot::{NEVER, Slot};
use mem::Cycle;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The log of a stretch of execution.
#[derive(Clone, Debug)]
pub struct Viewer {
    commands: BTreeMap<u64, Vec<String>>,
    instructions: u64,
    retired: u64,
    limit: u64,
}

impl Viewer {
    /// A log of at most `limit` instructions.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { commands: BTreeMap::new(), instructions: 0, retired: 0, limit }
    }

    /// Whether no more instructions will be logged.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.instructions >= self.limit
    }

    pub(super) fn committed(&mut self, slot: &Slot, now: Cycle) {
        self.log(slot, now, false);
    }

    pub(super) fn squashed(&mut self, slot: &Slot, now: Cycle) {
        self.log(slot, now, true);
    }

    fn at(&mut self, cycle: Cycle, command: String) {
        self.commands.entry(cycle.0).or_default().push(command);
    }

    fn log(&mut self, slot: &Slot, end: Cycle, flushed: bool) {
        if self.is_full() {
            return;
        }
        let id = self.instructions;
        self.instructions += 1;
        self.at(slot.fetched_at, format!("I\t{id}\t{}\t0", slot.serial));
        let path = if slot.off_path { " (wrong path)" } else { "" };
        let class = slot.instr.class;
        self.at(slot.fetched_at, format!("L\t{id}\t0\t{:x}: {class:?}{path}", slot.instr.pc.0));
        if let Some(access) = slot.instr.mem {
            let level = slot.access.found.map_or(String::new(), |level| format!(" {level:?}"));
            let text = format!("{:?} {:x}{level}", access.kind, access.va.0);
            self.at(slot.fetched_at, format!("L\t{id}\t1\t{text}"));
        }
        let stages = [
            ("F", slot.fetched_at),
            ("D", slot.decode_at),
            ("Rn", slot.rename_at),
            ("Ds", slot.renamed_at),
            ("X", slot.issued_at),
            ("Cm", slot.done_at),
        ];
        for (stage, from) in stages {
            if from != NEVER && from <= end {
                self.at(from, format!("S\t{id}\t0\t{stage}"));
            }
        }
        let access = slot.access;
        if access.translated_at != NEVER && access.translated_at <= end {
            self.at(access.translated_at, format!("S\t{id}\t1\tM"));
            let done = slot.done_at.min(end).max(access.translated_at);
            self.at(done, format!("E\t{id}\t1\tM"));
        }
        let kind = if flushed { 1 } else { 0 };
        let number = self.retired;
        self.retired += u64::from(!flushed);
        self.at(end, format!("R\t{id}\t{number}\t{kind}"));
    }

    /// Writes the log.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Kanata\t0004")?;
        let Some(first) = self.commands.keys().next() else { return Ok(()) };
        writeln!(out, "C=\t{first}")?;
        let mut last = *first;
        for (cycle, commands) in &self.commands {
            if *cycle > last {
                writeln!(out, "C\t{}", cycle - last)?;
                last = *cycle;
            }
            for command in commands {
                writeln!(out, "{command}")?;
            }
        }
        Ok(())
    }
}
