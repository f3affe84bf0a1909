//! Reads the engine's source: enums, newtypes over integers, and what their `code` methods can return.

use proc_macro2::TokenStream;
use std::collections::BTreeMap;
use std::path::Path;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Attribute, Fields, Ident, Item, ItemEnum, Token, Type, Variant};

/// What was read, by name.
#[derive(Default)]
pub(crate) struct Source {
    /// Public enums, and the path of the module that the addon finds each in.
    pub(crate) enums: BTreeMap<String, (syn::Path, ItemEnum)>,
    /// `struct Name(integer)`: to the integer's type.
    pub(crate) newtypes: BTreeMap<String, Type>,
    /// The texts that an enum's `code` method can return, in the method's order.
    pub(crate) codes: BTreeMap<String, Vec<String>>,
}

impl Source {
    /// Adds a file whose items the addon finds in `module`.
    pub(crate) fn read(&mut self, file: &Path, module: &str) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let module: syn::Path = syn::parse_str(module).map_err(|error| failed(&error))?;
        let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
        for item in syn::parse_file(&text).map_err(|error| failed(&error))?.items {
            match item {
                Item::Enum(item) => self.add_enum(&module, item),
                Item::Macro(item) => match syn::parse2(item.mac.tokens) {
                    Ok(Declaration::Enum(item)) => self.add_enum(&module, item),
                    Ok(Declaration::Newtype(name, inner)) => {
                        self.newtypes.insert(name.to_string(), inner);
                    }
                    // Some other macro; if an error needs what it declares, the mirror says so.
                    Err(_) => {}
                },
                Item::Impl(item) => self.add_codes(&item),
                _ => {}
            }
        }
        Ok(())
    }

    fn add_enum(&mut self, module: &syn::Path, item: ItemEnum) {
        self.enums.insert(item.ident.to_string(), (module.clone(), item));
    }

    fn add_codes(&mut self, item: &syn::ItemImpl) {
        let Type::Path(of) = &*item.self_ty else { return };
        let (None, Some(name)) = (&item.trait_, of.path.get_ident()) else {
            return;
        };
        for member in &item.items {
            if let syn::ImplItem::Fn(method) = member
                && method.sig.ident == "code"
            {
                let mut texts = Texts::default();
                texts.visit_block(&method.block);
                self.codes.insert(name.to_string(), texts.0);
            }
        }
    }
}

/// The string literals of a function's body.
#[derive(Default)]
struct Texts(Vec<String>);

impl Visit<'_> for Texts {
    fn visit_lit_str(&mut self, text: &syn::LitStr) {
        self.0.push(text.value());
    }
}

/// What the engine's own macros are given: `Name(integer)`, or `Name { Variant = "words", … }`.
enum Declaration {
    Newtype(Ident, Type),
    Enum(ItemEnum),
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let ident: Ident = input.parse()?;
        if input.peek(syn::token::Paren) {
            let fields: syn::FieldsUnnamed = input.parse()?;
            let field = fields
                .unnamed
                .first()
                .ok_or_else(|| input.error("expected a type"))?;
            return Ok(Self::Newtype(ident, field.ty.clone()));
        }
        let content;
        syn::braced!(content in input);
        let variants = Punctuated::<Variant, Token![,]>::parse_terminated(&content)?;
        let variants: Vec<TokenStream> = variants
            .iter()
            .map(|Variant { attrs, ident, .. }| quote::quote!(#(#attrs)* #ident))
            .collect();
        syn::parse2(quote::quote!(#(#attrs)* pub enum #ident { #(#variants),* })).map(Self::Enum)
    }
}

/// Whether the variants carry nothing, and the enum is no error by itself.
pub(crate) fn is_word(item: &ItemEnum) -> bool {
    let units = item
        .variants
        .iter()
        .all(|variant| matches!(variant.fields, Fields::Unit));
    let derives_error = item
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("derive"))
        .any(|attr| {
            let derives = quote::ToTokens::to_token_stream(&attr.meta).to_string();
            derives
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == "Error")
        });
    // An error stays an object with a `kind`, so that the first payload added later doesn't change its shape.
    units && !derives_error
}
