//! The command channel to the guest's init, over the virtio console.

use devices::virtio::{CONSOLE_PORT, VirtioConsole};
use guest::init::{self, Message};
use machine::Machine;

/// The host's end of the channel.
#[derive(Debug, Default)]
pub(crate) struct GuestLink {
    partial: Vec<u8>,
    commands: u64,
}

impl GuestLink {
    /// Takes the messages that have arrived.
    pub fn take(&mut self, machine: &mut Machine) -> Vec<Message> {
        let Some(console) = machine.board().find::<VirtioConsole>() else { return Vec::new() };
        self.partial.extend(console.backend_mut().take_output(CONSOLE_PORT));
        let mut messages = Vec::new();
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            messages.extend(init::parse(String::from_utf8_lossy(&line).trim_end_matches('\n')));
        }
        messages
    }

    /// Sends a command; returns its id.
    pub fn send(&mut self, machine: &mut Machine, command: &str) -> String {
        self.commands += 1;
        let id = self.commands.to_string();
        let line = init::request(&id, command).expect("our commands are one line and not empty");
        if let Some(console) = machine.board().find::<VirtioConsole>() {
            console.backend_mut().push_input(CONSOLE_PORT, line.as_bytes());
        }
        id
    }
}
