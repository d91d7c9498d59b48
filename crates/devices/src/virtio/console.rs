//! The virtio console device, with ports.
//!
//! Source: VIRTIO 1.2 section 5.3. With `MULTIPORT` a Linux guest gets a terminal `/dev/hvcN` for each
//! console port and a plain byte stream `/dev/vportDpN` (`D` is the number of the virtio device, so
//! look for the name in `/sys/class/virtio-ports/*/name`) for every other. A driver without it gets
//! port 0. Left out: window sizes, emergency write, ports that come and go.
//!
//! Output is handed over at once and never lost. Input for a port waits on the host side until a
//! guest program has the port open, because Linux throws away what comes earlier.

use super::{Backend, Chain, Io, QueueError, VirtioMmio};
use crate::state;
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::collections::VecDeque;

/// The console device on its transport.
pub type VirtioConsole = VirtioMmio<Console>;

/// The terminal of [`Console::default`].
pub const CONSOLE_PORT: usize = 0;
/// The byte stream of [`Console::default`].
pub const COMMAND_PORT: usize = 1;

const QUEUE_SIZE: u16 = 64;
const CONTROL_RX: usize = 2;
const CONTROL_TX: usize = 3;
const MAX_PORTS: usize = 31;

const MULTIPORT: u64 = 1 << 1;

mod event {
    pub const DEVICE_READY: u16 = 0;
    pub const PORT_ADD: u16 = 1;
    pub const PORT_READY: u16 = 3;
    pub const CONSOLE_PORT: u16 = 4;
    pub const PORT_OPEN: u16 = 6;
    pub const PORT_NAME: u16 = 7;
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// A terminal rather than a byte stream.
    pub console: bool,
    /// Name the guest sees, empty for none.
    pub name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct PortState {
    input: VecDeque<u8>,
    output: Vec<u8>,
    /// A guest program, or the terminal driver, has the port open.
    open: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    ports: Vec<PortState>,
    /// Messages for the guest that wait for buffers.
    control: VecDeque<Vec<u8>>,
    /// Input came since the last delivery.
    fresh: bool,
}

/// The console device.
#[derive(Debug)]
pub struct Console {
    ports: Vec<Port>,
    state: State,
}

impl Default for Console {
    /// A terminal ([`CONSOLE_PORT`]) and a byte stream named `vswarm.command` ([`COMMAND_PORT`]).
    fn default() -> Self {
        Self::new(vec![
            Port { console: true, name: String::new() },
            Port { console: false, name: "vswarm.command".to_owned() },
        ])
    }
}

/// What a transmit or receive queue belongs to.
enum Purpose {
    Control,
    Port(usize),
}

/// Queues 2 and 3 are the control queues; every port has a pair.
fn purpose(queue: usize) -> Purpose {
    match queue / 2 {
        0 => Purpose::Port(0),
        1 => Purpose::Control,
        pair => Purpose::Port(pair - 1),
    }
}

fn receive_queue(port: usize) -> usize {
    if port == 0 { 0 } else { 2 * port + 2 }
}

fn message(port: usize, event: u16, value: u16, name: &str) -> Vec<u8> {
    let id = port as u32;
    [&id.to_le_bytes()[..], &event.to_le_bytes(), &value.to_le_bytes(), name.as_bytes()].concat()
}

impl Console {
    /// A device with `ports`. Panics unless there are 1 to 31.
    #[must_use]
    pub fn new(ports: Vec<Port>) -> Self {
        assert!((1..=MAX_PORTS).contains(&ports.len()), "a console device has 1 to 31 ports");
        let state = State {
            ports: vec![PortState::default(); ports.len()],
            control: VecDeque::new(),
            fresh: false,
        };
        Self { ports, state }
    }

    /// Takes what the guest has written to `port` since the last call. Panics if there is no such
    /// port.
    pub fn take_output(&mut self, port: usize) -> Vec<u8> {
        std::mem::take(&mut self.state.ports[port].output)
    }

    /// Sends `bytes` to `port`; the next poll delivers them, once the port is open. Panics if there
    /// is no such port.
    pub fn push_input(&mut self, port: usize, bytes: &[u8]) {
        self.state.ports[port].input.extend(bytes);
        self.state.fresh = true;
    }

    /// Whether the guest has `port` open. Panics if there is no such port.
    #[must_use]
    pub fn is_open(&self, port: usize) -> bool {
        self.state.ports[port].open
    }

    /// Moves waiting input into the buffers of `port`.
    fn deliver(&mut self, io: &mut Io<'_>, port: usize) -> Result<(), QueueError> {
        let multiport = io.features & MULTIPORT != 0;
        let Some(state) = self.state.ports.get_mut(port) else { return Ok(()) };
        if multiport && !state.open || !multiport && port != 0 {
            return Ok(());
        }
        let queue = receive_queue(port);
        while !state.input.is_empty() {
            let Some(chain) = io.queues[queue].pop(io.ram)? else { break };
            let (front, back) = state.input.as_slices();
            let mut len = chain.write_at(io.ram, 0, front)?;
            if len == front.len() {
                len += chain.write_at(io.ram, len as u64, back)?;
            }
            state.input.drain(..len);
            io.queues[queue].push(io.ram, chain.head, len as u32)?;
        }
        Ok(())
    }

    fn deliver_all(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        self.state.fresh = false;
        (0..self.ports.len()).try_for_each(|port| self.deliver(io, port))
    }

    fn deliver_control(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        while let Some(message) = self.state.control.front() {
            let Some(chain) = io.queues[CONTROL_RX].pop(io.ram)? else { break };
            let len = chain.write_at(io.ram, 0, message)?;
            io.queues[CONTROL_RX].push(io.ram, chain.head, len as u32)?;
            self.state.control.pop_front();
        }
        Ok(())
    }

    fn transmit(&mut self, io: &mut Io<'_>, queue: usize, port: usize) -> Result<(), QueueError> {
        let Some(state) = self.state.ports.get_mut(port) else { return Ok(()) };
        while let Some(chain) = io.queues[queue].pop(io.ram)? {
            chain.gather(io.ram, 0, &mut state.output)?;
            io.queues[queue].push(io.ram, chain.head, 0)?;
        }
        Ok(())
    }

    fn control(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        while let Some(chain) = io.queues[CONTROL_TX].pop(io.ram)? {
            self.answer(io, &chain)?;
            io.queues[CONTROL_TX].push(io.ram, chain.head, 0)?;
        }
        self.deliver_control(io)?;
        self.deliver_all(io)
    }

    /// Serves one message of the guest; unknown ones are ignored.
    fn answer(&mut self, io: &mut Io<'_>, chain: &Chain) -> Result<(), QueueError> {
        let mut bytes = [0; 8];
        if chain.read_at(io.ram, 0, &mut bytes)? < bytes.len() {
            return Err(QueueError::Request("console control message of less than 8 bytes"));
        }
        let message = u64::from_le_bytes(bytes);
        let (port, event, value) = (message as u32 as usize, (message >> 32) as u16, message >> 48);
        match event {
            event::DEVICE_READY if value == 1 => self.announce(),
            event::PORT_READY if value == 1 => self.introduce(port),
            event::PORT_OPEN => {
                if let Some(state) = self.state.ports.get_mut(port) {
                    state.open = value == 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells the guest which ports there are.
    fn announce(&mut self) {
        self.state.control.clear();
        let adds = (0..self.ports.len()).map(|port| message(port, event::PORT_ADD, 1, ""));
        self.state.control.extend(adds);
    }

    /// Tells the guest what `port` is, and that the host side is open.
    fn introduce(&mut self, port: usize) {
        let Some(Port { console, name }) = self.ports.get(port) else { return };
        let waiting = &mut self.state.control;
        if waiting.len() > 4 * MAX_PORTS {
            // Only a guest that asks again and again without reading the answers comes here.
            return;
        }
        if *console {
            waiting.push_back(message(port, event::CONSOLE_PORT, 1, ""));
        }
        if !name.is_empty() {
            waiting.push_back(message(port, event::PORT_NAME, 1, name));
        }
        waiting.push_back(message(port, event::PORT_OPEN, 1, ""));
    }
}

impl Backend for Console {
    const NAME: &'static str = "virtio-console";
    const DEVICE_ID: u32 = 3;

    fn sample() -> Self {
        Self::default()
    }

    fn features(&self) -> u64 {
        MULTIPORT
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE; 2 * self.ports.len() + 2]
    }

    /// Columns and rows (unknown), number of ports, emergency write (not offered).
    fn config(&self) -> Vec<u8> {
        let ports = self.ports.len() as u32;
        [&[0; 4][..], &ports.to_le_bytes(), &[0; 4]].concat()
    }

    fn reset(&mut self) {
        self.state.control.clear();
        self.state.ports.iter_mut().for_each(|port| port.open = false);
    }

    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError> {
        match (purpose(queue), queue % 2) {
            (Purpose::Control, 0) => self.deliver_control(io),
            (Purpose::Control, _) => self.control(io),
            (Purpose::Port(port), 0) => self.deliver(io, port),
            (Purpose::Port(port), _) => self.transmit(io, queue, port),
        }
    }

    fn poll(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        self.deliver_all(io)
    }

    fn next_event(&self) -> Option<Picos> {
        self.state.fresh.then_some(Picos::ZERO)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let fresh: State = state::load(Self::NAME, state)?;
        let (has, needs) = (fresh.ports.len(), self.ports.len());
        if has != needs {
            return Err(format!(
                "restoring virtio-console: the saved state has {has} ports, this device {needs}; \
                 restore with the configuration it was saved with"
            ));
        }
        self.state = fresh;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
