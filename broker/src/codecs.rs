//! Kafka's codecs, for those in the pure crates who have to see the records of a batch: compaction, and the check for keys.
//!
//! Invariant: nothing decompresses to more than `broker_wire`'s limits allow.

use broker_store::clean::Codecs;
use broker_wire::codec::{self, Codec, Decompressor, Limits};

/// All that `broker_wire` knows.
#[derive(Debug, Default)]
pub(crate) struct WireCodecs {
    decompressor: Decompressor,
    decompressed: Vec<u8>,
}

impl Codecs for WireCodecs {
    fn decompress(&mut self, codec: u8, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
        let codec = Codec::of(codec).map_err(|error| error.to_string())?;
        let done = self.decompressor.decompress(codec, bytes, &Limits::default(), &mut self.decompressed);
        done.map_err(|error| error.to_string())?;
        to.extend_from_slice(&self.decompressed);
        Ok(())
    }

    fn compress(&mut self, codec: u8, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
        let codec = Codec::of(codec).map_err(|error| error.to_string())?;
        codec::compress(codec, bytes, to).map_err(|error| error.to_string())
    }
}

/// The records of a batch as they were before compression.
pub(crate) fn decompress(codec: u8, records: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
    WireCodecs::default().decompress(codec, records, to)
}
