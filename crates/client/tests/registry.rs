//! The registry pulled over the simulated link by clients in the guest.

mod common;

use client::{Digest, Manifest, PeerEvent, Registry};
use common::guest::{Service, Wish};
use common::world::{World, config};
use serde_json::json;
use sim::Picos;
use std::cell::RefCell;
use std::rc::Rc;

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// Head and body of every answer.
type Answers = Rc<RefCell<Vec<(String, Vec<u8>)>>>;

/// Asks one question after the other on one connection and keeps the answers.
#[derive(Default)]
struct Puller {
    questions: Vec<String>,
    asked: bool,
    input: Vec<u8>,
    answers: Answers,
}

impl Puller {
    fn take_answer(&mut self) -> Option<(String, Vec<u8>)> {
        let end = self.input.windows(4).take(2000).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(self.input[..end].to_vec()).expect("text");
        let field = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = field.expect("a length").parse().expect("a number");
        let length = if self.questions[0].starts_with("HEAD") { 0 } else { length };
        if self.input.len() < end + 4 + length {
            return None;
        }
        let rest = self.input.split_off(end + 4 + length);
        let body = std::mem::replace(&mut self.input, rest).split_off(end + 4);
        Some((head, body))
    }
}

impl Service for Puller {
    fn work(&mut self, received: &[u8], _ended: bool) -> Wish {
        self.input.extend_from_slice(received);
        if self.asked
            && let Some(answer) = self.take_answer()
        {
            self.answers.borrow_mut().push(answer);
            self.questions.remove(0);
            self.asked = false;
        }
        let mut wish = Wish { close: self.questions.is_empty(), ..Wish::default() };
        if !self.asked
            && let Some(question) = self.questions.first()
        {
            wish.send = format!("{question} HTTP/1.1\r\nHost: 10.0.2.2:5000\r\n\r\n").into_bytes();
            self.asked = true;
        }
        wish
    }
}

fn pull(world: &mut World, questions: &[String]) -> Answers {
    let puller = Puller { questions: questions.to_vec(), ..Puller::default() };
    let answers = puller.answers.clone();
    world.guest.connect(5000, Box::new(puller));
    answers
}

fn pattern(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[test]
fn an_image_is_pulled_over_parallel_connections_that_are_kept_alive() {
    let mut registry = Registry::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let layers: Vec<Vec<u8>> = (1..=6).map(|n| pattern(300_000 * n, n as u32)).collect();
    let digests: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    for (digest, layer) in digests.iter().zip(&layers) {
        let path = folder.path().join(digest.hex());
        std::fs::write(&path, layer).expect("the layer is written");
        registry.add_blob_file(*digest, &path).expect("it is there");
    }
    let config_digest = registry.add_blob(&b"{}"[..]);
    let entries: Vec<_> = digests.iter().map(|digest| json!({"digest": digest})).collect();
    let document = json!({"config": {"digest": config_digest}, "layers": entries}).to_string();
    let manifest = Manifest { media_type: OCI.to_owned(), bytes: document.clone().into() };
    registry.add_image("vswarm/fib", "latest", manifest).expect("a good name");
    registry.check().expect("it is complete");

    let mut world = World::new(config());
    world.peer.serve_registry(registry);
    let first =
        ["GET /v2/", "HEAD /v2/vswarm/fib/manifests/latest", "GET /v2/vswarm/fib/manifests/latest"];
    let answers = pull(&mut world, &first.map(str::to_owned));
    world.run_for(Picos::from_secs(1));
    assert_eq!(answers.borrow()[2].1, document.as_bytes());

    let blob = |digest: &Digest| format!("GET /v2/vswarm/fib/blobs/{digest}");
    let pulls: Vec<Answers> =
        (0..3).map(|n| pull(&mut world, &[blob(&digests[n]), blob(&digests[n + 3])])).collect();
    world.run_for(Picos::from_secs(5));
    for (n, answers) in pulls.iter().enumerate() {
        let answers = answers.borrow();
        assert_eq!(answers.len(), 2);
        assert!(answers[0].1 == layers[n] && answers[1].1 == layers[n + 3]);
    }
    let served = world
        .events
        .iter()
        .filter(|event| matches!(event, PeerEvent::RegistryServed { status: 200, .. }));
    assert_eq!(served.count(), 9);
    world.peer.close();
    world.run_for(Picos::from_secs(1));
    assert!(world.peer.is_quiet());
}

#[test]
fn an_idle_connection_of_the_guest_is_ended_in_order_by_closing() {
    let mut world = World::new(config());
    world.peer.serve_registry(Registry::new());
    let mut asked = false;
    let idle = move |_: &[u8], ended: bool| {
        let send = if asked { vec![] } else { b"GET /v2/ HTTP/1.1\r\n\r\n".to_vec() };
        asked = true;
        Wish { send, close: ended, abort: false }
    };
    world.guest.connect(5000, Box::new(idle));
    world.run_for(Picos::from_millis(50));
    assert_eq!(world.guest.open_connections(), 1);
    assert!(!world.peer.is_quiet());
    world.peer.close();
    world.run_for(Picos::from_millis(50));
    assert!(world.peer.is_quiet());
    assert_eq!(world.guest.open_connections(), 0);
    world.guest.connect(5000, Box::new(Puller::default()));
    world.run_for(Picos::from_millis(50));
    assert_eq!(world.guest.open_connections(), 0, "nobody listens any more");
}

#[test]
fn ten_connections_at_once_are_all_served() {
    let mut world = World::new(config());
    world.peer.serve_registry(Registry::new());
    let all: Vec<Answers> = (0..10).map(|_| pull(&mut world, &["GET /v2/".to_owned()])).collect();
    world.run_for(Picos::from_secs(5));
    assert!(all.iter().all(|answers| answers.borrow().len() == 1));
}

#[test]
fn a_blob_that_shrinks_while_it_is_served_resets_the_connection() {
    let mut registry = Registry::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("blob");
    std::fs::write(&path, pattern(3_000_000, 1)).expect("it is written");
    let digest = Digest::of(b"whatever");
    registry.add_blob_file(digest, &path).expect("it is there");
    let manifest = Manifest { media_type: OCI.to_owned(), bytes: "{}".into() };
    registry.add_image("a", "b", manifest).expect("a good name");
    std::fs::write(&path, pattern(1_000_000, 1)).expect("it is written");
    let mut world = World::new(config());
    world.peer.serve_registry(registry);
    let answers = pull(&mut world, &[format!("GET /v2/a/blobs/{digest}")]);
    world.run_for(Picos::from_secs(2));
    assert!(answers.borrow().is_empty());
    assert!(world.events.iter().any(|e| matches!(e, PeerEvent::RegistryFailed { .. })));
    assert_eq!(world.guest.open_connections(), 0);
}

/// Prints what a large pull costs; the assertion only guards the link's arithmetic.
#[test]
fn sixty_megabytes_pass_at_the_speed_of_the_link() {
    let mut registry = Registry::new();
    let layer = pattern(60_000_000, 9);
    let digest = registry.add_blob(layer.clone());
    let manifest = Manifest { media_type: OCI.to_owned(), bytes: "{}".into() };
    registry.add_image("a", "b", manifest).expect("a good name");
    let mut world = World::new(config());
    world.keep_frames = false;
    world.peer.serve_registry(registry);
    let answers = pull(&mut world, &[format!("GET /v2/a/blobs/{digest}")]);
    let host = std::time::Instant::now();
    world.run_until(Picos::from_secs(30), |_| !answers.borrow().is_empty());
    let took = world.now.as_secs_f64();
    println!(
        "60 MB: {took:.4} s of virtual time, {:.2} s of host time",
        host.elapsed().as_secs_f64()
    );
    assert!(answers.borrow()[0].1 == layer);
    // 1460 of every 1538 bytes on the wire are payload: 50.6 ms at best.
    assert!((0.0505..0.2).contains(&took), "{took}");
}

#[test]
fn a_guest_that_falls_silent_is_given_up_after_a_minute() {
    let mut registry = Registry::new();
    let digest = registry.add_blob(pattern(1_000_000, 1));
    let manifest = Manifest { media_type: OCI.to_owned(), bytes: "{}".into() };
    registry.add_image("a", "b", manifest).expect("a good name");
    let mut world = World::new(config());
    world.peer.serve_registry(registry);
    pull(&mut world, &[format!("GET /v2/a/blobs/{digest}")]);
    world.run_for(Picos::from_micros(300));
    assert_eq!(world.guest.open_connections(), 1);
    world.lose = Box::new(|_, from_guest| from_guest);
    world.run_for(Picos::from_secs(59));
    assert!(!world.peer.is_quiet());
    world.run_for(Picos::from_secs(2));
    assert!(world.peer.is_quiet());
}
