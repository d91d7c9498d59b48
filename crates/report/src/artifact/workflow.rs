//! The exact commands.

use super::{Facts, Origin, Part};
use crate::reproduce::Study;

/// The name of the program in commands, whatever it was called when results were made.
const PROGRAM: &str = "vswarm-u";

/// The commands that made a part's results.
pub(super) fn commands(facts: &Facts, part: &Part) -> Vec<String> {
    let out = quoted(&place(facts, part));
    match &part.origin {
        Origin::Study { study, full, .. } => {
            vec![format!("{} --out {out}", reproduce(*study, *full))]
        }
        Origin::Builtin { name, .. } => vec![format!("{PROGRAM} sweep {name} --out {out}")],
        Origin::Sweep | Origin::Runs => {
            let mut commands: Vec<String> =
                part.runs.iter().map(|run| command(&run.command)).collect();
            commands.sort();
            commands.dedup();
            commands
        }
    }
}

/// Repeats a study.
pub(super) fn reproduce(study: Study, full: bool) -> String {
    let full = if full { " --full" } else { "" };
    format!("{PROGRAM} reproduce {}{full}", study.name())
}

/// The folder of a part's results, as commands name it.
pub(super) fn place(facts: &Facts, part: &Part) -> String {
    match part.folder.as_str() {
        "" => facts.results.clone(),
        folder => format!("{}/{folder}", facts.results),
    }
}

/// A command line as a shell takes it.
fn command(words: &[String]) -> String {
    let arguments = words.iter().skip(1).map(|word| quoted(word));
    std::iter::once(PROGRAM.to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Commands in a block of Markdown.
pub(super) fn block(commands: &[String]) -> String {
    format!("```sh\n{}\n```\n", commands.join("\n"))
}
