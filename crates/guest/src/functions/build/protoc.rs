//! Message classes and stubs from .proto files, by Debian's protoc and its plugins.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::error::FunctionError;
use super::super::proto::ProtoSet;
use super::Job;
use super::tools::{ToolSet, Tools, run};
use super::workshop::Workshop;

/// protoc, the gRPC plugins, and the well-known .proto files.
pub(super) const PROTOC: ToolSet<'_> = ToolSet {
    name: "protoc",
    closure: &["protobuf-compiler-grpc"],
    exact: &["libprotobuf-dev"],
    prune: &["usr/share/**", "usr/lib/*/*.a", "usr/lib/*/gconv/**", "etc/**"],
};

/// A prepared protoc: sources written out, plugins ready.
pub(super) struct Protoc {
    tools: Tools,
    input: PathBuf,
}

impl Protoc {
    /// Unpacks protoc and writes `proto` into `scratch`.
    pub fn new(
        workshop: &Workshop<'_>,
        proto: &ProtoSet,
        scratch: &Path,
    ) -> Result<Self, FunctionError> {
        let tools = Tools::get(workshop, &PROTOC)?;
        let input = scratch.join("protos");
        for (name, text) in &proto.files {
            let path = input.join(name);
            let folder = path.parent().unwrap_or(&input);
            fs::create_dir_all(folder).map_err(FunctionError::io("create", folder))?;
            fs::write(&path, text).map_err(FunctionError::io("write", &path))?;
        }
        Ok(Self { tools, input })
    }

    /// Writes a script that is protoc, for tools that run it themselves; returns where the well-known .proto files are.
    pub fn script(&self, at: &Path) -> Result<PathBuf, FunctionError> {
        self.tools.script("usr/bin/protoc", at)?;
        Ok(self.tools.path("usr/include"))
    }

    /// Writes `*_pb2.py` and `*_pb2_grpc.py` into `output`.
    pub fn python(
        &self,
        job: &Job<'_>,
        proto: &ProtoSet,
        scratch: &Path,
        output: &Path,
    ) -> Result<(), FunctionError> {
        let plugin = scratch.join("grpc_python_plugin");
        self.tools.script("usr/bin/grpc_python_plugin", &plugin)?;
        let output = output.display();
        self.run(
            job,
            proto,
            &[
                format!("--python_out={output}"),
                format!("--grpc_python_out={output}"),
                format!("--plugin=protoc-gen-grpc_python={}", plugin.display()),
            ],
        )
    }

    /// Writes Go packages below `output`, one for each .proto: `vswarm/protos/<name without .proto>`.
    pub fn go(
        &self,
        job: &Job<'_>,
        proto: &ProtoSet,
        plugins: &Tools,
        output: &Path,
    ) -> Result<(), FunctionError> {
        let mut words = Vec::new();
        for (name, tool) in [("go", "protoc-gen-go"), ("go-grpc", "protoc-gen-go-grpc")] {
            words.push(format!(
                "--plugin={tool}={}",
                plugins.path(&format!("usr/bin/{tool}")).display()
            ));
            words.push(format!("--{name}_out={}", output.display()));
            for file in proto.files.keys() {
                let package = file.trim_end_matches(".proto");
                words.push(format!("--{name}_opt=M{file}={}{package}", super::go::PROTO_IMPORTS));
            }
        }
        self.run(job, proto, &words)
    }

    /// Writes Java classes below `output`; `plugin` holds protoc-gen-grpc-java.
    pub fn java(
        &self,
        job: &Job<'_>,
        proto: &ProtoSet,
        plugin: &Tools,
        scratch: &Path,
        output: &Path,
    ) -> Result<(), FunctionError> {
        let script = scratch.join("grpc_java_plugin");
        plugin.script("usr/bin/grpc_java_plugin", &script)?;
        let output = output.display();
        self.run(
            job,
            proto,
            &[
                format!("--java_out={output}"),
                format!("--grpc-java_out={output}"),
                format!("--plugin=protoc-gen-grpc-java={}", script.display()),
            ],
        )
    }

    fn run(&self, job: &Job<'_>, proto: &ProtoSet, words: &[String]) -> Result<(), FunctionError> {
        let mut command = self.tools.dynamic("usr/bin/protoc")?;
        command.arg("-I").arg(&self.input).arg("-I").arg(self.tools.path("usr/include"));
        command.args(words).args(proto.files.keys());
        run(job, "protoc", &mut command)
    }
}
