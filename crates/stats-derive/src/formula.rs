//! Turns the text of a formula into code over the fields of `self`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{BinOp, Error, Expr, Ident, LitStr, Result};

/// Code that evaluates `formula` to an `f64`.
pub(crate) fn compile(formula: &LitStr) -> Result<TokenStream> {
    value(&formula.parse::<Expr>()?)
}

fn value(expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Lit(literal) => Ok(quote! { (#literal as f64) }),
        Expr::Paren(inner) => {
            let inner = value(&inner.expr)?;
            Ok(quote! { (#inner) })
        }
        Expr::Binary(binary) => {
            let (left, op, right) = (value(&binary.left)?, &binary.op, value(&binary.right)?);
            match op {
                BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) => {
                    Ok(quote! { (#left #op #right) })
                }
                _ => Err(Error::new_spanned(op, "a formula knows + - * / only")),
            }
        }
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => {
            let place = place(expr)?;
            Ok(quote! { ::stats::Amount::amount(&#place) })
        }
        Expr::Call(call) => {
            let method = name(&call.func)?;
            let each = call.args.iter().map(variant).collect::<Result<Vec<_>>>()?;
            Ok(quote! { f64::from(self.#method(#(#each),*)) })
        }
        _ => Err(Error::new_spanned(
            expr,
            "a formula has field paths, methods, numbers and + - * / only",
        )),
    }
}

fn name(expr: &Expr) -> Result<&Ident> {
    let path = if let Expr::Path(path) = expr { path.path.get_ident() } else { None };
    path.ok_or_else(|| Error::new_spanned(expr, "name a method of this struct"))
}

/// The one argument a method may have.
fn variant(argument: &Expr) -> Result<&Ident> {
    let each = name(argument).ok().filter(|argument| *argument == "each");
    each.ok_or_else(|| Error::new_spanned(argument, "a method takes `each` or nothing"))
}

fn place(expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Path(path) => {
            let field = path
                .path
                .get_ident()
                .ok_or_else(|| Error::new_spanned(path, "name a field of this struct"))?;
            Ok(quote! { self.#field })
        }
        Expr::Field(field) => {
            let (base, member) = (place(&field.base)?, &field.member);
            Ok(quote! { #base.#member })
        }
        Expr::Index(index) => {
            let (base, kind) = (place(&index.expr)?, &index.index);
            Ok(quote! { #base[#kind] })
        }
        _ => Err(Error::new_spanned(expr, "name a field of this struct")),
    }
}
