//! `#[derive(Kind)]`.

use crate::names::snake_case;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "Kind is derived for enums only"));
    };
    let mut variants = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) || variant.discriminant.is_some() {
            return Err(Error::new_spanned(variant, "a kind is a plain variant without data"));
        }
        variants.push(&variant.ident);
    }
    let name = &input.ident;
    let count = variants.len();
    let names = variants.iter().map(|v| snake_case(&v.to_string()));
    Ok(quote! {
        impl ::stats::Kind for #name {
            type Array<T> = [T; #count];
            const ALL: &'static [Self] = &[#(Self::#variants),*];
            const NAMES: &'static [&'static str] = &[#(#names),*];
            #[inline]
            fn index(self) -> usize {
                self as usize
            }
            fn build<T>(mut each: impl FnMut(Self) -> T) -> [T; #count] {
                [#(each(Self::#variants)),*]
            }
        }
    })
}
