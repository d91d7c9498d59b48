//! `#[derive(Stats)]`.

use crate::formula;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr};
use syn::{Meta, Result, Type};

/// One field of the struct.
struct Stat<'a> {
    ident: &'a Ident,
    description: String,
    unit: Option<LitStr>,
    formula: Option<LitStr>,
    per_kind: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "Stats is derived for structs only"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "a statistic needs a name: use named fields"));
    };
    let stats = fields.named.iter().map(stat).collect::<Result<Vec<_>>>()?;
    let visits = stats.iter().map(visit).collect::<Result<Vec<_>>>()?;
    let idents: Vec<_> = stats.iter().map(|s| s.ident).collect();
    let name = &input.ident;
    let (generics, types, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::stats::Stats for #name #types #bounds {
            fn visit(
                &self,
                path: &mut ::stats::Path,
                _about: &::stats::About,
                visitor: &mut ::stats::Visitor<'_>,
            ) {
                #(#visits)*
            }
            fn since(&self, before: &Self) -> Self {
                Self { #(#idents: ::stats::Stats::since(&self.#idents, &before.#idents)),* }
            }
            fn plus(&self, other: &Self) -> Self {
                Self { #(#idents: ::stats::Stats::plus(&self.#idents, &other.#idents)),* }
            }
        }
    })
}

/// Code that shows one field to the visitor.
fn visit(stat: &Stat<'_>) -> Result<TokenStream> {
    let Stat { ident, description, unit, formula, per_kind } = stat;
    let name = ident.to_string();
    let unit = unit.as_ref().map_or_else(String::new, LitStr::value);
    let about = quote! { &::stats::About { unit: #unit, description: #description } };
    let body = match formula {
        None => quote! { ::stats::Stats::visit(&self.#ident, path, #about, visitor) },
        Some(formula) if *per_kind => {
            let (text, code) = (formula.value(), formula::compile(formula)?);
            quote! {{
                let derived: &::stats::PerKind<_, ::stats::Derived> = &self.#ident;
                for (name, each) in derived.named() {
                    let (outer, value): (_, f64) = (path.enter(name), #code);
                    visitor(path.as_str(), #about, ::stats::Reading::derived(#text, value));
                    path.leave(outer);
                }
            }}
        }
        Some(formula) => {
            let (text, code) = (formula.value(), formula::compile(formula)?);
            quote! {{
                let _: &::stats::Derived = &self.#ident;
                let value: f64 = #code;
                visitor(path.as_str(), #about, ::stats::Reading::derived(#text, value))
            }}
        }
    };
    Ok(quote! {
        let outer = path.enter(#name);
        #body;
        path.leave(outer);
    })
}

fn stat(field: &Field) -> Result<Stat<'_>> {
    let ident = field.ident.as_ref().expect("named fields have names");
    let per_kind = is_per_kind(&field.ty);
    let mut stat = Stat { ident, description: String::new(), unit: None, formula: None, per_kind };
    for attribute in &field.attrs {
        if attribute.path().is_ident("doc") {
            append_doc(&mut stat.description, attribute);
        } else if attribute.path().is_ident("stat") {
            attribute.parse_nested_meta(|meta| {
                let text = || meta.value()?.parse::<LitStr>();
                if meta.path.is_ident("unit") {
                    stat.unit = Some(text()?);
                } else if meta.path.is_ident("formula") {
                    stat.formula = Some(text()?);
                } else {
                    return Err(meta.error("a stat has `unit` and `formula`"));
                }
                Ok(())
            })?;
        }
    }
    if stat.description.is_empty() {
        return Err(Error::new_spanned(ident, "a statistic needs a doc comment: its description"));
    }
    Ok(stat)
}

fn is_per_kind(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "PerKind")
}

fn append_doc(description: &mut String, attribute: &Attribute) {
    if let Meta::NameValue(doc) = &attribute.meta
        && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &doc.value
    {
        if !description.is_empty() {
            description.push(' ');
        }
        description.push_str(text.value().trim());
    }
}
