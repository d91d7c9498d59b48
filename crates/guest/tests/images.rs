//! The images of the functions that come with the program, built for real: needs a Debian mirror and an npm registry
//! unless `$VSWARM_U_HOME` already has what they gave.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use guest::functions::{Catalogue, SourceFiles, Workshop, build, build_all, image_key};
use guest::oci::{Digest, Image};
use guest::progress::Silent;

/// The state folder: the developer's, else one beside the test binaries that later runs find again.
fn home() -> PathBuf {
    let home = std::env::var_os("VSWARM_U_HOME").map(PathBuf::from);
    home.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
}

fn builtin(name: &str, home: &Path) -> Image {
    let catalogue = Catalogue::builtin().unwrap();
    let workshop = Workshop::new(home, None, &Silent).unwrap();
    build(&workshop, &catalogue, catalogue.get(name).unwrap()).unwrap()
}

/// Path to content and mode, over all layers.
fn files(image: &Image) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut files = BTreeMap::new();
    for layer in &image.layers {
        let mut tar = tar::Archive::new(File::open(&layer.path).unwrap());
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mode = entry.header().mode().unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(path, (bytes, mode));
        }
    }
    files
}

/// Path to target of the symbolic links of all layers.
fn links(image: &Image) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for layer in &image.layers {
        let mut tar = tar::Archive::new(File::open(&layer.path).unwrap());
        for entry in tar.entries().unwrap() {
            let entry = entry.unwrap();
            if let Some(target) = entry.link_name().unwrap() {
                let path = entry.path().unwrap().display().to_string();
                links.insert(path, target.display().to_string());
            }
        }
    }
    links
}

/// A home without images that shares all downloads and tools with `home`, so that images are made anew from the same.
fn without_images(home: &Path) -> tempfile::TempDir {
    let fresh = tempfile::tempdir_in(home).unwrap();
    for name in ["packages", "indices", "npm", "tools"] {
        if home.join(name).exists() {
            symlink(fs::canonicalize(home.join(name)).unwrap(), fresh.path().join(name)).unwrap();
        }
    }
    fresh
}

/// An ELF file for RV64 (ELF specification: class, machine).
fn is_rv64(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF\x02\x01") && bytes[18..20] == 243u16.to_le_bytes()
}

#[test]
fn python_gets_its_interpreter_generated_classes_and_bytecode() {
    let image = builtin("fibonacci-python", &home());
    let files = files(&image);
    assert!(is_rv64(&files["usr/bin/python3.13"].0));
    let stub = String::from_utf8(files["app/fibonacci_pb2_grpc.py"].0.clone()).unwrap();
    assert!(stub.contains("/fibonacci.Greeter/SayHello"));
    for path in [
        "app/__pycache__/server",
        "app/__pycache__/fibonacci_pb2",
        "usr/lib/python3.13/__pycache__/os",
        "usr/lib/python3/dist-packages/grpc/__pycache__/_server",
    ] {
        let bytecode = &files[&format!("{path}.cpython-313.pyc")].0;
        // PEP 552: the magic of 3.13, then flags: hash-based, not checked against the source.
        assert_eq!(&bytecode[..8], [0xf3, 0x0d, 0x0d, 0x0a, 1, 0, 0, 0], "{path}");
    }
    let noise = files
        .keys()
        .find(|path| path.contains("/doc/") || path.contains("/man/") || path.contains("gconv"));
    assert_eq!(noise, None);
}

#[test]
fn java_gets_its_virtual_machine_the_jars_of_grpc_and_compiled_classes() {
    let image = builtin("aes-java", &home());
    let files = files(&image);
    let machine = |path: &str| &files[&format!("usr/lib/jvm/java-21-openjdk-riscv64/{path}")];
    assert!(is_rv64(&machine("bin/java").0) && is_rv64(&machine("lib/server/libjvm.so").0));
    assert_eq!((machine("bin/java").1, machine("lib/jspawnhelper").1), (0o755, 0o755));
    assert!(!machine("conf/security/java.security").0.is_empty());
    // All of Java's library would be 140 MB.
    assert!(machine("lib/modules").0.len() < 40_000_000);
    // Java Virtual Machine Specification, 4.1: magic and major version, 65 for Java 21.
    for class in ["Server", "aes/AesGrpc", "aes/AesOuterClass$PlainTextMessage"] {
        let class = &files[&format!("app/{class}.class")].0;
        assert_eq!(class[..8], [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65]);
    }
    assert!(!files.contains_key("app/Server.java"));
    // Every jar of the class path, which names them without their versions.
    let config = fs::read(&image.blobs[&image.config_digest]).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    let class_path = config["config"]["Entrypoint"][2].as_str().unwrap();
    let links = links(&image);
    for jar in class_path.split(':').skip(1) {
        let target = &links[jar.trim_start_matches('/')];
        assert!(files.contains_key(&format!("usr/share/java/{target}")), "{jar}");
    }
    let noise = files.keys().find(|path| path.contains("/maven-repo/") || path.contains("/legal/"));
    assert_eq!(noise, None);
}

#[test]
fn nodejs_gets_its_npm_packages_and_the_proto() {
    let image = builtin("fibonacci-nodejs", &home());
    let files = files(&image);
    assert!(is_rv64(&files["usr/bin/node"].0));
    assert!(files.contains_key("app/node_modules/@grpc/grpc-js/build/src/index.js"));
    assert!(files.contains_key("app/node_modules/protobufjs/index.js"));
    assert!(files.contains_key("app/protos/fibonacci.proto"));
    assert!(!files.keys().any(|path| path.ends_with(".d.ts")));
}

#[test]
fn go_is_one_static_binary() {
    let image = builtin("fibonacci-go", &home());
    let files = files(&image);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["app/", "app/server"]);
    let (binary, mode) = &files["app/server"];
    assert!(is_rv64(binary));
    assert_eq!(*mode, 0o755);
}

/// A catalogue of one Rust function, from the folder `source` of `folder`.
fn rust(folder: &Path, source: &str) -> Catalogue {
    let compose = format!(
        "services:\n  rust:\n    image: registry.vswarm:5000/rust:latest\n    ports: ['50000:50051']\n    \
         x-vswarm:\n      protocol: grpc\n      proto: ../protos/fibonacci.proto\n      \
         method: fibonacci.Greeter/SayHello\n      \
         build: {{ runtime: rust, source: {source}, packages: [librust-num-bigint-dev] }}\n"
    );
    Catalogue::parse(&compose, "test", SourceFiles::Folder(folder.to_owned())).unwrap()
}

#[test]
fn rust_is_one_static_binary_without_paths_of_the_build() {
    let home = home();
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let catalogue = rust(&functions, "fibonacci-rust");
    let workshop = Workshop::new(&home, None, &Silent).unwrap();
    let image = build(&workshop, &catalogue, catalogue.get("rust").unwrap()).unwrap();
    let files = files(&image);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["app/", "app/server"]);
    let (binary, mode) = &files["app/server"];
    assert!(is_rv64(binary));
    assert_eq!(*mode, 0o755);
    let holds = |text: &str| binary.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("/build/registry/"), "the paths that stand for those of the build");
    assert!(!holds(&home.display().to_string()));
    // A dynamically linked program names its loader.
    assert!(!holds("/lib/ld-linux"));
}

#[test]
fn a_rust_function_without_a_manifest_is_told_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["functions/empty/main.rs", "protos/fibonacci.proto"] {
        let at = folder.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        let interface = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protos/fibonacci.proto");
        fs::copy(interface, at).unwrap();
    }
    let catalogue = rust(&folder.path().join("functions"), "empty");
    let refused = image_key(&catalogue, catalogue.get("rust").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("Cargo.toml") && refused.contains("`server`"), "{refused}");
}

#[test]
fn an_image_describes_exactly_its_blobs() {
    let image = builtin("fibonacci-python", &home());
    let json = |digest: &Digest| -> serde_json::Value {
        let bytes = fs::read(&image.blobs[digest]).unwrap();
        assert_eq!(Digest::of(&bytes), *digest);
        serde_json::from_slice(&bytes).unwrap()
    };
    let (manifest, config) = (json(&image.manifest_digest), json(&image.config_digest));
    assert_eq!(manifest["config"]["digest"], image.config_digest.as_str());
    for (i, layer) in image.layers.iter().enumerate() {
        let (digest, size) =
            Digest::of_reader(File::open(&image.blobs[&layer.digest]).unwrap()).unwrap();
        assert_eq!((&digest, size), (&layer.digest, layer.size));
        assert_eq!(manifest["layers"][i]["digest"], digest.as_str());
        assert_eq!(manifest["layers"][i]["size"], size);
        assert_eq!(config["rootfs"]["diff_ids"][i], digest.as_str());
    }
    assert_eq!(
        config["config"]["Entrypoint"],
        serde_json::json!(["/usr/bin/python3", "/app/server.py"])
    );
}

#[test]
fn images_made_twice_from_the_same_are_the_same() {
    for name in ["fibonacci-python", "fibonacci-nodejs", "fibonacci-go"] {
        let first = builtin(name, &home());
        let fresh = without_images(&home());
        if name == "fibonacci-python" {
            // The compiler, too, as it was before it ever ran.
            fs::remove_file(fresh.path().join("tools")).unwrap();
        }
        let second = builtin(name, fresh.path());
        assert_ne!(first.folder, second.folder);
        let digests = |image: &Image| -> Vec<String> {
            image.layers.iter().map(|layer| format!("{} {}", layer.title, layer.digest)).collect()
        };
        assert_eq!(digests(&first), digests(&second));
        assert_eq!(first.manifest_digest, second.manifest_digest);
    }
}

/// A catalogue of one generic function without packages, in `folder`.
fn plain(folder: &Path, text: &str) -> Catalogue {
    fs::create_dir_all(folder.join("plain")).unwrap();
    fs::write(folder.join("plain/run"), text).unwrap();
    let compose = "services:\n  plain:\n    image: registry.vswarm:5000/plain:latest\n    ports: ['50000:1']\n    \
                   depends_on: [helper]\n    x-vswarm:\n      protocol: http\n      build: { runtime: generic, entrypoint: [/app/run] }\n  \
                   helper:\n    image: registry.vswarm:5000/helper:latest\n    \
                   x-vswarm:\n      build: { runtime: generic, source: plain, entrypoint: [/app/run, help] }\n";
    Catalogue::parse(compose, "test", SourceFiles::Folder(folder.to_owned())).unwrap()
}

#[test]
fn nothing_is_made_again_unless_its_sources_change_and_then_only_what_depends_on_them() {
    let (home, sources) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // No mirror is asked: these images hold no packages.
    let workshop = Workshop::new(home.path(), None, &Silent).unwrap();
    let catalogue = plain(sources.path(), "one");
    let function = catalogue.get("plain").unwrap();
    let images = build_all(&workshop, &catalogue, [function]).unwrap();
    assert_eq!(
        images.iter().map(|image| image.reference.as_str()).collect::<Vec<_>>(),
        ["registry.vswarm:5000/helper:latest", "registry.vswarm:5000/plain:latest"]
    );
    assert_eq!(images[0].layers[0].digest, images[1].layers[0].digest, "the base is shared");

    let before = image_key(&catalogue, function).unwrap();
    let written =
        |image: &Image| fs::metadata(image.folder.join("index.json")).unwrap().modified().unwrap();
    let again = build(&workshop, &catalogue, function).unwrap();
    assert_eq!(written(&again), written(&images[1]));

    let changed = plain(sources.path(), "two");
    let function = changed.get("plain").unwrap();
    assert_ne!(image_key(&changed, function).unwrap(), before);
    let other = build(&workshop, &changed, function).unwrap();
    assert_eq!(other.layers[0].digest, images[1].layers[0].digest);
    assert_ne!(other.layers[1].digest, images[1].layers[1].digest);
    assert_eq!(files(&other)["app/run"].0, b"two");
}

#[test]
fn a_damaged_image_is_made_again() {
    let (home, sources) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let workshop = Workshop::new(home.path(), None, &Silent).unwrap();
    let catalogue = plain(sources.path(), "one");
    let function = catalogue.get("plain").unwrap();
    let image = build(&workshop, &catalogue, function).unwrap();
    let blob = &image.blobs[&image.layers[1].digest];
    let length = fs::metadata(blob).unwrap().len();
    File::options().write(true).open(blob).unwrap().set_len(length / 2).unwrap();
    let again = build(&workshop, &catalogue, function).unwrap();
    assert_eq!(again.manifest_digest, image.manifest_digest);
    assert_eq!(files(&again)["app/run"].0, b"one");
}

#[test]
fn sources_a_recipe_cannot_work_with_are_explained() {
    let sources = tempfile::tempdir().unwrap();
    fs::create_dir(sources.path().join("f")).unwrap();
    fs::write(sources.path().join("f/readme.txt"), "nothing to run").unwrap();
    for (runtime, wanted) in [
        ("python", "server.py"),
        ("nodejs", "server.js"),
        ("go", "package main"),
        ("java", ".java"),
    ] {
        let compose = format!(
            "services:\n  f:\n    image: registry.vswarm:5000/f:latest\n    ports: ['50000:1']\n    \
                               x-vswarm:\n      protocol: http\n      build: {{ runtime: {runtime} }}\n"
        );
        let catalogue =
            Catalogue::parse(&compose, "test", SourceFiles::Folder(sources.path().to_owned()))
                .unwrap();
        let message = image_key(&catalogue, catalogue.get("f").unwrap()).unwrap_err().to_string();
        assert!(message.contains(wanted) && message.contains("`f`"), "{message}");
    }
}

#[test]
fn a_python_function_that_does_not_parse_fails_the_build_with_the_line() {
    let sources = tempfile::tempdir().unwrap();
    fs::create_dir(sources.path().join("broken")).unwrap();
    fs::write(sources.path().join("broken/server.py"), "x = 1\ndef f(:\n").unwrap();
    let compose = "services:\n  broken:\n    image: registry.vswarm:5000/broken:latest\n    ports: ['50000:1']\n    \
                   x-vswarm:\n      protocol: http\n      build: { runtime: python }\n";
    let catalogue =
        Catalogue::parse(compose, "test", SourceFiles::Folder(sources.path().to_owned())).unwrap();
    let home = home();
    let workshop = Workshop::new(&home, None, &Silent).unwrap();
    let message =
        build(&workshop, &catalogue, catalogue.get("broken").unwrap()).unwrap_err().to_string();
    assert!(
        message.contains("`broken`")
            && message.contains("line 2")
            && message.contains("SyntaxError"),
        "{message}"
    );
}
