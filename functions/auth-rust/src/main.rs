//! A mock authorizer as a gRPC function in Rust.
//!
//! What an authorizer of an API gateway does with a request's token: "allow" and "deny" become a policy for one made-up
//! method, "unauthorized" and anything else an outcome without one. The call itself always succeeds.

use std::error::Error;

use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use api::greeter_server::{Greeter, GreeterServer};
use api::{HelloReply, HelloRequest};

/// protos/auth.proto.
mod api {
    tonic::include_proto!("auth");
}

const ADDRESS: &str = "0.0.0.0:50051";
const RUNTIME: &str = concat!("rust ", env!("CARGO_PKG_RUST_VERSION"));
const METHOD_ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:vswarm/prod/GET/hello";

// The form of a policy: "API Gateway Lambda authorizer output" in the documentation of AWS. Its fields are read by the
// derived Debug alone, which the compiler does not count.
#[allow(dead_code)]
#[derive(Debug)]
struct Policy {
    principal_id: String,
    policy_document: PolicyDocument,
    context: Context,
}

#[allow(dead_code)]
#[derive(Debug)]
struct PolicyDocument {
    version: String,
    statement: Vec<Statement>,
}

#[allow(dead_code)]
#[derive(Debug)]
struct Statement {
    action: String,
    effect: String,
    resource: String,
}

#[allow(dead_code)]
#[derive(Debug)]
struct Context {
    string_key: String,
    number_key: u32,
    boolean_key: bool,
}

/// Lets the principal have the effect ("Allow", "Deny") on the resource.
fn new_policy(principal: &str, effect: &str, resource: &str) -> Policy {
    let statement = Statement {
        action: "execute-api:Invoke".to_owned(),
        effect: effect.to_owned(),
        resource: resource.to_owned(),
    };
    Policy {
        principal_id: principal.to_owned(),
        policy_document: PolicyDocument {
            version: "2012-10-17".to_owned(),
            statement: vec![statement],
        },
        context: Context { string_key: "stringval".to_owned(), number_key: 123, boolean_key: true },
    }
}

/// What the token gives, as text.
fn authorize(token: &str) -> String {
    match token {
        "allow" => format!("{:?}", new_policy("user", "Allow", METHOD_ARN)),
        "deny" => format!("{:?}", new_policy("user", "Deny", METHOD_ARN)),
        "unauthorized" => "unauthorized".to_owned(),
        _ => "error: invalid token".to_owned(),
    }
}

struct Authorizer;

#[tonic::async_trait]
impl Greeter for Authorizer {
    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        let message = format!(
            "fn: auth-rust | input: {name} | output: {} | runtime: {RUNTIME}",
            authorize(&name)
        );
        Ok(Response::new(HelloReply { message }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stop = signal(SignalKind::terminate())?;
    println!("auth-rust listens on {ADDRESS}");
    Server::builder()
        .add_service(GreeterServer::new(Authorizer))
        .serve_with_shutdown(ADDRESS.parse()?, async move { _ = stop.recv().await })
        .await?;
    Ok(())
}
