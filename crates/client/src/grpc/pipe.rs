//! The two byte streams between an HTTP/2 connection and the TCP socket that carries it, as
//! in-memory [`AsyncRead`] and [`AsyncWrite`].

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug, Default)]
struct Streams {
    inward: BytesMut,
    outward: BytesMut,
    ended: bool,
    reader: Option<Waker>,
}

/// A handle on the streams; the session and the HTTP/2 connection hold one each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipe {
    streams: Arc<Mutex<Streams>>,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().expect("one thread uses a pipe and does not panic while it does")
    }

    /// Bytes that came from the guest.
    pub(crate) fn receive(&self, bytes: &[u8]) {
        let mut streams = self.lock();
        streams.inward.extend_from_slice(bytes);
        wake(&mut streams);
    }

    /// The guest sends no more.
    pub(crate) fn end(&self) {
        let mut streams = self.lock();
        streams.ended = true;
        wake(&mut streams);
    }

    /// Bytes to send to the guest since the last call.
    pub(crate) fn take_outward(&self) -> BytesMut {
        self.lock().outward.split()
    }
}

fn wake(streams: &mut Streams) {
    if let Some(waker) = streams.reader.take() {
        waker.wake();
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut streams = self.lock();
        if streams.inward.is_empty() && !streams.ended {
            streams.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = streams.inward.len().min(buf.remaining());
        buf.put_slice(&streams.inward[..count]);
        streams.inward.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lock().outward.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The whole of the executor: remembers that something asked to be polled again.
#[derive(Debug, Default)]
pub(crate) struct Woken {
    flag: AtomicBool,
}

impl Woken {
    /// Was it woken since the last call?
    pub(crate) fn take(&self) -> bool {
        self.flag.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::Relaxed);
    }
}
