//! `exec` through the built program: statuses, output, signature, JSON, time-outs.

mod common;

use common::{Place, asm, ends_with, program};

#[test]
fn a_program_that_passes_ends_with_status_0() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(10, 1));
    let ran = place.run(&["exec", &elf]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.out, "PASS: 25 instructions\n");
}

#[test]
fn a_program_that_fails_ends_with_status_1_and_names_the_test() {
    let place = Place::new();
    let elf = place.file("fail.elf", ends_with(1, (7 << 1) | 1));
    let ran = place.run(&["exec", &elf]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.out.starts_with("FAIL 7: "), "{ran:?}");
}

#[test]
fn a_program_that_never_ends_times_out_with_status_2() {
    let place = Place::new();
    let elf = place.file("loop.elf", program(&[asm::HALT]));
    for system in [&[][..], &["--system", "simple"]] {
        let mut args = vec!["exec", &elf, "--max-instructions", "100000"];
        args.extend(system);
        let ran = place.run(&args);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.out.starts_with("TIME-OUT: 100000 instructions"), "{ran:?}");
        assert!(ran.err.contains("--max-instructions"), "{ran:?}");
    }
}

/// Four independent additions and a jump back: several instructions a cycle.
#[test]
fn a_core_that_executes_several_instructions_a_cycle_keeps_to_the_limit() {
    let place = Place::new();
    let words = [0x0015_0513, 0x0015_8593, 0x0016_0613, 0x0016_8693, 0xff1f_f06f];
    let elf = place.file("wide.elf", program(&words));
    let args = ["exec", &elf, "--max-instructions", "100000", "--system", "skylake", "--json"];
    let ran = place.run(&args);
    assert_eq!(ran.status, 2, "{ran:?}");
    let json = ran.json();
    let (instructions, cycles) = (json["instructions"].as_u64(), json["cycles"].as_u64());
    assert!(cycles < instructions, "{json}");
    assert!((100_000..100_100).contains(&instructions.unwrap()), "{json}");
}

#[test]
fn a_program_that_waits_for_nothing_times_out_at_once() {
    let place = Place::new();
    let elf = place.file("wait.elf", program(&[asm::WFI, asm::HALT]));
    let ran = place.run(&["exec", &elf]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("never comes"), "{ran:?}");
}

#[test]
fn a_program_whose_trap_handler_is_nowhere_times_out() {
    let place = Place::new();
    // Nothing is at 0x10, and nothing at mtvec, which is 0.
    let nowhere = place.file("nowhere.elf", program(&[asm::addi(5, 0, 0x10), asm::JR_T0]));
    for system in [&[][..], &["--system", "simple"], &["--system", "skylake"]] {
        let mut args = vec!["exec", &nowhere];
        args.extend(system);
        let ran = place.run(&args);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.out.starts_with("TIME-OUT: 2 instructions"), "{ran:?}");
        assert!(ran.err.contains("hart 0 at 0x0") && ran.err.contains("trap handler"), "{ran:?}");
    }
}

#[test]
fn json_is_the_only_thing_on_standard_output() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(10, 1));
    let fast = place.run(&["exec", &elf, "--json"]).json();
    assert_eq!(fast["verdict"], "pass");
    assert_eq!(fast["instructions"], 25);
    assert!(fast["cycles"].is_null() && fast["system"].is_null(), "{fast}");
    let timed = place.run(&["exec", &elf, "--json", "--system", "simple"]).json();
    assert_eq!((&timed["verdict"], &timed["system"]), (&"pass".into(), &"simple".into()));
    assert_eq!(timed["instructions"], 25);
    assert!(timed["cycles"].as_u64() > Some(25), "{timed}");
    let kernel = &timed["stats"]["cores.0.kernel.instructions"];
    assert_eq!(kernel, 25, "M-mode counts as kernel: {timed}");
}

#[test]
fn the_same_program_under_the_same_system_gives_the_same_bytes() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(1000, 1));
    let args = ["exec", &elf, "--json", "--system", "simple", "--harts", "2"];
    let first = place.run(&args);
    assert_eq!((first.status, &first.out), (0, &place.run(&args).out));
}

#[test]
fn an_override_changes_the_cycles() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(10, 1));
    let cycles = |set: &str| {
        let args = ["exec", &elf, "--json", "--system", "simple", "--set", set];
        place.run(&args).json()["cycles"].as_u64().unwrap()
    };
    assert!(cycles("memory.latency_ns=300") > cycles("memory.latency_ns=30"));
}

#[test]
fn a_signature_is_one_word_a_line() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(1, 1));
    let ran = place.run(&["exec", &elf, "--signature", "sig.txt"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let text = std::fs::read_to_string(place.path("sig.txt")).unwrap();
    assert_eq!(text, "deadbeef\n00000001\n");
}

#[test]
fn a_time_out_leaves_no_signature() {
    let place = Place::new();
    let elf = place.file("loop.elf", program(&[asm::HALT]));
    let args = ["exec", &elf, "--max-instructions", "1000", "--signature", "sig.txt"];
    assert_eq!(place.run(&args).status, 2);
    assert!(!place.path("sig.txt").exists());
}

#[test]
fn a_signature_that_cannot_be_written_is_an_error_that_names_the_file() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(1, 1));
    place
        .run(&["exec", &elf, "--signature", "no/such/folder"])
        .fails(2, &["writing the signature", "no/such/folder"]);
}

#[test]
fn files_that_cannot_run_are_refused_with_the_reason() {
    let place = Place::new();
    let text = place.file("text.elf", "hello");
    place.run(&["exec", &text]).fails(2, &["text.elf", "not one"]);
    let empty = place.file("empty.elf", "");
    place.run(&["exec", &empty]).fails(2, &["empty.elf"]);
    let mut x86 = ends_with(1, 1);
    x86[18] = 62;
    let x86 = place.file("x86.elf", x86);
    place.run(&["exec", &x86]).fails(2, &["x86.elf", "64-bit RISC-V"]);
    let mut rv32 = ends_with(1, 1);
    rv32[4] = 1;
    let rv32 = place.file("rv32.elf", rv32);
    place.run(&["exec", &rv32]).fails(2, &["rv32.elf", "64-bit RISC-V"]);
    let cut = place.file("cut.elf", &ends_with(1, 1)[..100]);
    place.run(&["exec", &cut]).fails(2, &["cut.elf", "truncated"]);
    place.run(&["exec", "missing.elf"]).fails(2, &["missing.elf", "No such file"]);
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let place = Place::new();
    let elf = place.file("pass.elf", ends_with(1, 1));
    place.run(&["exec", &elf, "--harts", "9"]).fails(2, &["--harts"]);
    place.run(&["exec", &elf, "--max-instructions", "0"]).fails(2, &["--max-instructions"]);
    place.run(&["exec", &elf, "--system", "nope"]).fails(2, &["nope", "simple"]);
    place
        .run(&["exec", &elf, "--system", "simple", "--harts", "3"])
        .fails(2, &["3 harts", "2 cores"]);
    place.run(&["exec"]).fails(2, &["ELF"]);
    place.run(&["exec", &elf, "argument"]).fails(2, &["--guest"]);
    place.run(&["exec", &elf, "--file", "x"]).fails(2, &["--guest"]);
}

#[test]
fn programs_that_cannot_run_in_the_guest_are_refused_before_it_is_built() {
    let place = Place::new();
    let elf = place.file("linux.elf", ends_with(1, 1));
    let guest = |elf: &str, more: &[&str]| {
        let mut args = vec!["exec", "--guest", elf];
        args.extend(more);
        place.run(&args)
    };
    let mut x86 = ends_with(1, 1);
    x86[18] = 62;
    let x86 = place.file("x86.elf", x86);
    guest(&x86, &[]).fails(2, &["x86.elf", "x86-64", "64-bit RISC-V"]);
    let script = place.file("script.sh", "#!/bin/sh\n");
    guest(&script, &["--file", "gone"])
        .fails(2, &["script.sh: it is no ELF file", "gone: No such"]);
    guest("missing.elf", &[]).fails(2, &["missing.elf", "No such file"]);
    guest(&elf, &["--file", "linux.elf:../up"]).fails(2, &["../up", "`..`"]);
    guest(&elf, &["--dash"]).fails(2, &["--dash", "-- --dash"]);
    guest(&elf, &["--harts", "2"]).fails(2, &["--harts", "--guest"]);
    guest(&elf, &["--ram", "100"]).fails(2, &["--ram", "512"]);
    guest(&elf, &["--set", "caches.l1d.ways=3"]).fails(2, &["--system"]);
    guest(&elf, &["--system", "simple", "--set", "harts=1"]).fails(2, &["hart 1", "harts=2"]);
    guest(&elf, &["--mirror", "ftp://nowhere"]).fails(2, &["ftp://nowhere", "http"]);
    assert!(!place.path("home/guest").exists(), "nothing was built");
}
