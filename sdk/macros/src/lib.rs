//! The attribute that registers a component. Everything else of the author's side is
//! ordinary Rust; this macro only reads what is already written: the trait's name gives
//! the kind, the doc comment gives the description.

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as TokenStream2};
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, Ident, ItemImpl, Lit, LitStr, Meta, Result};

const KINDS: [&str; 5] = ["Task", "Reward", "Sampler", "Optimizer", "Curriculum"];

/// Registers the type of an `impl` of one of the five traits as a component.
///
/// The argument is its name within the plugin: lower-case letters, digits and `-`. The
/// `impl`'s doc comment becomes the description that `farthing plugins list` shows.
///
/// ```ignore
/// /// One minus the share of `limit` characters that the completion uses.
/// #[component("brevity")]
/// impl Reward for Brevity { .. }
/// ```
#[proc_macro_attribute]
pub fn component(argument: TokenStream, item: TokenStream) -> TokenStream {
    let item2 = TokenStream2::from(item.clone());
    match registration(argument, item) {
        Ok(registration) => quote!(#item2 #registration).into(),
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#item2 #error).into()
        }
    }
}

fn registration(argument: TokenStream, item: TokenStream) -> Result<TokenStream2> {
    let name: LitStr = syn::parse(argument).map_err(|_| {
        Error::new(
            Span::call_site(),
            "expected the component's name as a string: #[component(\"my-reward\")]",
        )
    })?;
    check_name(&name)?;
    let item: ItemImpl = syn::parse(item)?;
    let constructor = constructor(&item)?;
    let type_ = &item.self_ty;
    let description = description(&item.attrs);
    if description.is_empty() {
        return Err(Error::new_spanned(
            &item.self_ty,
            "this component has no description: write a doc comment on the `impl`, one line \
             that says what it does",
        ));
    }
    Ok(quote! {
        ::farthing_sdk::private::inventory::submit! {
            ::farthing_sdk::private::Registration::#constructor::<#type_>(#name, #description)
        }
    })
}

fn check_name(name: &LitStr) -> Result<()> {
    let text = name.value();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(plain) {
        return Err(Error::new_spanned(
            name,
            "a component's name has lower-case letters, digits and `-` only",
        ));
    }
    Ok(())
}

/// The constructor of `Registration` for the trait of this `impl`.
fn constructor(item: &ItemImpl) -> Result<Ident> {
    let found = item
        .trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last())
        .map(|segment| segment.ident.to_string());
    match found {
        Some(kind) if KINDS.contains(&kind.as_str()) => {
            Ok(Ident::new(&kind.to_lowercase(), Span::call_site()))
        }
        _ => Err(Error::new_spanned(
            &item.self_ty,
            format!(
                "#[component] goes on an `impl` of one of {}",
                KINDS.join(", ")
            ),
        )),
    }
}

/// The first paragraph of the doc comment, on one line.
fn description(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
    lines
        .skip_while(String::is_empty)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
