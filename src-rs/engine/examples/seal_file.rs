//! Seals a file for a key, and opens it again:
//! `cargo run --release -p sealstream --example seal_file -- FILE FOLDER`.
//!
//! Writes `FOLDER/example.key`, `FOLDER/sealed` and `FOLDER/opened`. None of them may exist.
#![allow(clippy::print_stdout, reason = "an example prints")]

use sealstream::files::{Placement, decrypt_file, encrypt_file};
use sealstream::format::DigestKind;
use sealstream::keys::{Identity, Recipient, write_key_file};
use sealstream::operation::options::HeaderLayout;
use sealstream::stream_v2::io::Overwrite;
use sealstream::{CancellationToken, Control, DecryptOptions, EncryptOptions, SecretKey, Threads};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [plain, folder] = arguments.as_slice() else {
        return Err("usage: seal_file FILE FOLDER".into());
    };
    let (plain, folder) = (Path::new(plain), Path::new(folder));
    let (sealed, opened) = (folder.join("sealed"), folder.join("opened"));

    // Only the owner can read the key file. The key is overwritten in memory when it is dropped.
    let key = SecretKey::generate()?;
    write_key_file(&folder.join("example.key"), &key)?;

    let recipient = Recipient::Key {
        key: key.clone(),
        id: "example".to_owned(),
    };
    let options = EncryptOptions {
        digest: DigestKind::Blake3,
        // Leaves room in the header, so that other keys can be added later without writing a new file.
        header: HeaderLayout::FILE,
        // The context is not stored. It has to be the same when the stream is opened.
        context: b"tenant 7".into(),
        ..EncryptOptions::new(vec![recipient])
    };

    // 0: one thread for each core.
    let threads = Threads::new(0)?;
    let print_progress = |progress: sealstream::telemetry::Progress| {
        println!("{} bytes done", progress.bytes_done);
    };
    let control = Control {
        threads: threads.clone(),
        cancel: CancellationToken::new(),
        progress: Some(&print_progress),
        segments: None,
    };
    let placement = Placement {
        overwrite: Overwrite::Refuse,
        flush: true,
    };
    let report = encrypt_file(plain, &sealed, &options, placement, &control)?;
    println!(
        "sealed {} bytes as {} in {} segments, {:?}",
        report.plaintext_size, report.sealed_size, report.segments, report.elapsed
    );

    // If any byte of `sealed` was changed, this fails with the segment and the byte, and leaves no output.
    let options = DecryptOptions {
        context: b"tenant 7".into(),
        ..DecryptOptions::new(vec![Identity::Key(key)])
    };
    let report = decrypt_file(&sealed, &opened, &options, placement, &control)?;
    println!("opened {} bytes in {:?}", report.plaintext_size, report.elapsed);
    Ok(())
}
