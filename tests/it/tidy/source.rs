//! Rust sources as the compiler sees them: every path that is named, wherever it stands, and every attribute.

use super::{read, root};
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, Macro, Meta, UseTree};

/// Which of a file's items count.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// All of them.
    Everything,
    /// Those that are built without `cfg(test)`.
    Shipped,
}

/// One module: where it stands and what it names.
#[derive(Default)]
pub(super) struct Source {
    /// The file, relative to the top of the checkout.
    pub(super) file: String,
    /// `["messages", "log"]` for `crate::messages::log`.
    pub(super) module: Vec<String>,
    /// Paths in expressions, types, imports (flattened) and macro arguments, each with the inline module it is in.
    pub(super) paths: Vec<(Vec<String>, String)>,
    /// Macros called, without the `!`.
    pub(super) macros: Vec<String>,
    /// Attributes, as `ignore` or `tokio::test`.
    pub(super) attributes: Vec<String>,
    /// Modules in other files.
    children: Vec<String>,
    shipped_only: bool,
}

impl Source {
    /// One file by itself.
    pub(super) fn of(file: &str, part: Part) -> Self {
        let parsed = syn::parse_file(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut source = Self { file: file.to_owned(), shipped_only: part == Part::Shipped, ..Self::default() };
        source.visit_file(&parsed);
        source
    }

    /// The paths resolved to `crate::…` where they lead there, however they were written.
    pub(super) fn resolved(&self) -> impl Iterator<Item = String> + '_ {
        self.paths.iter().map(|(inline, path)| {
            let mut at = [self.module.as_slice(), inline.as_slice()].concat();
            let mut rest = path.as_str();
            loop {
                let (first, tail) = rest.split_once("::").unwrap_or((rest, ""));
                match first {
                    "self" => {}
                    "super" => drop(at.pop()),
                    _ => break,
                }
                rest = tail;
                if tail.is_empty() {
                    break;
                }
            }
            if rest.len() == path.len() {
                return path.clone();
            }
            let whole = std::iter::once("crate").chain(at.iter().map(String::as_str)).chain([rest]);
            whole.collect::<Vec<_>>().join("::")
        })
    }

    fn name(&mut self, path: String) {
        self.paths.push((self.module.clone(), path));
    }
}

/// Every module of a crate that is built without `cfg(test)`, from its root file down.
pub(super) fn shipped(root_file: &str) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    let mut waiting = vec![(root_file.to_owned(), Vec::<String>::new())];
    while let Some((file, module)) = waiting.pop() {
        let mut source = Source::of(&file, Part::Shipped);
        let folder = match Path::new(&file).file_name().and_then(|name| name.to_str()) {
            Some("lib.rs" | "mod.rs") => Path::new(&file).parent().expect("a folder").to_owned(),
            _ => Path::new(&file).with_extension(""),
        };
        for child in &source.children {
            let beside = folder.join(format!("{child}.rs"));
            let path = if root().join(&beside).is_file() { beside } else { folder.join(child).join("mod.rs") };
            waiting.push((path.to_str().expect("UTF-8").to_owned(), [module.clone(), vec![child.clone()]].concat()));
        }
        source.module = module;
        found.push(source);
    }
    found
}

/// `a::{b, c::{d, *}}` as `a::b`, `a::c::d`, `a::c::*`.
fn flatten(tree: &UseTree, before: &str, into: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &format!("{before}{}::", path.ident), into),
        UseTree::Name(name) => into.push(format!("{before}{}", name.ident)),
        UseTree::Rename(rename) => into.push(format!("{before}{}", rename.ident)),
        UseTree::Glob(_) => into.push(format!("{before}*")),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, into)),
    }
}

fn joined(path: &syn::Path) -> String {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::")
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        if !(self.shipped_only && is_for_tests(attributes_of(item))) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_none() {
            self.children.push(item.ident.to_string());
        }
        // While a file is read, `module` holds the inline modules around what is being read.
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_use_tree(&mut self, tree: &'ast UseTree) {
        let mut flat = Vec::new();
        flatten(tree, "", &mut flat);
        flat.into_iter().for_each(|path| self.name(path));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.name(joined(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.macros.push(joined(&called.path));
        let tokens = called.tokens.to_string().replace(" ::", "::").replace(":: ", "::").replace(" !", "!");
        let words = tokens.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '!')));
        for word in words {
            // A macro inside a macro's arguments.
            if let Some(name) = word.strip_suffix('!') {
                self.macros.push(name.to_owned());
            } else if word.trim_matches(':').contains("::") {
                self.name(word.trim_matches(':').to_owned());
            }
        }
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.attributes.push(joined(attribute.path()));
        visit::visit_attribute(self, attribute);
    }
}

#[test]
fn what_is_named_is_seen_however_it_is_written() {
    let text = "use std::{fs, time::{Duration, Instant as Now}}; mod inner { use super::super::mesh::Mesh; }
        #[cfg(test)] mod tests { use tokio::spawn; } fn f() { assert!(std :: env::var(\"A\").is_ok(), todo !()); }";
    let parsed = syn::parse_file(text).expect("Rust");
    let mut source = Source { shipped_only: true, ..Source::default() };
    source.visit_file(&parsed);
    source.module = vec!["rooms".into()];
    let all: Vec<String> = source.resolved().collect();
    for path in ["std::fs", "std::time::Duration", "std::time::Instant", "std::env::var", "crate::mesh::Mesh"] {
        assert!(all.iter().any(|named| named == path), "{path} in {all:?}");
    }
    assert!(!all.iter().any(|named| named.starts_with("tokio")), "{all:?}");
    assert!(source.macros.iter().any(|name| name == "assert") && source.macros.iter().any(|name| name == "todo"));
}
