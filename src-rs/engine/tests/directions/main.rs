//! The modules' directions, read out of the sources: `headers <- crypto <- keys <- stream_v2`, and inside it
//! `framing <- frame_worker <- segment_worker <- pipeline <- core`. See docs/ARCHITECTURE.md.

#[cfg(test)]
mod reader;
#[cfg(test)]
mod table;

#[cfg(test)]
mod directions {
    use super::reader::{Target, targets};
    use super::table::{ITEMS, NOWHERE, ONLY, ROWS};
    use std::path::{Path, PathBuf};

    /// What is wrong with a file: every path in it that points the wrong way or names what it must not.
    fn violations(module: &str, source: &str) -> Vec<String> {
        let known: Vec<_> = files().into_iter().map(|file| module_of(&file)).collect();
        violations_among(&parts(module), source, &known)
    }

    fn violations_among(module: &[String], source: &str, known: &[Vec<String>]) -> Vec<String> {
        let own = row_of(module);
        let rule = &ROWS[own];
        let mut found = Vec::new();
        for target in targets(module, source, known) {
            let wrong = match &target {
                Target::Here(path) => {
                    let row = row_of(path);
                    let used = ROWS[row].module;
                    let item = path.get(parts(used).len()).map(String::as_str);
                    let limited = ITEMS
                        .iter()
                        .find(|(by, of, _)| *by == rule.module && *of == used)
                        .is_some_and(|(_, _, items)| !item.is_some_and(|item| items.contains(&item)));
                    row > own || rule.never.contains(&used) || limited
                }
                Target::Foreign(path) => {
                    let starts = |name: &str| path.starts_with(&parts(name));
                    let reserved = ONLY.iter().any(|(name, by)| starts(name) && rule.module != *by);
                    reserved || rule.foreign.iter().chain(NOWHERE).any(|name| starts(name))
                }
            };
            if wrong {
                let (Target::Here(path) | Target::Foreign(path)) = target;
                found.push(format!("{} names {}", module.join("::"), path.join("::")));
            }
        }
        found
    }

    /// The row of the module that a path leads into.
    fn row_of(path: &[String]) -> usize {
        let fitting = ROWS
            .iter()
            .enumerate()
            .filter(|(_, row)| path.starts_with(&parts(row.module)));
        fitting
            .max_by_key(|(_, row)| parts(row.module).len())
            .map(|(at, _)| at)
            .unwrap()
    }

    fn parts(path: &str) -> Vec<String> {
        path.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn source_folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
    }

    /// All sources but those that are tests.
    fn files() -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![source_folder()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_stem().unwrap() == "tests" {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    fn module_of(file: &Path) -> Vec<String> {
        let below = file.strip_prefix(source_folder()).unwrap().with_extension("");
        let names = below.iter().map(|name| name.to_str().unwrap().to_owned());
        let mut names: Vec<_> = names.collect();
        if matches!(names.last().map(String::as_str), Some("mod" | "lib")) {
            names.pop();
        }
        names
    }

    #[test]
    fn no_source_names_what_is_above_it() {
        let files = files();
        let known: Vec<_> = files.iter().map(|file| module_of(file)).collect();
        let mut found = Vec::new();
        for (file, module) in files.iter().zip(&known) {
            let source = std::fs::read_to_string(file).unwrap();
            found.extend(violations_among(module, &source, &known));
        }
        assert!(found.is_empty(), "\n{}", found.join("\n"));
    }

    #[test]
    fn every_module_has_a_row_and_every_row_a_module() {
        let modules: Vec<_> = files().iter().map(|file| module_of(file)).collect();
        for module in &modules {
            let depth = if module.first().is_some_and(|name| name == "stream_v2") {
                2
            } else {
                1
            };
            let due = module[..module.len().min(depth)].join("::");
            assert!(
                ROWS.iter().any(|row| row.module == due),
                "{due} has no row in the table"
            );
        }
        for row in ROWS {
            assert!(
                modules.contains(&parts(row.module)),
                "the table's {} is no module",
                row.module
            );
            for name in row.never {
                assert!(ROWS.iter().any(|row| row.module == *name), "{name} is no module");
            }
        }
    }

    #[test]
    fn an_arrow_that_points_the_wrong_way_is_found() {
        for (module, source) in [
            ("headers::stream", "use crate::crypto::FrameIv;"),
            (
                "headers::stream",
                "use crate::{keys::Identity, headers::Geometry};",
            ),
            ("crypto::wrap", "use crate::keys::Identity;"),
            ("crypto", "pub use crate::stream_v2::pipeline::Threads;"),
            ("keys", "use crate::stream_v2::options::Control;"),
            ("telemetry::clock", "use crate::headers::SegmentIndex;"),
            (
                "stream_v2::framing::decode",
                "use crate::stream_v2::frame_worker::FrameInput;",
            ),
            (
                "stream_v2::framing::decode",
                "use super::super::frame_worker::FrameInput;",
            ),
            (
                "stream_v2::framing",
                "fn f() { crate::stream_v2::segment_worker::g() }",
            ),
            (
                "stream_v2::frame_worker::types",
                "type A = crate::stream_v2::segment_worker::SegmentPlan;",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "use crate::stream_v2::{framing::contents, pipeline};",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "use crate::stream_v2::cancel::CancellationToken;",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "use crate::telemetry::StageTimes;",
            ),
            (
                "stream_v2::frame_worker::encrypt",
                "use crate::telemetry as t; fn f() { t::g() }",
            ),
            (
                "stream_v2::pipeline::record",
                "use crate::stream_v2::core::encrypt_stream_v2;",
            ),
            ("stream_v2::pipeline::record", "use crate::crypto::Random;"),
            ("stream_v2::io::pipe", "use crate::stream_v2::pipeline::Threads;"),
            ("stream_v2::failure", "use super::io::OutputFile;"),
            ("stream_v2::failure", "use super::*;"),
            ("headers::units", "use crate::SecretKey;"),
            ("stream_v2::report", "use crate::*;"),
            ("stream_v2::report", "use super::sealed_size;"),
            ("headers", "mod inner { use crate::keys::unlock; }"),
            ("headers", "fn f() { assert!(crate::keys::is_known(1)); }"),
            (
                "headers",
                "impl A { fn f(&self) -> crate::keys::Identity { todo() } }",
            ),
            (
                "stream_v2::framing",
                "use super::segment_worker as worker; fn f() { worker::g() }",
            ),
            (
                "stream_v2::framing::decode",
                "use crate::stream_v2; fn f() { stream_v2::segment_worker::g() }",
            ),
        ] {
            assert!(!violations(module, source).is_empty(), "{module}: {source}");
        }
    }

    #[test]
    fn a_forbidden_name_is_found() {
        for (module, source) in [
            ("headers::end", "use ring::digest;"),
            ("keys", "fn f() { ring::rand::SystemRandom::new(); }"),
            ("stream_v2::core", "extern crate ring;"),
            ("stream_v2::segment_worker", "use std::thread;"),
            (
                "stream_v2::segment_worker::encrypt",
                "fn f() { std::thread::spawn(g); }",
            ),
            ("stream_v2::segment_worker::encrypt", "use rayon::prelude::*;"),
            ("stream_v2::segment_worker::encrypt", "use crossbeam::channel;"),
            (
                "stream_v2::segment_worker::encrypt",
                "use std::{sync::mpsc::channel, fmt};",
            ),
            (
                "stream_v2::segment_worker::decrypt",
                "use std::sync as s; fn f() { s::mpsc::channel::<u8>(); }",
            ),
            (
                "stream_v2::segment_worker::decrypt",
                "use std as s; fn f() { s::fs::read(\"x\"); }",
            ),
            ("stream_v2::frame_worker::encrypt", "use std::io::Write;"),
            ("stream_v2::frame_worker::encrypt", "use std::fs::File;"),
            (
                "stream_v2::framing::encode",
                "fn f(w: &mut dyn std::io::Write) {}",
            ),
            (
                "stream_v2::framing::encode",
                "fn f() { println!(\"{:?}\", std::fs::read(\"x\")); }",
            ),
            ("headers::stream", "use std::io::Read;"),
            ("crypto::random", "use std::fs::File;"),
            ("stream_v2::io::file", "use napi::bindgen_prelude::*;"),
            ("", "#[napi_derive::napi] fn f() {}"),
            ("stream_v2::core", "#[derive(napi::Object)] struct A;"),
            ("telemetry", "async fn f() { tokio::spawn(g()); }"),
        ] {
            assert!(!violations(module, source).is_empty(), "{module}: {source}");
        }
    }

    #[test]
    fn framing_takes_from_crypto_what_stands_on_the_wire_and_nothing_that_encrypts() {
        let allowed = "use crate::crypto::{FRAME_IV_SIZE, FRAME_TAG_SIZE, FrameIv};";
        assert_eq!(violations("stream_v2::framing::types", allowed), [""; 0]);
        for source in [
            "use crate::crypto::FrameKey;",
            "use crate::crypto;",
            "use crate::crypto::*;",
            "use crate::crypto::floe::MessageKeys;",
            "fn f(key: &crate::crypto::FrameKey) {}",
        ] {
            assert!(
                !violations("stream_v2::framing::types", source).is_empty(),
                "{source}"
            );
        }
    }

    #[test]
    fn what_points_the_right_way_is_not_found() {
        for (module, source) in [
            ("headers::stream", "use super::cursor::Cursor; use std::fmt;"),
            (
                "crypto::aead",
                "use crate::headers::FrameIndex; use ring::aead; fn f() { aead::seal() }",
            ),
            ("crypto::kdf", "use ring::hkdf; fn f() { ring::hmac::sign() }"),
            (
                "keys::file",
                "use crate::crypto::SecretKey; use std::io::{self, Read}; fn f() { io::empty(); }",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "use crate::stream_v2::frame_worker::FrameInput;",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "#[cfg(test)] mod tests { use std::thread; }",
            ),
            (
                "stream_v2::segment_worker::encrypt",
                "struct A { #[cfg(test)] b: std::thread::Thread }",
            ),
            (
                "stream_v2::core",
                "use super::pipeline::Threads; use std::io::Read;",
            ),
            ("stream_v2::io::file", "mod system { use super::{File, io}; }"),
            ("stream_v2", "pub use core::decrypt_stream_v2;"),
        ] {
            assert_eq!(violations(module, source), [""; 0], "{source}");
        }
    }
}
