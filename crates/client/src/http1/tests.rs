use super::*;

fn session() -> HttpSession {
    let mut session = HttpSession::new("10.0.2.15", 8080, 1000);
    session.start(RequestId(0), HttpCall::get("/a"));
    session.start(RequestId(1), HttpCall::post_json("/b", &json!({"n": 1})));
    assert!(session.run().is_empty());
    session
}

fn one(finished: Vec<Finished>) -> Finished {
    assert_eq!(finished.len(), 1, "{finished:?}");
    finished.into_iter().next().expect("there is one")
}

fn error_of(reply: &[u8]) -> String {
    let mut session = session();
    session.receive(reply);
    one(session.run()).result.unwrap_err().to_string()
}

#[test]
fn exchanges_follow_each_other_and_marks_say_where() {
    let mut session = session();
    let (bytes, marks) = session.take_output();
    assert!(bytes.starts_with(b"GET /a HTTP/1.1\r\nHost: 10.0.2.15:8080\r\n"));
    assert_eq!(marks, [Mark { offset: 0, id: RequestId(0) }]);
    session.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let done = one(session.run());
    assert_eq!(done.result.expect("200").json, json!({"status": 200, "body": "hi"}));
    assert!(done.reusable);
    let (next, marks) = session.take_output();
    assert!(next.starts_with(b"POST /b") && next.ends_with(b"Content-Length: 7\r\n\r\n{\"n\":1}"));
    assert_eq!(marks, [Mark { offset: bytes.len() as u64, id: RequestId(1) }]);
}

#[test]
fn a_chunked_json_body_is_read_byte_by_byte() {
    let mut session = session();
    let reply =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n\
        6;x=y\r\n{\"a\":1\r\n1\r\n}\r\n0\r\nT: u\r\n\r\n";
    let mut finished = Vec::new();
    for byte in reply.chunks(1) {
        assert!(finished.is_empty());
        session.receive(byte);
        finished = session.run();
    }
    let json = one(finished).result.expect("201").json;
    assert_eq!(json, json!({"status": 201, "body": {"a": 1}}));
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    let mut session = session();
    session.receive(b"HTTP/1.0 200 OK\r\n\r\nuntil the end");
    assert!(session.run().is_empty());
    session.end();
    let done = one(session.run());
    assert!(!done.reusable && !session.is_usable());
    assert_eq!(done.result.expect("200").size_bytes, 13);
    assert_eq!(session.unfinished(), [RequestId(1)]);
}

#[test]
fn bad_statuses_and_broken_replies_are_errors() {
    assert!(error_of(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnope").contains("404: nope"));
    assert!(error_of(b"\x00\x00\x12\x04").contains("no HTTP/1.1 response"));
    assert!(error_of(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").contains("length is `x`"));
    assert!(error_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n").contains("gzip"));
    let chunked = |body: &str| {
        error_of(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes())
    };
    assert!(chunked("zz\r\n").contains("size is `zz`"));
    assert!(chunked("1\r\nab\r\n").contains("longer than it says"));
    let long = [&b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"[..], &[b'x'; 1001]].concat();
    assert!(error_of(&long).contains("1000 bytes allowed"));
}

#[test]
fn bytes_nobody_asked_for_spoil_the_connection() {
    let mut session = HttpSession::new("h", 1, 10);
    session.receive(b"hello");
    assert!(session.run().is_empty());
    assert!(!session.is_usable());
    assert!(session.take_failure().expect("it failed").to_string().contains("hello"));
}
