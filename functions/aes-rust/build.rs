//! Messages and the server's trait from the interface, which the build of the image puts into protos/.

fn main() -> std::io::Result<()> {
    tonic_build::configure().build_client(false).compile_protos(&["protos/aes.proto"], &["protos"])
}
