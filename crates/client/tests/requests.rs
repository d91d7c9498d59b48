//! Requests from the peer to servers in the guest, good and bad.

mod common;

use client::{
    Call, Expectation, HttpCall, PeerConfig, PeerEvent, Protocol, Request, RequestError, RequestId,
};
use common::grpc_server::{Answer, GrpcServer, Vanish};
use common::guest::Wish;
use common::world::{World, config};
use common::{hello, hello_request, last_error, last_reply, reply_bytes};
use serde_json::json;
use sim::Picos;

fn echo(path: &str, argument: &[u8]) -> Answer {
    assert_eq!(path, "/fibonacci.Greeter/SayHello");
    let name = String::from_utf8_lossy(argument.get(2..).unwrap_or_default()).into_owned();
    Answer::good(&reply_bytes(&format!("hello {name}")))
}

/// A world whose guest answers gRPC on port 50000.
fn world_with(handler: impl Fn(&str, &[u8]) -> Answer + 'static) -> World {
    let mut world = World::new(config());
    world.guest.serve(50_000, GrpcServer::factory(handler));
    world
}

/// The error of one request to such a guest.
fn error_with(handler: impl Fn(&str, &[u8]) -> Answer + 'static) -> RequestError {
    let mut world = world_with(handler);
    world.peer.submit(hello_request("x"));
    world.run_to_outcome();
    last_error(&world.events).clone()
}

/// A guest that answers the first bytes it gets with these, and perhaps leaves.
fn canned(reply: &'static [u8], close: bool, abort: bool) -> World {
    let mut world = World::new(config());
    let service = move |received: &[u8], _| {
        let first = !received.is_empty();
        let send = if first { reply.to_vec() } else { Vec::new() };
        Wish { send, close: first && close, abort: first && abort }
    };
    world.guest.serve(50_000, Box::new(move || Box::new(service)));
    world
}

fn canned_error(reply: &'static [u8], close: bool, abort: bool, call: Call) -> RequestError {
    let mut world = canned(reply, close, abort);
    world.peer.submit(Request::new(50_000, call));
    world.run_to_outcome();
    last_error(&world.events).clone()
}

#[test]
fn a_call_is_answered() {
    let mut world = world_with(echo);
    world.peer.submit(hello_request("fib"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "hello fib"}));
    let wanted = Expectation::Contains { field: Some("message".into()), text: "fib".into() };
    wanted.check(last_reply(&world.events)).expect("it says so");
}

#[test]
fn the_window_opens_with_the_first_segment_and_closes_with_the_last_frame() {
    let mut world = world_with(echo);
    for index in 0..3 {
        let before = world.seen.len();
        let id = world.peer.submit(hello_request("fib"));
        assert_eq!(id, RequestId(index));
        world.run_to_outcome();
        let Some(PeerEvent::Completed { id: done, started_at, last_frame_sent_at, .. }) =
            world.events.last()
        else {
            panic!("{:?}", world.events)
        };
        assert_eq!(*done, id);
        let frames = &world.seen[before..];
        let openers: Vec<_> = frames.iter().filter(|seen| seen.opens_request.is_some()).collect();
        assert_eq!(openers.len(), 1);
        assert_eq!((openers[0].at, openers[0].opens_request), (*started_at, Some(id)));
        let last = frames.iter().rev().find(|seen| seen.from_guest).expect("it answered");
        assert_eq!(last.at, *last_frame_sent_at);
        assert!(started_at <= last_frame_sent_at);
    }
    let connected = world.events.iter().filter(|e| matches!(e, PeerEvent::Connected { .. }));
    assert_eq!(connected.count(), 1, "one connection serves all requests");
}

#[test]
fn large_requests_and_replies_pass_flow_control() {
    let mut world = world_with(|_, argument| Answer::good(argument));
    let name = "0123456789abcdef".repeat(60_000);
    world.peer.submit(hello_request(&name));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": name}));
}

#[test]
fn lost_frames_are_sent_again() {
    let mut world = world_with(|_, argument| Answer::good(argument));
    world.lose = Box::new(|count, _| count % 13 == 12);
    let name = "x".repeat(200_000);
    let long = Some(Picos::from_secs(59));
    world.peer.submit(Request { timeout: long, ..hello_request(&name) });
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": name}));
}

#[test]
fn concurrent_calls_share_the_connection() {
    let mut world = world_with(echo);
    let ids: Vec<_> = (0..20).map(|n| world.peer.submit(hello_request(&format!("n{n}")))).collect();
    world.run_until(Picos::from_secs(1), |events| {
        events.iter().filter(|e| matches!(e, PeerEvent::Completed { .. })).count() == 20
    });
    let mut done = Vec::new();
    for event in &world.events {
        if let PeerEvent::Completed { id, reply, started_at, .. } = event {
            assert_eq!(reply.json, json!({"message": format!("hello n{}", id.0)}));
            assert!(*started_at > Picos::ZERO);
            done.push(*id);
        }
    }
    assert_eq!(done, ids);
}

#[test]
fn a_scheduled_request_leaves_at_its_time() {
    let mut world = world_with(echo);
    world.peer.submit(hello_request("first"));
    world.run_to_outcome();
    let at = Picos::from_millis(70) + Picos(123);
    let id = world.peer.submit_at(at, hello_request("second"));
    world.run_to_outcome();
    let opener = world.seen.iter().find(|seen| seen.opens_request == Some(id)).expect("it left");
    let flight = PeerConfig::default().link.serialisation(opener.frame.len());
    assert_eq!(opener.at, at + flight + Picos::from_micros(10));
}

#[test]
fn a_port_is_waited_for_until_its_server_is_up() {
    let mut world = World::new(config());
    let limit = Picos::from_secs(5);
    world.peer.wait_ready(50_000, Protocol::Grpc, Picos::from_millis(20), limit);
    world.run_for(Picos::from_millis(300));
    assert!(world.events.is_empty(), "{:?}", world.events);
    world.guest.serve(50_000, GrpcServer::factory(echo));
    world.run_until(limit, |events| !events.is_empty());
    let Some(PeerEvent::Connected { port: 50_000, protocol: Protocol::Grpc, at }) =
        world.events.first()
    else {
        panic!("{:?}", world.events)
    };
    assert!(*at < Picos::from_millis(330), "{at}");
    world.peer.submit(hello_request("up"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "hello up"}));
}

#[test]
fn a_proxy_that_accepts_and_closes_is_not_a_server() {
    let mut world = World::new(config());
    let closer = |_: &[u8], _| Wish { close: true, ..Wish::default() };
    world.guest.serve(50_000, Box::new(move || Box::new(closer)));
    let (every, limit) = (Picos::from_millis(20), Picos::from_millis(200));
    world.peer.wait_ready(50_000, Protocol::Grpc, every, limit);
    world.run_to_outcome();
    assert_eq!(world.events.len(), 1, "attempts are no events: {:?}", world.events);
    let Some(PeerEvent::NotReady { at, .. }) = world.events.last() else {
        panic!("{:?}", world.events)
    };
    assert_eq!(*at, limit);
}

#[test]
fn waiting_ends_at_the_limit_to_the_picosecond() {
    let mut world = World::new(config());
    let limit = Picos::from_millis(100) + Picos(7);
    world.peer.wait_ready(50_000, Protocol::Http, Picos::from_millis(30), limit);
    world.run_until(limit.saturating_sub(Picos(1)), |_| false);
    assert!(world.events.is_empty());
    world.run_to_outcome();
    assert!(matches!(last_error(&world.events), RequestError::Refused { port: 50_000 }));
    assert_eq!(world.now, limit);
}

#[test]
fn a_refused_connection_says_what_to_check() {
    let mut world = World::new(config());
    world.peer.submit(hello_request("x"));
    world.run_to_outcome();
    let error = last_error(&world.events);
    assert_eq!(*error, RequestError::Refused { port: 50_000 });
    assert!(error.to_string().contains("publish this port"));
}

#[test]
fn an_absent_guest_is_a_timeout_at_the_deadline() {
    let mut world = World::new(config());
    world.lose = Box::new(|_, _| true);
    world.peer.submit(Request { timeout: Some(Picos::from_secs(3)), ..hello_request("x") });
    world.run_until(Picos::from_secs(3).saturating_sub(Picos(1)), |_| false);
    assert!(world.events.is_empty());
    world.run_to_outcome();
    assert_eq!(world.now, Picos::from_secs(3));
    let error = last_error(&world.events).to_string();
    assert!(error.contains("not accepted the connection"), "{error}");
}

#[test]
fn a_server_that_hangs_is_a_timeout_and_the_next_request_has_a_new_connection() {
    let mut world = world_with(|_, argument| match argument {
        [_, _, b'h', ..] => Answer { vanish: Some(Vanish::Hang), ..Answer::good(b"") },
        _ => Answer::good(&reply_bytes("fine")),
    });
    world.peer.submit(hello_request("hang"));
    world.run_to_outcome();
    let error = last_error(&world.events).to_string();
    assert!(error.contains("10000.000000 ms") && error.contains("after the request"), "{error}");
    world.run_for(Picos::from_millis(1));
    assert_eq!(world.guest.open_connections(), 0, "the connection was reset");
    world.peer.submit(hello_request("next"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "fine"}));
}

#[test]
fn a_server_that_leaves_in_the_middle_of_a_reply_is_named() {
    let leave = |vanish| {
        let half = Answer::good(&reply_bytes("half a reply"));
        move |_: &str, _: &[u8]| Answer { vanish: Some(vanish), ..half.clone() }
    };
    let error = error_with(leave(Vanish::Close));
    assert!(matches!(error, RequestError::Closed { received, .. } if received > 0), "{error}");
    let error = error_with(leave(Vanish::Abort));
    assert!(matches!(error, RequestError::Reset { .. }), "{error}");
    assert!(error.to_string().contains("crash"), "{error}");
}

#[test]
fn a_status_other_than_ok_is_an_error_with_code_and_message() {
    for trailers_only in [false, true] {
        let error = error_with(move |_, _| Answer {
            status: Some(("5", "no%20such%20thing")),
            trailers_only,
            ..Answer::good(b"")
        });
        let RequestError::Status { code: 5, name: "NOT_FOUND", message, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(message, "no such thing");
    }
}

#[test]
fn an_rpc_error_leaves_the_connection_in_use() {
    let mut world = world_with(|_, argument| match argument {
        [_, _, b'b', ..] => Answer { status: Some(("13", "")), ..Answer::good(b"") },
        _ => Answer::good(&reply_bytes("fine")),
    });
    world.peer.submit(hello_request("bad"));
    world.run_to_outcome();
    world.peer.submit(hello_request("good"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "fine"}));
    let connected = world.events.iter().filter(|e| matches!(e, PeerEvent::Connected { .. }));
    assert_eq!(connected.count(), 1);
}

#[test]
fn malformed_replies_are_clear_errors() {
    let text = |answer: Answer| error_with(move |_, _| answer.clone()).to_string();
    let good = Answer::good(&reply_bytes("x"));
    let broken = text(Answer::good(&[0x0a, 0x7f, b'x']));
    assert!(broken.contains("HelloReply") && broken.contains("same .proto"), "{broken}");
    let html = Answer { content_type: "text/html", body: b"<p>".to_vec(), ..good.clone() };
    let html = text(html);
    assert!(html.contains("text/html") && html.contains("<p>"), "{html}");
    let cut = text(Answer { body: vec![0, 0, 0, 1, 0, 1], ..good.clone() });
    assert!(cut.contains("1 of 256 bytes"), "{cut}");
    let twice =
        text(Answer { body: [good.body.clone(), good.body.clone()].concat(), ..good.clone() });
    assert!(twice.contains("exactly one message"), "{twice}");
    let mute = text(Answer { status: None, ..good.clone() });
    assert!(mute.contains("grpc-status"), "{mute}");
    let teapot = text(Answer { http_status: 503, ..good.clone() });
    assert!(teapot.contains("HTTP status 503"), "{teapot}");
    let reset = text(Answer { reset_stream: true, ..good });
    assert!(reset.contains("gave up"), "{reset}");
}

#[test]
fn a_reply_over_the_limit_is_refused() {
    let mut world = World::new(PeerConfig { max_reply_bytes: 1000, ..config() });
    let long = reply_bytes(&"x".repeat(2000));
    world.guest.serve(50_000, GrpcServer::factory(move |_, _| Answer::good(&long)));
    world.peer.submit(hello_request("x"));
    world.run_to_outcome();
    let error = last_error(&world.events).to_string();
    assert!(error.contains("1000 bytes allowed"), "{error}");
}

#[test]
fn other_protocols_behind_the_port_are_recognised() {
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let error = canned_error(http, false, false, hello("x")).to_string();
    assert!(error.contains("speaks HTTP/1.1"), "{error}");
    let error = canned_error(b"SSH-2.0-OpenSSH\r\n", true, false, hello("x")).to_string();
    assert!(error.contains("SSH-2.0"), "{error}");
    let settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let error = canned_error(settings, false, false, Call::Http(HttpCall::get("/"))).to_string();
    assert!(error.contains("no HTTP/1.1 response"), "{error}");
}

#[test]
fn http2_frames_that_break_the_rules_are_errors() {
    // A DATA frame on a stream that was never opened, one longer than the limit, and a GOAWAY.
    let bad: [&[u8]; 3] = [
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x63x",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\x00\x00\x00\x00\x00\x01",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\
          \x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b",
    ];
    for reply in bad {
        let error = canned_error(reply, false, false, hello("x"));
        assert!(
            matches!(error, RequestError::Protocol { .. } | RequestError::Malformed { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn http_exchanges_share_a_connection_and_check_the_status() {
    let mut world = World::new(config());
    let service = |received: &[u8], _| {
        let text = String::from_utf8_lossy(received);
        let reply = match text.split(' ').nth(1) {
            None => "",
            Some("/json") => {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"
            }
            Some(_) => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
        };
        Wish { send: reply.as_bytes().to_vec(), ..Wish::default() }
    };
    world.guest.serve(8080, Box::new(move || Box::new(service)));
    let call = Call::Http(HttpCall::post_json("/json", &json!({"n": 1})));
    world.peer.submit(Request::new(8080, call));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"status": 200, "body": {"a": 1}}));
    world.peer.submit(Request::new(8080, Call::Http(HttpCall::get("/gone"))));
    world.run_to_outcome();
    assert!(matches!(last_error(&world.events), RequestError::HttpStatus { status: 404, .. }));
    assert_eq!(world.guest.open_connections(), 1);
    let openers = world.seen.iter().filter_map(|seen| seen.opens_request).collect::<Vec<_>>();
    assert_eq!(openers, [RequestId(0), RequestId(1)]);
}

#[test]
fn an_http_target_with_a_line_break_is_refused_before_it_is_sent() {
    let mut world = canned(b"", false, false);
    world.peer.submit(Request::new(50_000, Call::Http(HttpCall::get("/a\r\nX: y"))));
    world.run_to_outcome();
    let error = last_error(&world.events).to_string();
    assert!(error.contains("request target"), "{error}");
}

#[test]
fn an_http_server_that_leaves_is_named() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let call = || Call::Http(HttpCall::get("/"));
    let error = canned_error(head, true, false, call());
    assert!(matches!(error, RequestError::Closed { received: 44, .. }), "{error:?}");
    let error = canned_error(b"", false, true, call());
    assert!(matches!(error, RequestError::Reset { .. }), "{error:?}");
}

#[test]
fn a_connection_the_idle_server_ends_is_reported_and_replaced() {
    let mut world = World::new(config());
    let service = |received: &[u8], _| {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let asked = !received.is_empty();
        Wish { send: if asked { reply.to_vec() } else { vec![] }, close: asked, abort: false }
    };
    world.guest.serve(8080, Box::new(move || Box::new(service)));
    for _ in 0..3 {
        world.peer.submit(Request::new(8080, Call::Http(HttpCall::get("/"))));
        world.run_to_outcome();
        assert_eq!(last_reply(&world.events).json["status"], 200);
        world.run_for(Picos::from_millis(50));
    }
    let connected = world.events.iter().filter(|e| matches!(e, PeerEvent::Connected { .. }));
    assert_eq!(connected.count(), 3);
}

#[test]
fn closing_ends_connections_in_order_and_a_new_peer_goes_on() {
    let mut world = world_with(echo);
    world.peer.submit(hello_request("one"));
    world.run_to_outcome();
    assert!(!world.peer.is_quiet());
    world.peer.close();
    world.run_for(Picos::from_secs(2));
    assert!(world.peer.is_quiet());
    let reset = |seen: &&common::world::Seen| seen.frame.get(47).is_some_and(|f| f & 4 != 0);
    assert_eq!(world.seen.iter().filter(reset).count(), 0, "no reset was needed");

    world.peer = client::Peer::new(PeerConfig { epoch: 1, start: world.now, ..config() });
    world.peer.submit(hello_request("two"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "hello two"}));
}

#[test]
fn a_peer_dropped_without_goodbye_is_replaced_by_one_that_resets_its_connections() {
    let mut world = world_with(echo);
    world.peer.submit(hello_request("one"));
    world.run_to_outcome();
    assert_eq!(world.guest.open_connections(), 1);
    world.peer = client::Peer::new(PeerConfig { epoch: 1, start: world.now, ..config() });
    world.peer.submit(hello_request("two"));
    world.run_to_outcome();
    assert_eq!(last_reply(&world.events).json, json!({"message": "hello two"}));
    // The first peer never acknowledged the reply, so the guest sends it again.
    world.run_for(Picos::from_secs(3));
    assert_eq!(world.guest.open_connections(), 1, "the old one was reset");
}

#[test]
fn closing_fails_what_is_under_way() {
    let mut world = world_with(|_, _| Answer { vanish: Some(Vanish::Hang), ..Answer::good(b"") });
    world.peer.submit(hello_request("x"));
    world.peer.submit_at(Picos::from_secs(5), hello_request("y"));
    world.run_for(Picos::from_millis(5));
    world.peer.close();
    world.run_for(Picos::from_millis(5));
    let failed = world
        .events
        .iter()
        .filter(|event| matches!(event, PeerEvent::Failed { error: RequestError::PeerClosed, .. }));
    assert_eq!(failed.count(), 2);
    assert!(world.peer.is_quiet());
}

#[test]
fn the_same_calls_give_the_same_frames() {
    let run = |seed| {
        let mut world = World::new(PeerConfig { seed, ..config() });
        world.guest.serve(50_000, GrpcServer::factory(echo));
        for n in 0..5 {
            world.peer.submit(hello_request(&format!("n{n}")));
            world.run_to_outcome();
        }
        world.seen
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4), "the seed decides sequence numbers and ports");
}

#[test]
fn port_zero_is_an_error_and_no_panic() {
    let mut world = World::new(config());
    world.peer.submit(Request { port: 0, ..hello_request("x") });
    world.run_to_outcome();
    assert!(last_error(&world.events).to_string().contains("10.0.2.15:0 is no address"));
    world.peer.wait_ready(0, Protocol::Http, Picos::from_millis(1), Picos::from_secs(1));
    world.run_to_outcome();
    assert!(matches!(world.events.last(), Some(PeerEvent::NotReady { port: 0, .. })));
}

#[test]
fn an_endless_timeout_is_no_event() {
    let mut world = World::new(config());
    world.lose = Box::new(|_, _| true);
    world.peer.submit(Request { timeout: Some(Picos::NEVER), ..hello_request("x") });
    world.run_for(Picos::from_secs(600));
    assert!(world.events.is_empty());
    assert!(world.peer.next_event().is_some_and(|at| at < Picos::from_secs(700)), "TCP tries on");
}

/// An HTTP server that answers one request a connection and sends head and body on their own.
fn one_shot() -> common::guest::Factory {
    Box::new(|| {
        let mut calls = 0;
        let mut asked = false;
        Box::new(move |received: &[u8], _| {
            asked |= !received.is_empty();
            calls += usize::from(asked);
            let send = match calls {
                1 => b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec(),
                4 => b"hello".to_vec(),
                _ => Vec::new(),
            };
            Wish { send, close: calls >= 4, abort: false }
        })
    })
}

#[test]
fn requests_queued_behind_a_last_reply_get_a_new_connection() {
    let mut world = World::new(config());
    world.guest.serve(8080, one_shot());
    for _ in 0..3 {
        world.peer.submit(Request::new(8080, Call::Http(HttpCall::get("/"))));
    }
    world.run_until(Picos::from_secs(3), |events| {
        events.iter().filter(|e| matches!(e, PeerEvent::Completed { .. })).count() == 3
    });
    assert_eq!(last_reply(&world.events).json, json!({"status": 200, "body": "hello"}));
    let failed = world.events.iter().any(|e| matches!(e, PeerEvent::Failed { .. }));
    assert!(!failed, "{:?}", world.events);
}
