//! Columns on the wire: read as views of the bytes, never parsed.
//!
//! | bytes | what |
//! |---:|---|
//! | 4 | length of the header |
//! | 4 | 0 |
//! | … | the header, JSON, that says which columns follow and how long they are |
//! | 0 to 7 | zeros, up to the next multiple of 8 |
//! | … | the columns, each from a multiple of 8 on |
//!
//! Numbers are little-endian.

use super::{exact, invalid};
use crate::server::answer::Failure;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

const ALIGNMENT: usize = 8;

/// A frame that is being written.
#[derive(Debug)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Begins with a header.
    pub(super) fn new(header: &impl Serialize) -> Result<Self, Failure> {
        let mut bytes = vec![0; ALIGNMENT];
        exact::write(&mut bytes, header).map_err(Failure::execution)?;
        let len = u32::try_from(bytes.len() - ALIGNMENT).map_err(Failure::execution)?;
        if let Some(start) = bytes.first_chunk_mut() {
            *start = len.to_le_bytes();
        }
        let mut frame = Self(bytes);
        frame.pad();
        Ok(frame)
    }

    /// Adds a column.
    pub(super) fn column<const N: usize>(&mut self, numbers: impl Iterator<Item = [u8; N]>) {
        numbers.for_each(|number| self.0.extend_from_slice(&number));
        self.pad();
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// The answer.
    pub(super) fn response(self) -> Response {
        ([(CONTENT_TYPE, "application/octet-stream")], self.0).into_response()
    }
}

/// A frame that came in.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads the header.
    pub(super) fn new<H: DeserializeOwned>(bytes: &'a [u8]) -> Result<(H, Self), Failure> {
        let len = bytes.first_chunk().map_or(0, |len| u32::from_le_bytes(*len));
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let end = ALIGNMENT.saturating_add(len);
        let header = bytes.get(ALIGNMENT..end).ok_or_else(|| {
            let found = bytes.len();
            invalid(format_args!("body: {found} bytes, expected a header of {len}"))
        })?;
        let header = serde_json::from_slice(header)
            .map_err(|error| invalid(format_args!("body: header: {error}")))?;
        Ok((header, Self { bytes, at: end.next_multiple_of(ALIGNMENT) }))
    }

    /// The next column, of so many numbers.
    pub(super) fn column<const N: usize, T>(
        &mut self,
        count: usize,
        number: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Failure> {
        let end = count.checked_mul(N).and_then(|len| len.checked_add(self.at));
        let found = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| {
            let left = self.bytes.len().saturating_sub(self.at);
            invalid(format_args!("body: {left} bytes left for a column of {count} numbers"))
        })?;
        self.at = self.at.saturating_add(found.len()).next_multiple_of(ALIGNMENT);
        Ok(found.as_chunks().0.iter().map(|bytes| number(*bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        let mut frame = Writer::new(&["ab"]).unwrap();
        frame.column([1_u32.to_le_bytes()].into_iter());
        frame.column([2_i64.to_le_bytes()].into_iter());
        let mut expected = vec![6, 0, 0, 0, 0, 0, 0, 0];
        expected.extend_from_slice(b"[\"ab\"]\0\0");
        expected.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(frame.0, expected);
    }

    #[test]
    fn every_cut_is_an_error() {
        let mut frame = Writer::new(&[1_u32]).unwrap();
        frame.column([7_i64.to_le_bytes(), 8_i64.to_le_bytes()].into_iter());
        let read = |bytes: &[u8]| -> Result<Vec<i64>, Failure> {
            let (_, mut frame) = Reader::new::<[u32; 1]>(bytes)?;
            frame.column(2, i64::from_le_bytes)
        };
        assert_eq!(read(&frame.0).unwrap(), [7, 8]);
        for len in 0..frame.0.len() {
            assert!(read(&frame.0[..len]).is_err(), "{len}");
        }
        let (_, mut whole) = Reader::new::<[u32; 1]>(&frame.0).unwrap();
        assert!(whole.column(usize::MAX, i64::from_le_bytes).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, count: usize) {
            if let Ok((_, mut frame)) = Reader::new::<serde_json::Value>(&bytes) {
                let _ = frame.column(count, f32::from_le_bytes);
            }
        }

        #[test]
        fn columns_round_trip(times: Vec<i64>, raws: Vec<u32>) {
            let mut frame = Writer::new(&"header").unwrap();
            frame.column(raws.iter().map(|raw| raw.to_le_bytes()));
            frame.column(times.iter().map(|time| time.to_le_bytes()));
            let (header, mut read) = Reader::new::<String>(&frame.0).unwrap();
            prop_assert_eq!(header, "header");
            prop_assert_eq!(read.column(raws.len(), u32::from_le_bytes).unwrap(), raws);
            prop_assert_eq!(read.column(times.len(), i64::from_le_bytes).unwrap(), times);
        }
    }
}
