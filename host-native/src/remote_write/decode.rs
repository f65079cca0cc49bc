//! Messages that somebody sent, read series by series within bounds.
//!
//! A message of two bytes becomes a value of seventy, so a hostile body could ask for far more
//! memory than its own length. Therefore series are decoded one after the other, and each is
//! limited.

use super::message::TimeSeries;
use core::fmt;
use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

/// Longest message of one series in bytes: some hundred thousand samples.
pub const MAX_SERIES_LEN: usize = 4 << 20;

/// Number of the field that holds series.
const TIMESERIES: u32 = 1;

/// Why a body is no remote write message.
#[derive(Debug, Clone, PartialEq)]
pub enum DecodeError {
    /// It would be longer than allowed once it is decompressed.
    TooLong {
        /// The length that the block declares, in bytes.
        declared: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// A series is longer than [`MAX_SERIES_LEN`].
    SeriesTooLong {
        /// Its number, from 1.
        series: u64,
        /// Its length in bytes.
        len: usize,
    },
    /// It is no Snappy block.
    Snappy(snap::Error),
    /// It is no message.
    Message {
        /// Where in the decompressed message, in bytes from its start.
        offset: usize,
        /// What is wrong.
        detail: String,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { declared, limit } => {
                write!(f, "the message has {declared} bytes decompressed, at most {limit} are read")
            }
            Self::SeriesTooLong { series, len } => {
                write!(f, "series {series} has {len} bytes, at most {MAX_SERIES_LEN} are read")
            }
            Self::Snappy(error) => write!(f, "expected a Snappy block: {error}"),
            Self::Message { offset, detail } => {
                write!(f, "expected a remote write message, wrong at byte {offset}: {detail}")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// Reads a body of a request and hands on its series with their numbers, from 1. What is no
/// series is passed over.
///
/// # Errors
///
/// [`DecodeError`], or what `visit` returns; series before the failure have been handed on.
pub fn decode<E: From<DecodeError>>(
    body: &[u8],
    limit: usize,
    mut visit: impl FnMut(u64, TimeSeries) -> Result<(), E>,
) -> Result<(), E> {
    let message = decompress(body, limit)?;
    let mut rest = message.as_slice();
    let mut series = 0;
    while !rest.is_empty() {
        let offset = message.len() - rest.len();
        let wrong = |error| wrong_at(offset, &error);
        let (field, wire_type) = decode_key(&mut rest).map_err(wrong)?;
        if field == TIMESERIES && wire_type == WireType::LengthDelimited {
            series += 1;
            let bytes = delimited(&mut rest, series, offset)?;
            visit(series, TimeSeries::decode(bytes).map_err(wrong)?)?;
        } else {
            skip_field(wire_type, field, &mut rest, DecodeContext::default()).map_err(wrong)?;
        }
    }
    Ok(())
}

fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let declared = snap::raw::decompress_len(body).map_err(DecodeError::Snappy)?;
    if declared > limit {
        return Err(DecodeError::TooLong { declared, limit });
    }
    // Three bytes of a block yield 64 at most: a declared length beyond that is a lie, and is
    // found out before anything is allocated for it.
    if declared / 22 > body.len() {
        let (expected_len, got_len) = (declared as u64, body.len() as u64 * 22);
        return Err(DecodeError::Snappy(snap::Error::HeaderMismatch { expected_len, got_len }));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(DecodeError::Snappy)
}

/// The bytes of a field whose length stands in front of it.
fn delimited<'m>(rest: &mut &'m [u8], series: u64, offset: usize) -> Result<&'m [u8], DecodeError> {
    let len = prost::decode_length_delimiter(&mut *rest);
    let len = len.map_err(|error| wrong_at(offset, &error))?;
    if len > MAX_SERIES_LEN {
        return Err(DecodeError::SeriesTooLong { series, len });
    }
    let Some((bytes, behind)) = rest.split_at_checked(len) else {
        let detail = format!("a series of {len} bytes is declared, {} follow", rest.len());
        return Err(DecodeError::Message { offset, detail });
    };
    *rest = behind;
    Ok(bytes)
}

fn wrong_at(offset: usize, error: &prost::DecodeError) -> DecodeError {
    DecodeError::Message { offset, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::{Label, MetricMetadata, Sample, WriteRequest};
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 1 << 20;

    fn decoded(body: &[u8], limit: usize) -> Result<Vec<TimeSeries>, DecodeError> {
        let mut all = Vec::new();
        decode(body, limit, |number, series| {
            assert_eq!(number, all.len() as u64 + 1);
            all.push(series);
            Ok::<(), DecodeError>(())
        })?;
        Ok(all)
    }

    fn block(message: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(message).unwrap()
    }

    /// Written by hand from the tables of the protocol, never by running an encoder.
    const GOLDEN: &[u8] = &[
        0x0a, 0x2a, // timeseries, 42 bytes
        0x0a, 0x0e, 0x0a, 8, b'_', b'_', b'n', b'a', b'm', b'e', b'_', b'_', 0x12, 2, b'u', b'p',
        0x0a, 0x06, 0x0a, 1, b'j', 0x12, 1, b'a', // label j=a
        0x12, 0x10, 0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // sample of 1.5 …
        0x10, 0x80, 0xf8, 0xb5, 0xee, 0xb2, 0x33, // … at 1 766 000 000 000
        0x1a, 0x06, 0x08, 0x02, 0x12, 0x02, b'u', b'p', // metadata: up is a gauge
    ];

    fn golden() -> WriteRequest {
        let labels = vec![Label::new("__name__", "up"), Label::new("j", "a")];
        let samples = vec![Sample { value: 1.5, timestamp: 1_766_000_000_000 }];
        let metadata = MetricMetadata {
            kind: 2,
            metric_family_name: "up".into(),
            ..MetricMetadata::default()
        };
        WriteRequest {
            timeseries: vec![TimeSeries { labels, samples, histograms: vec![] }],
            metadata: vec![metadata],
        }
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(golden().encode_to_vec(), GOLDEN);
        assert_eq!(decoded(&block(GOLDEN), LIMIT), Ok(golden().timeseries));
    }

    #[test]
    fn every_prefix_of_a_message_is_whole_or_refused() {
        for len in 0..GOLDEN.len() {
            let found = decoded(&block(&GOLDEN[..len]), LIMIT);
            match len {
                0 => assert_eq!(found, Ok(vec![])),
                44 => assert_eq!(found, Ok(golden().timeseries), "metadata is missing"),
                _ => assert!(matches!(found, Err(DecodeError::Message { .. })), "{len}"),
            }
        }
    }

    #[test]
    fn histograms_are_noticed() {
        let message = [0x0a, 4, 0x22, 2, 0x08, 1];
        assert_eq!(decoded(&block(&message), LIMIT).unwrap()[0].histograms.len(), 1);
    }

    #[test]
    fn lengths_are_refused_before_anything_is_allocated() {
        let body = block(&vec![0; 1000]);
        let error = decoded(&body, 999).unwrap_err();
        assert_eq!(error, DecodeError::TooLong { declared: 1000, limit: 999 });
        // 2 GB are declared, and two bytes follow.
        let lie = [0x80, 0x80, 0x80, 0x80, 0x08, 0, 0];
        assert!(matches!(decoded(&lie, usize::MAX), Err(DecodeError::Snappy(_))));
        let long = [&[0x0a, 0x81, 0x80, 0x80, 0x02][..], &vec![0; (4 << 20) + 1]].concat();
        let error = decoded(&block(&long), usize::MAX).unwrap_err();
        assert_eq!(error, DecodeError::SeriesTooLong { series: 1, len: (4 << 20) + 1 });
    }

    #[test]
    fn what_compresses_best_is_read() {
        let message = golden().timeseries[0].encode_to_vec();
        let request = WriteRequest {
            timeseries: vec![TimeSeries::decode(&message[..]).unwrap(); 10_000],
            metadata: vec![],
        };
        let body = request.encode_block().unwrap();
        assert_eq!(decoded(&body, LIMIT).unwrap().len(), 10_000);
    }

    proptest! {
        #[test]
        fn round_trips(
            series in proptest::collection::vec((
                proptest::collection::vec(("\\PC{1,9}", "\\PC{0,9}"), 0..5),
                proptest::collection::vec((any::<f64>(), any::<i64>()), 0..9),
            ), 0..9),
        ) {
            let timeseries: Vec<TimeSeries> = series.into_iter().map(|(labels, samples)| TimeSeries {
                labels: labels.into_iter().map(|(name, value)| Label::new(name, value)).collect(),
                samples: samples.into_iter().map(|(value, timestamp)| Sample { value, timestamp }).collect(),
                histograms: vec![],
            }).collect();
            let body = WriteRequest { timeseries: timeseries.clone(), metadata: vec![] }.encode_block().unwrap();
            prop_assert_eq!(decoded(&body, LIMIT), Ok(timeseries));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decoded(&bytes, LIMIT);
            let _ = decoded(&block(&bytes), LIMIT);
        }
    }
}
