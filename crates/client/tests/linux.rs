//! The peer against Linux's own TCP/IP: a network namespace with a tap device plays the guest. Time
//! on the peer's side follows the host's here, which nothing but a test may do. Skipped with a notice
//! where the host does not let us make a namespace with a tap device.

mod common;

use client::{
    Call, Digest, HttpCall, MacAddr, Manifest, Peer, PeerConfig, PeerEvent, Protocol, Registry,
    Request,
};
use common::guest::GUEST_MAC;
use common::{hello_request, last_reply};
use serde_json::json;
use sim::Picos;
use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Makes the tap device, runs the program given as arguments, and passes frames on, each behind its
/// length in two bytes. The first frame it sends is empty: "ready".
const TAP: &str = r#"
import fcntl, os, struct, subprocess, sys, threading
tap = os.open("/dev/net/tun", os.O_RDWR)
IFF_TAP_NO_PI = 0x1002
TUNSETIFF = 0x400454ca
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP_NO_PI))
for line in ("link set tap0 address 52:54:00:12:34:56", "address add 10.0.2.15/24 dev tap0",
             "link set lo up", "link set tap0 up"):
    subprocess.check_call(["ip", *line.split()])
out = sys.stdout.buffer
def send(frame):
    out.write(struct.pack(">H", len(frame)) + frame)
    out.flush()
send(b"")
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr)
def inward():
    while True:
        header = sys.stdin.buffer.read(2)
        if len(header) < 2:
            program.kill()
            os._exit(0)
        os.write(tap, sys.stdin.buffer.read(struct.unpack(">H", header)[0]))
threading.Thread(target=inward, daemon=True).start()
while True:
    send(os.read(tap, 4096))
"#;

/// A Linux guest and the peer that faces it.
struct LinuxWorld {
    child: Child,
    to_guest: BufWriter<ChildStdin>,
    from_guest: Receiver<Vec<u8>>,
    start: Instant,
    peer: Peer,
    events: Vec<PeerEvent>,
}

impl Drop for LinuxWorld {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl LinuxWorld {
    /// A guest that runs `program`; `None`, with a notice, where that is not possible.
    fn new(program: &[&str]) -> Option<Self> {
        let mut child = Command::new("unshare")
            .args(["-Urn", "python3", "-c", TAP])
            .args(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .inspect_err(|error| eprintln!("skipped: no unshare: {error}"))
            .ok()?;
        let to_guest = BufWriter::new(child.stdin.take()?);
        let mut reader = BufReader::new(child.stdout.take()?);
        let (sender, from_guest) = channel();
        std::thread::spawn(move || {
            let mut header = [0; 2];
            while reader.read_exact(&mut header).is_ok() {
                let mut frame = vec![0; u16::from_be_bytes(header).into()];
                if reader.read_exact(&mut frame).is_err() || sender.send(frame).is_err() {
                    return;
                }
            }
        });
        if from_guest.recv_timeout(Duration::from_secs(10)).is_err() {
            eprintln!("skipped: no network namespace with a tap device and python3 here");
            child.kill().ok();
            child.wait().ok();
            return None;
        }
        let config = PeerConfig {
            guest_mac: Some(MacAddr(GUEST_MAC)),
            timeout: Picos::from_secs(20),
            ..PeerConfig::default()
        };
        let peer = Peer::new(config);
        let start = Instant::now();
        Some(Self { child, to_guest, from_guest, start, peer, events: Vec::new() })
    }

    /// Passes frames until `done` likes the events.
    fn run_until(&mut self, mut done: impl FnMut(&[PeerEvent]) -> bool) {
        let limit = self.start.elapsed() + Duration::from_secs(30);
        while !done(&self.events) {
            assert!(self.start.elapsed() < limit, "no end: {:?}", self.events);
            let first = self.from_guest.recv_timeout(Duration::from_micros(200)).ok();
            let now = Picos::from_nanos(self.start.elapsed().as_nanos() as u64);
            for frame in first.into_iter().chain(self.from_guest.try_iter()) {
                self.peer.guest_sent(now, frame);
            }
            for arrival in self.peer.advance(now) {
                let length = arrival.frame.len() as u16;
                self.to_guest.write_all(&length.to_be_bytes()).expect("the guest reads");
                self.to_guest.write_all(&arrival.frame).expect("the guest reads");
            }
            self.to_guest.flush().expect("the guest reads");
            self.events.extend(self.peer.take_events());
        }
    }

    fn run_to_reply(&mut self, request: Request) -> serde_json::Value {
        let before = self.events.len();
        self.peer.submit(request);
        self.run_until(|events| {
            let ended =
                |e: &PeerEvent| matches!(e, PeerEvent::Completed { .. } | PeerEvent::Failed { .. });
            events[before..].iter().any(ended)
        });
        last_reply(&self.events).json.clone()
    }

    /// Waits for the program's server; `false` if it ended instead, as without its packages.
    fn wait_for(&mut self, port: u16, protocol: Protocol) -> bool {
        self.peer.wait_ready(port, protocol, Picos::from_millis(50), Picos::from_secs(10));
        self.run_until(|events| !events.is_empty());
        matches!(self.events.last(), Some(PeerEvent::Connected { .. }))
    }

    /// Says goodbye as before a snapshot.
    fn close(&mut self) {
        self.peer.close();
        for _ in 0..2000 {
            if self.peer.is_quiet() {
                return;
            }
            let mut once = true;
            self.run_until(|_| !std::mem::take(&mut once));
        }
        panic!("the peer does not come to rest");
    }
}

#[test]
fn a_web_server_on_linux_is_called() {
    let program =
        ["python3", "-m", "http.server", "8080", "--directory", "/proc/sys/kernel/random"];
    let Some(mut world) = LinuxWorld::new(&program) else { return };
    assert!(world.wait_for(8080, Protocol::Http));
    for _ in 0..3 {
        let call = Call::Http(HttpCall::get("/"));
        let reply = world.run_to_reply(Request::new(8080, call));
        assert_eq!(reply["status"], 200);
        assert!(reply["body"].as_str().is_some_and(|body| body.contains("boot_id")), "{reply}");
    }
    world.close();
}

#[test]
fn a_grpc_server_on_linux_is_called() {
    let server = r#"
from concurrent import futures
import grpc
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
server.add_generic_rpc_handlers((Handler(),))
server.add_insecure_port("0.0.0.0:50000")
server.start()
server.wait_for_termination()
"#;
    if !Command::new("python3")
        .args(["-c", "import grpc"])
        .output()
        .is_ok_and(|o| o.status.success())
    {
        eprintln!("skipped: python3 with the grpc package is not installed");
        return;
    }
    let Some(mut world) = LinuxWorld::new(&["python3", "-c", server]) else { return };
    assert!(world.wait_for(50_000, Protocol::Grpc));
    let long = "0123456789".repeat(50_000);
    for name in ["a", &long, "b"] {
        assert_eq!(world.run_to_reply(hello_request(name)), json!({"message": name}));
    }
    let Some(PeerEvent::Completed { started_at, last_frame_sent_at, .. }) = world.events.last()
    else {
        panic!("{:?}", world.events)
    };
    assert!(started_at < last_frame_sent_at);
    world.close();
}

#[test]
fn linux_pulls_from_the_registry_in_parallel_and_pings() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl is not installed");
        return;
    }
    let layer: Vec<u8> = (0..8_000_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let mut registry = Registry::new();
    let digest = registry.add_blob(layer.clone());
    let manifest = Manifest { media_type: "application/json".to_owned(), bytes: "{}".into() };
    registry.add_image("a/b", "v1", manifest).expect("a good name");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().display();
    let url = format!("http://10.0.2.2:5000/v2/a/b/blobs/{digest}");
    let script = format!(
        "for n in 1 2 3; do curl --noproxy '*' -sf -o {out}/$n {url} & done; wait; \
         ping -c 1 10.0.2.2 > {out}/ping 2>&1; touch {out}/done; sleep 60"
    );
    let Some(mut world) = LinuxWorld::new(&["sh", "-c", &script]) else { return };
    world.peer.serve_registry(registry);
    let done = folder.path().join("done");
    world.run_until(|_| done.exists());
    let seconds = world.start.elapsed().as_secs_f64();
    println!("3 x 8 MB to Linux over a tap device: {seconds:.2} s of host time");
    for n in ["1", "2", "3"] {
        let pulled = std::fs::read(folder.path().join(n)).expect("curl wrote it");
        assert_eq!(Digest::of(&pulled), digest);
    }
    let ping = std::fs::read_to_string(folder.path().join("ping")).expect("it was written");
    if ping.contains("transmitted") {
        assert!(ping.contains(" 0% packet loss"), "{ping}");
    }
    world.close();
}
