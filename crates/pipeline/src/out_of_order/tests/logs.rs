//! The pipeline log, and what a core that cannot go on says.

use super::*;
use crate::core::State;
use crate::out_of_order::slot::NEVER;

/// What a Kanata log must not do, checked line by line; returns how many instructions retired and how
/// many were squashed.
fn check_kanata(log: &str) -> Result<(u64, u64), String> {
    let mut lines = log.lines();
    if lines.next() != Some("Kanata\t0004") {
        return Err("no header".to_owned());
    }
    if !lines.next().is_some_and(|line| line.starts_with("C=\t")) {
        return Err("no first cycle".to_owned());
    }
    // For each instruction, in the order of ids: whether it has ended, and the stage open in each lane.
    let mut instructions: Vec<(bool, [Option<String>; 2])> = Vec::new();
    let (mut retired, mut squashed) = (0, 0);
    for line in lines {
        let words: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| -> Result<u64, String> {
            let word = words.get(at).ok_or(format!("{line}: too short"))?;
            word.parse().map_err(|_| format!("{line}: no number"))
        };
        if words[0] == "C" {
            if number(1)? == 0 {
                return Err(format!("{line}: no cycle passes"));
            }
            continue;
        }
        let id = number(1)? as usize;
        if words[0] == "I" {
            if id != instructions.len() {
                return Err(format!("{line}: ids are not in order"));
            }
            instructions.push((false, [None, None]));
            continue;
        }
        let (ended, open) = instructions.get_mut(id).ok_or(format!("{line}: no I before it"))?;
        if *ended {
            return Err(format!("{line}: after its end"));
        }
        match words[0] {
            "L" => {}
            "S" => {
                let lane = &mut open[number(2)? as usize];
                if let Some(stage) = lane.replace(words[3].to_owned()) {
                    return Err(format!("{line}: while it is in {stage}"));
                }
            }
            "E" => {
                let lane = &mut open[number(2)? as usize];
                if lane.take().as_deref() != Some(words[3]) {
                    return Err(format!("{line}: it is not in that stage"));
                }
            }
            "R" => {
                *ended = true;
                if open.iter().any(Option::is_some) {
                    return Err(format!("{line}: in a stage"));
                }
                let count = if number(3)? == 0 { &mut retired } else { &mut squashed };
                if number(3)? == 0 && number(2)? != *count {
                    return Err(format!("{line}: not the next that retires"));
                }
                *count += 1;
            }
            _ => return Err(format!("{line}: no such command")),
        }
    }
    match instructions.iter().position(|(ended, _)| !ended) {
        Some(id) => Err(format!("{id} does not end")),
        None => Ok((retired, squashed)),
    }
}

/// The log of the first `limit` instructions of `program`, run in a loop for `steps` steps.
fn logged(program: &[Instr], limit: u64, steps: usize) -> String {
    let mut source = Synthetic::new(1);
    source.push(HART, program.iter().copied());
    source.repeat(HART);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    core.view(Some(Viewer::new(limit))).unwrap();
    for _ in 0..steps {
        core.step(NEVER, &mut source, &mut mem);
    }
    let viewer = core.view(None).unwrap().expect("it was given");
    let mut log = Vec::new();
    viewer.write(HART, &mut log).unwrap();
    String::from_utf8(log).unwrap()
}

#[test]
fn the_checker_of_logs_refuses_what_the_format_does_not_allow() {
    let head = "Kanata\t0004\nC=\t5\n";
    for (body, wrong) in [
        ("S\t0\t0\tF\n", "no I before it"),
        ("I\t0\t1\t0\nS\t0\t0\tF\nR\t0\t0\t0\n", "in a stage"),
        ("I\t0\t1\t0\nR\t0\t0\t0\nR\t0\t0\t0\n", "after its end"),
        ("I\t0\t1\t0\nC\t0\n", "no cycle passes"),
        ("I\t0\t1\t0\n", "does not end"),
        ("I\t1\t1\t0\n", "not in order"),
        ("I\t0\t1\t0\nE\t0\t0\tF\n", "not in that stage"),
    ] {
        let error = check_kanata(&format!("{head}{body}")).unwrap_err();
        assert!(error.contains(wrong), "{body}: {error}");
    }
}

#[test]
fn a_pipeline_log_keeps_to_the_format_with_loads_stores_and_squashes() {
    // Loads that overtake stores to the same address, and a branch that goes elsewhere every time.
    let mut program = repeat(
        |at, n| match n % 4 {
            0 => reads(of_class(alu(at), Class::IntDiv), 5, 5),
            1 => {
                let mut store = access(alu(at), DATA, MemKind::Store);
                store.operands.srcs = [Some(Reg::int(5)), Some(Reg::int(5)), None];
                store
            }
            2 => reads(access(alu(at), DATA, MemKind::Load), 6, 7),
            _ => alu(at),
        },
        40,
    );
    program.push(reads(access(alu(CODE), DATA + 64 * 4096, MemKind::Load), 6, 7));
    let log = logged(&program, 500, 20_000);
    let (retired, squashed) = check_kanata(&log).unwrap_or_else(|error| panic!("{error}\n{log}"));
    assert_eq!(retired + squashed, 500, "every one that was fetched is there");
    assert!(squashed > 0, "loads were executed too early");
    for stage in ["0\tF", "0\tDc", "0\tDs", "0\tX", "0\tCm", "1\tAg", "1\tL1", "1\tMem"] {
        assert!(log.contains(&format!("\t{stage}\n")), "no {stage}");
    }
}

#[test]
fn a_lone_instruction_is_logged_in_every_cycle_of_its_way() {
    let mut source = Synthetic::new(1);
    source.push(HART, [reads(of_class(alu(CODE), Class::IntMul), 1, 2)]);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    core.view(Some(Viewer::new(10))).unwrap();
    while core.stats.total().instructions.get() == 0 {
        core.step(NEVER, &mut source, &mut mem);
    }
    let mut log = Vec::new();
    core.view(None).unwrap().unwrap().write(HART, &mut log).unwrap();
    // 3 cycles to decode, 2 to rename, renamed in the next stage's cycle and 2 to issue, 3 of latency,
    // 1 to commit.
    let log = String::from_utf8(log).unwrap();
    let shape: Vec<&str> =
        log.lines().skip(2).filter(|line| !line.starts_with(['I', 'L', 'E'])).collect();
    let expected = [
        "S\t0\t0\tF",
        "C\t3",
        "S\t0\t0\tDc",
        "C\t2",
        "S\t0\t0\tDs",
        "C\t2",
        "S\t0\t0\tX",
        "C\t3",
        "S\t0\t0\tCm",
        "C\t1",
        "R\t0\t0\t0",
    ];
    assert_eq!(shape, expected, "{log}");
}

#[test]
fn instructions_in_the_core_when_the_log_begins_are_left_out() {
    let program = repeat(|at, _| alu(at), 63);
    let mut source = Synthetic::new(1);
    source.push(HART, program);
    source.repeat(HART);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    while core.stats.total().instructions.get() < 1000 {
        core.step(NEVER, &mut source, &mut mem);
    }
    assert!(!core.window.is_empty());
    let serial = core.window.serial();
    core.view(Some(Viewer::new(8))).unwrap();
    for _ in 0..1000 {
        core.step(NEVER, &mut source, &mut mem);
    }
    let mut log = Vec::new();
    core.view(None).unwrap().unwrap().write(HART, &mut log).unwrap();
    let log = String::from_utf8(log).unwrap();
    let first = format!("I\t0\t{}\t0\n", serial + 1);
    assert!(log.contains(&first) && check_kanata(&log) == Ok((8, 0)), "{log}");
}

#[test]
fn a_core_that_cannot_go_on_says_so_and_what_it_waits_for() {
    // No port takes divisions: validation refuses such a core, and here it stands for any defect.
    let mut config = config();
    for scheduler in config.schedulers.values_mut() {
        for classes in scheduler.ports.values_mut() {
            classes.retain(|class| *class != Class::IntDiv);
        }
    }
    let mut source = Synthetic::new(1);
    source.push(HART, [alu(CODE), of_class(alu(CODE + 4), Class::IntDiv)]);
    let mut core = OutOfOrder::new(&config, HART);
    let mut mem = Hierarchy::new(&hierarchy());
    let mut steps = 0_u64;
    while core.step(NEVER, &mut source, &mut mem).state != State::Stuck {
        steps += 1;
        assert!(steps < 3_000_000, "nobody noticed");
    }
    let told = core.diagnosis();
    for text in ["hart 0 has committed nothing", "the oldest is IntDiv", "1 in the reorder buffer"]
    {
        assert!(told.contains(text), "{text}: {told}");
    }
}

#[test]
fn a_core_whose_source_has_nothing_is_not_stuck() {
    let mut source = Synthetic::new(1);
    source.push(HART, [alu(CODE)]);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    for _ in 0..2_100_000 {
        let state = core.step(NEVER, &mut source, &mut mem).state;
        assert_ne!(state, State::Stuck);
    }
}

/// `body` at consecutive addresses, then a jump back to the first.
fn repeat(body: impl Fn(u64, u64) -> Instr, count: u64) -> Vec<Instr> {
    let mut program: Vec<Instr> = (0..count).map(|n| body(CODE + 4 * n, n)).collect();
    program.push(jump(alu(CODE + 4 * count), BranchKind::Jump, true, CODE));
    program
}
