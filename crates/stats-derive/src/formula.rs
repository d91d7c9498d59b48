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
        Expr::Call(call) if call.args.is_empty() => {
            let method = name(&call.func)?;
            Ok(quote! { f64::from(self.#method()) })
        }
        _ => Err(Error::new_spanned(
            expr,
            "a formula has field paths, methods without arguments, numbers and + - * / only",
        )),
    }
}

fn name(expr: &Expr) -> Result<&Ident> {
    let path = if let Expr::Path(path) = expr { path.path.get_ident() } else { None };
    path.ok_or_else(|| Error::new_spanned(expr, "name a method of this struct"))
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
