//! Fetching from the mirror: plain or TLS, through the proxy the environment names, with retries.
//!
//! What arrives is never trusted for having arrived over TLS; see [`super::signature`] and [`super::store`].

use std::io::Read;
use std::time::Duration;

use ureq::Agent;

use super::error::PackageError;

/// How often a transfer is tried before its failure is reported.
pub(super) const ATTEMPTS: u32 = 4;

/// Pause before the second attempt; doubles with every further one.
const BACKOFF: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 500 });

/// HTTP client with the time limits a slow but living mirror stays within.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: Agent,
    /// Pause before the second attempt; doubles with every further one.
    backoff: Duration,
}

/// An open answer and the offset it starts at (0 where the server ignored the range).
pub(super) struct Answer {
    pub offset: u64,
    pub body: Box<dyn Read>,
}

impl Client {
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .user_agent(concat!("vswarm-u/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), backoff: BACKOFF }
    }

    /// A whole file of at most `limit` bytes.
    pub fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, PackageError> {
        self.retry(|| {
            let answer = self.open(url, 0)?;
            let mut bytes = Vec::new();
            answer
                .body
                .take(limit + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| failed(url, &error))?;
            if bytes.len() as u64 > limit {
                return Err(failed(url, &format!("it is longer than {limit} bytes")));
            }
            Ok(bytes)
        })
    }

    /// Starts a transfer at `offset`.
    pub fn open(&self, url: &str, offset: u64) -> Result<Answer, PackageError> {
        let mut request = self.agent.get(url);
        if offset > 0 {
            request = request.header("Range", format!("bytes={offset}-"));
        }
        let response = request.call().map_err(|error| failed(url, &error))?;
        let status = response.status().as_u16();
        let offset = match status {
            200 => 0,
            206 => offset,
            404 | 410 => return Err(PackageError::Missing { url: url.to_owned(), status }),
            _ => return Err(failed(url, &format!("the mirror answered HTTP {status}"))),
        };
        Ok(Answer { offset, body: Box::new(response.into_body().into_reader()) })
    }

    /// Runs `attempt` until it succeeds, fails for good, or has failed [`ATTEMPTS`] times.
    pub fn retry<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, PackageError>,
    ) -> Result<T, PackageError> {
        let mut pause = self.backoff;
        for _ in 1..ATTEMPTS {
            match attempt() {
                Err(PackageError::Fetch { .. }) => std::thread::sleep(pause),
                done => return done,
            }
            pause *= 2;
        }
        attempt()
    }
}

/// A transfer failure that may go away.
pub(super) fn failed(url: &str, reason: &dyn std::fmt::Display) -> PackageError {
    PackageError::Fetch { url: url.to_owned(), reason: reason.to_string() }
}
