//! Writes `mirrors.rs`: a `#[napi]` type for each of the engine's error enums, and the conversion into it. The engine declares
//! its errors once, as plain Rust enums that know nothing of JavaScript; a new variant reaches TypeScript without a change here.
//!
//! | engine                                 | JavaScript                                     |
//! |----------------------------------------|------------------------------------------------|
//! | enum with a name in `…Error`           | object, discriminated by `kind`                |
//! | any other enum                         | union of the variants' names in kebab-case     |
//! | texts returned by the method `code`    | union of the prefixed texts, named `…Code`     |
//! | `u64`, `usize`, newtypes of positions  | number                                         |
//! | `Option<T>`                            | a property that may be absent                  |
//! | `Vec<T>`                               | array                                          |
//! | a variant in `INTERNAL`                | the error inside one of kind `Internal`        |
//!
//! A type without a counterpart fails to compile in `mirrors.rs`.
//!
//! Why a generator: napi derives types only for items of this crate. `serde` with `ts-rs` would need two derives and attributes on
//! every 64-bit field of the engine (napi's serializer makes a `BigInt` of a large `u64`), `serde_json` in the binary, and a second
//! build of the engine to export the types.

use crate::words::{doc_lines, kebab_case, pascal_case, variant_docs};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};
use syn::visit::Visit;
use syn::{Ident, ImplItem, Item, ItemEnum, LitStr, Type};

/// The enums that JavaScript receives, with all that they contain, and the prefix of their codes.
const ROOTS: &[(&str, &str)] = &[("SealError", "ERR_SEAL_"), ("FloeError", "ERR_FLOE_")];

/// Variants that a caller can do nothing about: bugs, and failures without any choice. JavaScript is told the kind `Internal`, and the
/// variant inside it. An enum with such a variant that is part of a `SealError` converts into a `Result`.
const INTERNAL: &[(&str, &[&str])] = &[
    (
        "SealError",
        &["OutputTooSmall", "ThreadsUnavailable", "InvalidOption"],
    ),
    ("SegmentWorkerError", &["FrameWorkerDisconnected"]),
];

/// Enums that are parts of reports.
const REPORTED: &[&str] = &["StartedOver"];

/// The files that declare those enums, and the path of each file's items for this crate.
const ENGINE: &[(&str, &str)] = &[
    ("format/error.rs", "::sealstream::format"),
    ("crypto/mod.rs", "::sealstream::crypto"),
    ("stream_v2/framing/types.rs", "::sealstream::stream_v2::framing"),
    ("stream_v2/frame_worker/types.rs", "::sealstream"),
    ("stream_v2/segment_worker/error.rs", "::sealstream"),
    ("format/look_alike.rs", "::sealstream::format"),
    ("keys/file_reason.rs", "::sealstream::keys"),
    ("keys/senders/reasons.rs", "::sealstream::keys"),
    ("error/mod.rs", "::sealstream::error"),
    ("error/details.rs", "::sealstream::error"),
    ("floe/mod.rs", "::sealstream::floe"),
];

/// Writes the file into the build's output directory.
pub(crate) fn write() -> Outcome<()> {
    let engine = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../engine/src");
    let mut source = Source::default();
    for (file, module) in ENGINE {
        let path = engine.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let read = source.read(&path, module);
        read.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mirrors = Path::new(&env::var("OUT_DIR")?).join("mirrors.rs");
    Ok(fs::write(mirrors, source.mirrors()?)?)
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The engine's source.
#[derive(Default)]
struct Source {
    /// Enums by name, with the path of their module.
    enums: BTreeMap<String, (syn::Path, ItemEnum)>,
    /// The texts in an enum's method `code`, by the enum's name.
    codes: BTreeMap<String, Vec<String>>,
}

impl Source {
    fn read(&mut self, file: &Path, module: &str) -> Outcome<()> {
        let module: syn::Path = syn::parse_str(module)?;
        for item in syn::parse_file(&fs::read_to_string(file)?)?.items {
            let declared = match item {
                Item::Enum(item) => Some(item),
                Item::Macro(item) => declared_enum(item.mac.tokens),
                Item::Impl(item) => {
                    self.add_codes(&item);
                    None
                }
                _ => None,
            };
            let named = declared.map(|item| (item.ident.to_string(), (module.clone(), item)));
            self.enums.extend(named);
        }
        Ok(())
    }

    fn add_codes(&mut self, item: &syn::ItemImpl) {
        for member in &item.items {
            if let ImplItem::Fn(method) = member
                && method.sig.ident == "code"
            {
                let mut texts = Texts::default();
                texts.visit_block(&method.block);
                let name = item.self_ty.to_token_stream().to_string();
                self.codes.insert(name, texts.0);
            }
        }
    }

    fn mirrors(&self) -> Outcome<String> {
        let mut code = TokenStream::new();
        let mut wanted: Vec<String> = REPORTED.iter().map(|name| (*name).to_owned()).collect();
        for (root, prefix) in ROOTS {
            wanted.push((*root).to_owned());
            let codes = self
                .codes
                .get(*root)
                .ok_or(format!("`{root}` has no method `code`"))?;
            code.extend(code_enum(root, prefix, &told_codes(root, codes)));
        }
        code.extend(self.internal_enum(&mut wanted)?);
        let mut written = BTreeSet::new();
        while let Some(name) = wanted.pop() {
            if written.insert(name.clone()) {
                let (module, item) = self
                    .enums
                    .get(&name)
                    .ok_or(format!("there is no enum `{name}`"))?;
                code.extend(self.mirror(module, item, &mut wanted));
            }
        }
        Ok(code.to_string())
    }

    /// The mirror of an enum. Adds the enums in its fields to `wanted`.
    fn mirror(&self, module: &syn::Path, item: &ItemEnum, wanted: &mut Vec<String>) -> TokenStream {
        let name = &item.ident;
        let mirror = mirror_name(&name.to_string());
        let is_error = name.to_string().ends_with("Error");
        let mut docs = doc_lines(&item.attrs);
        let (mut variants, mut arms) = (Vec::new(), Vec::new());
        let is_root = ROOTS.iter().any(|(root, _)| name == root);
        let internal = internal_of(&name.to_string());
        for variant in &item.variants {
            let tag = &variant.ident;
            let fields: Vec<_> = variant.fields.iter().map(|field| &field.ident).collect();
            if internal.iter().any(|hidden| tag == hidden) {
                let error = quote!(InternalError::#tag { #(#fields: crate::types::convert::IntoJs::into_js(#fields)),* });
                let told = if is_root {
                    quote!(#mirror::Internal { error: #error })
                } else {
                    quote!(Err(#error))
                };
                arms.push(quote!(#module::#name::#tag { #(#fields),* } => #told));
                continue;
            }
            let value = if is_error {
                tag.to_string()
            } else {
                kebab_case(&tag.to_string())
            };
            docs.extend(variant_docs(&value, &variant.attrs));
            let types = variant.fields.iter().map(|field| self.js_type(&field.ty, wanted));
            let field_docs = variant.fields.iter().map(|field| {
                let docs = doc_lines(&field.attrs);
                quote!(#(#[doc = #docs])*)
            });
            // An error stays an object with a `kind` even if it has no fields, so that its shape does not change with the first field.
            // napi-rs takes an enum without any braces for names.
            variants.push(if is_error {
                quote!(#tag { #(#field_docs #fields: #types),* })
            } else {
                quote!(#[napi(value = #value)] #tag)
            });
            let partial = variant
                .fields
                .iter()
                .find(|field| is_root && !internal_of(&field.ty.to_token_stream().to_string()).is_empty());
            arms.push(if let Some(partial) = partial {
                let inner = &partial.ident;
                quote! {
                    #module::#name::#tag { #inner } => match crate::types::convert::IntoJs::into_js(#inner) {
                        Ok(#inner) => #mirror::#tag { #inner },
                        Err(error) => #mirror::Internal { error },
                    }
                }
            } else {
                let told =
                    quote!(#mirror::#tag { #(#fields: crate::types::convert::IntoJs::into_js(#fields)),* });
                let told = if is_root || internal.is_empty() {
                    told
                } else {
                    quote!(Ok(#told))
                };
                quote!(#module::#name::#tag { #(#fields),* } => #told)
            });
        }
        if is_root && !internal.is_empty() {
            docs.push(INTERNAL_DOC.to_owned());
            variants.push(quote!(Internal {
                #[doc = " What happened, for a report of the bug."]
                error: InternalError
            }));
        }
        let into = if is_root || internal.is_empty() {
            quote!(#mirror)
        } else {
            quote!(::std::result::Result<#mirror, InternalError>)
        };
        let kind = if is_error {
            quote!(discriminant = "kind")
        } else {
            quote!(string_enum)
        };
        quote! {
            #(#[doc = #docs])*
            #[::napi_derive::napi(#kind, object_from_js = false)]
            pub enum #mirror { #(#variants),* }

            impl crate::types::convert::IntoJs<#into> for #module::#name {
                fn into_js(self) -> #into {
                    match self { #(#arms),* }
                }
            }
        }
    }

    /// The union of all variants that are told as `Internal`.
    fn internal_enum(&self, wanted: &mut Vec<String>) -> Outcome<TokenStream> {
        let mut docs = vec![" What a caller can do nothing about.".to_owned()];
        let mut variants = Vec::new();
        for (name, hidden) in INTERNAL {
            let (_, item) = self
                .enums
                .get(*name)
                .ok_or(format!("there is no enum `{name}`"))?;
            for variant in &item.variants {
                let tag = &variant.ident;
                if !hidden.iter().any(|hidden| tag == hidden) {
                    continue;
                }
                docs.extend(variant_docs(&tag.to_string(), &variant.attrs));
                let fields = variant.fields.iter().map(|field| {
                    let (docs, name, ty) = (
                        doc_lines(&field.attrs),
                        &field.ident,
                        self.js_type(&field.ty, wanted),
                    );
                    quote!(#(#[doc = #docs])* #name: #ty)
                });
                variants.push(quote!(#tag { #(#fields),* }));
            }
        }
        Ok(quote! {
            #(#[doc = #docs])*
            #[::napi_derive::napi(discriminant = "kind", object_from_js = false)]
            pub enum InternalError { #(#variants),* }
        })
    }

    fn js_type(&self, ty: &Type, wanted: &mut Vec<String>) -> TokenStream {
        let name = ty.to_token_stream().to_string().replace(' ', "");
        self.js_name(&name, wanted)
    }

    fn js_name(&self, name: &str, wanted: &mut Vec<String>) -> TokenStream {
        for container in ["Option", "Vec"] {
            let rest = name
                .strip_prefix(container)
                .and_then(|rest| rest.strip_prefix('<'));
            if let Some(inner) = rest.and_then(|rest| rest.strip_suffix('>')) {
                let (container, inner) = (format_ident!("{container}"), self.js_name(inner, wanted));
                return quote!(#container<#inner>);
            }
        }
        match name {
            // napi-rs would make a `BigInt` of it. A `f64` is exact up to 2^53.
            "u64" | "usize" | "SegmentIndex" | "WireOffset" => quote!(f64),
            "FrameIndex" => quote!(u32),
            "SlotInfo" => quote!(crate::operations::inspect::SlotInfo),
            other => {
                if self.enums.contains_key(other) {
                    wanted.push(other.to_owned());
                }
                mirror_name(other).to_token_stream()
            }
        }
    }
}

/// The variants of an enum that are told as `Internal`.
fn internal_of(name: &str) -> &'static [&'static str] {
    let known = INTERNAL.iter().find(|(partial, _)| *partial == name);
    known.map_or(&[], |(_, variants)| variants)
}

/// The codes that JavaScript sees: in the place of those of internal variants, one for all.
fn told_codes(root: &str, codes: &[String]) -> Vec<String> {
    let hidden: Vec<String> = INTERNAL
        .iter()
        .flat_map(|(_, variants)| {
            variants
                .iter()
                .map(|name| kebab_case(name).replace('-', "_").to_uppercase())
        })
        .collect();
    let told = codes.iter().filter(|code| !hidden.contains(code)).cloned();
    let internal = (!internal_of(root).is_empty()).then(|| "INTERNAL".to_owned());
    told.chain(internal).collect()
}

const INTERNAL_DOC: &str = "\n - `Internal`: A bug, or the system has no threads or memory left. A caller can do nothing about it but try again.";

/// The enum that one of the engine's macros is given: `Name { Variant = "words", … }`.
fn declared_enum(tokens: TokenStream) -> Option<ItemEnum> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let name = tokens
        .iter()
        .position(|token| matches!(token, TokenTree::Ident(_)))?;
    let (attributes, declaration) = tokens.split_at(name);
    syn::parse2(quote!(#(#attributes)* pub enum #(#declaration)*)).ok()
}

/// The string literals in a function's body.
#[derive(Default)]
struct Texts(Vec<String>);

impl Visit<'_> for Texts {
    fn visit_lit_str(&mut self, text: &LitStr) {
        self.0.push(text.value());
    }
}

/// The values of `code` properties. Only TypeScript uses the enum.
fn code_enum(root: &str, prefix: &str, codes: &[String]) -> TokenStream {
    let name = format_ident!("{root}Code");
    let prefix_name = format_ident!("{}_CODE_PREFIX", root.trim_end_matches("Error").to_uppercase());
    let doc = format!(
        " The `code` of an error whose `failure` is a `{}`.",
        mirror_name(root)
    );
    let prefix_doc = format!(" The start of the codes of [`{root}`].");
    let texts = codes.iter().map(|code| format!("{prefix}{code}"));
    let tags = codes.iter().map(|code| format_ident!("{}", pascal_case(code)));
    quote! {
        #[doc = #prefix_doc]
        pub(crate) const #prefix_name: &str = #prefix;

        #[doc = #doc]
        #[::napi_derive::napi(string_enum, object_from_js = false)]
        pub enum #name { #(#[napi(value = #texts)] #tags),* }
    }
}

/// An enum's name in JavaScript, where `SealError` is the class of errors and this enum the type of its `failure`, and where a name
/// stands alone, without its module.
fn mirror_name(name: &str) -> Ident {
    let name = match name {
        "SealError" => "SealFailure",
        "Limit" => "LimitName",
        other => other,
    };
    format_ident!("{name}")
}
