//! Files that are packed with gzip or zstd, told by their first bytes.

use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;
use zstd::stream::read::Decoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd frame that is to be passed over; the first may be one.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// The text of a file, whether it is packed or not.
pub(super) struct Text {
    /// Where it is read from.
    pub(super) text: Box<dyn Read>,
    /// How many of the file's bytes were read.
    pub(super) read_so_far: Rc<Cell<u64>>,
}

/// The text of a file.
///
/// Several gzip members or zstd frames are one text. What follows them and is none is an error, as is
/// an early end.
pub(super) fn unpacked(input: Box<dyn Read>) -> io::Result<Text> {
    let read_so_far = Rc::new(Cell::new(0));
    let counted = Counted { input, read: Rc::clone(&read_so_far) };
    let mut input = BufReader::with_capacity(CHUNK, counted);
    let first = first_bytes(&mut input)?;
    let text: Box<dyn Read> = if first.starts_with(&GZIP) {
        Box::new(MultiGzDecoder::new(input))
    } else if first.starts_with(&ZSTD) || first.get(1..) == Some(&ZSTD_SKIPPABLE) {
        Box::new(Decoder::with_buffer(input)?)
    } else {
        Box::new(input)
    };
    Ok(Text { text, read_so_far })
}

/// The first four bytes, or fewer; they are still to be read.
fn first_bytes(input: &mut BufReader<Counted>) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    // A pipe may hand over a byte at a time; files and terminals do not.
    loop {
        let buffered = match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            buffered => buffered?,
        };
        first.extend(buffered.iter().take(4));
        return Ok(first);
    }
}

/// Counts what is read.
struct Counted {
    input: Box<dyn Read>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        self.read.set(self.read.get() + u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(text: &str) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    fn zstd(text: &str) -> Vec<u8> {
        zstd::bulk::compress(text.as_bytes(), 3).unwrap()
    }

    fn text(file: Vec<u8>) -> io::Result<String> {
        let len = file.len();
        let mut unpacked = unpacked(Box::new(io::Cursor::new(file)))?;
        let mut text = String::new();
        unpacked.text.read_to_string(&mut text)?;
        assert_eq!(unpacked.read_so_far.get(), len as u64);
        Ok(text)
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        for plain in ["", "h", "home/a 1\n"] {
            assert_eq!(text(plain.into()).unwrap(), plain);
            assert_eq!(text(gzip(plain)).unwrap(), plain);
            assert_eq!(text(zstd(plain)).unwrap(), plain);
        }
    }

    #[test]
    fn several_members_are_one_text() {
        assert_eq!(text([gzip("a\n"), gzip(""), gzip("b\n")].concat()).unwrap(), "a\nb\n");
        assert_eq!(text([zstd("a\n"), zstd("b\n")].concat()).unwrap(), "a\nb\n");
    }

    #[test]
    fn what_is_cut_or_followed_by_other_bytes_is_an_error() {
        for packed in [gzip("home/a 1\n"), zstd("home/a 1\n")] {
            assert!(text([&packed[..], b"home/a 2\n"].concat()).is_err());
            for len in 5..packed.len() {
                assert!(text(packed[..len].to_vec()).is_err(), "{len}");
            }
        }
    }
}
