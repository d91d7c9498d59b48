//! The peer against programs that were not written here: gRPC servers in Python and Node, and
//! curl, on this host. Their sockets end on the loopback interface; a guest made of smoltcp carries the bytes
//! between there and the peer, and virtual time waits for the programs. What is missing on the host is
//! skipped with a notice.

mod common;

use client::{Digest, Manifest, PeerEvent, Protocol, Registry};
use common::guest::{Service, Wish};
use common::world::{World, config};
use common::{hello_request, last_error, last_reply};
use serde_json::json;
use sim::Picos;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Copies between a connection in the virtual world and one on this host.
struct Shim(TcpStream);

impl Shim {
    fn new(stream: TcpStream) -> Box<Self> {
        stream.set_nonblocking(true).expect("a socket can be made non-blocking");
        stream.set_nodelay(true).expect("a socket can be told to send at once");
        Box::new(Self(stream))
    }
}

impl Service for Shim {
    fn work(&mut self, mut received: &[u8], ended: bool) -> Wish {
        while !received.is_empty() {
            match self.0.write(received) {
                Ok(count) => received = &received[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(_) => return Wish { abort: true, ..Wish::default() },
            }
        }
        let mut wish = Wish { close: ended, ..Wish::default() };
        let mut space = vec![0; 1 << 16];
        loop {
            match self.0.read(&mut space) {
                Ok(0) => wish.close = true,
                Ok(count) => {
                    wish.send.extend_from_slice(&space[..count]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => wish.abort = true,
            }
            return wish;
        }
    }
}

/// Lets the world run beside the programs: a millisecond of virtual time for each of theirs.
fn run_beside(world: &mut World, limit: Duration, mut done: impl FnMut(&World) -> bool) {
    let start = Instant::now();
    while !done(world) {
        assert!(start.elapsed() < limit, "no end after {limit:?}: {:?}", world.events);
        let next = world.now.saturating_add(Picos::from_millis(1));
        world.run_until(next, |_| false);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ends the program with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const PYTHON_SERVER: &str = r#"
import sys
from concurrent import futures
import grpc

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method != "/fibonacci.Greeter/SayHello":
            return None
        def serve(request, context):
            if request[2:] == b"deny":
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you: 100%")
            return request
        return grpc.unary_unary_rpc_method_handler(serve)

server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
server.add_generic_rpc_handlers((Handler(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
"#;

const NODE_SERVER: &str = r#"
const grpc = require("@grpc/grpc-js");
const raw = (bytes) => bytes;
const SayHello = {
  path: "/fibonacci.Greeter/SayHello", requestStream: false, responseStream: false,
  requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw,
};
const server = new grpc.Server();
server.addService({ SayHello }, {
  SayHello: (call, done) => call.request.subarray(2).toString() === "deny"
    ? done({ code: grpc.status.PERMISSION_DENIED, details: "not for you: 100%" })
    : done(null, call.request),
});
const credentials = grpc.ServerCredentials.createInsecure();
server.bindAsync("127.0.0.1:0", credentials, (error, port) => console.log(port));
process.stdin.resume().on("end", () => process.exit());
"#;

/// Starts an echoing server that prints its port; `None` if it does not, lacking its packages.
fn start(command: &str, option: &str, program: &str) -> Option<(Program, u16)> {
    let mut child = Command::new(command)
        .args([option, program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let program = Program(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).ok()?;
    Some((program, line.trim().parse().ok()?))
}

/// Calls an echoing server every way that matters.
fn call(port: u16) {
    let mut world = World::new(config());
    let factory = move || -> Box<dyn Service> {
        Shim::new(TcpStream::connect(("127.0.0.1", port)).expect("the server listens"))
    };
    world.guest.serve(50_000, Box::new(factory));
    let limit = Duration::from_secs(20);
    world.peer.wait_ready(50_000, Protocol::Grpc, Picos::from_millis(50), Picos::from_secs(10));
    run_beside(&mut world, limit, |world| !world.events.is_empty());
    let long = "0123456789".repeat(100_000);
    for name in ["a", "b", &long, "c"] {
        let before = world.events.len();
        world.peer.submit(hello_request(name));
        run_beside(&mut world, limit, |world| world.events.len() > before);
        assert_eq!(last_reply(&world.events).json, json!({"message": name}));
    }
    let before = world.events.len();
    world.peer.submit(hello_request("deny"));
    run_beside(&mut world, limit, |world| world.events.len() > before);
    let error = last_error(&world.events).to_string();
    assert!(error.contains("PERMISSION_DENIED): not for you: 100%"), "{error}");
    let connected = world.events.iter().filter(|e| matches!(e, PeerEvent::Connected { .. }));
    assert_eq!(connected.count(), 1, "one connection serves all requests");
}

#[test]
fn a_python_grpc_server_is_called() {
    match start("python3", "-c", PYTHON_SERVER) {
        Some((_program, port)) => call(port),
        None => eprintln!("skipped: python3 with the grpc package is not installed"),
    }
}

#[test]
fn a_node_grpc_server_is_called() {
    match start("node", "-e", NODE_SERVER) {
        Some((_program, port)) => call(port),
        None => eprintln!("skipped: node with @grpc/grpc-js is not installed"),
    }
}

#[test]
fn curl_pulls_from_the_registry() {
    let Ok(version) = Command::new("curl").arg("--version").output() else {
        eprintln!("skipped: curl is not installed");
        return;
    };
    assert!(version.status.success());
    let mut registry = Registry::new();
    let layer: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let digest = registry.add_blob(layer.clone());
    let manifest = Manifest { media_type: "application/json".to_owned(), bytes: "{}".into() };
    registry.add_image("a/b", "v1", manifest).expect("a good name");
    let mut world = World::new(config());
    world.peer.serve_registry(registry);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket can be made non-blocking");
    let base = format!("http://{}/v2/a/b", listener.local_addr().expect("it is bound"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = folder.path().join("whole");
    let part = folder.path().join("part");
    let head = folder.path().join("head");
    let mut curl = Command::new("curl");
    curl.args(["--noproxy", "*", "--silent", "--fail", "--max-time", "30"])
        .arg("--output")
        .arg(&whole)
        .arg(format!("{base}/blobs/{digest}"))
        .args(["--next", "--silent", "--noproxy", "*", "--range", "5-1000004"])
        .arg("--output")
        .arg(&part)
        .arg(format!("{base}/blobs/{digest}"))
        .args(["--next", "--silent", "--noproxy", "*", "--head"])
        .arg("--output")
        .arg(&head)
        .arg(format!("{base}/manifests/v1"))
        .env_remove("http_proxy");
    let mut curl = Program(curl.spawn().expect("curl starts"));
    let mut status = None;
    let start = Instant::now();
    while status.is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "curl does not end");
        if let Ok((stream, _)) = listener.accept() {
            world.guest.connect(5000, Shim::new(stream));
        }
        let mut steps = 0;
        run_beside(&mut world, Duration::from_secs(5), |_| {
            steps += 1;
            steps > 2
        });
        status = curl.0.try_wait().expect("it is our child");
    }
    assert!(status.expect("it ended").success());
    assert!(std::fs::read(&whole).expect("it was written") == layer);
    assert!(std::fs::read(&part).expect("it was written") == layer[5..1_000_005]);
    let head = std::fs::read_to_string(&head).expect("it was written");
    let manifest = Digest::of(b"{}");
    assert!(head.contains(&format!("Docker-Content-Digest: {manifest}")), "{head}");
}
