//! `trace`: the measured invocations of a function as a file.

use super::run::{check_mirror, failure, study};
use crate::args::{FormatArg, TraceArgs};
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::{home, output};
use ::guest::progress::Progress as _;
use experiment::{Recorded, TraceFormat};
use serde_json::json;
use std::path::{Path, PathBuf};

pub fn trace(args: TraceArgs) -> Result<u8, Failure> {
    let study = study(&args.function, &args.system, &args.study)?;
    check_mirror(&args.study)?;
    let out = args.out.clone().unwrap_or_else(|| default_name(&args));
    let home = home::create()?;
    let reporter = Reporter::new();
    let result = experiment::record(&home, &study, format(args.format), &out, &reporter);
    reporter.finish();
    let recorded = result.map_err(failure)?;
    if args.json {
        output::print_json(&document(&args, &out, &recorded))?;
    } else {
        output::print(summary(args.format, &out, &recorded))?;
    }
    Ok(0)
}

fn format(format: FormatArg) -> TraceFormat {
    match format {
        FormatArg::Native => TraceFormat::Native,
        FormatArg::Champsim => TraceFormat::ChampSim,
    }
}

fn default_name(args: &TraceArgs) -> PathBuf {
    let ending = match args.format {
        FormatArg::Native => "trace",
        FormatArg::Champsim => "champsimtrace.xz",
    };
    PathBuf::from(format!("{}.{ending}", args.function))
}

fn summary(format: FormatArg, out: &Path, recorded: &Recorded) -> String {
    let Recorded { summary, warming, instructions } = *recorded;
    let file = summary.file_bytes as f64;
    let bytes = file / summary.instructions.max(1) as f64;
    let others = match format {
        FormatArg::Native => format!(", {} of all harts", summary.instructions),
        FormatArg::Champsim => String::new(),
    };
    format!(
        "{}: {instructions} instructions of the function's hart, the first {warming} to warm \
         caches{others}; {:.1} MiB, {bytes:.2} bytes an instruction\n",
        out.display(),
        file / f64::from(1 << 20),
    )
}

fn document(args: &TraceArgs, out: &Path, recorded: &Recorded) -> serde_json::Value {
    let Recorded { summary, warming, instructions } = *recorded;
    json!({
        "schema": 1,
        "function": args.function,
        "file": out.display().to_string(),
        "format": match args.format { FormatArg::Native => "native", FormatArg::Champsim => "champsim" },
        "invocations": args.study.invocations,
        "warming_instructions": warming,
        "function_instructions": instructions,
        "instructions": summary.instructions,
        "records": summary.records,
        "raw_bytes": summary.raw_bytes,
        "file_bytes": summary.file_bytes,
    })
}
