//! The descriptions that come with the program.

/// A system description that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name to ask for it by.
    pub name: &'static str,
    /// Its TOML text, with a source for every number.
    pub toml: &'static str,
}

const SYSTEMS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/systems.rs"));
const DRAM: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/dram.rs"));

/// All built-in systems, by name.
pub fn builtins() -> impl Iterator<Item = Builtin> {
    list(SYSTEMS)
}

/// All built-in kinds of DRAM, by name: what `memory.dram` may name.
pub fn dram_builtins() -> impl Iterator<Item = Builtin> {
    list(DRAM)
}

fn list(of: &'static [(&'static str, &'static str)]) -> impl Iterator<Item = Builtin> {
    of.iter().map(|&(name, toml)| Builtin { name, toml })
}
