//! Stream address buffers: stretches of the history that the front end is expected to go along.

use super::history::History;
use super::regions::Region;
use std::collections::VecDeque;

/// One buffer: the regions that were read from the history and are not passed yet.
#[derive(Clone, Debug)]
struct Stream {
    level: usize,
    window: VecDeque<Region>,
    /// Where in the history the next one is.
    next: u64,
}

/// The buffers of a core.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    /// The one used last is the last.
    streams: VecDeque<Stream>,
    buffers: usize,
    ahead: usize,
}

impl Streams {
    pub(super) fn new(buffers: u32, ahead: u32) -> Self {
        let (buffers, ahead) = (buffers as usize, ahead as usize);
        Self { streams: VecDeque::with_capacity(buffers), buffers, ahead }
    }

    /// The front end fetches a line. Where a stream expects it, that stream goes on, and what it reads from
    /// the history is given to `read`. Returns how many regions it passed; none if no stream expects it.
    pub(super) fn follow(
        &mut self,
        (level, line): (usize, u64),
        histories: &[History],
        read: impl FnMut(Region),
    ) -> Option<u64> {
        let expects = |stream: &Stream| {
            let has = stream.window.iter().position(|region| region.has(line));
            has.filter(|_| stream.level == level)
        };
        let places = self.streams.iter().map(expects).enumerate();
        let (place, passed) = places.rev().find_map(|(place, at)| Some((place, at?)))?;
        let mut stream = self.streams.remove(place)?;
        stream.window.drain(..passed);
        stream.fill(self.ahead, &histories[level], read);
        self.streams.push_back(stream);
        Some(passed as u64)
    }

    /// Opens a stream at a position of the history.
    pub(super) fn open(
        &mut self,
        (level, position): (usize, u64),
        histories: &[History],
        read: impl FnMut(Region),
    ) {
        let oldest =
            if self.streams.len() == self.buffers { self.streams.pop_front() } else { None };
        let window = oldest.map_or_else(|| VecDeque::with_capacity(self.ahead + 1), emptied);
        let mut stream = Stream { level, window, next: position };
        stream.fill(self.ahead, &histories[level], read);
        self.streams.push_back(stream);
    }

    pub(super) fn clear(&mut self) {
        self.streams.clear();
    }
}

fn emptied(stream: Stream) -> VecDeque<Region> {
    let mut window = stream.window;
    window.clear();
    window
}

impl Stream {
    /// Reads on until `ahead` regions lie before the one that is executed.
    fn fill(&mut self, ahead: usize, history: &History, mut read: impl FnMut(Region)) {
        while self.window.len() <= ahead
            && let Some(region) = history.get(self.next)
        {
            self.next += 1;
            self.window.push_back(region);
            read(region);
        }
    }
}
