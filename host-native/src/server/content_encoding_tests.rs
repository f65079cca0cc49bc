use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(text).unwrap();
    zlib.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(text).unwrap();
    deflate.finish().unwrap()
}

fn unpacker(encodings: &[&str]) -> Result<Option<Unpacker>, String> {
    let mut headers = HeaderMap::new();
    for text in encodings {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_str(text).unwrap());
    }
    Unpacker::of(&headers)
}

/// What a body unpacks to that comes in pieces of this length.
fn unpacked(encoding: &str, packed: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let mut unpacker = unpacker(&[encoding]).unwrap().unwrap();
    let mut out = Vec::new();
    for piece in packed.chunks(piece) {
        unpacker.write(piece, &mut out)?;
    }
    unpacker.finish(&mut out)?;
    Ok(out)
}

#[test]
fn names_count_in_any_case_and_others_are_refused() {
    for name in ["gzip", "GZIP", " x-gzip", "X-GZip", "deflate", "Deflate", "identity, gzip"] {
        assert!(unpacker(&[name]).unwrap().is_some(), "{name}");
    }
    for none in [&[][..], &["identity"], &[""]] {
        assert!(unpacker(none).unwrap().is_none(), "{none:?}");
    }
    for (names, named) in [
        (&["br"][..], "br"),
        (&["zstd"], "zstd"),
        (&["gzip, gzip"], "gzip, gzip"),
        (&["gzip", "deflate"], "gzip, deflate"),
    ] {
        assert_eq!(unpacker(names).err().as_deref(), Some(named));
    }
}

#[test]
fn members_are_one_stream() {
    let packed = [gzip(b"a 1\n"), gzip(b""), gzip(b"b 2\n")].concat();
    for piece in 1..=packed.len() {
        assert_eq!(unpacked("gzip", &packed, piece).unwrap(), b"a 1\nb 2\n", "{piece}");
    }
}

#[test]
fn deflate_may_lack_its_zlib_header() {
    for packed in [zlib(b"a 1\nb 2\n"), deflate(b"a 1\nb 2\n")] {
        for piece in 1..=packed.len() {
            assert_eq!(unpacked("deflate", &packed, piece).unwrap(), b"a 1\nb 2\n", "{piece}");
        }
    }
}

#[test]
fn bytes_behind_the_end_and_an_early_end_are_errors() {
    let streams: [(&str, Vec<u8>); 3] =
        [("gzip", gzip(b"a 1\n")), ("deflate", zlib(b"a 1\n")), ("deflate", deflate(b"a 1\n"))];
    for (encoding, packed) in streams {
        for behind in [&b"x"[..], b"\0", b"\x1f", b"\x1f\x8b", b"plain text that is no gzip"] {
            let packed = [&packed, behind].concat();
            for piece in 1..=packed.len() {
                assert!(unpacked(encoding, &packed, piece).is_err(), "{encoding} {behind:?}");
            }
        }
        for len in 1..packed.len() {
            assert!(unpacked(encoding, &packed[..len], 3).is_err(), "{encoding} cut to {len}");
        }
    }
    assert!(unpacked("gzip", b"home/a 1\n", 4).is_err());
}

proptest! {
    #[test]
    fn whatever_is_packed_is_unpacked(
        text in proptest::collection::vec(any::<u8>(), 0..3000),
        repeats in 1_usize..200,
        piece in 1_usize..300,
    ) {
        let text = text.repeat(repeats);
        let packed = [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("deflate", deflate(&text))];
        for (encoding, packed) in packed {
            prop_assert_eq!(&unpacked(encoding, &packed, piece).unwrap(), &text);
        }
    }
}
