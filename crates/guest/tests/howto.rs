//! Follows docs/howto/add-a-function.md: its YAML as printed, with the folders it speaks of.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

use guest::functions::{Catalogue, Choice, Expect, SourceFiles, Workshop, build, build_all};
use guest::progress::Silent;

const SERVER: &str = r#"
import os
from concurrent import futures
import grpc, shout_pb2, shout_pb2_grpc

class Shouter(shout_pb2_grpc.ShouterServicer):
    def Shout(self, request, context):
        return shout_pb2.Reply(text=request.text.upper())

    def Ping(self, request, context):
        return shout_pb2.Reply(text="PONG")

server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
shout_pb2_grpc.add_ShouterServicer_to_server(Shouter(), server)
server.add_insecure_port("[::]:50051")
server.start()
server.wait_for_termination()
"#;

const PROTO: &str = "syntax = \"proto3\";\npackage shout;\nimport \"google/protobuf/empty.proto\";\n\
    service Shouter { rpc Shout(Request) returns (Reply); rpc Ping(google.protobuf.Empty) returns (Reply); }\n\
    message Request { string text = 1; }\nmessage Reply { string text = 1; }\n";

/// The state folder: the developer's, else one beside the test binaries that later runs find again.
fn home() -> PathBuf {
    let home = std::env::var_os("VSWARM_U_HOME").map(PathBuf::from);
    home.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
}

/// The contents of the page's YAML blocks.
fn yaml_blocks() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/howto/add-a-function.md");
    let page = fs::read_to_string(page).unwrap();
    page.split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

fn follow(folder: &Path) -> Catalogue {
    fs::create_dir(folder.join("shout")).unwrap();
    fs::create_dir(folder.join("cache")).unwrap();
    fs::write(folder.join("shout/server.py"), SERVER).unwrap();
    fs::write(folder.join("shout.proto"), PROTO).unwrap();
    let [service, payloads, changing, cache] = &yaml_blocks()[..] else { panic!("four blocks") };
    let file = format!("{service}{payloads}{changing}    depends_on: [cache]\n{cache}");
    Catalogue::parse(&file, "the how-to", SourceFiles::Folder(folder.to_owned())).unwrap()
}

#[test]
fn the_page_s_compose_file_is_accepted_and_means_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = follow(folder.path());
    let shout = catalogue.get("shout").unwrap();
    let request = shout.default_request();
    assert_eq!(request.call.written(), "shout.Shouter/Shout");
    assert_eq!(request.nth(0).payload, serde_json::json!({"text": "quiet"}));
    let expect = Expect::Contains { field: Some("text".to_owned()), text: "QUIET".to_owned() };
    assert_eq!(request.nth(0).expect, Some(expect));
    let names: Vec<_> = shout.requests.iter().filter_map(|r| r.name.as_deref()).collect();
    assert_eq!(names, ["default", "counted", "long", "moods", "noise", "ping"]);
    let method = Some("Ping".to_owned());
    let ping = shout.choose(&Choice { method, payload: None }).unwrap();
    assert_eq!(ping.call.written(), "shout.Shouter/Ping");
    assert_eq!(ping.nth(0).expect, Some(Expect::Exact(serde_json::json!({"text": "PONG"}))));
    let guest = guest::compose::guest_file(&catalogue, shout, &[]);
    assert!(guest.contains("cache") && !guest.contains("x-vswarm"), "{guest}");
}

#[test]
fn the_page_s_function_and_its_dependency_become_images() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = follow(folder.path());
    let workshop = Workshop::new(&home(), None, &Silent).unwrap();
    let images = build_all(&workshop, &catalogue, [catalogue.get("shout").unwrap()]).unwrap();
    let packages: Vec<_> = images[0]
        .layers
        .iter()
        .flat_map(|layer| &layer.packages)
        .map(|package| package.name.as_str())
        .collect();
    assert!(
        packages.contains(&"memcached")
            && packages.contains(&"libc6")
            && !packages.contains(&"dpkg"),
        "{packages:?}"
    );
    let mut tar = tar::Archive::new(fs::File::open(&images[1].layers[1].path).unwrap());
    let names: Vec<_> = tar
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    for name in [
        "app/server.py",
        "app/shout_pb2.py",
        "app/shout_pb2_grpc.py",
        "app/__pycache__/shout_pb2.cpython-313.pyc",
    ] {
        assert!(names.iter().any(|have| have == name), "{name} in {names:?}");
    }
}

#[test]
fn a_server_in_go_with_its_proto_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    follow(folder.path());
    fs::remove_file(folder.path().join("shout/server.py")).unwrap();
    let broken = "package main\n\nfunc main() { undefined_name() }\n";
    fs::write(folder.path().join("shout/main.go"), broken).unwrap();
    let text = yaml_blocks()[0].replace("runtime: python", "runtime: go");
    let sources = SourceFiles::Folder(folder.path().to_owned());
    let catalogue = Catalogue::parse(&text, "the how-to", sources).unwrap();
    let workshop = Workshop::new(&home(), None, &Silent).unwrap();
    let shout = catalogue.get("shout").unwrap();
    let message = build(&workshop, &catalogue, shout).unwrap_err().to_string();
    assert!(message.contains("main.go:3") && message.contains("undefined"), "{message}");
    let good = "package main\n\nimport (\n\t\"fmt\"\n\tpb \"vswarm/protos/shout\"\n)\n\nfunc main() { fmt.Println(&pb.Request{Text: \"x\"}) }\n";
    fs::write(folder.path().join("shout/main.go"), good).unwrap();
    let image = build(&workshop, &catalogue, shout).unwrap();
    assert_eq!(image.layers.len(), 1);
}
