//! Decompression, bounded.

use std::{
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, errors as zstd};

/// Reads all frames of a zstd stream. Unlike the decoder that it uses, it takes several frames, skips
/// those meant to be skipped and checks the checksum.
pub(super) struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    within: bool,
}

/// A frame without blocks. A decoder makes room for the whole window of a frame at once, instead of growing into
/// it, from its second frame on.
const NO_FRAME: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 0];

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        let primed = decoder.reset(NO_FRAME.as_slice());
        debug_assert!(primed.is_ok(), "{primed:?}");
        Self { source, decoder, within: false }
    }

    /// Enters the next frame; `false` at the end.
    fn enter(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(zstd::FrameDecoderError::ReadFrameHeaderError(
                    zstd::ReadFrameHeaderError::SkipFrame { length, .. },
                )) => {
                    let skipped = io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(bad(error)),
            }
        }
    }

    fn leave(&mut self) -> io::Result<()> {
        self.within = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => Err(bad("its checksum does not match")),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within && !self.enter()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(bad)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.leave()?;
        }
    }
}

fn bad(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// How much may come out of one file and of the whole bundle.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    pub(super) file: u64,
    /// Most bytes that one compressed byte may unfold to, once more than `ratio_from` have.
    pub(super) ratio: u64,
    pub(super) ratio_from: u64,
    pub(super) total: u64,
    /// What the bundle gave so far.
    pub(super) given: Arc<AtomicU64>,
}

/// More came out than allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Exceeded(String);

/// Fails once more comes out than allowed.
pub(super) struct Bounded<R> {
    inner: R,
    allowance: Allowance,
    /// Compressed size; `None` for a plain file.
    packed: Option<u64>,
    out: u64,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, allowance: Allowance, packed: Option<u64>) -> Self {
        Self { inner, allowance, packed, out: 0 }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let more = count as u64;
        self.out += more;
        let total = self.allowance.given.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        let Allowance { file, ratio, ratio_from, total: most, .. } = self.allowance;
        let unfolded = self.packed.is_some_and(|packed| self.out > packed.max(1).saturating_mul(ratio));
        let exceeded = if self.out > file {
            format!("unpacks to more than {file} bytes")
        } else if self.out > ratio_from && unfolded {
            format!("unpacks to more than {ratio} times its size")
        } else if total > most {
            format!("makes the bundle unpack to more than {most} bytes")
        } else {
            return Ok(count);
        };
        Err(io::Error::other(Exceeded(exceeded)))
    }
}

/// Whether an error of reading is that of [`Bounded`].
pub(super) fn exceeded(error: &io::Error) -> Option<&Exceeded> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
