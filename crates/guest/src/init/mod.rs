//! The guest's own programs: two short scripts, and the protocol the second one speaks.
//!
//! They are the only addition to the Debian packages. The protocol (see `docs/guest-protocol.md`) runs over the virtio
//! console, where no kernel message ever appears.

/// `/init` of the initial RAM disk.
pub(crate) const EARLY: &str = include_str!("early.sh");
/// `/usr/sbin/vswarm-init` of the root disk.
pub(crate) const MAIN: &str = include_str!("main.sh");

/// What the guest says on its virtio console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The container engine is up and commands are accepted.
    Ready,
    /// A line of a command's output.
    Output {
        /// The command's id.
        id: String,
        /// The line, without its newline.
        line: String,
    },
    /// A command ended.
    Done {
        /// The command's id.
        id: String,
        /// Its exit status, 128 + signal if it was killed.
        status: i32,
    },
    /// A line the guest did not understand, in its words.
    Refused(String),
}

/// The line that runs `command` (one line of shell) under `id` (no blanks); `None` if either has a form that cannot
/// be sent.
pub fn request(id: &str, command: &str) -> Option<String> {
    let bad_id = id.is_empty() || id.contains(|c: char| !c.is_ascii_alphanumeric());
    let bad_command = command.trim().is_empty() || command.contains(['\n', '\0']);
    (!bad_id && !bad_command).then(|| format!("RUN {id} {command}\n"))
}

/// Reads one line from the guest, without its newline; `None` for anything that is not part of the protocol.
pub fn parse(line: &str) -> Option<Message> {
    let line = line.trim_end_matches('\r');
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (id, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    match verb {
        "READY" => Some(Message::Ready),
        "OUT" => Some(Message::Output { id: id.to_owned(), line: tail.to_owned() }),
        "DONE" => Some(Message::Done { id: id.to_owned(), status: tail.parse().ok()? }),
        "ERROR" => Some(Message::Refused(rest.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_of_the_guest_is_understood() {
        assert_eq!(parse("READY"), Some(Message::Ready));
        assert_eq!(
            parse("OUT 7  two  words"),
            Some(Message::Output { id: "7".into(), line: " two  words".into() })
        );
        assert_eq!(parse("OUT 7 "), Some(Message::Output { id: "7".into(), line: String::new() }));
        assert_eq!(parse("DONE 7 137\r"), Some(Message::Done { id: "7".into(), status: 137 }));
        assert_eq!(parse("ERROR expected x"), Some(Message::Refused("expected x".into())));
        assert_eq!(parse("DONE 7 x"), None);
        assert_eq!(parse("[    0.1] noise"), None);
    }

    #[test]
    fn commands_that_would_break_the_line_protocol_are_not_sent() {
        assert_eq!(request("1", "true"), Some("RUN 1 true\n".to_owned()));
        for (id, command) in [("", "x"), ("a b", "x"), ("1", ""), ("1", "a\nb"), ("1", "a\0")] {
            assert_eq!(request(id, command), None);
        }
    }
}
