//! The attributes of the author's side. Everything else is ordinary Rust.
//!
//! [`macro@component`] registers what is already written: the trait's name gives the kind,
//! the doc comment gives the description. [`macro@config`] and [`macro@data`] derive from
//! serde and schemars by the sdk's own paths, so that a plugin depends on the sdk alone.

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as TokenStream2};
use quote::quote;
use syn::{
    Attribute, DeriveInput, Error, Expr, ExprLit, Ident, ItemImpl, Lit, LitStr, Meta, Result,
};

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
        Err(error) => refused(&error, &item2),
    }
}

/// The item as it was written, with what is wrong: one error, and not those that a missing item would cause.
fn refused(error: &Error, item: &TokenStream2) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error).into()
}

/// Makes a struct or an enum what the manifest's `config` table is read into.
///
/// It derives serde's `Deserialize` and schemars' `JsonSchema`, refuses keys that it does
/// not know, and takes serde's and schemars' attributes:
///
/// ```ignore
/// #[config]
/// #[serde(default)]
/// struct Config {
///     /// Completions of this many characters or more score 0.
///     #[schemars(range(min = 1))]
///     limit: usize,
/// }
/// ```
///
/// A struct that is flattened into another leaves unknown keys to the outer one:
/// `#[config(part)]`.
#[proc_macro_attribute]
pub fn config(argument: TokenStream, item: TokenStream) -> TokenStream {
    let strict = match argument.to_string().as_str() {
        "" => quote!(, deny_unknown_fields),
        "part" => quote!(),
        _ => {
            let error = Error::new(Span::call_site(), "expected #[config] or #[config(part)]");
            return refused(&error, &item.into());
        }
    };
    derived(
        item,
        quote! {
            #[derive(
                ::farthing_sdk::private::serde::Deserialize,
                ::farthing_sdk::private::schemars::JsonSchema,
            )]
            #[serde(crate = "::farthing_sdk::private::serde" #strict)]
            #[schemars(crate = "::farthing_sdk::private::schemars")]
        },
    )
}

/// Makes a struct or an enum plain data: the facts of a problem, or saved state.
///
/// It derives serde's `Deserialize` and `Serialize`, and takes serde's attributes. Keys that
/// it does not know are ignored: a problem may have facts for several rewards.
#[proc_macro_attribute]
pub fn data(argument: TokenStream, item: TokenStream) -> TokenStream {
    if !argument.is_empty() {
        let error = Error::new(Span::call_site(), "#[data] takes no arguments");
        return refused(&error, &item.into());
    }
    derived(
        item,
        quote! {
            #[derive(
                ::farthing_sdk::private::serde::Deserialize,
                ::farthing_sdk::private::serde::Serialize,
            )]
            #[serde(crate = "::farthing_sdk::private::serde")]
        },
    )
}

fn derived(item: TokenStream, derives: TokenStream2) -> TokenStream {
    let item2 = TokenStream2::from(item.clone());
    match syn::parse::<DeriveInput>(item) {
        Ok(_) => quote!(#derives #item2).into(),
        Err(_) => {
            let message = "this attribute goes on a struct or an enum";
            refused(&Error::new(Span::call_site(), message), &item2)
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
