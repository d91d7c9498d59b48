//! A trace that is not what was written is never taken for one.

mod common;

use common::Program;
use std::fs;
use std::path::{Path, PathBuf};
use stream::{Fetched, HartId, Source};
use trace::{Mark, Metadata, Recorder, Recording, TraceError, TraceSource, Writer};

const HARTS: u32 = 2;

fn metadata() -> Metadata {
    Metadata {
        function: "fibonacci-go".into(),
        system: "simple".into(),
        seed: 7,
        creator: "vswarm-u 0.1.0".into(),
        harts: HARTS,
    }
}

/// Records a little of everything.
fn recorded(folder: &Path) -> PathBuf {
    let path = folder.join("a.trace");
    let writer = Writer::create(&path, &metadata()).expect("a new file");
    let mut recording = Recording::new(Box::new(writer), HARTS as usize);
    let mut program = Program::new(20);
    for step in 0..60 {
        let mut recorder = Recorder::new(&mut program, &mut recording);
        recorder.next(HartId(step % HARTS));
        if step == 30 {
            recording.mark(Mark::Begin(0));
        }
    }
    recording.finish().expect("a file");
    path
}

/// What all harts find, or what is wrong.
fn read(path: &Path) -> Result<Vec<Fetched>, String> {
    let mut source = TraceSource::open(path).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for hart in (0..HARTS).map(HartId) {
        loop {
            match source.next(hart) {
                Fetched::Stopped => break,
                fetched => all.push(fetched),
            }
        }
    }
    source.error().map_or(Ok(all), |error| Err(error.to_string()))
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let bytes = fs::read(&path).unwrap();
    assert!(read(&path).is_ok_and(|all| all.len() > 60));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, changed).unwrap();
        let error = read(&path).expect_err(&format!("byte {at} was changed"));
        assert!(error.contains("a.trace"), "{error}");
    }
}

#[test]
fn a_missing_end_is_noticed_at_once_wherever_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let bytes = fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = TraceSource::open(&path).expect_err(&format!("{length} bytes are left"));
        assert!(matches!(error, TraceError::Truncated { .. }), "{length}: {error}");
        assert!(trace::open(&path).is_err());
    }
}

#[test]
fn bytes_after_the_end_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    fs::write(&path, bytes).unwrap();
    let error = TraceSource::open(&path).unwrap_err().to_string();
    assert!(error.contains("damaged at its end: 1 bytes follow"), "{error}");
}

#[test]
fn a_damaged_block_tells_which_records_it_has_and_stops_all_harts() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let first_block = bytes.windows(4).position(|four| four == b"vstb").unwrap();
    bytes[first_block + 40] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut source = TraceSource::open(&path).unwrap();
    assert_eq!(source.next(HartId(0)), Fetched::Stopped);
    assert_eq!(source.next(HartId(1)), Fetched::Stopped);
    let error = source.error().unwrap().to_string();
    assert!(error.contains("damaged at records 1 to "), "{error}");
    assert!(error.contains("of hart 0: the checksum of their block is wrong; copy it again"));
}

#[test]
fn another_format_is_told_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = recorded(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    // The one before, which cannot tell moves, and one to come.
    for format in [1, 9] {
        bytes[8] = format;
        fs::write(&path, &bytes).unwrap();
        let error = TraceSource::open(&path).unwrap_err();
        let expected = u32::from(format);
        assert!(
            matches!(error, TraceError::Version { found, known: 2, .. } if found == expected),
            "{error}"
        );
    }
}

#[test]
fn another_file_is_told_from_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "x".repeat(100)).unwrap();
    let error = TraceSource::open(&path).unwrap_err().to_string();
    assert!(error.contains("expected a native trace"), "{error}");
    let error = trace::open(&path).unwrap_err().to_string();
    assert!(error.contains("expected a ChampSim trace"), "{error}");
    let error = trace::open(&folder.path().join("b")).unwrap_err().to_string();
    assert!(error.starts_with("opening "), "{error}");
}

#[test]
fn a_trace_says_where_it_comes_from_and_how_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = TraceSource::open(&recorded(folder.path())).unwrap();
    assert_eq!(source.metadata(), &metadata());
    let flushes = 60 / 21 + 1;
    assert_eq!(source.instructions().iter().sum::<u64>(), 60 - flushes);
}

#[test]
fn the_same_recording_gives_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = |folder: &Path| fs::read(recorded(folder)).unwrap();
    assert_eq!(bytes(one.path()), bytes(two.path()));
}

#[test]
fn an_impossible_number_of_harts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for harts in [0, 1025] {
        let metadata = Metadata { harts, ..metadata() };
        let error = Writer::create(&folder.path().join("t"), &metadata).unwrap_err();
        assert!(error.to_string().contains(&format!("cannot have {harts} harts")), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_mark_ends_the_step_and_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = TraceSource::open(&recorded(folder.path())).unwrap();
    let hart = HartId(1);
    assert_eq!(source.take_mark(hart), None);
    while source.next(hart) != Fetched::Later {}
    assert_eq!(source.take_mark(hart), Some(Mark::Begin(0)));
    assert_eq!(source.take_mark(hart), None);
    assert!(matches!(source.next(hart), Fetched::Instr(_)));
}
