//! `boot`: the guest's serial console on this terminal, in fast mode.

mod keyboard;

use crate::args::BootArgs;
use crate::commands::run;
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::{home, interrupt, output};
use ::guest::progress::Progress;
use experiment::{Observer, Study, StudyError};
use keyboard::Keyboard;
use sim::Picos;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the guest must be silent, once the input has ended, for the session to be over.
const SILENCE: Duration = Duration::from_secs(2);
/// What the kernel prints before the restart that follows a panic.
const PANIC: &str = "Kernel panic";

pub fn boot(args: BootArgs) -> Result<u8, Failure> {
    let study = study(&args)?;
    let home = home::create()?;
    let screen = Screen::new();
    let mut keyboard = None;
    let mut input = || {
        let keyboard = keyboard.get_or_insert_with(|| {
            let keyboard = Keyboard::open();
            screen.attach(keyboard.is_terminal());
            keyboard
        });
        let typed = keyboard.typed();
        screen.typed(&typed);
        typed.bytes
    };
    let deploy = args.function.is_some();
    let ended = experiment::console(&home, &study, deploy, &screen, &mut input);
    drop(keyboard);
    screen.reporter.finish();
    match ended {
        Ok(()) => Ok(0),
        Err(StudyError::Cancelled) if !interrupt::asked() => Ok(0),
        // Who uses the console may switch the machine off.
        Err(StudyError::GuestDied { console, .. }) if screen.is_attached() => {
            if console.contains(PANIC) {
                return Err(Failure::failed(anyhow::anyhow!("the guest's kernel panicked")));
            }
            screen.reporter.note("the guest switched off");
            Ok(0)
        }
        Err(error) => Err(run::failure(error)),
    }
}

fn study(args: &BootArgs) -> Result<Study, Failure> {
    let system = ::system::load("simple", &[]).map_err(Failure::input)?;
    Ok(Study {
        function: args.function.clone().unwrap_or_default(),
        functions_file: args.source.functions.clone(),
        mirror: args.source.mirror.clone(),
        ..run::guest_study(system, args.seed, args.ram)
    })
}

/// Progress until the console is attached, then what the guest prints.
struct Screen {
    reporter: Reporter,
    attached: AtomicBool,
    leave: AtomicBool,
    /// When something was last typed or printed, once the input has ended.
    quiet_since: Mutex<Option<Instant>>,
}

impl Screen {
    fn new() -> Self {
        Self {
            reporter: Reporter::new(),
            attached: AtomicBool::new(false),
            leave: AtomicBool::new(false),
            quiet_since: Mutex::new(None),
        }
    }

    fn attach(&self, terminal: bool) {
        self.reporter.finish();
        if terminal {
            self.reporter.note("the guest's serial console; Ctrl-A X leaves");
        }
        self.attached.store(true, Ordering::SeqCst);
    }

    fn is_attached(&self) -> bool {
        self.attached.load(Ordering::SeqCst)
    }

    fn typed(&self, typed: &keyboard::Typed) {
        if typed.leave {
            self.leave.store(true, Ordering::SeqCst);
        }
        let mut quiet = self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        if typed.ended && quiet.is_none() {
            *quiet = Some(Instant::now());
        }
    }

    fn is_over(&self) -> bool {
        let quiet = self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.is_some_and(|since| since.elapsed() > SILENCE)
    }
}

impl Progress for Screen {
    fn start(&self, what: &str, total_bytes: Option<u64>) {
        self.reporter.start(what, total_bytes);
    }
    fn advance(&self, bytes: u64) {
        self.reporter.advance(bytes);
    }
    fn finish(&self) {
        self.reporter.finish();
    }
    fn note(&self, line: &str) {
        self.reporter.note(line);
    }
}

impl Observer for Screen {
    fn phase(&self, name: &str) {
        self.reporter.phase(name);
    }

    fn console(&self, bytes: &[u8]) {
        if !self.is_attached() {
            return self.reporter.console(bytes);
        }
        let mut quiet = self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = &mut *quiet {
            *since = Instant::now();
        }
        if output::print(bytes).is_err() {
            self.leave.store(true, Ordering::SeqCst);
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked() || self.leave.load(Ordering::SeqCst) || self.is_over()
    }

    fn running(&self, phase: &str, virtual_now: Picos, instructions: u64) {
        if !self.is_attached() {
            self.reporter.running(phase, virtual_now, instructions);
        }
    }

    fn as_progress(&self) -> &dyn Progress {
        self
    }
}
