//! What the peer does at the level of frames: timing, ARP, ping, strays and nonsense.

mod common;

use client::{Link, Peer, PeerConfig, PeerEvent, Protocol, Registry};
use common::guest::GUEST_MAC;
use common::world::{World, config};
use common::{hello_request, last_error};
use proptest::prelude::*;
use sim::Picos;
use smoltcp::wire::*;

const PEER: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const GUEST: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);

fn arp_request(target: Ipv4Address) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(GUEST_MAC),
        source_protocol_addr: GUEST,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    let mut bytes = ethernet(EthernetAddress::BROADCAST, EthernetProtocol::Arp, arp.buffer_len());
    arp.emit(&mut ArpPacket::new_unchecked(&mut bytes[14..]));
    bytes
}

fn ethernet(to: EthernetAddress, ethertype: EthernetProtocol, payload: usize) -> Vec<u8> {
    let mut bytes = vec![0; 14 + payload];
    let header = EthernetRepr { src_addr: EthernetAddress(GUEST_MAC), dst_addr: to, ethertype };
    header.emit(&mut EthernetFrame::new_unchecked(&mut bytes));
    bytes
}

fn ipv4(protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let to = EthernetAddress(config().mac.0);
    let mut bytes = ethernet(to, EthernetProtocol::Ipv4, 20 + payload.len());
    let repr = Ipv4Repr {
        src_addr: GUEST,
        dst_addr: PEER,
        next_header: protocol,
        payload_len: payload.len(),
        hop_limit: 64,
    };
    repr.emit(&mut Ipv4Packet::new_unchecked(&mut bytes[14..]), &Default::default());
    bytes[34..].copy_from_slice(payload);
    bytes
}

fn tcp(port: u16, control: TcpControl, ack: Option<i32>) -> Vec<u8> {
    let repr = TcpRepr {
        src_port: 40_000,
        dst_port: port,
        control,
        seq_number: TcpSeqNumber(1000),
        ack_number: ack.map(TcpSeqNumber),
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let mut bytes = vec![0; repr.buffer_len()];
    let (from, to) = (IpAddress::Ipv4(GUEST), IpAddress::Ipv4(PEER));
    repr.emit(&mut TcpPacket::new_unchecked(&mut bytes), &from, &to, &Default::default());
    ipv4(IpProtocol::Tcp, &bytes)
}

/// Everything the peer answers to a frame sent at time zero.
fn answers(peer: &mut Peer, frame: Vec<u8>) -> Vec<client::Arrival> {
    peer.guest_sent(Picos::ZERO, frame);
    peer.advance(Picos::from_millis(1))
}

#[test]
fn a_frame_arrives_exactly_at_its_time_and_not_a_picosecond_before() {
    let mut peer = Peer::new(config());
    let request = arp_request(PEER);
    let sent = Picos(1_234_567);
    let one_way = Link::default().serialisation(request.len()) + Picos::from_micros(10);
    peer.guest_sent(sent, request);
    assert_eq!(peer.next_event(), Some(sent + one_way));
    assert!(peer.advance((sent + one_way).saturating_sub(Picos(1))).is_empty());
    assert_eq!(peer.counters().frames_to_guest, 0, "the peer has not seen it yet");
    assert!(peer.advance(sent + one_way).is_empty());
    assert_eq!(peer.counters().frames_to_guest, 1, "it answered at once");
    let back = sent + one_way + one_way;
    assert_eq!(peer.next_event(), Some(back));
    assert!(peer.advance(back.saturating_sub(Picos(1))).is_empty());
    let arrivals = peer.advance(back);
    assert_eq!(arrivals.len(), 1);
    assert_eq!(arrivals[0].at, back);
    assert_eq!(peer.next_event(), None);
}

#[test]
fn one_large_step_gives_the_same_as_many_small_ones() {
    let run = |steps: u64| {
        let mut peer = Peer::new(config());
        for n in 0..5 {
            peer.guest_sent(Picos::from_micros(n), arp_request(PEER));
        }
        let step = Picos(Picos::from_millis(1).0 / steps);
        (1..=steps).flat_map(|n| peer.advance(Picos(step.0 * n))).collect::<Vec<_>>()
    };
    assert_eq!(run(1).len(), 5);
    assert_eq!(run(1), run(1000));
}

#[test]
fn arp_for_the_peer_is_answered_and_for_others_not() {
    let mut peer = Peer::new(config());
    let reply = answers(&mut peer, arp_request(PEER));
    let frame = EthernetFrame::new_checked(&reply[0].frame[..]).expect("a frame");
    let arp = ArpPacket::new_checked(frame.payload()).expect("ARP");
    assert_eq!(arp.operation(), ArpOperation::Reply);
    assert_eq!(arp.source_hardware_addr(), config().mac.0);
    assert_eq!(frame.dst_addr(), EthernetAddress(GUEST_MAC));
    assert!(
        answers(&mut Peer::new(config()), arp_request(Ipv4Address::new(10, 0, 2, 9))).is_empty()
    );
}

#[test]
fn ping_is_answered() {
    let mut peer = Peer::new(config());
    let echo = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 2, data: b"ping" };
    let mut bytes = vec![0; echo.buffer_len()];
    echo.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes), &Default::default());
    let reply = answers(&mut peer, ipv4(IpProtocol::Icmp, &bytes));
    let icmp = Icmpv4Packet::new_checked(&reply[0].frame[34..]).expect("ICMP");
    assert_eq!(icmp.msg_type(), Icmpv4Message::EchoReply);
    assert!(reply[0].frame.ends_with(b"ping"));
}

#[test]
fn segments_of_unknown_connections_are_reset() {
    for (control, ack) in [(TcpControl::Psh, Some(77)), (TcpControl::Syn, None)] {
        let mut peer = Peer::new(config());
        let reply = answers(&mut peer, tcp(50_000, control, ack));
        let tcp = TcpPacket::new_checked(&reply[0].frame[34..]).expect("TCP");
        assert!(tcp.rst(), "{control:?}");
        if let Some(ack) = ack {
            assert_eq!(tcp.seq_number(), TcpSeqNumber(ack));
        }
    }
    let mut peer = Peer::new(config());
    assert!(answers(&mut peer, tcp(50_000, TcpControl::Rst, None)).is_empty());
}

#[test]
fn the_registry_listens_only_when_there_is_one() {
    let mut peer = Peer::new(config());
    peer.serve_registry(Registry::new());
    peer.advance(Picos::ZERO);
    let reply = answers(&mut peer, tcp(5000, TcpControl::Syn, None));
    let tcp = TcpPacket::new_checked(&reply[0].frame[34..]).expect("TCP");
    assert!(tcp.syn() && tcp.ack() && !tcp.rst());
}

#[test]
fn without_the_guests_address_the_peer_asks_for_it() {
    let first_frame = |guest_mac| {
        let mut peer = Peer::new(PeerConfig { guest_mac, ..config() });
        peer.submit(hello_request("x"));
        peer.advance(Picos::from_millis(1)).remove(0).frame
    };
    assert_eq!(first_frame(None)[12..14], [8, 6], "ARP");
    assert_eq!(first_frame(config().guest_mac)[12..14], [8, 0], "IPv4");
    let mut world = World::new(PeerConfig { guest_mac: None, ..config() });
    world.peer.submit(hello_request("x"));
    world.run_to_outcome();
    assert!(matches!(last_error(&world.events), client::RequestError::Refused { .. }));
}

#[test]
fn the_guests_address_is_not_forgotten() {
    let mut peer = Peer::new(config());
    for minute in 0..5 {
        peer.advance(Picos::from_secs(60 * minute));
        peer.submit(hello_request("x"));
        let frame = peer.advance(Picos::from_secs(60 * minute + 1)).remove(0).frame;
        assert_eq!(frame[12..14], [8, 0], "IPv4 in minute {minute}");
        peer.advance(Picos::from_secs(60 * minute + 20));
    }
}

#[test]
fn frames_longer_than_ethernet_allows_are_dropped_and_counted() {
    let mut peer = Peer::new(config());
    peer.guest_sent(Picos::ZERO, vec![0; 1515]);
    assert_eq!(peer.next_event(), None);
    assert_eq!(peer.counters().oversized_from_guest, 1);
}

#[test]
fn a_peer_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Peer>();
}

/// A peer with everything open that nonsense could hit.
fn busy_peer() -> Peer {
    let mut peer = Peer::new(config());
    peer.serve_registry(Registry::new());
    peer.wait_ready(50_000, Protocol::Grpc, Picos::from_millis(1), Picos::from_millis(40));
    peer.submit(hello_request("x"));
    peer.advance(Picos::from_micros(1));
    peer
}

/// Runs a peer until nothing happens any more; it must come to rest.
fn settle(peer: &mut Peer) {
    for _ in 0..20_000 {
        match peer.next_event() {
            Some(at) => drop(peer.advance(at)),
            None => return,
        }
    }
    panic!("the peer does not come to rest: {:?}", peer.next_event());
}

/// Frames that are nearly right: headers to the peer's TCP ports with random fields.
fn near_frame() -> impl Strategy<Value = Vec<u8>> {
    let ports = prop_oneof![Just(5000u16), 32_768u16..61_440];
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    (ports, any::<[u8; 16]>(), payload, any::<bool>()).prop_map(|(port, rest, payload, fix)| {
        let mut bytes =
            [&50_000u16.to_be_bytes()[..], &port.to_be_bytes(), &rest, &payload].concat();
        if fix {
            bytes[12] = 0x50;
            let mut packet = TcpPacket::new_unchecked(&mut bytes);
            packet.fill_checksum(&IpAddress::Ipv4(GUEST), &IpAddress::Ipv4(PEER));
        }
        ipv4(IpProtocol::Tcp, &bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_frames_never_panic(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)
    ) {
        let mut peer = busy_peer();
        for frame in frames {
            peer.guest_sent(peer.now(), frame);
        }
        settle(&mut peer);
        let events = peer.take_events();
        let failed = events.iter().any(|event| matches!(event, PeerEvent::Failed { .. }));
        prop_assert!(failed, "the request ends whatever comes: {events:?}");
    }

    #[test]
    fn nearly_right_frames_never_panic(
        frames in prop::collection::vec(near_frame(), 0..20), cut in 0usize..60
    ) {
        let mut peer = busy_peer();
        for mut frame in frames {
            peer.guest_sent(peer.now(), frame.clone());
            frame.truncate(frame.len().saturating_sub(cut));
            peer.guest_sent(peer.now(), frame);
        }
        settle(&mut peer);
    }
}
