//! Functional running: harts take turns in slices of virtual time.
//!
//! All harts that can run execute up to the end of a slice, one after the other; then devices and
//! timers that have become due act. A slice ends at the next event that is known, so timer and
//! device interrupts are seen on time; what one hart does to another (IPI, shared memory) is seen
//! by it at most a slice late or early. Nothing depends on host time: the same start gives the same
//! run. When no hart can run, time jumps to the next event.

use crate::cpu::{Event, Machine, Power};
use crate::htif::Verdict;
use devices::Finish;
use devices::virtio::VirtioNet;
use engine::{FastPort, Stop, run};
use hart::{Interrupt, Request};
use sim::Picos;

/// Longest slice while several harts run.
const SLICE: Picos = Picos::from_micros(10);
/// Longest slice of a hart that runs alone.
const SOLO_SLICE: Picos = Picos::from_millis(1);
/// Fast mode's nominal time per instruction.
pub const NOMINAL_STEP: Picos = Picos::from_nanos(1);

impl Machine {
    /// Runs in fast mode until `deadline` or until something happens that the caller must know of.
    pub fn run_fast(&mut self, deadline: Picos) -> Event {
        self.enter_fast();
        loop {
            self.refresh();
            if let Some(event) = self.next_report() {
                return event;
            }
            if self.now >= deadline {
                return Event::Deadline;
            }
            let next = self.next_event().min(deadline);
            let runnable = self.runnable();
            if runnable == 0 {
                if next == Picos::NEVER {
                    return Event::Stuck;
                }
                self.now = self.now.max(next);
                continue;
            }
            let longest = if runnable == 1 { SOLO_SLICE } else { SLICE };
            let end = next.min(self.now + longest).max(self.now + NOMINAL_STEP);
            self.slice(end, runnable == 1);
        }
    }

    fn enter_fast(&mut self) {
        if self.stepping {
            self.stepper.clear();
            self.harts.iter_mut().for_each(|hart| self.stepper.begin_turn(hart));
            self.port.keep_fences(false);
            self.stepping = false;
        }
        for hart in &mut self.harts {
            let now = hart.now().max(self.now);
            hart.set_clock(now, NOMINAL_STEP);
            hart.set_cycle(NOMINAL_STEP);
        }
    }

    /// One slice; moves `now` to its end, or to where a lone hart stopped early.
    fn slice(&mut self, end: Picos, solo: bool) {
        let mut end = end;
        for index in 0..self.harts.len() {
            // A reservation is not kept while others have turns: `sc` may fail, and another hart's
            // stores need not be watched.
            if !solo {
                self.harts[index].reservation = None;
            }
            if self.can_run(index) {
                let stopped = self.run_hart(index, end);
                if solo {
                    end = stopped;
                }
            }
        }
        self.now = end.max(self.now);
    }

    /// Runs one hart up to `end`. Returns where it stopped: before `end` if something happened that
    /// another hart or the caller should see at once.
    fn run_hart(&mut self, index: usize, end: Picos) -> Picos {
        self.port.select(index);
        let mut end = end;
        loop {
            let hart = &mut self.harts[index];
            let now = hart.now();
            if now >= end {
                return end;
            }
            let budget = (end - now).0.div_ceil(NOMINAL_STEP.0);
            match run(hart, &mut self.port, &mut self.code, hart.retired + budget) {
                Stop::Limit => {}
                // Only an interrupt gets it out, and none comes before the slice ends.
                Stop::LockedUp => hart.set_clock(end, NOMINAL_STEP),
                Stop::Request(request) => {
                    let report = self.serve(index, request);
                    if report || !self.can_run(index) {
                        return self.harts[index].now().min(end).max(self.now);
                    }
                    if request == Request::Yield && self.runnable() > 1 {
                        self.harts[index].set_clock(end, NOMINAL_STEP);
                    }
                    end = end.min(self.next_event_of(index));
                }
            }
        }
    }

    /// Acts on a hart's request. Returns whether the slice must end.
    pub(crate) fn serve(&mut self, index: usize, request: Request) -> bool {
        match request {
            Request::Sbi => {
                let before = self.runnable();
                self.serve_sbi(index);
                self.refresh_timer(index);
                !self.events.is_empty() || self.runnable() > before
            }
            Request::Wait => {
                self.refresh_hart(index);
                let hart = &mut self.harts[index];
                hart.waiting = !hart.wakes_from_wait();
                false
            }
            Request::Yield => false,
            Request::Marker(function) => {
                let hart = &mut self.harts[index];
                let mut args = [0; 6];
                args.copy_from_slice(&hart.x[10..16]);
                hart.x[10] = 0;
                self.events.push_back(Event::Marker { hart: index, function, args });
                true
            }
            Request::Attention => {
                let before = self.runnable();
                self.refresh_at(self.harts[index].now());
                self.look_at_devices();
                !self.events.is_empty() || self.runnable() > before
            }
        }
    }

    /// Device conditions that the caller must know of.
    fn look_at_devices(&mut self) {
        if self.port.bus.find::<VirtioNet>().is_some_and(|net| net.backend().has_tx()) {
            self.events.push_back(Event::Transmit);
        }
        if let Some(finish) = self.port.bus.find::<devices::Finisher>().and_then(|f| f.exit()) {
            let verdict = match finish {
                Finish::Pass => Verdict::Pass,
                Finish::Fail(code) => Verdict::Fail(u64::from(code)),
                Finish::Reset => Verdict::Pass,
            };
            self.events.push_back(Event::Verdict(verdict));
        }
        self.poll_htif();
        self.look_for_failures();
    }

    /// Host-side failures: memory or disk content that cannot be supplied ends the run.
    pub(crate) fn look_for_failures(&mut self) {
        if let Some(error) = self.port.ram.take_load_error() {
            self.events.push_back(Event::Failed(error.to_string()));
        }
        let disk = self.port.bus.find::<devices::virtio::VirtioBlk>();
        if let Some(error) = disk.and_then(|disk| disk.backend_mut().take_store_error()) {
            self.events.push_back(Event::Failed(error.to_string()));
        }
    }

    fn poll_htif(&mut self) {
        let Some(htif) = self.htif else { return };
        let console = &mut self.console;
        match htif.poll(&mut self.port.ram, &mut |bytes| console.extend_from_slice(bytes)) {
            Ok(None) => {}
            Ok(Some(verdict)) => self.events.push_back(Event::Verdict(verdict)),
            Err(error) => self.events.push_back(Event::Failed(error.to_string())),
        }
    }

    pub(crate) fn next_report(&mut self) -> Option<Event> {
        self.look_for_failures();
        self.events.pop_front()
    }

    /// Whether a hart has something to execute.
    pub(crate) fn can_run(&self, index: usize) -> bool {
        self.power[index] == Power::On && !self.harts[index].waiting
    }

    fn runnable(&self) -> usize {
        (0..self.harts.len()).filter(|&index| self.can_run(index)).count()
    }

    /// Lets devices act up to now and shows every hart its interrupt lines.
    pub(crate) fn refresh(&mut self) {
        self.refresh_at(self.now);
    }

    fn refresh_at(&mut self, now: Picos) {
        let FastPort { ram, bus, .. } = &mut self.port;
        bus.poll(ram, now);
        for index in 0..self.harts.len() {
            self.refresh_hart(index);
        }
    }

    /// Shows a hart its interrupt lines at its own time; wakes it if one is enabled.
    pub(crate) fn refresh_hart(&mut self, index: usize) {
        let external = self.port.bus.external(index);
        let last = std::mem::replace(&mut self.external[index], external);
        let now = self.hart_time(index);
        let (msip, mtip) = self.port.bus.local(index, now);
        let hart = &mut self.harts[index];
        // The external bits of mip can also be written by software: follow the lines' edges.
        if external != last {
            set(&mut hart.csr.mip, Interrupt::MachineExternal, external.0);
            set(&mut hart.csr.mip, Interrupt::SupervisorExternal, external.1);
        }
        set(&mut hart.csr.mip, Interrupt::MachineSoftware, msip);
        set(&mut hart.csr.mip, Interrupt::MachineTimer, mtip);
        self.refresh_timer(index);
        self.wake(index);
    }

    /// The supervisor timer of Sstc.
    pub(crate) fn refresh_timer(&mut self, index: usize) {
        let now = self.hart_time(index);
        let hart = &mut self.harts[index];
        if hart.csr.menvcfg & hart::csr::STCE != 0 {
            let due = now >= hart.timer_deadline();
            set(&mut hart.csr.mip, Interrupt::SupervisorTimer, due);
        }
    }

    /// A running hart has its own time; a waiting one shares the machine's.
    fn hart_time(&self, index: usize) -> Picos {
        self.harts[index].now().max(self.now)
    }

    fn wake(&mut self, index: usize) {
        let now = self.now;
        if let Power::Suspended(resume) = self.power[index]
            && self.harts[index].wakes_from_wait()
        {
            self.power[index] = Power::On;
            if let Some((pc, opaque)) = resume {
                self.power_on(index, pc, opaque);
            }
        }
        let hart = &mut self.harts[index];
        if hart.waiting && hart.wakes_from_wait() {
            hart.waiting = false;
        }
        // A hart that did not run catches up with the machine's time.
        if hart.now() < now {
            let step = hart.clock.step;
            hart.set_clock(now, step);
        }
    }

    /// When something next happens by itself.
    pub(crate) fn next_event(&self) -> Picos {
        (0..self.harts.len())
            .map(|index| self.timer_of(index))
            .fold(self.port.bus.next_event(), std::cmp::Ord::min)
    }

    fn next_event_of(&self, index: usize) -> Picos {
        self.next_event().max(self.harts[index].now())
    }

    /// The time at which a hart's timer will fire, if it has not fired yet.
    fn timer_of(&self, index: usize) -> Picos {
        let hart = &self.harts[index];
        let fired = hart.csr.mip & Interrupt::SupervisorTimer.bit() != 0;
        if fired || self.power[index] == Power::Off || hart.csr.menvcfg & hart::csr::STCE == 0 {
            Picos::NEVER
        } else {
            hart.timer_deadline()
        }
    }
}

fn set(mip: &mut u64, interrupt: Interrupt, level: bool) {
    if level {
        *mip |= interrupt.bit();
    } else {
        *mip &= !interrupt.bit();
    }
}
