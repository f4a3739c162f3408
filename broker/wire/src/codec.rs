//! The compression codecs of record batches, both ways.
//!
//! Owns codec numbers and names, and decompression that stops at a cap while it runs. Leaves batches to [`crate::records`]
//! and [`crate::builder`]. The broker never compresses nor decompresses what it stores; this is for readers and tools.
//! Invariant: output never grows past the cap, whatever the compressed bytes state.

use std::io::{self, Read, Write};

use thiserror::Error;

/// A codec; its number is bits 0 to 2 of a batch's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// 0.
    #[default]
    None,
    /// 1.
    Gzip,
    /// 2; in snappy-java's framing when written, with or without it when read.
    Snappy,
    /// 3; a frame of independent blocks, which is what Kafka's own reader takes.
    Lz4,
    /// 4.
    Zstd,
}

/// Why bytes cannot be compressed or decompressed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// A number that Kafka has not given out.
    #[error("unknown compression codec {0}")]
    Unknown(u8),
    /// Not what the codec writes.
    #[error("corrupt {codec} data: {error}", codec = .codec.name())]
    Corrupt {
        /// The codec.
        codec: Codec,
        /// Its words.
        error: String,
    },
    /// A decompression bomb, or a batch for which the limits are too tight.
    #[error("{compressed} bytes of {codec} data decompress to more than {cap} bytes", codec = .codec.name())]
    TooLarge {
        /// The codec.
        codec: Codec,
        /// Bytes before.
        compressed: usize,
        /// Bytes allowed after.
        cap: usize,
    },
}

/// How far decompression may go: the smaller of `max_bytes` and `max_ratio` times the input plus 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output.
    pub max_bytes: usize,
    /// Bytes of output per byte of input.
    pub max_ratio: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 128 << 20, max_ratio: 100 }
    }
}

impl Limits {
    /// Bytes allowed for so many compressed ones.
    pub fn cap(&self, compressed: usize) -> usize {
        compressed.saturating_mul(self.max_ratio).saturating_add(1 << 20).min(self.max_bytes)
    }
}

impl Codec {
    /// All of them, by number.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of that number.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] from 5 on.
    pub fn of(number: u8) -> Result<Self, CodecError> {
        Self::ALL.get(usize::from(number)).copied().ok_or(CodecError::Unknown(number))
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of that name in `compression.type`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// Decompresses one batch after another.
#[derive(Default)]
pub struct Decompressor {
    snappy: snap::raw::Decoder,
    #[cfg(not(target_family = "wasm"))]
    zstd: Option<zstd::zstd_safe::DCtx<'static>>,
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}

impl Decompressor {
    /// Puts what `input` decompresses to in place of what `output` holds.
    ///
    /// # Errors
    /// Corrupt input, or more output than `limits` allow; `output` is then of no use.
    pub fn decompress(
        &mut self,
        codec: Codec,
        input: &[u8],
        limits: &Limits,
        output: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let cap = limits.cap(input.len());
        output.clear();
        let result = match codec {
            Codec::None => fill(input, cap, output),
            Codec::Gzip => fill(flate2::bufread::MultiGzDecoder::new(input), cap, output),
            Codec::Snappy => self.snappy(input, cap, output),
            Codec::Lz4 => fill(lz4_flex::frame::FrameDecoder::new(input), cap, output),
            Codec::Zstd => self.zstd(input, cap, output),
        };
        result.map_err(|stop| match stop {
            Stop::TooLarge => CodecError::TooLarge { codec, compressed: input.len(), cap },
            Stop::Corrupt(error) => CodecError::Corrupt { codec, error },
        })
    }

    fn snappy(&mut self, input: &[u8], cap: usize, output: &mut Vec<u8>) -> Result<(), Stop> {
        let Some(mut blocks) = input.strip_prefix(&SNAPPY_JAVA_MAGIC) else {
            return self.snappy_block(input, cap, output);
        };
        // Version and compatible version; snappy-java does not look at them in data that it knows to be its own.
        blocks = blocks.get(8..).ok_or_else(|| Stop::corrupt("its header is cut off"))?;
        while !blocks.is_empty() {
            let (len, rest) = blocks.split_first_chunk().ok_or_else(|| Stop::corrupt("a block length is cut off"))?;
            let len = u32::from_be_bytes(*len) as usize;
            let block = rest.get(..len).ok_or_else(|| Stop::corrupt("a block is cut off"))?;
            self.snappy_block(block, cap, output)?;
            blocks = &rest[len..];
        }
        Ok(())
    }

    fn snappy_block(&mut self, block: &[u8], cap: usize, output: &mut Vec<u8>) -> Result<(), Stop> {
        let len = snap::raw::decompress_len(block).map_err(Stop::corrupt)?;
        let start = output.len();
        if len > cap - start {
            return Err(Stop::TooLarge);
        }
        output.resize(start + len, 0);
        self.snappy.decompress(block, &mut output[start..]).map(drop).map_err(Stop::corrupt)
    }

    #[cfg(not(target_family = "wasm"))]
    fn zstd(&mut self, input: &[u8], cap: usize, output: &mut Vec<u8>) -> Result<(), Stop> {
        let context = self.zstd.get_or_insert_with(zstd::zstd_safe::DCtx::create);
        context.reset(zstd::zstd_safe::ResetDirective::SessionOnly).map_err(|_| Stop::corrupt("no context"))?;
        fill(zstd::stream::read::Decoder::with_context(input, context), cap, output)
    }

    #[cfg(target_family = "wasm")]
    fn zstd(&mut self, _: &[u8], _: usize, _: &mut Vec<u8>) -> Result<(), Stop> {
        Err(Stop::corrupt("zstd is not built in"))
    }
}

enum Stop {
    TooLarge,
    Corrupt(String),
}

impl Stop {
    fn corrupt(error: impl ToString) -> Self {
        Self::Corrupt(error.to_string())
    }
}

fn fill(source: impl Read, cap: usize, output: &mut Vec<u8>) -> Result<(), Stop> {
    source.take(cap as u64 + 1).read_to_end(output).map_err(Stop::corrupt)?;
    if output.len() > cap { Err(Stop::TooLarge) } else { Ok(()) }
}

/// Magic of snappy-java's `SnappyOutputStream`, which Kafka's producers write.
const SNAPPY_JAVA_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const SNAPPY_JAVA_VERSION: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Bytes that snappy-java compresses at once.
const SNAPPY_BLOCK: usize = 32 << 10;

/// Appends `input`, compressed at the codec's default level, to `output`.
///
/// # Errors
/// The codec is not built in (zstd on WebAssembly).
pub fn compress(codec: Codec, input: &[u8], output: &mut Vec<u8>) -> Result<(), CodecError> {
    let result = match codec {
        Codec::None => output.write_all(input),
        Codec::Gzip => gzip(input, output),
        Codec::Snappy => snappy(input, output),
        Codec::Lz4 => lz4(input, output),
        Codec::Zstd => zstd(input, output),
    };
    result.map_err(|error| CodecError::Corrupt { codec, error: error.to_string() })
}

fn gzip(input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = flate2::write::GzEncoder::new(output, flate2::Compression::default());
    encoder.write_all(input)?;
    encoder.finish().map(drop)
}

fn snappy(input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
    output.extend_from_slice(&SNAPPY_JAVA_MAGIC);
    output.extend_from_slice(&SNAPPY_JAVA_VERSION);
    let mut encoder = snap::raw::Encoder::new();
    for block in input.chunks(SNAPPY_BLOCK) {
        let start = output.len();
        output.resize(start + 4 + snap::raw::max_compress_len(block.len()), 0);
        let len = encoder.compress(block, &mut output[start + 4..])?;
        output[start..start + 4].copy_from_slice(&(len as u32).to_be_bytes());
        output.truncate(start + 4 + len);
    }
    Ok(())
}

fn lz4(input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, output);
    encoder.write_all(input)?;
    encoder.finish().map(drop).map_err(io::Error::other)
}

#[cfg(not(target_family = "wasm"))]
fn zstd(input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
    zstd::stream::copy_encode(input, output, zstd::DEFAULT_COMPRESSION_LEVEL)
}

#[cfg(target_family = "wasm")]
fn zstd(_: &[u8], _: &mut Vec<u8>) -> io::Result<()> {
    Err(io::Error::other("zstd is not built in"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|at| b"a line of text, then another\n"[at % 29] ^ (at / 9973) as u8).collect()
    }

    fn compressed(codec: Codec, input: &[u8]) -> Vec<u8> {
        let mut output = b"before".to_vec();
        compress(codec, input, &mut output).unwrap();
        output.split_off(6)
    }

    #[test]
    fn every_codec_round_trips() {
        let mut decompressor = Decompressor::default();
        let mut output = Vec::new();
        for codec in Codec::ALL {
            for len in [0, 1, 100, 32 << 10, 300_001] {
                let input = text(len);
                let bytes = compressed(codec, &input);
                decompressor.decompress(codec, &bytes, &Limits::default(), &mut output).unwrap();
                assert!(output == input, "{} {len}", codec.name());
                assert!(codec == Codec::None || len < 1000 || bytes.len() < len / 2, "{}", codec.name());
            }
        }
    }

    #[test]
    fn bombs_stop_at_the_cap() {
        let zeros = vec![0; 8 << 20];
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let bomb = compressed(codec, &zeros);
            let check = |limits: Limits| {
                let mut output = Vec::new();
                let result = Decompressor::default().decompress(codec, &bomb, &limits, &mut output);
                let cap = limits.cap(bomb.len());
                assert_eq!(result, Err(CodecError::TooLarge { codec, compressed: bomb.len(), cap }));
                assert!(output.capacity() <= 2 * cap + 64, "{} {}", codec.name(), output.capacity());
            };
            check(Limits { max_bytes: 5 << 20, max_ratio: usize::MAX });
            check(Limits { max_bytes: usize::MAX, max_ratio: 2 });
        }
    }

    #[test]
    fn a_snappy_block_without_framing_is_read() {
        let input = text(1000);
        let block = snap::raw::Encoder::new().compress_vec(&input).unwrap();
        let mut output = Vec::new();
        Decompressor::default().decompress(Codec::Snappy, &block, &Limits::default(), &mut output).unwrap();
        assert_eq!(output, input);
    }

    #[test]
    fn damaged_data_is_an_error() {
        let input = text(10_000);
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let bytes = compressed(codec, &input);
            let mut decompressor = Decompressor::default();
            let mut output = Vec::new();
            for end in 1..bytes.len() {
                let cut = decompressor.decompress(codec, &bytes[..end], &Limits::default(), &mut output);
                assert!(cut.is_err() || input.starts_with(&output), "{} cut at {end}", codec.name());
            }
            decompressor.decompress(codec, &bytes, &Limits::default(), &mut output).unwrap();
            assert!(output == input, "a decoder recovers from what it read before");
        }
    }

    #[test]
    fn codecs_are_found_by_number_and_name() {
        for codec in Codec::ALL {
            assert_eq!(Codec::of(codec.number()), Ok(codec));
        }
        assert_eq!(Codec::of(5), Err(CodecError::Unknown(5)));
        assert_eq!(Codec::named("zstd"), Some(Codec::Zstd));
        assert_eq!(Codec::named("producer"), None);
    }
}
