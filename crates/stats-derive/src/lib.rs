//! The derive macros of the `stats` crate: `Stats` for structs of counters, `Kind` for the enums
//! that index them.
//!
//! A statistic is declared once, as a field: its name is the last part of its path, its doc comment
//! is its description, `#[stat(unit = "...")]` its unit. A field of type `Derived` carries a
//! `#[stat(formula = "...")]` over its sibling fields; the formula is a Rust expression of field
//! paths, methods of the struct, numbers and `+ - * /`, so the compiler rejects one that names a
//! counter that is not there. A field of type `PerKind<K, Derived>` is one value for each variant of
//! `K`, which its formula calls `each`.
#![forbid(unsafe_code)]

mod formula;
mod kind;
mod names;
mod stats;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `stats::Stats` for a struct with named fields.
#[proc_macro_derive(Stats, attributes(stat))]
pub fn derive_stats(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    stats::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Implements `stats::Kind` for an enum of unit variants.
#[proc_macro_derive(Kind)]
pub fn derive_kind(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    kind::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
