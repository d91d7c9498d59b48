//! `systems`: the timing systems to run on.

use crate::args::{SystemsAction, SystemsArgs};
use crate::failure::Failure;
use crate::output;
use serde_json::json;

pub fn systems(args: SystemsArgs) -> Result<u8, Failure> {
    match args.action.unwrap_or(SystemsAction::List) {
        SystemsAction::List => list(args.json)?,
        SystemsAction::Show { system, set } => {
            let system = ::system::load(&system, &set).map_err(Failure::input)?;
            if args.json {
                let origin = |path: &str| system.origin(path).to_string();
                let clock = json!({"mhz": system.config.clock_mhz, "from": origin("clock_mhz")});
                output::print_json(&json!({
                    "schema": 1, "name": system.name, "description": system.config.description,
                    "harts": system.config.harts, "clock": clock,
                    "toml": system.effective_toml(),
                }))?;
            } else {
                output::print(system.effective_toml())?;
            }
        }
    }
    Ok(0)
}

fn list(as_json: bool) -> Result<(), Failure> {
    let mut entries = Vec::new();
    for builtin in ::system::builtins() {
        let system = ::system::load(builtin.name, &[]).map_err(Failure::failed)?;
        entries.push((builtin.name, system.config.description));
    }
    if as_json {
        let systems: Vec<_> = entries
            .iter()
            .map(|(name, description)| json!({"name": name, "description": description}))
            .collect();
        return output::print_json(&json!({"schema": 1, "systems": systems}));
    }
    let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = entries.iter().map(|(name, text)| format!("{name:width$}  {text}\n"));
    output::print(lines.collect::<String>())
}
