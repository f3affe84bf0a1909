//! The file that a detached header is written to.

use super::*;
use crate::telemetry::Progress;

/// Replaces existing headers and bodies.
const REPLACING: Placement = Placement {
    overwrite: Overwrite::Replace,
    flush: true,
};

impl Folder {
    /// Writes a body and its header file by sealing `plain` or by detaching from `stream`. Calls `meanwhile` when the whole body is
    /// written.
    fn write_header_file(
        &self,
        source: &str,
        header: (&str, Overwrite),
        placement: Placement,
        meanwhile: &(dyn Fn() + Sync),
    ) -> Result<Vec<u8>, SealError> {
        let listener = |_: Progress| meanwhile();
        let control = Control {
            progress: Some(&listener),
            ..Control::serial()
        };
        let (from, to, path) = (self.path(source), self.path("body"), self.path(header.0));
        let header_to = Some(HeaderFile {
            path: &path,
            overwrite: header.1,
        });
        if source == "stream" {
            return detach_header(&from, &to, header_to, placement, &control);
        }
        let report = encrypt_file_detached(&from, &to, header_to, &compact(), placement, &control)?;
        Ok(report.header.unwrap())
    }

    fn with_sources() -> Self {
        let folder = Self::new();
        folder.write("plain", &plaintext(5000));
        folder.write("stream", &seal(&plaintext(5000), &compact()));
        folder
    }
}

const SOURCES: [&str; 2] = ["plain", "stream"];

#[test]
fn the_header_is_written_to_its_own_file() {
    for source in SOURCES {
        let folder = Folder::with_sources();
        for placement in [NEW, REPLACING] {
            let header = folder
                .write_header_file(source, ("header", placement.overwrite), placement, &|| {})
                .unwrap();
            assert_eq!(folder.read("header"), header);
            let whole = folder.attach(&header, &folder.read("body")).unwrap();
            assert_eq!(StreamParts::of(&whole).header, header);
            assert_eq!(folder.names(), ["body", "header", "plain", "stream"]);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.path("header").metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[test]
fn if_the_header_file_fails_the_old_body_stays() {
    for source in SOURCES {
        let folder = Folder::with_sources();
        folder.write("body", b"the older body");
        let interfere = || folder.write("header", b"another file");
        let failure = folder
            .write_header_file(source, ("header", Overwrite::Refuse), REPLACING, &interfere)
            .unwrap_err();
        assert_eq!(failure.code(), "TARGET_EXISTS");
        assert_eq!(folder.read("body"), b"the older body");
        assert_eq!(folder.read("header"), b"another file");
        assert_eq!(folder.names(), ["body", "header", "plain", "stream"]);
    }
}

#[test]
fn the_header_file_is_in_place_before_the_body() {
    for source in SOURCES {
        let folder = Folder::with_sources();
        let interfere = || folder.write("body", b"another file");
        let failure = folder
            .write_header_file(source, ("header", Overwrite::Refuse), NEW, &interfere)
            .unwrap_err();
        assert_eq!(failure.code(), "TARGET_EXISTS");
        assert_eq!(folder.read("body"), b"another file");
        StreamHeader::parse(&folder.read("header")).unwrap();
    }
}

#[test]
fn header_body_and_source_must_be_different_files() {
    for source in SOURCES {
        let folder = Folder::with_sources();
        let names = ["body", source, "none/header"];
        let codes = |overwrite| {
            let placement = Placement { overwrite, ..NEW };
            names.map(|name| {
                let result = folder.write_header_file(source, (name, overwrite), placement, &|| {});
                result.unwrap_err().code()
            })
        };
        // All of these are found before the work.
        assert_eq!(codes(Overwrite::Replace), ["SAME_FILE", "SAME_FILE", "IO"]);
        folder.write("body", b"the older body");
        assert_eq!(codes(Overwrite::Replace), ["SAME_FILE", "SAME_FILE", "IO"]);
        assert_eq!(folder.read("body"), b"the older body");
        assert_eq!(folder.names(), ["body", "plain", "stream"]);
    }
}
