//! Measures saving and restoring a machine's RAM: 3 GiB, of which 1 GiB was touched.
//!
//! `cargo run --release -p machine --example snapshot_speed [FOLDER]` writes its snapshots to FOLDER
//! (default: a temporary one) and prints host times. The content is a quarter random bytes and three
//! quarters the machine code of this program, which resembles a guest in how it compresses.

use machine::snapshot::{CHUNK_LEN, Key, RAM_SPACE, SaveRequest, Snapshot, SnapshotStore, Space};
use ram::{CHUNK, RAM_BASE, Ram};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

const RAM_SIZE: u64 = 3 << 30;
const TOUCHED: u64 = (1 << 30) / CHUNK;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(temporary.path().into(), PathBuf::from);
    let store = SnapshotStore::new(folder.join("snapshot-speed"))?;
    let mut ram = Ram::new(RAM_SIZE);
    fill(&mut ram)?;
    for threads in [1, 2] {
        save(&store, "booted", None, Space::of_ram(&ram, None)?, threads)?;
    }
    let booted = open(&store, "booted")?;
    touch_all(&booted)?;

    for chunk in (0..TOUCHED).step_by(10) {
        ram.write(RAM_BASE + chunk * CHUNK, b"changed")?;
    }
    save(&store, "deployed, a tenth changed", Some(&booted), Space::of_ram(&ram, None)?, 2)?;
    let deployed = open(&store, "deployed, a tenth changed")?;
    let mut restored = deployed.restore_ram()?;
    for chunk in (0..TOUCHED).step_by(100) {
        restored.write(RAM_BASE + chunk * CHUNK, b"again")?;
    }
    let space = Space::of_ram(&restored, Some(&deployed))?;
    save(&store, "warm, a hundredth touched", Some(&deployed), space, 2)?;
    touch_all(&open(&store, "warm, a hundredth touched")?)?;
    std::fs::remove_dir_all(folder.join("snapshot-speed"))?;
    Ok(())
}

fn fill(ram: &mut Ram) -> Result<(), Failure> {
    let code = std::fs::read(std::env::current_exe()?)?;
    let mut chunk = vec![0; CHUNK_LEN];
    for number in 0..TOUCHED {
        if number % 4 == 0 {
            let mut noise = blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof();
            noise.fill(&mut chunk);
        } else {
            let at = number as usize * 40_009 % (code.len() - CHUNK_LEN);
            chunk.copy_from_slice(&code[at..at + CHUNK_LEN]);
            chunk[..8].copy_from_slice(&number.to_le_bytes());
        }
        ram.write(RAM_BASE + number * CHUNK, &chunk)?;
    }
    Ok(())
}

fn save(
    store: &SnapshotStore,
    label: &str,
    parent: Option<&Snapshot>,
    space: Space<'_>,
    threads: usize,
) -> Result<(), Failure> {
    let key = Key::of(&[label.as_bytes()]);
    let spaces = [space];
    let request = SaveRequest { key, label, parent, sections: &[], spaces: &spaces, threads };
    let report = store.save(&request)?;
    println!(
        "save {label}, {threads} threads: {:.2} s, {} MiB, {} chunks stored",
        report.elapsed.as_secs_f64(),
        report.file_bytes >> 20,
        report.chunks_stored
    );
    Ok(())
}

fn open(store: &SnapshotStore, label: &str) -> Result<Arc<Snapshot>, Failure> {
    let begun = Instant::now();
    let snapshot = Arc::new(store.open(Key::of(&[label.as_bytes()]))?);
    let ram = snapshot.restore_ram()?;
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    println!("open {label} and make a RAM of {} MiB: {millis:.1} ms", ram.size() >> 20);
    Ok(snapshot)
}

fn touch_all(snapshot: &Arc<Snapshot>) -> Result<(), Failure> {
    let mut ram = snapshot.restore_ram()?;
    let numbers = snapshot.chunk_numbers(RAM_SPACE)?;
    let begun = Instant::now();
    for &number in &numbers {
        ram.touch(number as usize * CHUNK_LEN);
    }
    if let Some(error) = ram.take_load_error() {
        return Err(error.into());
    }
    println!("touch all {} saved chunks: {:.2} s", numbers.len(), begun.elapsed().as_secs_f64());
    Ok(())
}
