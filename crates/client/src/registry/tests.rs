use super::connection::RegistryConnection;
use super::*;
use serde_json::json;

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

fn registry() -> (Registry, Digest, Digest) {
    let mut registry = Registry::new();
    let layer = registry.add_blob(&b"0123456789"[..]);
    let config = registry.add_blob(&b"{}"[..]);
    let document = json!({"config": {"digest": config}, "layers": [{"digest": layer}]});
    let bytes = document.to_string().into();
    let manifest = Manifest { media_type: OCI.to_owned(), bytes };
    let digest = registry.add_image("vswarm/fib", "latest", manifest).expect("a good name");
    (registry, digest, layer)
}

/// Sends `request` on a fresh connection; returns everything it answers.
fn talk(registry: &Registry, request: &str) -> String {
    let mut connection = RegistryConnection::default();
    for byte in request.as_bytes().chunks(1) {
        for served in connection.receive(registry, byte) {
            served.expect("nothing here needs a file");
        }
    }
    drain(&mut connection)
}

fn drain(connection: &mut RegistryConnection) -> String {
    let mut text = Vec::new();
    let mut space = [0; 7];
    loop {
        let count = connection.fill(&mut space).expect("the files are there");
        if count == 0 {
            return String::from_utf8(text).expect("text");
        }
        text.extend_from_slice(&space[..count]);
    }
}

fn get(registry: &Registry, path: &str) -> String {
    talk(registry, &format!("GET {path} HTTP/1.1\r\nHost: r\r\n\r\n"))
}

#[test]
fn digests_are_read_and_written() {
    let digest = Digest::of(b"");
    let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse::<Digest>().expect("a digest"), digest);
    for bad in ["sha256:", "sha512:00", &text.to_uppercase(), &text[1..], &format!("{text}0")] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
    let wide = format!("sha256:{}", "é".repeat(32));
    assert!(wide.parse::<Digest>().is_err());
}

#[test]
fn names_and_tags_follow_the_grammar() {
    assert!(is_name("a") && is_name("vswarm/fib-python.x") && is_tag("v1.0_x") && is_tag("_"));
    for bad in ["", "/a", "a/", "A", "a b", "-a", "a//b"] {
        assert!(!is_name(bad), "{bad}");
    }
    for bad in ["", ".a", "a/b", "a b"] {
        assert!(!is_tag(bad), "{bad}");
    }
}

#[test]
fn a_manifest_is_found_by_tag_and_by_digest() {
    let (registry, digest, _) = registry();
    for reference in ["latest".to_owned(), digest.to_string()] {
        let text = get(&registry, &format!("/v2/vswarm/fib/manifests/{reference}?ns=x"));
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains(&format!("Content-Type: {OCI}\r\n")));
        assert!(text.contains(&format!("Docker-Content-Digest: {digest}\r\n")));
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        assert_eq!(Digest::of(body.as_bytes()), digest);
    }
}

#[test]
fn head_gives_the_length_but_no_body() {
    let (registry, _, layer) = registry();
    let request = format!("HEAD /v2/vswarm/fib/blobs/{layer} HTTP/1.1\r\nHost: r\r\n\r\n");
    let text = talk(&registry, &request);
    assert!(text.contains("Content-Length: 10\r\n") && text.ends_with("\r\n\r\n"), "{text}");
}

#[test]
fn a_blob_comes_whole_or_in_part_from_memory_and_file() {
    let (mut registry, _, layer) = registry();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("blob");
    for from_file in [false, true] {
        if from_file {
            std::fs::write(&path, b"0123456789").expect("the blob is written");
            registry.add_blob_file(layer, &path).expect("the file is there");
        }
        let whole = get(&registry, &format!("/v2/vswarm/fib/blobs/{layer}"));
        assert!(whole.ends_with("\r\n\r\n0123456789"), "{whole}");
        let ask = |range: &str| {
            let path = format!("/v2/vswarm/fib/blobs/{layer}");
            talk(&registry, &format!("GET {path} HTTP/1.1\r\nRange: bytes={range}\r\n\r\n"))
        };
        let part = ask("3-5");
        assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\n345"), "{part}");
        assert!(part.contains("Content-Range: bytes 3-5/10\r\n"), "{part}");
        let none = ask("10-");
        assert!(none.starts_with("HTTP/1.1 416 ") && none.contains("bytes */10"), "{none}");
    }
}

#[test]
fn the_version_check_and_tag_list_work() {
    let (registry, ..) = registry();
    let text = get(&registry, "/v2/");
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("registry/2.0"), "{text}");
    let text = get(&registry, "/v2/vswarm/fib/tags/list");
    assert!(text.ends_with(r#"{"name":"vswarm/fib","tags":["latest"]}"#), "{text}");
}

#[test]
fn errors_have_the_codes_of_the_specification() {
    let (registry, _, layer) = registry();
    let code_of = |path: &str, status: u16| {
        let text = get(&registry, path);
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {text}");
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        let document: Value = serde_json::from_str(body).expect("JSON");
        document["errors"][0]["code"].as_str().expect("a code").to_owned()
    };
    let none = Digest::of(b"none");
    assert_eq!(code_of("/v2/other/manifests/latest", 404), "NAME_UNKNOWN");
    assert_eq!(code_of("/v2/vswarm/fib/manifests/v9", 404), "MANIFEST_UNKNOWN");
    assert_eq!(code_of(&format!("/v2/vswarm/fib/manifests/{layer}"), 404), "MANIFEST_UNKNOWN");
    assert_eq!(code_of(&format!("/v2/vswarm/fib/blobs/{none}"), 404), "BLOB_UNKNOWN");
    assert_eq!(code_of("/v2/vswarm/fib/blobs/sha256:12", 400), "DIGEST_INVALID");
    assert_eq!(code_of("/", 404), "NAME_UNKNOWN");
}

#[test]
fn pushes_and_tls_are_refused_and_end_the_connection() {
    let (registry, ..) = registry();
    let push = "POST /v2/vswarm/fib/blobs/uploads/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let text = talk(&registry, push);
    assert!(text.starts_with("HTTP/1.1 405 ") && text.contains("Connection: close"), "{text}");
    let mut connection = RegistryConnection::default();
    let served = connection.receive(&registry, b"\x16\x03\x01\x02\x00\x01\x00\x01");
    assert_eq!(served[0].as_ref().expect("it is answered").status, 400);
    assert!(drain(&mut connection).starts_with("HTTP/1.1 400 ") && connection.is_done());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (registry, _, layer) = registry();
    let one = format!("GET /v2/vswarm/fib/blobs/{layer} HTTP/1.1\r\n\r\n");
    let mut connection = RegistryConnection::default();
    let mut count = connection.receive(&registry, one.repeat(20).as_bytes()).len();
    let mut text = drain(&mut connection);
    while count < 20 {
        count += connection.work(&registry).len();
        text += &drain(&mut connection);
    }
    assert_eq!(text.matches("0123456789").count(), 20);
}

#[test]
fn endless_headers_are_refused() {
    let (registry, ..) = registry();
    let mut connection = RegistryConnection::default();
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(40_000));
    let served = connection.receive(&registry, long.as_bytes());
    assert_eq!(served[0].as_ref().expect("it is answered").status, 431);
}

#[test]
fn a_blob_file_that_vanished_is_status_500_and_an_error() {
    let (mut registry, _, layer) = registry();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("blob");
    std::fs::write(&path, b"0123456789").expect("the blob is written");
    registry.add_blob_file(layer, &path).expect("the file is there");
    std::fs::remove_file(&path).expect("it is removed");
    let mut connection = RegistryConnection::default();
    let request = format!("GET /v2/vswarm/fib/blobs/{layer} HTTP/1.1\r\n\r\n");
    let served = connection.receive(&registry, request.as_bytes());
    assert!(served[0].as_ref().unwrap_err().to_string().contains("blob"));
    assert!(drain(&mut connection).starts_with("HTTP/1.1 500 "));
    assert!(registry.add_blob_file(layer, &path).is_err());
}

#[test]
fn check_finds_what_a_manifest_misses() {
    let (mut registry, ..) = registry();
    registry.check().expect("it is complete");
    let bytes = json!({"layers": [{"digest": Digest::of(b"gone")}]}).to_string().into();
    registry.add_manifest(Manifest { media_type: OCI.to_owned(), bytes });
    assert!(matches!(registry.check(), Err(RegistryError::Missing { .. })));
}

#[test]
fn an_image_layout_is_served_and_a_broken_one_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blobs = folder.path().join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("the folder is made");
    let put = |bytes: &[u8]| {
        let digest = Digest::of(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).expect("the blob is written");
        digest
    };
    let (layer, config) = (put(b"layer"), put(b"{}"));
    let document = json!({"config": {"digest": config}, "layers": [{"digest": layer}]});
    let manifest = put(document.to_string().as_bytes());
    let index = json!({"manifests": [{"mediaType": OCI, "digest": manifest}]});
    std::fs::write(folder.path().join("index.json"), index.to_string()).expect("written");

    let mut registry = Registry::new();
    let digest = registry.add_oci_layout("fib", "v1", folder.path()).expect("a good layout");
    assert_eq!(digest, manifest);
    registry.check().expect("it is complete");
    assert!(get(&registry, &format!("/v2/fib/blobs/{layer}")).ends_with("layer"));

    std::fs::write(blobs.join(manifest.hex()), "{}").expect("written");
    let error = Registry::new().add_oci_layout("fib", "v1", folder.path()).unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }));
    let error = Registry::new().add_oci_layout("fib", "v1", &blobs).unwrap_err();
    assert!(matches!(error, RegistryError::Io { .. }));
}
