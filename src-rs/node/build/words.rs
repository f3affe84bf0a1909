//! Names in JavaScript's notations, and doc comments.

use syn::{Attribute, Expr, ExprLit, Lit};

pub(crate) fn pascal_case(code: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{first}{}", rest.to_lowercase())
    };
    code.split('_').map(word).collect()
}

pub(crate) fn kebab_case(name: &str) -> String {
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
pub(crate) fn doc_lines(attributes: &[Attribute]) -> Vec<String> {
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
pub(crate) fn variant_docs(tag: &str, attributes: &[Attribute]) -> Option<String> {
    let lines = doc_lines(attributes);
    let text: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    (!text.is_empty()).then(|| format!("\n - `{tag}`: {}", text.join(" ")))
}
