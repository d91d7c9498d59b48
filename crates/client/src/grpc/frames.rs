//! Finds frame boundaries in an HTTP/2 byte stream (RFC 9113 section 4.1) without changing it: where
//! a request begins, and whether the server has sent its settings.

/// Length of a frame header.
const HEADER_BYTES: usize = 9;
/// Length of the client's connection preface (RFC 9113 section 3.4).
const PREFACE_BYTES: u64 = 24;
/// Frame type HEADERS.
pub(crate) const HEADERS: u8 = 1;
/// Frame type SETTINGS.
pub(crate) const SETTINGS: u8 = 4;

/// A frame header seen in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Offset of the frame's first byte in the stream.
    pub(crate) offset: u64,
    /// The frame type.
    pub(crate) kind: u8,
    /// The stream it belongs to.
    pub(crate) stream: u32,
}

/// Follows one direction of a connection.
#[derive(Debug)]
pub(crate) struct Scanner {
    position: u64,
    skip: u64,
    header: Vec<u8>,
}

impl Scanner {
    /// A scanner of what a client sends, which begins with the preface.
    pub(crate) fn of_client() -> Self {
        Self { position: 0, skip: PREFACE_BYTES, header: Vec::with_capacity(HEADER_BYTES) }
    }

    /// A scanner of what a server sends.
    pub(crate) fn of_server() -> Self {
        Self { position: 0, skip: 0, header: Vec::with_capacity(HEADER_BYTES) }
    }

    /// Bytes seen so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes the next bytes of the stream; returns the frames whose header ended in them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            if self.skip > 0 {
                let count = self.skip.min(bytes.len() as u64);
                self.skip -= count;
                self.position += count;
                bytes = &bytes[count as usize..];
                continue;
            }
            let count = (HEADER_BYTES - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..count]);
            self.position += count as u64;
            bytes = &bytes[count..];
            if self.header.len() == HEADER_BYTES {
                frames.push(self.finish_header());
            }
        }
        frames
    }

    fn finish_header(&mut self) -> Frame {
        let h = &self.header;
        self.skip = u64::from(u32::from_be_bytes([0, h[0], h[1], h[2]]));
        let frame = Frame {
            offset: self.position - HEADER_BYTES as u64,
            kind: h[3],
            stream: u32::from_be_bytes([h[5] & 0x7f, h[6], h[7], h[8]]),
        };
        self.header.clear();
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend([0, 0, 6, SETTINGS, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        bytes.extend([0, 0, 2, HEADERS, 5, 0x80, 0, 0, 3, 9, 9]);
        bytes
    }

    #[test]
    fn frames_are_found_whole_and_byte_by_byte() {
        let expected = [
            Frame { offset: 24, kind: SETTINGS, stream: 0 },
            Frame { offset: 39, kind: HEADERS, stream: 3 },
        ];
        assert_eq!(Scanner::of_client().feed(&stream()), expected);
        let mut scanner = Scanner::of_client();
        let found: Vec<Frame> = stream().chunks(1).flat_map(|byte| scanner.feed(byte)).collect();
        assert_eq!(found, expected);
        assert_eq!(scanner.position(), stream().len() as u64);
    }

    #[test]
    fn a_server_stream_has_no_preface() {
        let frames = Scanner::of_server().feed(&stream()[24..]);
        assert_eq!(frames[0], Frame { offset: 0, kind: SETTINGS, stream: 0 });
    }
}
