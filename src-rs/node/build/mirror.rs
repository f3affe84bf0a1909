//! Writes the addon's `#[napi]` mirrors of the engine's error enums, and the conversions into them.
//!
//! The engine knows nothing of JavaScript: its errors are plain Rust enums. They are declared there and nowhere else; a
//! new variant reaches TypeScript without a change to this crate.
//!
//! | engine                                             | JavaScript                                    |
//! |----------------------------------------------------|-----------------------------------------------|
//! | enum with payloads, or one that derives `Error`    | object, discriminated by `kind`               |
//! | any other enum                                     | union of the variants' names                  |
//! | the texts of the `code` method                     | union of the prefixed texts, as `…Code`       |
//! | integers, and newtypes over one                    | number                                        |
//! | `String`, `bool`, `Option<T>`                      | string, boolean, a property that may be absent|
//!
//! Any other type stops the build with a message that names the enum, the field and the type.

use crate::source::{Source, is_word};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::{
    Attribute, Expr, ExprLit, Fields, GenericArgument, Ident, ItemEnum, Lit, Meta, PathArguments, Type,
};

/// The code of the mirrors of `roots`, each with its codes' prefix, of the enums `others`, and of all that they contain.
pub(crate) fn write(source: &Source, roots: &[(&str, &str)], others: &[&str]) -> Result<String, String> {
    let mut code = String::from("// Written by build/mirror.rs from the engine's source.\n\n");
    let mut wanted: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
    for (root, prefix) in roots {
        wanted.push((*root).to_owned());
        let codes = source
            .codes
            .get(*root)
            .ok_or_else(|| format!("`{root}` has no method `code`"))?;
        code.push_str(&code_enum(root, prefix, codes).to_string());
        code.push_str("\n\n");
    }
    let mut written = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !written.insert(name.clone()) {
            continue;
        }
        let (module, item) = source
            .enums
            .get(&name)
            .ok_or_else(|| format!("there is no enum `{name}`"))?;
        let tokens = if is_word(item) {
            word_enum(module, item)
        } else {
            error_enum(
                module,
                item,
                &mut Types {
                    source,
                    wanted: &mut wanted,
                },
            )?
        };
        code.push_str(&tokens.to_string());
        code.push_str("\n\n");
    }
    Ok(code)
}

fn error_enum(module: &syn::Path, item: &ItemEnum, types: &mut Types<'_>) -> Result<TokenStream, String> {
    let name = &item.ident;
    let mirror = mirror_name(&name.to_string());
    let mut docs = docs(&item.attrs);
    let mut variants = Vec::new();
    let mut arms = Vec::new();
    for variant in &item.variants {
        let tag = &variant.ident;
        docs.extend(variant_docs(tag, &variant.attrs));
        let (mut declarations, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
        match &variant.fields {
            Fields::Named(fields) => {
                for field in &fields.named {
                    let Some(field_name) = &field.ident else { continue };
                    let place = format!("`{name}::{tag}`, field `{field_name}`");
                    if field_name == DISCRIMINANT {
                        return Err(format!("{place}: this name is the discriminant's"));
                    }
                    let (ty, value) = types
                        .convert(&field.ty, quote!(#field_name))
                        .map_err(|ty| format!("{place}: `{ty}` has no counterpart in JavaScript"))?;
                    let field_docs = self::docs(&field.attrs);
                    declarations.push(quote!(#(#[doc = #field_docs])* #field_name: #ty));
                    names.push(field_name);
                    values.push(value);
                }
            }
            Fields::Unit => {}
            Fields::Unnamed(_) => return Err(format!("`{name}::{tag}`: fields must have names")),
        }
        // The braces stay even when empty: napi-rs would take an enum of bare variants for numbers.
        variants.push(quote!(#tag { #(#declarations),* }));
        arms.push(quote!(#module::#name::#tag { #(#names),* } => Self::#tag { #(#names: #values),* }));
    }
    Ok(quote! {
        #(#[doc = #docs])*
        #[::napi_derive::napi(discriminant = #DISCRIMINANT, object_from_js = false)]
        pub enum #mirror { #(#variants),* }

        impl From<&#module::#name> for #mirror {
            fn from(value: &#module::#name) -> Self {
                match value { #(#arms),* }
            }
        }
    })
}

fn word_enum(module: &syn::Path, item: &ItemEnum) -> TokenStream {
    let name = &item.ident;
    let tags: Vec<_> = item.variants.iter().map(|variant| &variant.ident).collect();
    let mut docs = docs(&item.attrs);
    for variant in &item.variants {
        docs.extend(variant_docs(&variant.ident, &variant.attrs));
    }
    quote! {
        #(#[doc = #docs])*
        #[::napi_derive::napi(string_enum, object_from_js = false)]
        pub enum #name { #(#tags),* }

        impl From<&#module::#name> for #name {
            fn from(value: &#module::#name) -> Self {
                match value { #(#module::#name::#tags => Self::#tags),* }
            }
        }
    }
}

/// The values of `code` properties; only TypeScript uses the enum.
fn code_enum(root: &str, prefix: &str, codes: &[String]) -> TokenStream {
    let base = root.trim_end_matches("Failure").trim_end_matches("Error");
    let name = format_ident!("{base}ErrorCode");
    let prefix_name = format_ident!("{}_CODE_PREFIX", base.to_uppercase());
    let doc = format!(
        " The `code` of an error whose `failure` is a `{}`.",
        mirror_name(root)
    );
    let prefix_doc = format!(" What the codes of [`{root}`] start with.");
    let texts: Vec<_> = codes.iter().map(|code| format!("{prefix}{code}")).collect();
    let tags: Vec<_> = codes
        .iter()
        .map(|code| format_ident!("{}", pascal_case(code)))
        .collect();
    quote! {
        #[doc = #prefix_doc]
        pub(crate) const #prefix_name: &str = #prefix;

        #[doc = #doc]
        #[::napi_derive::napi(string_enum, object_from_js = false)]
        pub enum #name { #(#[napi(value = #texts)] #tags),* }
    }
}

/// The name of an enum in JavaScript: `SealError` is the class of errors there, and this enum the type of its `failure`.
fn mirror_name(name: &str) -> Ident {
    format_ident!("{}", if name == "SealError" { "SealFailure" } else { name })
}

fn pascal_case(code: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{first}{}", rest.to_lowercase())
    };
    code.split('_').map(word).collect()
}

/// Finds the counterparts of types, and keeps the names of enums that are needed.
struct Types<'a> {
    source: &'a Source,
    wanted: &'a mut Vec<String>,
}

impl Types<'_> {
    /// The counterpart of a type, and the expression that makes it from `value`, a reference to the original. Fails
    /// with a type that has none, as written.
    fn convert(&mut self, ty: &Type, value: TokenStream) -> Result<(TokenStream, TokenStream), String> {
        let unknown = || ty.to_token_stream().to_string();
        let Type::Path(path) = ty else {
            return Err(unknown());
        };
        let segment = path.path.segments.last().ok_or_else(unknown)?;
        let name = segment.ident.to_string();
        if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
            let (1, Some(GenericArgument::Type(inner))) = (arguments.args.len(), arguments.args.first())
            else {
                return Err(unknown());
            };
            if name != "Option" {
                return Err(unknown());
            }
            let item = format_ident!("item");
            let (inner, converted) = self.convert(inner, quote!(#item))?;
            return Ok((
                quote!(Option<#inner>),
                quote!(#value.as_ref().map(|#item| #converted)),
            ));
        }
        if let Some(inner) = self.source.newtypes.get(&name) {
            return number(inner, quote!(#value.get())).ok_or_else(unknown);
        }
        if self.source.enums.contains_key(&name) {
            self.wanted.push(name.clone());
            let mirror = mirror_name(&name);
            return Ok((quote!(#mirror), quote!(#mirror::from(#value))));
        }
        match name.as_str() {
            "String" => Ok((quote!(String), quote!(#value.clone()))),
            "bool" => Ok((quote!(bool), quote!(*#value))),
            _ => number(ty, quote!(*#value)).ok_or_else(unknown),
        }
    }
}

/// napi-rs makes a `BigInt` of anything wider than 32 bits, so those go through `f64`: exact up to 2^53.
fn number(ty: &Type, value: TokenStream) -> Option<(TokenStream, TokenStream)> {
    let Type::Path(path) = ty else { return None };
    let is = |names: &[&str]| names.iter().any(|name| path.path.is_ident(name));
    if is(&["u8", "u16", "u32"]) {
        Some((ty.to_token_stream(), value))
    } else if is(&["u64", "usize"]) {
        Some((quote!(f64), quote!(#value as f64)))
    } else {
        None
    }
}

/// The lines of a doc comment.
fn docs(attributes: &[Attribute]) -> Vec<String> {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(line).collect()
}

/// A variant's doc comment as an entry of a list in its enum's: napi-rs drops the variant's own.
fn variant_docs(tag: &Ident, attributes: &[Attribute]) -> Vec<String> {
    let text = docs(attributes)
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ");
    if text.is_empty() {
        Vec::new()
    } else {
        vec![String::new(), format!(" - `{tag}`: {text}")]
    }
}

/// The name of the property that tells the variants of an error apart.
const DISCRIMINANT: &str = "kind";
