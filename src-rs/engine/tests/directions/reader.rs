//! Every path that a source file names outside its tests, resolved to a module of this crate or to a foreign one.

use std::collections::HashMap;
use syn::visit::{self, Visit};
use syn::{Attribute, UseTree};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into this crate, from its root.
    Here(Vec<String>),
    /// Into another crate.
    Foreign(Vec<String>),
}

/// All targets that `source`, the file of `module`, names; `modules` are the crate's modules.
pub(crate) fn targets(module: &[String], source: &str, modules: &[Vec<String>]) -> Vec<Target> {
    let file = syn::parse_file(source).unwrap();
    let mut reader = Reader {
        module: module.to_vec(),
        paths: Vec::new(),
        names: HashMap::new(),
    };
    reader.visit_file(&file);
    let resolver = Resolver {
        modules,
        names: &reader.names,
    };
    reader
        .paths
        .iter()
        .map(|(module, path)| resolver.resolve(module, path, 0))
        .collect()
}

type Path = Vec<String>;

struct Reader {
    /// Where we are, inline modules included.
    module: Path,
    /// Every path with the module that names it.
    paths: Vec<(Path, Path)>,
    /// What `use` brings into scope, under its new name where it has one.
    names: HashMap<String, (Path, Path)>,
}

impl Reader {
    fn name(&mut self, path: Path) {
        self.paths.push((self.module.clone(), path));
    }

    fn use_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.use_tree(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, before)),
            UseTree::Glob(_) => self.name([before, &["*".to_owned()]].concat()),
            UseTree::Name(name) if name.ident == "self" => {
                self.bring(before.to_vec(), before.last().cloned())
            }
            UseTree::Name(name) => self.bring(with(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(rename) if rename.ident == "self" => {
                self.bring(before.to_vec(), Some(rename.rename.to_string()));
            }
            UseTree::Rename(rename) => self.bring(with(&rename.ident), Some(rename.rename.to_string())),
        }
    }

    fn bring(&mut self, path: Path, name: Option<String>) {
        if let Some(name) = name {
            self.names.insert(name, (self.module.clone(), path.clone()));
        }
        self.name(path);
    }

    /// Macros are not parsed, so their tokens are searched for `a::b::c`.
    fn tokens(&mut self, tokens: &str) {
        let spaced = tokens.replace("::", " :: ");
        let mut path: Path = Vec::new();
        let mut joined = false;
        for word in spaced.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            match word {
                "" => {}
                "::" => joined = true,
                _ if joined => {
                    path.push(word.to_owned());
                    joined = false;
                }
                _ => {
                    let done = std::mem::replace(&mut path, vec![word.to_owned()]);
                    if done.len() > 1 {
                        self.name(done);
                    }
                }
            }
        }
        if path.len() > 1 {
            self.name(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item
            .rename
            .as_ref()
            .map_or(&item.ident, |(_, name)| name)
            .to_string();
        self.bring(vec![item.ident.to_string()], Some(name));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let test = matches!(item, syn::ImplItem::Fn(function) if is_test(&function.attrs));
        if !test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_test(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_test(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_field_value(&mut self, value: &'ast syn::FieldValue) {
        if !is_test(&value.attrs) {
            visit::visit_field_value(self, value);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Path = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if names.len() > 1 {
            self.name(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.tokens(&found.tokens.to_string());
        visit::visit_macro(self, found);
    }

    /// `pub(in crate::a)` names who may see something, not what is used.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens.to_string());
        }
    }
}

fn attributes(item: &syn::Item) -> &[Attribute] {
    use syn::Item as I;
    match item {
        I::Const(item) => &item.attrs,
        I::Enum(item) => &item.attrs,
        I::Fn(item) => &item.attrs,
        I::Impl(item) => &item.attrs,
        I::Macro(item) => &item.attrs,
        I::Mod(item) => &item.attrs,
        I::Static(item) => &item.attrs,
        I::Struct(item) => &item.attrs,
        I::Trait(item) => &item.attrs,
        I::Type(item) => &item.attrs,
        I::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether something is there for tests alone, which may name what they like.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        let tokens = list.tokens.to_string().replace(' ', "");
        list.path.is_ident("cfg") && (tokens == "test" || tokens.starts_with("all(test,"))
    })
}

struct Resolver<'a> {
    modules: &'a [Path],
    names: &'a HashMap<String, (Path, Path)>,
}

impl Resolver<'_> {
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else {
            return Target::Here(module.to_vec());
        };
        match first.as_str() {
            "crate" => Target::Here(rest.to_vec()),
            "self" => self.resolve_in(module, rest),
            "super" => {
                let above = &module[..module.len().saturating_sub(1)];
                match rest.first().map(String::as_str) {
                    Some("super" | "self") => self.resolve(above, rest, depth),
                    _ => self.resolve_in(above, rest),
                }
            }
            name => {
                let child = [module, &[name.to_owned()]].concat();
                if self.modules.contains(&child) {
                    return self.resolve_in(module, path);
                }
                match self.names.get(name) {
                    // A name that was brought into scope, unless it is what brings itself.
                    Some((user, brought))
                        if brought != path && brought.first() != Some(first) && depth < 8 =>
                    {
                        self.resolve(user, &[brought, rest].concat(), depth + 1)
                    }
                    _ => Target::Foreign(path.to_vec()),
                }
            }
        }
    }

    fn resolve_in(&self, module: &[String], rest: &[String]) -> Target {
        Target::Here([module, rest].concat())
    }
}
