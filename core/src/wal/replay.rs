//! Reading a log back.
//!
//! A log without checksums is read as the reference reads it: up to the first byte that is no
//! record. Where our checksums are, a damaged stretch in the middle does not hide what follows:
//! the reader searches for the next record whose checksum holds and reports the gap.

use super::record::{self, MIN_PAYLOAD_LEN, Record, RecordError};

/// Shortest payload of a record that can restart reading: value, baseline and checksum.
const MIN_RESTART_LEN: u8 = 22;

/// Reads the records of a log front to back.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
    good_end: usize,
    baseline: Option<i64>,
    /// Whether the record before carried a checksum; at the start any may be expected.
    checked: bool,
    stop: Option<RecordError>,
}

/// What stands at an offset of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record and its length in bytes.
    Record(Record<'a>, usize),
    /// Bytes that are no record, though records may follow: their number and what is wrong first.
    Damage(usize, RecordError),
}

/// The bytes behind the last record, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Where they start.
    pub offset: usize,
    /// How many there are.
    pub len: usize,
    /// Why they are no record.
    pub reason: RecordError,
}

impl<'a> Records<'a> {
    /// Starts at the front of a log.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, good_end: 0, baseline: None, checked: true, stop: None }
    }

    /// What was left over, once the iterator has ended.
    pub fn tail(&self) -> Option<Tail> {
        let len = self.bytes.len().checked_sub(self.good_end).filter(|&len| len > 0)?;
        Some(Tail { offset: self.good_end, len, reason: self.stop? })
    }

    /// Where the last good record ends: the length a torn log is cut to.
    pub const fn good_end(&self) -> usize {
        self.good_end
    }

    /// The record at the front of `rest`, if it can stand behind the one before.
    fn decode(&mut self, rest: &'a [u8]) -> Result<(Record<'a>, usize), RecordError> {
        let (record, len) = record::decode(rest, &mut self.baseline)?;
        // Where an unchecked record follows a checked one, one of them may be damaged.
        let is_first = self.checked && !record.checked;
        let bytes = rest.get(..len).unwrap_or_default();
        if is_first && (!record.has_baseline || record::lost_its_flag(bytes)) {
            return Err(RecordError::Unchecked);
        }
        Ok((record, len))
    }

    /// The first record starting at `from` or later, and before `to`, that checksum and baseline
    /// make believable without its predecessors.
    fn restart_in(&self, from: usize, to: usize) -> Option<usize> {
        (from..to).find(|&at| {
            let rest = self.bytes.get(at..).unwrap_or_default();
            // Cheap first: a short payload with baseline and checksum flags.
            let plausible = rest.first().is_some_and(|&len| len >= MIN_RESTART_LEN)
                && flags_of(rest).is_some_and(|flags| flags & 0xaf == 0xa0);
            plausible && record::decode(rest, &mut None).is_ok()
        })
    }
}

/// The flags byte of the record at the front, behind a length of one or two bytes.
fn flags_of(bytes: &[u8]) -> Option<u8> {
    let prefix = if bytes.first()? & 0x80 == 0 { 1 } else { 2 };
    bytes.get(prefix + 5).copied()
}

impl<'a> Iterator for Records<'a> {
    /// Offset and what stands there.
    type Item = (usize, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.stop.is_none() {
            let at = self.offset;
            let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
            match self.decode(rest) {
                Ok((record, len)) => {
                    self.checked = record.checked;
                    self.offset = at + len;
                    self.good_end = self.offset;
                    return Some((at, Item::Record(record, len)));
                }
                // The reference steps over these. No engine writes them, so it is a length that
                // is damaged, perhaps, and hides records that can be told apart.
                Err(error @ RecordError::NoBaseline(len)) => {
                    let end = at + len.max(MIN_PAYLOAD_LEN);
                    self.offset = self.restart_in(at + 1, end).unwrap_or(end);
                    self.good_end = self.offset;
                    return Some((at, Item::Damage(self.offset - at, error)));
                }
                Err(error) => match self.restart_in(at + 1, self.bytes.len()) {
                    Some(next) => {
                        self.offset = next;
                        self.baseline = None;
                        return Some((at, Item::Damage(next - at, error)));
                    }
                    None => self.stop = Some(error),
                },
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
