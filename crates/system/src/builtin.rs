//! The systems that come with the program.

/// A system description that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name to ask for it by.
    pub name: &'static str,
    /// Its TOML text, with a source for every number.
    pub toml: &'static str,
}

const SYSTEMS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/systems.rs"));

/// All built-in systems, by name.
pub fn builtins() -> impl Iterator<Item = Builtin> {
    SYSTEMS.iter().map(|&(name, toml)| Builtin { name, toml })
}

/// The built-in system called `name`.
pub(crate) fn builtin(name: &str) -> Option<Builtin> {
    builtins().find(|builtin| builtin.name == name)
}
