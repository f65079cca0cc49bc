//! Block codecs of the native host: the portable ones, with libzstd in place of the portable
//! Zstandard, which compresses no better than S2.

use core::cell::RefCell;
use nanotdb_core::compress::{BlockCodec, BlockError, CodecId, Codecs};
use zstd::bulk::{Compressor, Decompressor};

/// The codecs a store uses unless told otherwise.
pub fn native() -> Codecs {
    Codecs::portable().with(&FASTEST).with(&DEFAULT)
}

static FASTEST: LibZstd = LibZstd { id: CodecId::ZstdFastest, level: 1 };
static DEFAULT: LibZstd = LibZstd { id: CodecId::ZstdDefault, level: 3 };

/// libzstd at one level, writing the content checksum as the reference does.
#[derive(Debug)]
struct LibZstd {
    id: CodecId,
    level: i32,
}

thread_local! {
    // Contexts are megabytes to set up and are kept between blocks.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
}

impl LibZstd {
    fn compressor(&self) -> std::io::Result<Compressor<'static>> {
        let mut compressor = Compressor::new(self.level)?;
        compressor.include_checksum(true)?;
        Ok(compressor)
    }

    fn compress(&self, input: &[u8]) -> std::io::Result<Vec<u8>> {
        COMPRESSOR.with_borrow_mut(|kept| {
            let compressor = match kept {
                Some((level, compressor)) if *level == self.level => compressor,
                _ => &mut kept.insert((self.level, self.compressor()?)).1,
            };
            compressor.compress(input)
        })
    }
}

impl BlockCodec for LibZstd {
    fn id(&self) -> CodecId {
        self.id
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        match self.compress(input) {
            Ok(block) => out.extend_from_slice(&block),
            // Out of memory, at worst: the portable encoder needs far less.
            Err(_) => Codecs::portable().get(self.id).encode(input, out),
        }
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        let start = out.len();
        let found = DECOMPRESSOR.with_borrow_mut(|kept| {
            let decompressor = match kept {
                Some(decompressor) => decompressor,
                None => kept.insert(Decompressor::new().map_err(|_| BlockError::Malformed)?),
            };
            out.resize(start + decoded_len, 0);
            let room = out.get_mut(start..).unwrap_or_default();
            decompressor.decompress_to_buffer(block, room).map_err(|_| BlockError::Malformed)
        });
        match found {
            Ok(found) if found == decoded_len => Ok(()),
            Ok(found) => {
                out.truncate(start);
                Err(BlockError::Length { expected: decoded_len, found })
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_pass_between_libzstd_and_the_portable_codec() {
        let input: Vec<u8> = (0..20_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for id in [CodecId::ZstdFastest, CodecId::ZstdDefault] {
            let (native, portable) = (native(), Codecs::portable());
            for (from, to) in [(native, portable), (portable, native), (native, native)] {
                let (mut block, mut back) = (vec![], vec![9]);
                from.get(id).encode(&input, &mut block);
                to.get(id).decode(&block, input.len(), &mut back).unwrap();
                assert_eq!((back[0], &back[1..]), (9, &input[..]));
                assert!(to.get(id).decode(&block, input.len() - 1, &mut back).is_err());
                assert!(to.get(id).decode(&block, input.len() + 1, &mut back).is_err());
                assert_eq!(back.len(), input.len() + 1, "nothing is left behind");
                let last = block.len() - 1;
                block[last] ^= 1;
                assert!(to.get(id).decode(&block, input.len(), &mut back).is_err(), "checksum");
            }
        }
    }
}
