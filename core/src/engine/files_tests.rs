use super::*;
use crate::compress::{CodecId, Codecs};
use crate::page::{Columns, frame};
use crate::settings::Partitioning;
use crate::storage::{MemoryStorage, Storage};
use alloc::vec;
use proptest::prelude::*;

const START: i64 = 1_767_225_600_000_000_000;

type Rows = Vec<(i64, u32)>;

fn codec() -> &'static dyn BlockCodec {
    Codecs::portable().get(CodecId::S2)
}

fn day() -> Partition {
    Partition::containing(Partitioning::Day, Timestamp(START))
}

/// A data file in time order: its bytes, its samples, and where each frame starts (and the last
/// ends).
struct DataFile {
    bytes: Vec<u8>,
    rows: Vec<Rows>,
    starts: Vec<usize>,
}

fn data_file() -> DataFile {
    let (mut bytes, mut rows, mut starts) = (vec![], vec![], vec![0]);
    for n in 0..5_i64 {
        let page: Rows = (0..=n * 7)
            .map(|i| (START + n * 1_000_000 + i * 999, 40 + u32::try_from(i).unwrap()))
            .collect();
        let mut columns = Columns::default();
        for &(time, raw) in &page {
            columns.push(1, time, raw);
        }
        frame::encode(&columns, codec(), &mut bytes);
        rows.push(page);
        starts.push(bytes.len());
    }
    DataFile { bytes, rows, starts }
}

fn name() -> FileName {
    FileName::new("data-2026-01-01.dat").unwrap()
}

fn file_of(bytes: &[u8]) -> <MemoryStorage as Storage>::File {
    let storage = MemoryStorage::new();
    storage.replace(&name(), bytes).unwrap();
    storage.open(&name()).unwrap()
}

fn walked(bytes: &[u8]) -> FrameIndex {
    let mut index = FrameIndex::default();
    let len = u64::try_from(bytes.len()).unwrap();
    index.walk(&file_of(bytes), len, day(), codec()).unwrap();
    index
}

fn offsets(index: &FrameIndex) -> Vec<usize> {
    index.frames.iter().map(|frame| usize::try_from(frame.offset).unwrap()).collect()
}

/// What a query of `range` finds, reading only the frames that it must.
fn query(bytes: &[u8], index: &FrameIndex, range: TimeRange) -> Result<Rows> {
    index.tail_in(&name(), range).map_or(Ok(()), Err)?;
    index.damage_in(&name(), range).map_or(Ok(()), Err)?;
    let file = file_of(bytes);
    let (mut buffer, mut page, mut rows) = (vec![], Payload::default(), vec![]);
    for (at, frame) in index.frames.iter().enumerate() {
        if index.reach(at).overlaps(range) {
            read_page(&file, &name(), frame, codec(), &mut buffer, &mut page)?;
            page.for_each_of(1, |time, raw| {
                if range.contains(Timestamp(time)) {
                    rows.push((time, raw));
                }
            });
        }
    }
    Ok(rows)
}

/// Ranges around every frame, and some that hold nothing.
fn ranges(file: &DataFile) -> Vec<TimeRange> {
    let mut ranges = vec![TimeRange::ALL];
    for rows in &file.rows {
        let (first, last) = (rows[0].0, rows[rows.len() - 1].0);
        for (from, to) in [
            (first, last),
            (first, first),
            (last, last),
            (first - 500_000, first - 1),
            (last + 1, i64::MAX),
            (i64::MIN, last),
        ] {
            ranges.push(TimeRange { from: Timestamp(from), to: Timestamp(to) });
        }
    }
    ranges
}

fn check_right_or_error(file: &DataFile, bytes: &[u8], what: &str) {
    let index = walked(bytes);
    for range in ranges(file) {
        if let Ok(found) = query(bytes, &index, range) {
            let inside = |row: &&(i64, u32)| range.contains(Timestamp(row.0));
            let expected: Rows = file.rows.iter().flatten().filter(inside).copied().collect();
            assert_eq!(found, expected, "{what}, {range:?}");
        }
    }
}

#[test]
fn an_intact_file_is_its_frames() {
    let file = data_file();
    let index = walked(&file.bytes);
    assert_eq!(offsets(&index), file.starts[..5]);
    assert_eq!((index.tail, index.damage.len()), (None, 0));
    assert_eq!(
        (index.good_end, index.walked),
        (index.walked, u64::try_from(file.bytes.len()).unwrap())
    );
    assert_eq!(index.record_count(), 1 + 8 + 15 + 22 + 29);
    assert_eq!(query(&file.bytes, &index, TimeRange::ALL).unwrap(), file.rows.concat());
}

#[test]
fn an_append_torn_anywhere_keeps_the_frames_before() {
    let file = data_file();
    for cut in 0..file.bytes.len() {
        let index = walked(&file.bytes[..cut]);
        let whole = file.starts.partition_point(|&start| start <= cut) - 1;
        assert_eq!(offsets(&index), file.starts[..whole]);
        assert_eq!(index.good_end, u64::try_from(file.starts[whole]).unwrap());
        let torn = cut != file.starts[whole];
        assert_eq!(index.tail, torn.then_some(FrameError::Truncated), "{cut}");
        assert!(index.damage.is_empty());
    }
}

#[test]
fn a_walk_goes_on_where_the_last_one_ended() {
    let file = data_file();
    let handle = file_of(&file.bytes);
    let mut index = FrameIndex::default();
    for len in (0..=file.bytes.len()).step_by(13).chain([file.bytes.len()]) {
        index.walk(&handle, u64::try_from(len).unwrap(), day(), codec()).unwrap();
    }
    assert_eq!(index.frames, walked(&file.bytes).frames);
    assert_eq!(index.tail, None);
}

#[test]
fn zeros_behind_the_last_frame_are_a_tail() {
    let file = data_file();
    for zeros in [1, 17, 18, 19, 4096, 300_000] {
        let mut bytes = file.bytes.clone();
        bytes.resize(bytes.len() + zeros, 0);
        let index = walked(&bytes);
        assert_eq!(index.frames.len(), 5);
        let expected = if zeros < 19 { FrameError::Truncated } else { FrameError::NoRecords };
        assert_eq!(index.tail, Some(expected));
        assert_eq!(index.good_end, u64::try_from(file.bytes.len()).unwrap());
    }
}

#[test]
fn junk_between_frames_hides_none() {
    let file = data_file();
    // The last is longer than the piece of file that is searched at once. Less junk than a header
    // may combine with the frame behind it to a plausible header: a query then finds the damage,
    // as `a_changed_stretch_gives_the_right_samples_or_an_error` shows.
    for (junk, fill) in [(40, 0), (40, 0xff), (300_000, 0)] {
        let at = file.starts[2];
        let bytes = [&file.bytes[..at], &vec![fill; junk], &file.bytes[at..]].concat();
        let index = walked(&bytes);
        let shifted: Vec<usize> = file.starts[..5]
            .iter()
            .map(|&start| if start < at { start } else { start + junk })
            .collect();
        assert_eq!(offsets(&index), shifted);
        let damage = index.damage[0];
        assert_eq!((index.damage.len(), damage.after_frame), (1, 2));
        assert_eq!(
            (damage.offset, damage.len),
            (u64::try_from(at).unwrap(), u64::try_from(junk).unwrap())
        );
    }
}

#[test]
fn a_hostile_length_is_no_reason_to_read() {
    let mut bytes = data_file().bytes;
    let end = bytes.len();
    bytes.extend(START.to_le_bytes());
    bytes.extend(START.to_le_bytes());
    bytes.extend([0xff, 0xff]);
    bytes.extend([0xff; 9]);
    bytes.push(1);
    bytes.resize(end + 4000, 0);
    let index = walked(&bytes);
    let limit = frame::max_payload_len(u16::MAX);
    assert_eq!(index.tail, Some(FrameError::PayloadTooLarge { limit, found: u64::MAX }), "D-06");
    assert_eq!(index.frames.len(), 5);
}

#[test]
fn a_flipped_header_bit_gives_the_right_samples_or_an_error() {
    let file = data_file();
    for &start in &file.starts[..5] {
        for bit in 0..8 * (frame::FIXED_LEN + 1) {
            let mut bytes = file.bytes.clone();
            bytes[start + bit / 8] ^= 1 << (bit % 8);
            check_right_or_error(&file, &bytes, &format!("bit {bit} of the frame at {start}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_stretch_gives_the_right_samples_or_an_error(
        at in 0_usize..1000,
        junk in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let file = data_file();
        let mut bytes = file.bytes.clone();
        let at = at % bytes.len();
        for (byte, junk) in bytes[at..].iter_mut().zip(junk) {
            *byte = junk;
        }
        check_right_or_error(&file, &bytes, "junk");
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let index = walked(&bytes);
        prop_assert!(index.good_end <= u64::try_from(bytes.len()).unwrap());
        let _ = query(&bytes, &index, TimeRange::ALL);
    }
}

/// A query whose view is older than what another has looked at: what came later is in its page.
#[test]
fn an_index_that_goes_further_is_cut_to_what_a_view_saw() {
    let DataFile { bytes, starts, .. } = data_file();
    let whole = walked(&bytes);
    let mut index = whole.clone();
    let seen = u64::try_from(starts[2]).unwrap();
    index.cut_to(seen);
    assert_eq!((offsets(&index).as_slice(), index.good_end), (&starts[..2], seen));
    index.walk(&file_of(&bytes), whole.walked, day(), codec()).unwrap();
    assert_eq!(index.frames, whole.frames);
}
