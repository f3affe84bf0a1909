//! Damaged segments.

use crate::types::byte_range::ByteRange;
use crate::types::convert::{names, object};
use crate::types::failure::SealFailure;
use sealstream::operation::damage;

object! {
    /// A segment that could not be opened, or an end of the stream that could not be verified.
    Damage from damage: damage::Damage {
        /// The first segment concerned, from 0. The number of segments for the stream's end.
        segment: f64,
        /// Number of segments concerned: more than 1 if several are missing, 0 for the stream's end.
        segment_count: f64,
        /// The plaintext bytes concerned. Empty for the stream's end.
        plaintext_range: ByteRange = damage.plaintext,
        /// Where they are, or should be, in the sealed stream.
        sealed_range: ByteRange = damage.sealed,
        /// What is wrong.
        failure: SealFailure = damage.failure.clone(),
        /// The failure as a sentence.
        message: String = damage.failure.to_string(),
        /// How often it was read again.
        retries: u32,
    }
}

names! {
    /// Outcome of a damaged segment.
    DamageOutcome from damage::DamageOutcome {
        /// It was left out of the output.
        Skipped = "skipped",
        /// The output has zeros in its place.
        Zeroed = "zeroed",
        /// Reading it again succeeded.
        Recovered = "recovered",
    }
}

object! {
    /// A damaged part after which the operation continued.
    SettledDamage from settled: (damage::Damage, damage::DamageOutcome) {
        /// The damage.
        damage: Damage = settled.0,
        /// Its outcome.
        outcome: DamageOutcome = settled.1,
    }
}

names! {
    /// What to do about a damaged segment.
    DamageDecision into damage::DamageDecision {
        /// Fail with it.
        Abort = "abort",
        /// Leave the segment out: what follows moves up.
        Skip = "skip",
        /// Write zeros in its place.
        Zero = "zero",
        /// Read it again.
        Retry = "retry",
    }
}
