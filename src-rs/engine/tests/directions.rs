//! Which room of the engine may use which, which names a room must not contain, and how long a file may be, read from the
//! sources.

#![allow(clippy::unwrap_used, reason = "the helpers of these tests may panic too")]

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every room with the rooms that it uses, from the bottom up. `*` means all rooms above it in this table. The
/// nameless room is the crate's root.
const ROOMS: &str = "
format:
crypto: format
keys: format crypto
telemetry:
stream_v2::framing: format crypto
stream_v2::frame_worker: format crypto stream_v2::framing
stream_v2::segment_worker: format crypto stream_v2::framing stream_v2::frame_worker
floe: format crypto stream_v2::framing stream_v2::frame_worker
error: format crypto keys stream_v2::segment_worker
operation: format crypto keys telemetry error stream_v2::segment_worker
stream_v2::io: operation error
stream_v2::pipeline: format telemetry operation error stream_v2::framing stream_v2::segment_worker stream_v2::io
stream_v2::core: *
stream_v2: *
parts: format crypto
session: *
random_access: *
inspect: *
resume: *
files: *
repair: *
rekey: *
: *";

/// Rooms with the names that no path in them may contain. `!` in front of the rooms: in all other rooms.
const FORBIDDEN: &str = "
format crypto floe stream_v2::framing stream_v2::frame_worker stream_v2::segment_worker: fs io net process mpsc
format floe stream_v2::framing stream_v2::frame_worker stream_v2::segment_worker: thread rayon crossbeam
stream_v2::framing: FrameKey PayloadKey floe
! crypto: ring argon2 hpke
! : napi napi_derive tokio";

/// Sources with something that the tables do not allow, each behind the module that it would stand in.
const WRONG: &str = "
format::end: use crate::crypto::FrameIv;
format: mod inner { use crate::{format::Geometry, keys::Identity}; }
format: fn f() -> crate::keys::Identity { assert!(crate::keys::is_known(1)); }
stream_v2::framing::decode: use super::super::frame_worker::FrameInput;
stream_v2::framing::decode: use crate::stream_v2 as s;
stream_v2::framing::types: use crate::crypto::{FRAME_IV_SIZE, FrameKey};
stream_v2::framing::encode: fn f(w: &mut dyn std::io::Write) {}
stream_v2::frame_worker: use std::{fmt, thread};
stream_v2::segment_worker::encrypt: use crate::telemetry::StageTimes;
stream_v2::segment_worker::decrypt: use std::sync as s; fn f() { s::mpsc::channel::<u8>(); }
stream_v2::segment_worker::decrypt: use rayon::prelude::*;
stream_v2::pipeline::ordered: use crate::session::OpenSession;
stream_v2::core::decrypt: use crate::resume::Checkpoints;
stream_v2::io: use crate::*;
error: use crate::operation::cancel::CancellationToken;
keys: fn f() { ring::rand::SystemRandom::new(); }
telemetry: async fn f() { tokio::spawn(g()); }
: #[napi_derive::napi] fn f() {}";

/// Sources in which everything is allowed.
const RIGHT: &str = "
crypto::aead: use crate::format::FrameIndex; use ring::aead; fn f() { aead::seal() }
stream_v2::framing::types: use crate::crypto::{FRAME_IV_SIZE, FrameIv}; /* ring::aead */
stream_v2::segment_worker::encrypt: #[cfg(test)] mod tests { use std::thread; } fn f() {}
stream_v2: pub use core::decrypt_stream_v2;
rekey: use crate::{files::decrypt_file, stream_v2::core};";

/// The rows of a table, each split at its first ": ".
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = table.lines().skip(1);
    lines.map(|line| line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")))
}

type Name = Vec<String>;

fn split(path: &str) -> Name {
    let parts = path.split("::").filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// Adds every path in `tokens`; trees in braces are expanded, and items under `#[cfg(test)]` are left out.
fn collect(tokens: TokenStream, prefix: &[String], found: &mut Vec<Name>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_separator = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) if group.to_string() == "[cfg (test)]" => {
                let ends = |token: &TokenTree| match token {
                    TokenTree::Punct(punct) => ";,".contains(punct.as_char()),
                    TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                    _ => false,
                };
                let skipped = tokens[at..].iter().position(ends);
                at = skipped.map_or(tokens.len(), |last| at + last + 1);
            }
            TokenTree::Group(group) => collect(group.stream(), &[], found),
            TokenTree::Ident(first) if first == "as" => at += 1,
            TokenTree::Ident(first) => {
                let mut path = [prefix, &[first.to_string()]].concat();
                let mut is_tree = false;
                while is_separator(at) {
                    match tokens.get(at + 2) {
                        Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            collect(group.stream(), &path, found);
                            is_tree = true;
                        }
                        _ => path.push("*".into()),
                    }
                    at += 3;
                }
                if !is_tree && path.len() > 1 {
                    found.push(path);
                }
            }
            _ => {}
        }
    }
}

fn paths(source: &str) -> Vec<Name> {
    let mut found = Vec::new();
    collect(source.parse().unwrap(), &[], &mut found);
    found
}

/// The engine's modules with the paths in each, tests excepted.
struct Sources(BTreeMap<Name, Vec<Name>>);

impl Sources {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let (mut modules, mut folders) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                if name == "tests" || name == "testing" || name.ends_with("_tests") {
                    continue;
                } else if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let below = path.strip_prefix(&root).unwrap().with_extension("");
                let names = below.iter().map(|name| name.to_str().unwrap().to_owned());
                let mut module: Name = names.collect();
                module.pop_if(|name| name == "mod" || name == "lib");
                modules.insert(module, paths(&std::fs::read_to_string(path).unwrap()));
            }
        }
        Self(modules)
    }

    /// The path from the crate's root; `None` for a path into another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Name> {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let parent = &module[..module.len().saturating_sub(ups)];
        let child = [module, &path[..1]].concat();
        match path[0].as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => Some([parent, &path[ups..]].concat()),
            _ if self.0.contains_key(&child) => Some([module, path].concat()),
            _ => self.0.contains_key(&path[..1]).then(|| path.to_vec()),
        }
    }

    /// The module that defines what an absolute path names; re-exports are followed.
    fn home(&self, path: &[String]) -> Name {
        let mut prefixes = (0..=path.len()).rev().map(|size| &path[..size]);
        let module = prefixes.find(|name| self.0.contains_key(*name)).unwrap();
        let item = path.get(module.len());
        let exports = self.0[module].iter().filter(|export| export.last() == item);
        let mut below = exports.filter_map(|export| self.absolute(module, export));
        let below = below.find(|export| export.starts_with(module) && export.len() > module.len() + 1);
        below.map_or_else(|| module.to_vec(), |export| self.home(&export))
    }

    /// Everything in a module's paths that the tables do not allow.
    fn violations(&self, module: &[String], paths: &[Name]) -> Vec<String> {
        let own = room_of(module);
        let (room, uses) = rows(ROOMS).nth(own).unwrap();
        let room_at = |row| rows(ROOMS).nth(row).unwrap().0;
        let is_wrong = |path: &&Name| {
            let is_forbidden = rows(FORBIDDEN).any(|(rooms, names)| {
                let is_listed = rooms.split(' ').any(|listed| listed == room && !room.is_empty());
                is_listed != rooms.starts_with('!')
                    && path.iter().any(|part| names.split(' ').any(|name| name == part))
            });
            let used = self.absolute(module, path).map_or(own, |target| room_of(&target));
            let is_used = uses.split(' ').any(|name| name == room_at(used));
            is_forbidden || !(is_used || used == own || uses == "*" && used < own)
        };
        let found = paths.iter().filter(is_wrong).map(|path| path.join("::"));
        found
            .map(|path| format!("{} names {path}", module.join("::")))
            .collect()
    }
}

/// The row of the innermost room that a path leads into.
fn room_of(path: &[String]) -> usize {
    let rooms = rows(ROOMS).map(|(room, _)| room).enumerate();
    let fitting = rooms.filter(|(_, room)| path.starts_with(&split(room)));
    fitting.max_by_key(|(_, room)| room.len()).unwrap().0
}

#[test]
fn every_file_uses_only_what_its_room_may_use() {
    let sources = Sources::read();
    let found = sources
        .0
        .iter()
        .map(|(module, paths)| sources.violations(module, paths));
    let found = found.flatten().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn the_table_names_existing_rooms_from_the_bottom_up() {
    let sources = Sources::read();
    for (row, (room, uses)) in rows(ROOMS).enumerate() {
        assert!(sources.0.contains_key(&split(room)), "{room} is not a module");
        for used in uses.split(' ').filter(|used| !["", "*"].contains(used)) {
            let is_above = rows(ROOMS).take(row).any(|(room, _)| room == used);
            assert!(is_above, "{room} uses {used}, which is not above it");
        }
    }
}

#[test]
fn no_rust_file_has_more_than_400_lines() {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![engine.to_owned(), engine.with_file_name("node")];
    let mut found = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > 400 {
                    found += &format!("\n{}: {lines} lines", path.display());
                }
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = Sources::read();
    let uses = |(module, paths): (&Name, &Vec<Name>)| {
        let used = paths.iter().filter_map(|path| sources.absolute(module, path));
        // A module and the files in its folder are one unit.
        let used = used
            .map(|path| sources.home(&path))
            .filter(|used| !used.starts_with(module) && !module.starts_with(used));
        (module.clone(), used.collect::<BTreeSet<_>>())
    };
    let uses: BTreeMap<_, _> = sources.0.iter().map(uses).collect();
    let mut circles = String::new();
    let pairs = uses
        .iter()
        .flat_map(|(file, used)| used.iter().map(move |used| (file, used)));
    for (file, used) in pairs {
        let (mut reached, mut next) = (BTreeSet::new(), vec![used]);
        while let Some(file) = next.pop() {
            if reached.insert(file) {
                next.extend(&uses[file]);
            }
        }
        if reached.contains(file) {
            circles += &format!("\n{} uses {}", file.join("::"), used.join("::"));
        }
    }
    assert!(circles.is_empty(), "{circles}");
}

#[test]
fn the_rules_find_what_is_wrong_and_nothing_else() {
    let sources = Sources::read();
    for (examples, is_wrong) in [(WRONG, true), (RIGHT, false)] {
        for (module, source) in rows(examples) {
            let found = sources.violations(&split(module), &paths(source));
            assert_eq!(!found.is_empty(), is_wrong, "{module}: {source}: {found:?}");
        }
    }
}
