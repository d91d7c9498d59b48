//! A guest made of smoltcp: answers on ports with services, and connects out with clients.

use sim::Picos;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, IpAddress, IpCidr,
};
use std::collections::{BTreeMap, VecDeque};

pub const GUEST_MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

/// What a program in the guest does with a connection.
#[derive(Debug, Default)]
pub struct Wish {
    pub send: Vec<u8>,
    pub close: bool,
    pub abort: bool,
}

/// A program in the guest on one connection.
pub trait Service {
    /// Takes what came (nothing, when only time has passed) and says what to do.
    fn work(&mut self, received: &[u8], ended: bool) -> Wish;
}

impl<F: FnMut(&[u8], bool) -> Wish> Service for F {
    fn work(&mut self, received: &[u8], ended: bool) -> Wish {
        self(received, ended)
    }
}

pub type Factory = Box<dyn FnMut() -> Box<dyn Service>>;

struct Running {
    handle: SocketHandle,
    port: u16,
    service: Option<Box<dyn Service>>,
    unsent: VecDeque<u8>,
    closing: bool,
}

#[derive(Default)]
struct Card {
    inward: Option<Vec<u8>>,
    outward: Vec<Vec<u8>>,
}

struct Rx(Vec<u8>);
struct Tx<'a>(&'a mut Vec<Vec<u8>>);

impl RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for Card {
    type RxToken<'a> = Rx;
    type TxToken<'a> = Tx<'a>;
    fn receive(&mut self, _: Instant) -> Option<(Rx, Tx<'_>)> {
        self.inward.take().map(|frame| (Rx(frame), Tx(&mut self.outward)))
    }
    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        Some(Tx(&mut self.outward))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// The guest.
pub struct Guest {
    card: Card,
    interface: Interface,
    sockets: SocketSet<'static>,
    running: Vec<Running>,
    factories: BTreeMap<u16, Factory>,
    next_port: u16,
}

fn ticks(now: Picos) -> Instant {
    Instant::from_micros((now.0 / 1_000_000) as i64)
}

/// The peer's address, as it would tell it.
fn arp_reply() -> Vec<u8> {
    let peer = client::PeerConfig::default();
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: EthernetAddress(peer.mac.0),
        source_protocol_addr: peer.ip,
        target_hardware_addr: EthernetAddress(GUEST_MAC),
        target_protocol_addr: peer.guest_ip,
    };
    let mut bytes = vec![0; 14 + arp.buffer_len()];
    let header = EthernetRepr {
        src_addr: EthernetAddress(peer.mac.0),
        dst_addr: EthernetAddress(GUEST_MAC),
        ethertype: EthernetProtocol::Arp,
    };
    header.emit(&mut EthernetFrame::new_unchecked(&mut bytes));
    arp.emit(&mut ArpPacket::new_unchecked(&mut bytes[14..]));
    bytes
}

fn new_socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; 1 << 20]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket
}

impl Guest {
    pub fn new() -> Self {
        let mut card = Card::default();
        let mut config = Config::new(EthernetAddress(GUEST_MAC).into());
        config.random_seed = 99;
        let mut interface = Interface::new(config, &mut card, Instant::from_micros(0));
        interface.update_ip_addrs(|list| {
            list.push(IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24)).expect("room");
        });
        // As after the first exchange of a real guest: smoltcp drops what it cannot address yet.
        card.inward = Some(arp_reply());
        let mut sockets = SocketSet::new(Vec::new());
        interface.poll_ingress_single(Instant::from_micros(0), &mut card, &mut sockets);
        Self {
            card,
            interface,
            sockets,
            running: Vec::new(),
            factories: BTreeMap::new(),
            next_port: 40_000,
        }
    }

    /// Serves a port from now on.
    pub fn serve(&mut self, port: u16, factory: Factory) {
        self.factories.insert(port, factory);
        self.listen(port);
    }

    /// Connects to the peer.
    pub fn connect(&mut self, port: u16, service: Box<dyn Service>) {
        let mut socket = new_socket();
        let remote = (IpAddress::v4(10, 0, 2, 2), port);
        self.next_port += 1;
        socket.connect(self.interface.context(), remote, self.next_port).expect("a closed socket");
        self.add(socket, port, Some(service));
    }

    /// Connections that are neither listening nor over.
    pub fn open_connections(&self) -> usize {
        let open = |running: &&Running| {
            let state = self.sockets.get::<Socket>(running.handle).state();
            !matches!(state, State::Listen | State::Closed | State::TimeWait)
        };
        self.running.iter().filter(open).count()
    }

    pub fn receive(&mut self, now: Picos, frame: Vec<u8>) {
        self.card.inward = Some(frame);
        self.interface.poll_ingress_single(ticks(now), &mut self.card, &mut self.sockets);
    }

    /// Runs the programs and returns the frames to send.
    pub fn run(&mut self, now: Picos) -> Vec<Vec<u8>> {
        for index in 0..self.running.len() {
            self.run_one(index);
        }
        let ports: Vec<u16> = self.factories.keys().copied().collect();
        for port in ports {
            let listens = self.running.iter().any(|running| {
                running.port == port
                    && self.sockets.get::<Socket>(running.handle).state() == State::Listen
            });
            if !listens {
                self.listen(port);
            }
        }
        while self.interface.poll_egress(ticks(now), &mut self.card, &mut self.sockets)
            != PollResult::None
        {}
        std::mem::take(&mut self.card.outward)
    }

    pub fn next_timer(&mut self, now: Picos) -> Option<Picos> {
        let at = self.interface.poll_at(ticks(now), &self.sockets)?;
        let at = at.max(ticks(now) + Duration::from_micros(1));
        Some(Picos(at.total_micros() as u64 * 1_000_000))
    }

    fn add(&mut self, socket: Socket<'static>, port: u16, service: Option<Box<dyn Service>>) {
        let handle = self.sockets.add(socket);
        let unsent = VecDeque::new();
        self.running.push(Running { handle, port, service, unsent, closing: false });
    }

    fn listen(&mut self, port: u16) {
        let mut socket = new_socket();
        socket.listen(port).expect("a closed socket");
        self.add(socket, port, None);
    }

    fn run_one(&mut self, index: usize) {
        let running = &mut self.running[index];
        let socket = self.sockets.get_mut::<Socket>(running.handle);
        if matches!(socket.state(), State::Listen | State::SynSent | State::SynReceived) {
            return;
        }
        if running.service.is_none() {
            let factory = self.factories.get_mut(&running.port).expect("someone listens");
            running.service = Some(factory());
        }
        let service = running.service.as_mut().expect("it was just made");
        let mut received = Vec::new();
        while socket.can_recv() {
            let take = |bytes: &mut [u8]| (bytes.len(), bytes.to_vec());
            received.extend(socket.recv(take).expect("it can receive"));
        }
        let ended = matches!(socket.state(), State::CloseWait | State::Closed | State::LastAck);
        let wish = service.work(&received, ended);
        running.unsent.extend(wish.send);
        running.closing |= wish.close;
        while socket.can_send() && !running.unsent.is_empty() {
            let (front, _) = running.unsent.as_slices();
            let count = socket.send_slice(front).expect("it can send");
            running.unsent.drain(..count);
        }
        if wish.abort {
            socket.abort();
        } else if running.closing && running.unsent.is_empty() {
            socket.close();
        }
    }
}
