//! `functions check`: does every function start and answer every payload as it should?

use super::functions::aligned;
use super::run::guest_study;
use crate::args::{FunctionsCheckArgs, GUEST_RAM_MIB};
use crate::failure::{FAILED, Failure};
use crate::progress::{Numbered, Reporter, Suite};
use crate::{home, jobs, output};
use ::guest::functions::Catalogue;
use ::guest::packages::Mirror;
use ::guest::progress::Progress as _;
use experiment::{FunctionCheck, RequestCheck, Study, StudyError};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;

/// A function, and what came of it.
type Outcome<'a> = (&'a str, Result<FunctionCheck, StudyError>);

/// Checks functions, several at a time; one that fails does not keep the others from being checked.
pub fn check(
    catalogue: &Catalogue,
    file: Option<PathBuf>,
    args: &FunctionsCheckArgs,
    as_json: bool,
) -> Result<u8, Failure> {
    let names: Vec<&str> = if args.all {
        catalogue.names().collect()
    } else {
        args.names.iter().map(String::as_str).collect()
    };
    for name in &names {
        catalogue.get(name).map_err(Failure::input)?;
    }
    if let Some(url) = &args.mirror {
        Mirror::new(url).map_err(Failure::input)?;
    }
    let system = ::system::load("simple", &[]).map_err(Failure::input)?;
    let study = Study {
        functions_file: file,
        warmup: args.warmup,
        mirror: args.mirror.clone(),
        // As `run` has it unless told otherwise: the snapshots are then the same.
        ..guest_study(system, args.seed, GUEST_RAM_MIB)
    };
    let outcomes = check_all(&names, &study, jobs::number(args.jobs))?;
    if as_json {
        output::print_json(&document(&outcomes))?;
    } else {
        output::print(table(&outcomes))?;
    }
    Ok(if failed(&outcomes) > 0 { FAILED } else { 0 })
}

/// The outcomes are in the order of `names`, whichever ends first.
fn check_all<'a>(
    names: &[&'a str],
    study: &Study,
    jobs: usize,
) -> Result<Vec<Outcome<'a>>, Failure> {
    let home = home::create()?;
    let suite = Suite::new(names.len());
    let one = |index: usize, reporter: &Reporter| {
        let name = names[index];
        let place = format!("{} of {}, {name}", index + 1, names.len());
        let observer = Numbered::new(reporter, place);
        let study = Study { function: name.to_owned(), ..study.clone() };
        let since = Instant::now();
        let result = experiment::check_function(&home, &study, &observer);
        reporter.finish();
        if matches!(result, Err(StudyError::Cancelled)) {
            return None;
        }
        let verdict = if passed(&result) { "ok" } else { "FAILED" };
        suite.done(&format!("{name}: {verdict} in {:.0} s", since.elapsed().as_secs_f64()));
        Some((name, result))
    };
    jobs::each(&suite, names.len(), jobs, one)
}

fn passed(result: &Result<FunctionCheck, StudyError>) -> bool {
    result.as_ref().is_ok_and(FunctionCheck::passed)
}

fn failed(outcomes: &[Outcome<'_>]) -> usize {
    outcomes.iter().filter(|(_, result)| !passed(result)).count()
}

/// A line for each payload, what failed below, and a summary.
fn table(outcomes: &[Outcome<'_>]) -> String {
    let heads = [
        "function",
        "payload",
        "reply",
        "instructions: first",
        "warm",
        "image MB",
        "deployed in ms",
        "snapshots MB: deployed",
        "warm",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    for (name, result) in outcomes {
        match result {
            Ok(checked) => rows.extend(function_rows(name, checked)),
            Err(_) => rows.push([name, "", "FAILED", "", "", "", "", "", ""].map(str::to_owned)),
        }
    }
    let mut text = aligned(&rows);
    for (name, result) in outcomes {
        for failure in failures(result) {
            text += &format!("\n{name}: {}\n", failure.trim_end());
        }
    }
    text + &format!("\nfunctions: {} checked, {} failed\n", outcomes.len(), failed(outcomes))
}

/// What belongs to the function stands in its first line.
fn function_rows(name: &str, checked: &FunctionCheck) -> Vec<[String; 9]> {
    let mut rows: Vec<[String; 9]> = checked.requests.iter().map(request_row).collect();
    if let Some(first) = rows.first_mut() {
        first[0] = name.to_owned();
        first[5] = megabytes(checked.image_bytes);
        first[6] = format!("{:.0}", checked.deployment.as_secs_f64() * 1e3);
        first[7] = megabytes(checked.deployed_bytes);
        first[8] = checked.warm_bytes.map_or_else(|| "-".to_owned(), megabytes);
    }
    rows
}

fn request_row(request: &RequestCheck) -> [String; 9] {
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let reply = if request.failure.is_none() { "ok" } else { "FAILED" };
    let mut row: [String; 9] = Default::default();
    row[1] = request.name.clone();
    row[2] = reply.to_owned();
    row[3] = count(request.first);
    row[4] = count(request.warm);
    row
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

fn failures(result: &Result<FunctionCheck, StudyError>) -> Vec<String> {
    match result {
        Err(error) => vec![error.to_string()],
        Ok(checked) => {
            let failure = |request: &RequestCheck| {
                let failure = request.failure.as_ref()?;
                Some(format!("payload {}: {failure}", request.name))
            };
            checked.requests.iter().filter_map(failure).collect()
        }
    }
}

fn document(outcomes: &[Outcome<'_>]) -> Value {
    let functions: Vec<Value> = outcomes.iter().map(function_document).collect();
    json!({
        "schema": 1,
        "functions": functions,
        "summary": {"checked": outcomes.len(), "failed": failed(outcomes)},
    })
}

fn function_document(outcome: &Outcome<'_>) -> Value {
    let (name, result) = outcome;
    let ok = passed(result);
    match result {
        Err(error) => json!({"name": name, "ok": ok, "error": error.to_string()}),
        Ok(checked) => json!({
            "name": name,
            "ok": ok,
            "payloads": checked.requests.iter().map(request_document).collect::<Vec<_>>(),
            "image_bytes": checked.image_bytes,
            "deployment_ns": checked.deployment.as_nanos(),
            "snapshot_bytes": {"deployed": checked.deployed_bytes, "warm": checked.warm_bytes},
        }),
    }
}

fn request_document(request: &RequestCheck) -> Value {
    json!({
        "name": request.name,
        "method": request.method,
        "ok": request.failure.is_none(),
        "error": request.failure,
        "instructions": {"first": request.first, "warm": request.warm},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::Picos;

    fn request(name: &str, failure: Option<&str>) -> RequestCheck {
        let first = failure.is_none().then_some(900_000);
        RequestCheck {
            name: name.to_owned(),
            method: "p.S/M".to_owned(),
            first,
            warm: first.map(|_| 470_000),
            failure: failure.map(str::to_owned),
        }
    }

    fn outcomes() -> [Outcome<'static>; 3] {
        let checked = |requests| FunctionCheck {
            requests,
            image_bytes: 12_345_678,
            deployment: Picos::from_millis(1500),
            deployed_bytes: 66_000_000,
            warm_bytes: Some(1_600_000),
        };
        let good = checked(vec![request("default", None)]);
        let bad = checked(vec![request("default", None), request("big", Some("no 55\nlog"))]);
        let gone = StudyError::Input("it does not start".to_owned());
        [("good", Ok(good)), ("bad", Ok(bad)), ("gone", Err(gone))]
    }

    #[test]
    fn the_table_has_a_line_for_each_payload_and_says_what_failed() {
        let text = table(&outcomes());
        let lines: Vec<&str> = text.lines().collect();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let good = ["good", "default", "ok", "900000", "470000", "12.3", "1500", "66.0", "1.6"];
        assert_eq!(words(lines[1]), good);
        assert_eq!(words(lines[3]), ["big", "FAILED", "-", "-"]);
        assert_eq!(words(lines[4]), ["gone", "FAILED"]);
        assert!(text.contains("\nbad: payload big: no 55\nlog\n"), "{text}");
        assert!(text.contains("\ngone: it does not start\n"), "{text}");
        assert!(text.ends_with("functions: 3 checked, 2 failed\n"), "{text}");
    }

    #[test]
    fn the_document_says_the_same() {
        let document = document(&outcomes());
        assert_eq!(document["summary"], json!({"checked": 3, "failed": 2}));
        assert_eq!(document["functions"][0]["payloads"][0]["instructions"]["warm"], 470_000);
        assert_eq!(document["functions"][1]["ok"], false);
        assert_eq!(document["functions"][1]["payloads"][1]["error"], "no 55\nlog");
        assert_eq!(document["functions"][2]["error"], "it does not start");
    }
}
