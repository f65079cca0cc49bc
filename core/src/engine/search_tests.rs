use super::*;
use crate::compress::{BlockError, CodecId, Codecs};
use crate::engine::{FileKind, salvage};
use crate::page::Columns;
use crate::settings::Partitioning;
use crate::storage::{FileName, MemoryFile, MemoryStorage, Storage};
use alloc::string::ToString;
use alloc::vec;
use core::cell::Cell;
use core::ops::Range;
use proptest::prelude::*;

const START: i64 = 1_767_225_600_000_000_000;

fn codec() -> &'static dyn BlockCodec {
    Codecs::portable().get(CodecId::S2)
}

fn day() -> Partition {
    Partition::containing(Partitioning::Day, Timestamp(START))
}

fn forever() -> Partition {
    Partition::containing(Partitioning::Forever, Timestamp(START))
}

fn holding(partition: Partition, bytes: &[u8]) -> (MemoryStorage, FileName) {
    let (storage, name) = (MemoryStorage::new(), FileKind::Data.name(partition).unwrap());
    storage.replace(&name, bytes).unwrap();
    (storage, name)
}

/// Counts the bytes that are read.
struct CountingFile(MemoryFile, Cell<usize>);

impl StorageFile for CountingFile {
    fn len(&self) -> storage::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> storage::Result<usize> {
        let read = self.0.read_at(offset, buf)?;
        self.1.set(self.1.get() + read);
        Ok(read)
    }

    fn append(&mut self, _: &[u8]) -> storage::Result<()> {
        unreachable!("a search only reads")
    }

    fn truncate(&mut self, _: u64) -> storage::Result<()> {
        unreachable!("a search only reads")
    }

    fn sync(&mut self) -> storage::Result<()> {
        unreachable!("a search only reads")
    }
}

/// Counts the bytes that are decoded. One thread uses it.
#[derive(Debug, Default)]
struct CountingCodec(core::sync::atomic::AtomicUsize);

impl CountingCodec {
    fn decoded(&self) -> usize {
        self.0.load(core::sync::atomic::Ordering::Relaxed)
    }
}

impl BlockCodec for CountingCodec {
    fn id(&self) -> CodecId {
        CodecId::S2
    }

    fn encode(&self, plain: &[u8], out: &mut Vec<u8>) {
        codec().encode(plain, out);
    }

    fn decode(&self, block: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), BlockError> {
        self.0.fetch_add(block.len(), core::sync::atomic::Ordering::Relaxed);
        codec().decode(block, len, out)
    }
}

/// Searches a whole file: frames found, bytes read, bytes decoded.
fn cost(partition: Partition, bytes: &[u8]) -> (usize, usize, usize) {
    let (storage, name) = holding(partition, bytes);
    let file = CountingFile(storage.open(&name).unwrap(), Cell::new(0));
    let codec = CountingCodec::default();
    let mut search = Search::new(&file, file.len().unwrap(), &codec);
    let (mut at, mut found) = (0, 0);
    while let Some(frame) = search.next(at, partition).unwrap() {
        (at, found) = (frame.end_offset(), found + 1);
    }
    drop(search);
    (found, file.1.get(), codec.decoded())
}

fn page(rows: Range<i64>) -> Vec<u8> {
    let (mut columns, mut bytes) = (Columns::default(), vec![]);
    for n in rows {
        columns.push(1, START + n, 7);
    }
    frame::encode(&columns, codec(), &mut bytes);
    bytes
}

/// Numbers without order.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_le_bytes()[7]
    };
    (0..len).map(|_| next()).collect()
}

/// Every 21 bytes something begins that claims to be a page of the greatest length.
#[test]
fn headers_without_payload_cost_one_reading() {
    let header = frame::encode_header(START, START + 5, u16::MAX, 1_000_000);
    let hostile = header.iter().copied().cycle().take(3_000_000).collect::<Vec<u8>>();
    let bytes = [page(0..40), hostile, page(50..90)].concat();
    assert_eq!(cost(day(), &bytes), (2, bytes.len(), 2 * decoded_of(&page(0..40))));
}

/// Where any time is possible, about every second byte begins a plausible header.
#[test]
fn noise_where_any_time_is_possible_costs_one_reading() {
    let bytes = [page(0..40), noise(1_500_000), page(0..40)].concat();
    let (found, read, decoded) = cost(forever(), &bytes);
    assert_eq!((found, read), (2, bytes.len()));
    assert!(decoded <= bytes.len(), "{decoded}");
}

/// Pages whose checksums are right and whose payloads are nothing, each beginning in the one
/// before it: what is behind the first is passed over with it.
#[test]
fn payloads_that_do_not_decode_are_decoded_once() {
    let mut bytes = vec![];
    for _ in 0..4 {
        let mut inner = vec![0xee; 200_000];
        for _ in 0..30 {
            let header = frame::encode_header(START, START + 5, u16::MAX, inner.len());
            let sum = crc32(&inner).to_le_bytes();
            inner = [&header[..], &inner, &sum].concat();
        }
        bytes.extend(inner);
    }
    let (found, read, decoded) = cost(day(), &bytes);
    assert_eq!((found, read), (0, bytes.len()));
    assert!(decoded <= bytes.len(), "{decoded}");
}

/// Bytes of payload in a frame of less than 128 of them.
fn decoded_of(frame: &[u8]) -> usize {
    FrameHeader::decode(frame).unwrap().payload_len.try_into().unwrap()
}

#[test]
fn frames_longer_than_what_is_read_at_a_time() {
    let mut columns = Columns::default();
    for (n, pair) in (0..).zip(noise(8 * 60_000).chunks_exact(8)) {
        let id = u16::from_le_bytes([pair[0], pair[1]]);
        columns.push(id, START + n, u32::from_le_bytes([pair[2], pair[3], pair[4], pair[5]]));
    }
    let mut long = vec![];
    frame::encode(&columns, codec(), &mut long);
    assert!(long.len() > READ, "{}", long.len());
    let bytes =
        [noise(99), long.clone(), page(0..3), long.clone(), vec![0; 500_000], long].concat();
    assert_eq!(cost(day(), &bytes).0, 4);
    assert_eq!(cost(day(), &bytes).1, bytes.len());
}

/// Offsets of what a salvage takes, and its report.
fn salvaged(partition: Partition, bytes: &[u8]) -> (Vec<usize>, crate::engine::RecoverReport) {
    let (storage, _) = holding(partition, bytes);
    let mut taken = vec![];
    let mut output = vec![];
    let report = salvage(&storage, partition, &Codecs::portable(), |at, frame| {
        let at = usize::try_from(at).unwrap();
        assert_eq!(&bytes[at..at + frame.len()], frame, "verbatim");
        taken.push(at);
        output.extend_from_slice(frame);
        Ok(())
    });
    let report = report.unwrap_or_default();
    assert_eq!(report.output_bytes, u64::try_from(output.len()).unwrap());
    (taken, report)
}

#[test]
fn frames_of_other_partitions_are_rejected_and_counted() {
    let (yesterday, other) = (page(-90..-50), page(-9..9));
    let bytes = [page(0..40), yesterday.clone(), other, page(3..9), yesterday].concat();
    let (taken, report) = salvaged(day(), &bytes);
    assert_eq!((taken.len(), report.rejected_frames, report.skipped_bytes), (2, 3, 0));
    assert_eq!(salvaged(forever(), &bytes).0.len(), 5);
}

#[test]
fn nothing_to_salvage_is_an_error() {
    for bytes in [vec![], vec![0; 5000], noise(5000)] {
        let (storage, name) = holding(day(), &bytes);
        let error = salvage(&storage, day(), &Codecs::portable(), |_, _| Ok(())).unwrap_err();
        assert!(error.is_unreadable() && error.to_string().starts_with(name.as_str()), "{error}");
    }
}

/// Frames as they come: some overlap in time, some go back.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let frame = (0..2000_i64, 1..60_i64).prop_map(|(from, len)| page(from..from + len));
    proptest::collection::vec(frame, 1..12)
}

#[derive(Debug, Clone)]
enum Harm {
    /// Bytes are overwritten.
    Overwrite(usize, Vec<u8>),
    /// Bytes disappear.
    Cut(usize, usize),
    /// Bytes come in between.
    Insert(usize, Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    let junk = proptest::collection::vec(any::<u8>(), 1..300);
    prop_oneof![
        (any::<usize>(), junk.clone()).prop_map(|(at, junk)| Harm::Overwrite(at, junk)),
        (any::<usize>(), 1..200_usize).prop_map(|(at, len)| Harm::Cut(at, len)),
        (any::<usize>(), junk).prop_map(|(at, junk)| Harm::Insert(at, junk)),
    ]
}

proptest! {
    /// Each byte of the damaged file knows where it came from; a frame whose bytes are all there,
    /// in a row, is untouched and has to be found.
    #[test]
    fn every_untouched_frame_is_salvaged(
        frames in frames(),
        harms in proptest::collection::vec(harm(), 1..5),
        any_time: bool,
    ) {
        let sound = frames.concat();
        let mut bytes: Vec<(u8, Option<usize>)> =
            sound.iter().enumerate().map(|(at, &byte)| (byte, Some(at))).collect();
        for harm in harms {
            let foreign = |junk: &[u8]| -> Vec<_> { junk.iter().map(|&b| (b, None)).collect() };
            match harm {
                Harm::Overwrite(at, junk) => {
                    let at = at % (bytes.len() + 1);
                    let end = (at + junk.len()).min(bytes.len());
                    bytes.splice(at..end, foreign(&junk));
                }
                Harm::Cut(at, len) => {
                    let at = at % (bytes.len() + 1);
                    bytes.drain(at..(at + len).min(bytes.len()));
                }
                Harm::Insert(at, junk) => {
                    let at = at % (bytes.len() + 1);
                    bytes.splice(at..at, foreign(&junk));
                }
            }
        }
        let plain: Vec<u8> = bytes.iter().map(|(byte, _)| *byte).collect();
        let partition = if any_time { forever() } else { day() };
        let (taken, report) = salvaged(partition, &plain);
        let mut start = 0;
        for frame in &frames {
            let origin = bytes.iter().position(|(_, from)| *from == Some(start));
            let untouched = origin.filter(|&at| {
                let there = bytes.get(at..at + frame.len()).unwrap_or_default();
                !there.is_empty() && there.iter().zip(start..).all(|((_, from), n)| *from == Some(n))
            });
            if let Some(at) = untouched {
                prop_assert!(taken.contains(&at), "frame at {at}, {report:?}");
            }
            start += frame.len();
        }
    }

    #[test]
    fn arbitrary_bytes_cost_one_reading(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let (_, read, decoded) = cost(forever(), &bytes);
        prop_assert!(read == bytes.len() && decoded <= bytes.len());
    }
}
