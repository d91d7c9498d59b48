//! Unary gRPC methods by `.proto` file and JSON, without generated code.
//!
//! The schema is compiled at run time; arguments and replies use protobuf's canonical JSON mapping
//! (protobuf.dev, "ProtoJSON Format"): lowerCamelCase names (proto names are accepted too), 64-bit
//! integers as strings, fields at their default left out.

mod canonical;

use crate::request::{Call, GrpcCall};
use prost_reflect::{
    DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions, ServiceDescriptor,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why a schema, a method or a payload is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// The schema does not compile.
    #[error("compiling {file}: {reason}; check the file and the include folders")]
    Compile {
        /// The `.proto` file.
        file: PathBuf,
        /// The compiler's message.
        reason: String,
    },
    /// The schema has no such method.
    #[error("looking for the method `{method}`: the schema has {known}")]
    NoMethod {
        /// The name asked for.
        method: String,
        /// The methods there are.
        known: String,
    },
    /// The method streams.
    #[error("preparing `{method}`: it is a streaming method; only unary methods can be called")]
    Streaming {
        /// The full method name.
        method: String,
    },
    /// The payload does not fit the method's argument.
    #[error("encoding the payload of `{method}` as {message}: {reason}; the payload is {payload}")]
    Payload {
        /// The full method name.
        method: String,
        /// The argument's message type.
        message: String,
        /// What does not fit.
        reason: String,
        /// The payload.
        payload: String,
    },
}

/// A compiled schema.
#[derive(Clone, Debug)]
pub struct Protos {
    pool: DescriptorPool,
}

impl Protos {
    /// Compiles `file`, looking for imports in `includes` and in the file's own folder.
    ///
    /// # Errors
    /// A file that cannot be read or does not compile.
    pub fn compile(file: &Path, includes: &[PathBuf]) -> Result<Self, ProtoError> {
        let fail = |error: protox::Error| ProtoError::Compile {
            file: file.to_owned(),
            reason: format!("{error:?}").trim().to_owned(),
        };
        let mut folders = includes.to_vec();
        let own = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        folders.push(own.unwrap_or(Path::new(".")).to_owned());
        let mut compiler = protox::Compiler::new(folders).map_err(fail)?;
        compiler.include_imports(true).open_file(file).map_err(fail)?;
        Ok(Self { pool: compiler.descriptor_pool() })
    }

    /// The unary method of this name: `package.Service/Method`, `/package.Service/Method` or
    /// `package.Service.Method`.
    ///
    /// # Errors
    /// No such method, or one that streams.
    pub fn method(&self, name: &str) -> Result<Method, ProtoError> {
        let found = self
            .pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .find(|method| names_match(method, name))
            .ok_or_else(|| ProtoError::NoMethod {
                method: name.to_owned(),
                known: self.known_methods(),
            })?;
        let method = Method { descriptor: found };
        if method.descriptor.is_client_streaming() || method.descriptor.is_server_streaming() {
            return Err(ProtoError::Streaming { method: method.full_name() });
        }
        Ok(method)
    }

    /// All methods by name, for messages.
    fn known_methods(&self) -> String {
        let methods = |service: ServiceDescriptor| {
            service.methods().map(|descriptor| Method { descriptor }.full_name()).collect()
        };
        let names: Vec<Vec<String>> = self.pool.services().map(methods).collect();
        let names = names.concat();
        if names.is_empty() { "no services at all".to_owned() } else { names.join(", ") }
    }
}

/// Is `method` meant by `name`?
fn names_match(method: &MethodDescriptor, name: &str) -> bool {
    let name = name.strip_prefix('/').unwrap_or(name);
    let (service, own) = match name.rsplit_once('/').or_else(|| name.rsplit_once('.')) {
        Some(parts) => parts,
        None => return false,
    };
    method.parent_service().full_name() == service && method.name() == own
}

/// A unary method of a schema.
#[derive(Clone, Debug)]
pub struct Method {
    descriptor: MethodDescriptor,
}

impl Method {
    /// `package.Service/Method`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.descriptor.parent_service().full_name(), self.descriptor.name())
    }

    /// The call of this method with a JSON payload; the same payload gives the same bytes.
    ///
    /// # Errors
    /// A payload that does not fit the argument's message type.
    pub fn call(&self, payload: &Value) -> Result<Call, ProtoError> {
        let input = self.descriptor.input();
        let message = DynamicMessage::deserialize(input.clone(), payload).map_err(|error| {
            ProtoError::Payload {
                method: self.full_name(),
                message: input.full_name().to_owned(),
                reason: error.to_string(),
                payload: payload.to_string(),
            }
        })?;
        Ok(Call::Grpc(GrpcCall { method: self.clone(), message: canonical::encode(&message) }))
    }

    /// The `:path` of the call.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.full_name())
    }

    /// Decodes a reply message to JSON.
    pub(crate) fn decode_reply(&self, bytes: &[u8]) -> Result<Value, String> {
        let output = self.descriptor.output();
        let name = output.full_name().to_owned();
        let message = DynamicMessage::decode(output, bytes).map_err(|error| {
            format!(
                "the reply of {} bytes is no {name} ({error}); does the server use the same .proto?",
                bytes.len()
            )
        })?;
        let options = SerializeOptions::new();
        let json = message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|error| format!("the {name} has no JSON form: {error}"))?;
        Ok(canonical::sort_objects(json))
    }
}

#[cfg(test)]
mod tests;
