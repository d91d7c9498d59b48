//! AES encryption as a gRPC function in Rust.
//!
//! AES-128 in counter mode from the crates `aes` and `ctr`, as in aes-go; the counter begins at 0. On RV64 `aes` computes in
//! constant time, several blocks at once (bit-sliced). The key schedule is computed anew for every request. An empty
//! text, and the text "world", stand for a default one.

use std::error::Error;

use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use api::aes_server::{Aes, AesServer};
use api::{PlainTextMessage, ReturnEncryptionInfo};

/// protos/aes.proto.
mod api {
    tonic::include_proto!("aes");
}

const ADDRESS: &str = "0.0.0.0:50051";
const RUNTIME: &str = concat!("rust ", env!("CARGO_PKG_RUST_VERSION"));
const KEY: &[u8; 16] = b"change this pass";
const DEFAULT_PLAINTEXT: &str = "defaultplaintext";

/// The ciphertext of `text` in hexadecimal.
fn encrypt(key: &[u8; 16], text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    Ctr128BE::<Aes128>::new(key.into(), &[0; 16].into()).apply_keystream(&mut bytes);
    hex::encode(bytes)
}

struct Encryption;

#[tonic::async_trait]
impl Aes for Encryption {
    async fn show_encryption(
        &self,
        request: Request<PlainTextMessage>,
    ) -> Result<Response<ReturnEncryptionInfo>, Status> {
        let mut text = request.into_inner().plaintext_message;
        if text.is_empty() || text == "world" {
            text = DEFAULT_PLAINTEXT.to_owned();
        }
        let ciphertext = encrypt(KEY, &text);
        let encryption_info =
            format!("fn: aes-rust | input: {text} | output: {ciphertext} | runtime: {RUNTIME}");
        Ok(Response::new(ReturnEncryptionInfo { encryption_info }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stop = signal(SignalKind::terminate())?;
    println!("aes-rust listens on {ADDRESS}");
    Server::builder()
        .add_service(AesServer::new(Encryption))
        .serve_with_shutdown(ADDRESS.parse()?, async move { _ = stop.recv().await })
        .await?;
    Ok(())
}
