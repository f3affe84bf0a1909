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
//!
//! A type without a counterpart fails to compile in `mirrors.rs`.
//!
//! Why a generator: napi derives types only for items of this crate. `serde` with `ts-rs` would need two derives and attributes on
//! every 64-bit field of the engine (napi's serializer makes a `BigInt` of a large `u64`), `serde_json` in the binary, and a second
//! build of the engine to export the types.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};
use syn::visit::Visit;
use syn::{Attribute, Expr, ExprLit, Ident, ImplItem, Item, ItemEnum, Lit, LitStr, Type};

/// The enums that JavaScript receives, with all that they contain, and the prefix of their codes.
const ROOTS: &[(&str, &str)] = &[("SealError", "ERR_SEAL_"), ("FloeError", "ERR_FLOE_")];

/// Enums that are parts of reports.
const REPORTED: &[&str] = &["StartedOver"];

/// The files that declare those enums, and the path of each file's items for this crate.
const ENGINE: &[(&str, &str)] = &[
    ("format/error.rs", "::sealstream::format"),
    ("crypto/mod.rs", "::sealstream::crypto"),
    ("stream_v2/framing/types.rs", "::sealstream::stream_v2::framing"),
    ("stream_v2/frame_worker/types.rs", "::sealstream"),
    ("stream_v2/segment_worker/error.rs", "::sealstream"),
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
            code.extend(code_enum(root, prefix, codes));
        }
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
        let mut docs = docs(&item.attrs);
        let (mut variants, mut arms) = (Vec::new(), Vec::new());
        for variant in &item.variants {
            let tag = &variant.ident;
            let value = if is_error {
                tag.to_string()
            } else {
                kebab_case(&tag.to_string())
            };
            docs.extend(variant_docs(&value, &variant.attrs));
            let fields: Vec<_> = variant.fields.iter().map(|field| &field.ident).collect();
            let types = variant.fields.iter().map(|field| self.js_type(&field.ty, wanted));
            let field_docs = variant.fields.iter().map(|field| {
                let docs = self::docs(&field.attrs);
                quote!(#(#[doc = #docs])*)
            });
            // An error stays an object with a `kind` even if it has no fields, so that its shape does not change with the first field.
            // napi-rs takes an enum without any braces for names.
            variants.push(if is_error {
                quote!(#tag { #(#field_docs #fields: #types),* })
            } else {
                quote!(#[napi(value = #value)] #tag)
            });
            arms.push(quote! {
                #module::#name::#tag { #(#fields),* } =>
                    #mirror::#tag { #(#fields: crate::types::convert::IntoJs::into_js(#fields)),* }
            });
        }
        let kind = if is_error {
            quote!(discriminant = "kind")
        } else {
            quote!(string_enum)
        };
        quote! {
            #(#[doc = #docs])*
            #[::napi_derive::napi(#kind, object_from_js = false)]
            pub enum #mirror { #(#variants),* }

            impl crate::types::convert::IntoJs<#mirror> for #module::#name {
                fn into_js(self) -> #mirror {
                    match self { #(#arms),* }
                }
            }
        }
    }

    fn js_type(&self, ty: &Type, wanted: &mut Vec<String>) -> TokenStream {
        let name = ty.to_token_stream().to_string().replace(' ', "");
        let inner = name
            .strip_prefix("Option<")
            .and_then(|rest| rest.strip_suffix('>'));
        let mirrored = match inner.unwrap_or(&name) {
            // napi-rs would make a `BigInt` of it. A `f64` is exact up to 2^53.
            "u64" | "usize" | "SegmentIndex" | "WireOffset" => quote!(f64),
            "FrameIndex" => quote!(u32),
            other => {
                if self.enums.contains_key(other) {
                    wanted.push(other.to_owned());
                }
                mirror_name(other).to_token_stream()
            }
        };
        match inner {
            Some(_) => quote!(Option<#mirrored>),
            None => mirrored,
        }
    }
}

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

fn pascal_case(code: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{first}{}", rest.to_lowercase())
    };
    code.split('_').map(word).collect()
}

fn kebab_case(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The lines of a doc comment.
fn docs(attributes: &[Attribute]) -> Vec<String> {
    let text = |attribute: &Attribute| match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => Some(text.value()),
        _ => None,
    };
    let docs = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"));
    docs.filter_map(text).collect()
}

/// A variant's doc comment as an entry of a list in its enum's, because napi-rs drops the variant's own.
fn variant_docs(tag: &str, attributes: &[Attribute]) -> Option<String> {
    let lines = docs(attributes);
    let text: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    (!text.is_empty()).then(|| format!("\n - `{tag}`: {}", text.join(" ")))
}
