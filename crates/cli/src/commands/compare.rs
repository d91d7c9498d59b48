//! `compare`: two stored runs side by side.

use super::results_dir;
use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::output;
use ::report::{Configuration, Run, Side};
use std::path::Path;

pub fn compare(args: CompareArgs) -> Result<u8, Failure> {
    let (a, b) = (load(&args.a)?, load(&args.b)?);
    let names = [&args.a, &args.b].map(|place| place.display().to_string());
    let side = |name, (run, configuration)| Side { name, run, configuration };
    let [first, second] = &names;
    let sides = [side(first, (&a.0, &a.1)), side(second, (&b.0, &b.1))];
    let comparison = ::report::compare(sides);
    if args.json {
        let document = serde_json::to_value(&comparison);
        output::print_json(&document.expect("its maps have texts for keys"))?;
    } else {
        output::print(::report::comparison_table(&comparison, args.all))?;
    }
    Ok(0)
}

fn load(place: &Path) -> Result<(Run, Configuration), Failure> {
    let run = results_dir::read(place).map_err(Failure::input)?;
    let configuration = results_dir::configuration(place).map_err(Failure::input)?;
    Ok((run, configuration))
}
