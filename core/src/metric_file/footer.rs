//! Footer: the last bytes of every metric file, proof that its writer got to the end.
//!
//! | offset | size | field      | type   | meaning                            |
//! |-------:|-----:|------------|--------|------------------------------------|
//! |      0 |    4 | `magic`    | bytes  | `b"NTFT"`                          |
//! |      4 |    4 | `version`  | u32 LE | as in the file header              |
//! |      8 |    4 | `frames`   | u32 LE | v1: number of frames; v2: 0; v3: CRC-32 of the index |
//! |     12 |    4 | `checksum` | u32 LE | CRC-32 of bytes 0..12              |

use super::header::{Layout, Version};
use crate::codec::checksum::crc32;
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;
use core::fmt;

/// Bytes of the footer.
pub(crate) const LEN: usize = 16;

const MAGIC: [u8; 4] = *b"NTFT";
const CHECKED_LEN: usize = LEN - 4;

/// One variant for each check, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FooterError {
    Truncated { found: usize },
    BadMagic([u8; 4]),
    BadChecksum { stored: u32, computed: u32 },
    BadVersion { found: u32, header: u32 },
    BadFrames { found: u32, expected: u32 },
}

/// Appends the footer of a file with this layout to `out`.
pub(crate) fn encode(layout: Layout, out: &mut Vec<u8>) {
    encode_with(layout.version(), frames(layout), out);
}

/// Appends the footer of a v3 file whose index has this checksum to `out`.
pub(crate) fn encode_v3(index_checksum: u32, out: &mut Vec<u8>) {
    encode_with(Version::V3, index_checksum, out);
}

fn encode_with(version: Version, word: u32, out: &mut Vec<u8>) {
    Writer::new(out).bytes(&MAGIC).u32(u32::from(version.number())).u32(word).crc32();
}

/// Checks the footer `bytes` against the layout that the file header states.
pub(crate) fn check(bytes: &[u8], layout: Layout) -> Result<(), FooterError> {
    let found = decode(bytes, layout.version())?;
    let expected = frames(layout);
    if found != expected {
        return Err(FooterError::BadFrames { found, expected });
    }
    Ok(())
}

/// The checksum of the index as the footer `bytes` of a v3 file states it.
pub(crate) fn decode_v3(bytes: &[u8]) -> Result<u32, FooterError> {
    decode(bytes, Version::V3)
}

/// The third word, after everything around it has been checked.
fn decode(bytes: &[u8], expected: Version) -> Result<u32, FooterError> {
    let (magic, version, found, stored) =
        read(bytes).ok_or(FooterError::Truncated { found: bytes.len() })?;
    if magic != MAGIC {
        return Err(FooterError::BadMagic(magic));
    }
    let computed = crc32(bytes.get(..CHECKED_LEN).unwrap_or_default());
    if stored != computed {
        return Err(FooterError::BadChecksum { stored, computed });
    }
    let header = u32::from(expected.number());
    if version != header {
        return Err(FooterError::BadVersion { found: version, header });
    }
    Ok(found)
}

fn read(bytes: &[u8]) -> Option<([u8; 4], u32, u32, u32)> {
    let mut r = Reader::new(bytes);
    Some((r.array()?, r.u32()?, r.u32()?, r.u32()?))
}

const fn frames(layout: Layout) -> u32 {
    match layout {
        Layout::V1 { frames } => frames,
        Layout::V2 { .. } | Layout::V3(_) => 0,
    }
}

impl fmt::Display for FooterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { found } => {
                write!(f, "footer cut short: found {found} bytes, expected {LEN}")
            }
            Self::BadMagic(found) => {
                write!(f, "footer magic: found {}, expected \"NTFT\"", found.escape_ascii())
            }
            Self::BadChecksum { stored, computed } => {
                write!(f, "footer checksum: found {stored:#010x}, expected {computed:#010x}")
            }
            Self::BadVersion { found, header } => {
                write!(f, "footer version: found {found}, expected {header} as in the header")
            }
            Self::BadFrames { found, expected } => {
                write!(f, "footer frame count: found {found}, expected {expected}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_file::testing::{
        assert_every_flip_fails, assert_every_prefix_fails, hex, patched,
    };
    use proptest::prelude::*;

    const V1: Layout = Layout::V1 { frames: 3 };
    const V2: Layout =
        Layout::V2 { time_frames: 1, metric_frames: 1, time_index: 0, metric_index: 0 };

    fn encoded(layout: Layout) -> Vec<u8> {
        let mut out = Vec::new();
        encode(layout, &mut out);
        out
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(V1), hex("4e544654 01000000 03000000 cac4e508"));
        assert_eq!(encoded(V2), hex("4e544654 02000000 00000000 c76cdf94"));
        assert_eq!(check(&encoded(V1), V1), Ok(()));
        assert_eq!(check(&encoded(V2), V2), Ok(()));
        let mut v3 = Vec::new();
        encode_v3(0x1234_5678, &mut v3);
        assert_eq!(v3[..12], hex("4e544654 03000000 78563412"));
        assert_eq!(decode_v3(&v3), Ok(0x1234_5678));
        let other = FooterError::BadVersion { found: 3, header: 2 };
        assert_eq!(check(&v3, V2), Err(other));
    }

    #[test]
    fn every_prefix_is_truncated() {
        assert_every_prefix_fails(&encoded(V2), |bytes| {
            check(bytes, V2) == Err(FooterError::Truncated { found: bytes.len() })
        });
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        for layout in [V1, V2] {
            assert_every_flip_fails(&encoded(layout), |bytes| check(bytes, layout).is_err());
        }
    }

    #[test]
    fn a_footer_of_another_file_is_an_error() {
        let error = |at, byte, layout| check(&patched(&encoded(layout), at, &[byte], 12), layout);
        assert_eq!(error(4, 1, V2), Err(FooterError::BadVersion { found: 1, header: 2 }));
        assert_eq!(error(8, 4, V1), Err(FooterError::BadFrames { found: 4, expected: 3 }));
        assert_eq!(error(8, 1, V2), Err(FooterError::BadFrames { found: 1, expected: 0 }));
    }

    proptest! {
        #[test]
        fn round_trips(frames: u32) {
            let layout = Layout::V1 { frames };
            prop_assert_eq!(check(&encoded(layout), layout), Ok(()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = check(&bytes, V1);
        }
    }
}
