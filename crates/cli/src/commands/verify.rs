//! `verify`: a function's invocations under a system and without one, compared.

use super::run::{check_mirror, failure, study};
use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::{home, output};
use ::guest::progress::Progress as _;
use experiment::Verified;
use serde_json::json;

pub fn verify(args: VerifyArgs) -> Result<u8, Failure> {
    let study = study(&args.function, &args.system, &args.study)?;
    check_mirror(&args.study)?;
    let home = home::create()?;
    let reporter = Reporter::new();
    let result = experiment::verify(&home, &study, &reporter);
    reporter.finish();
    let verified = result.map_err(failure)?;
    if args.json {
        output::print_json(&document(&args, &verified))?;
    } else {
        output::print(summary(&args, &verified))?;
    }
    Ok(0)
}

fn summary(args: &VerifyArgs, verified: &Verified) -> String {
    let Verified { instructions, steps, now, memory, state } = verified;
    format!(
        "{} on {}: {instructions} instructions in {steps} steps of the model leave what fast \
         execution leaves\nvirtual time  {:.9} s\nmemory        {}\nall state     {}\n",
        args.function,
        args.system.system,
        now.as_secs_f64(),
        hex::encode(memory),
        hex::encode(state),
    )
}

fn document(args: &VerifyArgs, verified: &Verified) -> serde_json::Value {
    let Verified { instructions, steps, now, memory, state } = verified;
    json!({
        "schema": 1,
        "function": args.function,
        "system": args.system.system,
        "settle": args.study.settle(),
        "invocations": args.study.invocations,
        "instructions": instructions,
        "steps": steps,
        "virtual_time_ps": now.0,
        "memory_digest": hex::encode(memory),
        "state_digest": hex::encode(state),
    })
}
