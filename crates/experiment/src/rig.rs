//! A machine with its wire plugged in: moves frames between the network card and the peer, in
//! virtual time, and gathers what happens.

use crate::guest_link::GuestLink;
use crate::timing::Watched;
use crate::{Observer, StudyError};
use client::{Peer, PeerConfig, PeerEvent, RequestId};
use devices::virtio::VirtioNet;
use guest::init::Message;
use machine::{Event, Machine};
use sim::Picos;

/// How instructions are executed.
pub(crate) enum Mode<'a> {
    /// Functionally, at a nominal rate.
    Fast,
    /// Under a model.
    Timed(&'a mut dyn Watched),
}

/// Something that happened while the rig ran.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The peer has news.
    Peer(PeerEvent),
    /// The guest's init says something.
    Guest(Message),
    /// The first segment of a request is at the guest's network card, now.
    Opened(RequestId),
    /// The guest's network card sent its last frame at this time, now.
    Sent(Picos),
    /// A program executed a marker, just now.
    Marker {
        /// On this hart.
        hart: usize,
        /// gem5's function number.
        function: u8,
        /// a0 to a5.
        args: [u64; 6],
    },
}

/// Lets a rig go on until something happens or a time comes.
pub(crate) type Advance<'x, 'a> =
    &'x mut dyn FnMut(&mut Rig<'a>, Picos) -> Result<Vec<Happening>, StudyError>;

/// In fast mode.
pub(crate) fn fast(rig: &mut Rig<'_>, deadline: Picos) -> Result<Vec<Happening>, StudyError> {
    rig.advance(&mut Mode::Fast, deadline)
}

/// A machine and the other end of its wire.
pub struct Rig<'a> {
    pub(crate) machine: Machine,
    pub(crate) peer: Peer,
    peer_config: PeerConfig,
    link: GuestLink,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) console: Vec<u8>,
    pub(crate) phase: &'static str,
}

impl std::fmt::Debug for Rig<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("phase", &self.phase).finish_non_exhaustive()
    }
}

/// Longest stretch between two looks at the user's wish to stop.
const FAST_STRETCH: Picos = Picos::from_millis(5);
const TIMED_STRETCH: Picos = Picos::from_micros(500);

impl<'a> Rig<'a> {
    /// Plugs a peer into `machine`.
    pub(crate) fn new(
        machine: Machine,
        peer_config: PeerConfig,
        observer: &'a dyn Observer,
    ) -> Self {
        let peer = Peer::new(PeerConfig { start: machine.now(), ..peer_config.clone() });
        Self {
            machine,
            peer,
            peer_config,
            link: GuestLink::default(),
            observer,
            console: Vec::new(),
            phase: "starting",
        }
    }

    /// Names what goes on, for the user and for errors.
    pub(crate) fn enter(&mut self, phase: &'static str) {
        self.phase = phase;
        self.observer.phase(phase);
    }

    /// Runs until something happens or `deadline` comes.
    pub(crate) fn advance(
        &mut self,
        mode: &mut Mode<'_>,
        deadline: Picos,
    ) -> Result<Vec<Happening>, StudyError> {
        loop {
            if self.observer.cancelled() {
                return Err(StudyError::Cancelled);
            }
            let stretch = match mode {
                Mode::Fast => FAST_STRETCH,
                Mode::Timed(_) => TIMED_STRETCH,
            };
            let next = self.peer.next_event().unwrap_or(Picos::NEVER);
            let until = deadline.min(next).min(self.machine.now() + stretch);
            let event = match mode {
                Mode::Fast => self.machine.run_fast(until),
                Mode::Timed(timing) => self.machine.run_timed(*timing, until),
            };
            if let Mode::Timed(timing) = mode
                && let Some(diagnosis) = timing.stuck()
            {
                let diagnosis = diagnosis.to_owned();
                return Err(StudyError::Stuck { during: self.phase, diagnosis });
            }
            let mut happened = self.after(event)?;
            self.exchange(&mut happened);
            self.observer.running(self.phase, self.machine.now(), self.machine.retired());
            if !happened.is_empty() || self.machine.now() >= deadline {
                return Ok(happened);
            }
        }
    }

    /// What the machine's event means.
    fn after(&mut self, event: Event) -> Result<Vec<Happening>, StudyError> {
        let text = self.machine.take_console();
        if !text.is_empty() {
            self.observer.console(&text);
            self.console.extend_from_slice(&text);
        }
        match event {
            Event::Deadline => Ok(Vec::new()),
            Event::Marker { hart, function, args } => {
                Ok(vec![Happening::Marker { hart, function, args }])
            }
            Event::Transmit => Ok(self.take_frames()),
            Event::Reset(_) => {
                Err(self.died("switched off or restarted (a kernel panic restarts)"))
            }
            Event::Verdict(_) => Err(self.died("wrote to the test finisher")),
            Event::Stuck => Err(self.died("waits for ever: no hart runs and nothing is scheduled")),
            Event::Failed(error) => Err(StudyError::GuestDied {
                during: self.phase,
                what: format!("cannot go on: {error}; remove the damaged snapshot and run again"),
                console: String::new(),
            }),
        }
    }

    fn died(&self, what: &str) -> StudyError {
        StudyError::GuestDied {
            during: self.phase,
            what: what.to_owned(),
            console: self.console_text(),
        }
    }

    /// What the guest printed.
    pub(crate) fn console_text(&self) -> String {
        String::from_utf8_lossy(&self.console).into_owned()
    }

    /// Hands the guest's frames to the peer.
    fn take_frames(&mut self) -> Vec<Happening> {
        let Some(net) = self.machine.board().find::<VirtioNet>() else { return Vec::new() };
        let mut sent = Vec::new();
        for frame in net.backend_mut().take_tx() {
            sent.push(Happening::Sent(frame.at));
            self.peer.guest_sent(frame.at, frame.bytes);
        }
        sent
    }

    /// Lets the peer act up to now and delivers what has arrived.
    fn exchange(&mut self, happened: &mut Vec<Happening>) {
        for arrival in self.peer.advance(self.machine.now()) {
            happened.extend(arrival.opens_request.map(Happening::Opened));
            if let Some(net) = self.machine.board().find::<VirtioNet>() {
                net.backend_mut().push_rx(arrival.frame);
            }
        }
        happened.extend(self.peer.take_events().into_iter().map(Happening::Peer));
        happened.extend(self.link.take(&mut self.machine).into_iter().map(Happening::Guest));
    }

    /// Runs a shell command in the guest (fast mode); its output, or an error if it fails.
    pub(crate) fn command(&mut self, command: &str, limit: Picos) -> Result<String, StudyError> {
        let (status, output) = self.try_command(command, limit)?;
        if status == 0 {
            return Ok(output);
        }
        Err(StudyError::Command { during: self.phase, command: command.to_owned(), status, output })
    }

    /// Runs a shell command in the guest (fast mode); exit status and output.
    pub(crate) fn try_command(
        &mut self,
        command: &str,
        limit: Picos,
    ) -> Result<(i32, String), StudyError> {
        self.try_command_by(command, limit, &mut fast)
    }

    /// The same, while `advance` moves the guest.
    pub(crate) fn try_command_by(
        &mut self,
        command: &str,
        limit: Picos,
        advance: Advance<'_, 'a>,
    ) -> Result<(i32, String), StudyError> {
        let id = self.link.send(&mut self.machine, command);
        let mut output = String::new();
        let deadline = self.machine.now() + limit;
        loop {
            for happening in advance(self, deadline)? {
                match happening {
                    Happening::Guest(Message::Output { id: of, line }) if of == id => {
                        output.push_str(&line);
                        output.push('\n');
                    }
                    Happening::Guest(Message::Done { id: of, status }) if of == id => {
                        return Ok((status, output));
                    }
                    _ => {}
                }
            }
            if self.machine.now() >= deadline {
                return Err(self.timed_out(limit));
            }
        }
    }

    pub(crate) fn timed_out(&self, limit: Picos) -> StudyError {
        StudyError::TimedOut {
            during: self.phase,
            seconds: limit.as_secs_f64() as u64,
            console: self.console_text(),
        }
    }

    /// Ends all connections in good order and puts a new peer in place of the old one, so that what
    /// follows is the same whether the machine goes on or is restored from a snapshot taken now.
    pub(crate) fn renew_peer(&mut self, epoch: u64) -> Result<(), StudyError> {
        self.peer.close();
        let limit = Picos::from_secs(5);
        let deadline = self.machine.now() + limit;
        while !self.peer.is_quiet() && self.machine.now() < deadline {
            self.advance(&mut Mode::Fast, deadline)?;
        }
        // The guest finishes what it does on its side: a socket to tear down, a log line to write.
        let settled = self.machine.now() + Picos::from_millis(50);
        while self.machine.now() < settled {
            self.advance(&mut Mode::Fast, settled)?;
        }
        self.take_frames();
        self.plug_in(epoch);
        Ok(())
    }

    /// A new peer that knows nothing.
    pub(crate) fn plug_in(&mut self, epoch: u64) {
        let config = PeerConfig { start: self.machine.now(), epoch, ..self.peer_config.clone() };
        self.peer = Peer::new(config);
    }
}
