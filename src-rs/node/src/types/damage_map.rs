//! The result of a salvage.

use crate::types::byte_range::ByteRange;
use crate::types::convert::{names, object};
use crate::types::names::DigestName;
use crate::types::report::RepairStats;
use crate::types::sender::StreamSender;
use sealstream::repair::salvage;

object! {
    /// What was recovered from a damaged stream, and what is lost. It is plain data: the command writes it as JSON.
    DamageMap from map: salvage::DamageMap {
        /// The version of this shape, 1.
        version: u32 = 1_u32,
        /// Whether all, some or none of the plaintext was recovered.
        outcome: SalvageOutcome,
        /// Bytes of the source.
        source_size: f64,
        /// Bytes of the source that could not be read.
        unreadable: f64,
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// The header that opened the stream.
        header: SalvagedHeader,
        /// State of the stream's end.
        end: SalvagedEnd,
        /// Who signed the end record, if it was found and is signed. It does not prove what was recovered.
        sender: Option<StreamSender>,
        /// Plaintext bytes in a full frame.
        frame_size: u32,
        /// Plaintext bytes in a full segment.
        segment_size: u32,
        /// The digest after each segment.
        digest: DigestName,
        /// Plaintext bytes of the stream; absent if neither the header nor the end nor a final segment states it.
        plaintext_size: Option<f64>,
        /// Number of segments of the stream. If its size is not known, up to the highest segment that was found.
        segments: f64,
        /// What was recovered.
        recovered: SalvageRecovered,
        /// Bytes of the output.
        output_size: f64,
        /// Plaintext bytes that are lost, as far as the stream's size is known.
        lost_bytes: f64 = map.lost.bytes,
        /// The lost ranges, in the plaintext's order; 100,000 at most.
        lost: Vec<LostRange> = map.lost.ranges,
        /// There are more: the last range spans all further ones and what was recovered between them.
        lost_is_merged: bool = map.lost.is_merged,
        /// Segments of which several sealings were found, or another one than the end names; 10,000 at most.
        conflicts: Vec<SalvageConflict>,
        /// The number of all conflicts.
        conflict_count: f64,
        /// The ids of other streams whose header is in the source, 64 at most.
        other_streams: Vec<String>,
        /// Figures about the work. No stage includes the search for markers.
        stats: RepairStats = (map.elapsed, map.threads, map.times),
    }
}

names! {
    /// How much of the plaintext was recovered.
    SalvageOutcome from salvage::Outcome {
        /// All of it. The end may still be damaged.
        Whole = "whole",
        /// Some of it.
        Partial = "partial",
        /// None: no frame verified.
        Nothing = "nothing",
    }
}

object! {
    /// The header that opened the stream.
    SalvagedHeader from place: salvage::HeaderLocation {
        /// How it was found.
        origin: HeaderOrigin,
        /// Its offset in the source, if it is there and is not the copy.
        offset: Option<f64>,
    }
}

names! {
    /// How a header was found.
    HeaderOrigin from salvage::HeaderOrigin {
        /// At the source's start.
        Start = "start",
        /// As the copy before an intact footer.
        Copy = "copy",
        /// The caller gave it.
        Given = "given",
        /// By its first bytes, somewhere in the source.
        Scan = "scan",
    }
}

names! {
    /// State of a stream's end.
    SalvagedEnd from salvage::TrailerState {
        /// End record and footer are intact.
        Verified = "verified",
        /// The end record or the footer is damaged.
        Damaged = "damaged",
        /// The end record's checksum is right and its authentication code is wrong.
        Tampered = "tampered",
        /// Nothing looks like an end.
        Missing = "missing",
    }
}

object! {
    /// What was recovered.
    SalvageRecovered from recovered: salvage::Recovered {
        /// Plaintext bytes.
        bytes: f64,
        /// Frames.
        frames: f64,
        /// Segments of which every frame was recovered.
        segments: f64,
    }
}

object! {
    /// A part of the plaintext that is lost.
    LostRange from lost: salvage::LostRange {
        /// The bytes of the plaintext.
        plaintext_range: ByteRange = lost.plaintext,
        /// Where they are, or should be, in the source; absent if that is not known.
        sealed_range: Option<ByteRange> = lost.sealed,
        /// The first segment that they belong to.
        segment: f64,
        /// Number of segments that they belong to.
        segment_count: f64,
        /// The cause.
        cause: LossCause = lost.reason.cause(),
        /// The cause as a sentence.
        message: String = lost.reason.to_string(),
    }
}

names! {
    /// Why bytes are lost.
    LossCause from salvage::LossCause {
        /// The bytes are not there, or can't be read.
        Missing = "missing",
        /// The bytes have changed, and the segment's digest shows it.
        Rot = "rot",
        /// The segment's digest is right and an authentication tag is wrong.
        Tampering = "tampering",
        /// The cause is not known.
        Unknown = "unknown",
    }
}

object! {
    /// A segment of which the source holds more than one sealing, or another one than the end names.
    SalvageConflict from conflict: salvage::Conflict {
        /// The segment.
        segment: f64,
        /// The sealing that was used.
        resolution: ConflictResolution,
        /// The same as a sentence.
        message: String = conflict.resolution.to_string(),
    }
}

names! {
    /// Which of several sealings of a segment was used.
    ConflictResolution from salvage::Resolution {
        /// The one that the end names.
        Named = "named",
        /// The one with most frames that verify, because there is no end.
        MostComplete = "most-complete",
        /// Another one than the end names, because that one had no frame that verifies.
        NotNamed = "not-named",
    }
}
