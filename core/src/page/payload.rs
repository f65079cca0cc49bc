//! Page payload: the records of a page as three columns, before compression.
//!
//! For `n` records, exactly `14 * n` bytes:
//!
//! | offset | size  | column | meaning                                             |
//! |-------:|------:|--------|-----------------------------------------------------|
//! |      0 | 2 * n | ids    | u16 LE metric ids, in record order                  |
//! |    2 n | 8 * n | times  | i64 LE nanoseconds, non-decreasing over the page    |
//! |   10 n | 4 * n | values | four bytes each; the metric's type says what they are |

use crate::compress::BlockError;
use crate::sorted::sort_rows;
use alloc::vec::Vec;

/// Bytes one record takes: 2 of id, 8 of time, 4 of value.
pub const RECORD_LEN: usize = 14;

/// Records as growing columns of equal length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Metric ids.
    pub ids: Vec<u16>,
    /// Times, nanoseconds.
    pub times: Vec<i64>,
    /// Raw values, see [`crate::Value::to_raw`].
    pub raws: Vec<u32>,
}

impl Columns {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Adds one record.
    pub fn push(&mut self, id: u16, time: i64, raw: u32) {
        self.ids.push(id);
        self.times.push(time);
        self.raws.push(raw);
    }

    /// Adds the records of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.ids.extend_from_slice(&other.ids);
        self.times.extend_from_slice(&other.times);
        self.raws.extend_from_slice(&other.raws);
    }

    /// Keeps the first `count` records and returns the others.
    #[must_use]
    pub fn split_off(&mut self, count: usize) -> Self {
        let count = count.min(self.len());
        Self {
            ids: self.ids.split_off(count),
            times: self.times.split_off(count),
            raws: self.raws.split_off(count),
        }
    }

    /// Forgets all records, keeping the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.times.clear();
        self.raws.clear();
    }

    /// Puts the records in time order; records of equal time stay in arrival order.
    pub fn sort_by_time(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        let rest = self.ids.iter().zip(&self.raws);
        let rest = rest.map(|(&id, &raw)| u64::from(id) << 32 | u64::from(raw));
        let mut rows: Vec<(i64, u64)> = self.times.iter().copied().zip(rest).collect();
        sort_rows(&mut rows);
        let columns = self.times.iter_mut().zip(&mut self.ids).zip(&mut self.raws);
        for (((time, id), raw), row) in columns.zip(rows) {
            *time = row.0;
            (*id, *raw) = unpack(row.1);
        }
    }

    /// Appends the payload of these records to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.ids.iter().flat_map(|id| id.to_le_bytes()));
        out.extend(self.times.iter().flat_map(|time| time.to_le_bytes()));
        out.extend(self.raws.iter().flat_map(|raw| raw.to_le_bytes()));
    }
}

/// A decoded page, kept as the bytes it decompressed to: reading one metric touches the id
/// column and a few rows of the others, so converting whole columns would be wasted work.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    bytes: Vec<u8>,
    record_count: usize,
}

impl Payload {
    /// Replaces the content: `decode` fills the buffer with exactly `record_count` records.
    ///
    /// # Errors
    ///
    /// What `decode` returns, or [`BlockError::Length`]; the payload is empty then.
    pub fn refill(
        &mut self,
        record_count: u16,
        decode: impl FnOnce(&mut Vec<u8>) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        self.bytes.clear();
        self.record_count = 0;
        decode(&mut self.bytes)?;
        let expected = usize::from(record_count) * RECORD_LEN;
        if self.bytes.len() != expected {
            return Err(BlockError::Length { expected, found: self.bytes.len() });
        }
        self.record_count = usize::from(record_count);
        Ok(())
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.record_count
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Metric ids, little-endian.
    pub fn ids(&self) -> &[[u8; 2]] {
        column(&self.bytes, 0, self.record_count)
    }

    /// Times, little-endian.
    pub fn times(&self) -> &[[u8; 8]] {
        column(&self.bytes, 2 * self.record_count, self.record_count)
    }

    /// Raw values, little-endian.
    pub fn raws(&self) -> &[[u8; 4]] {
        column(&self.bytes, 10 * self.record_count, self.record_count)
    }

    /// First and last time, or zeros when empty.
    pub fn bounds(&self) -> (i64, i64) {
        let times = self.times();
        let time = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |b| i64::from_le_bytes(*b));
        (time(times.first()), time(times.last()))
    }

    /// Whether times never step back.
    pub fn is_sorted(&self) -> bool {
        self.times().is_sorted_by_key(|time| i64::from_le_bytes(*time))
    }

    /// Appends all records to `columns`.
    pub fn copy_to(&self, columns: &mut Columns) {
        columns.ids.extend(self.ids().iter().map(|b| u16::from_le_bytes(*b)));
        columns.times.extend(self.times().iter().map(|b| i64::from_le_bytes(*b)));
        columns.raws.extend(self.raws().iter().map(|b| u32::from_le_bytes(*b)));
    }

    /// Visits the records of metric `id` in page order, as (time, raw value).
    pub fn for_each_of(&self, id: u16, mut visit: impl FnMut(i64, u32)) {
        // Whole blocks are compared at once (the compiler vectorises the fold); only blocks
        // that hold the metric are looked at record by record.
        const BLOCK: usize = 32;
        let wanted = id.to_le_bytes();
        let blocks = self.ids().chunks(BLOCK).zip(self.times().chunks(BLOCK));
        for ((ids, times), raws) in blocks.zip(self.raws().chunks(BLOCK)) {
            let matches = ids.iter().map(|id| u8::from(*id == wanted)).fold(0, |a, b| a | b);
            if matches == 0 {
                continue;
            }
            for ((found, time), raw) in ids.iter().zip(times).zip(raws) {
                if *found == wanted {
                    visit(i64::from_le_bytes(*time), u32::from_le_bytes(*raw));
                }
            }
        }
    }
}

/// Id and raw value of a row that is being sorted.
#[expect(clippy::cast_possible_truncation, reason = "each is cut out of where it was put")]
const fn unpack(row: u64) -> (u16, u32) {
    ((row >> 32) as u16, row as u32)
}

/// `count` fields of `N` bytes from `offset` on.
fn column<const N: usize>(bytes: &[u8], offset: usize, count: usize) -> &[[u8; N]] {
    let end = offset.saturating_add(count.saturating_mul(N));
    bytes.get(offset..end).unwrap_or_default().as_chunks::<N>().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn payload_of(columns: &Columns) -> Payload {
        let mut payload = Payload::default();
        let count = u16::try_from(columns.len()).unwrap();
        payload
            .refill(count, |buffer| {
                columns.encode(buffer);
                Ok(())
            })
            .unwrap();
        payload
    }

    #[test]
    fn golden_bytes() {
        let mut columns = Columns::default();
        columns.push(1, 1000, 42);
        columns.push(2, -1, u32::MAX);
        let mut bytes = vec![];
        columns.encode(&mut bytes);
        let mut expected = vec![1, 0, 2, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0];
        expected.extend([255; 8]);
        expected.extend([42, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn another_length_is_refused() {
        let mut payload = Payload::default();
        let error = payload.refill(2, |buffer| {
            buffer.extend([0; 27]);
            Ok(())
        });
        assert_eq!(error, Err(BlockError::Length { expected: 28, found: 27 }));
        assert!(payload.is_empty());
    }

    proptest! {
        #[test]
        fn round_trips(rows: Vec<(u16, i64, u32)>) {
            let mut columns = Columns::default();
            for &(id, time, raw) in &rows {
                columns.push(id, time, raw);
            }
            let mut back = Columns::default();
            payload_of(&columns).copy_to(&mut back);
            prop_assert_eq!(&back, &columns);
            columns.sort_by_time();
            let mut sorted = rows;
            sorted.sort_by_key(|row| row.1);
            prop_assert!(sorted.iter().copied().eq(
                columns.ids.iter().zip(&columns.times).zip(&columns.raws).map(|((a, b), c)| (*a, *b, *c))));
        }

        #[test]
        fn one_metric_is_what_a_filter_finds(
            rows in proptest::collection::vec((0_u16..4, any::<i64>(), any::<u32>()), 0..200),
        ) {
            let mut columns = Columns::default();
            for &(id, time, raw) in &rows {
                columns.push(id, time, raw);
            }
            let mut found = vec![];
            payload_of(&columns).for_each_of(2, |time, raw| found.push((2, time, raw)));
            let expected: Vec<_> = rows.iter().copied().filter(|row| row.0 == 2).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
