//! Fibonacci as a gRPC function in Rust.
//!
//! One thread serves one request at a time, as a serverless runtime does. A name that is not a number counts as 0.

use std::error::Error;
use std::mem::swap;

use num_bigint::BigUint;
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use api::greeter_server::{Greeter, GreeterServer};
use api::{HelloReply, HelloRequest};

/// protos/fibonacci.proto.
mod api {
    tonic::include_proto!("fibonacci");
}

const ADDRESS: &str = "0.0.0.0:50051";
const RUNTIME: &str = concat!("rust ", env!("CARGO_PKG_RUST_VERSION"));

/// The n-th Fibonacci number by n additions; that of 0 is 0.
fn fibonacci(n: u64) -> BigUint {
    let (mut current, mut following) = (BigUint::from(0u8), BigUint::from(1u8));
    for _ in 0..n {
        current += &following;
        swap(&mut current, &mut following);
    }
    current
}

struct Fibonacci;

#[tonic::async_trait]
impl Greeter for Fibonacci {
    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        let result = fibonacci(name.parse().unwrap_or(0));
        let message =
            format!("fn: fibonacci-rust | input: {name} | output: {result} | runtime: {RUNTIME}");
        Ok(Response::new(HelloReply { message }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stop = signal(SignalKind::terminate())?;
    println!("fibonacci-rust listens on {ADDRESS}");
    Server::builder()
        .add_service(GreeterServer::new(Fibonacci))
        .serve_with_shutdown(ADDRESS.parse()?, async move { _ = stop.recv().await })
        .await?;
    Ok(())
}
