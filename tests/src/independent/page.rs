//! Data files: frames one after another, each with three columns.

use super::block::Codec;
use super::bytes::{Cursor, crc32};
use super::{PartitionKind, Problem};

/// A `data-` or `raw-` file.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Its name.
    pub name: String,
    /// The partition its name says it holds.
    pub partition: String,
    /// Its length in bytes.
    pub len: usize,
    /// The frames up to the first one that is damaged.
    pub frames: Vec<Frame>,
    /// What is wrong with it on its own, without catalog and manifest.
    pub problems: Vec<Problem>,
}

/// One page on disk.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where it begins.
    pub offset: usize,
    /// Bytes it occupies.
    pub len: usize,
    /// The header's first time.
    pub start: i64,
    /// The header's last time.
    pub end: i64,
    /// Bytes of its payload.
    pub compressed_len: usize,
    /// Its samples in arrival order.
    pub records: Vec<Record>,
}

/// One sample of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The metric's id.
    pub id: u16,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The four value bytes as a number.
    pub raw: u32,
}

/// Bytes of a frame before the length of its payload.
const HEADER_LEN: usize = 18;
/// Bytes of one sample in a decoded payload.
const RECORD_LEN: usize = 14;

impl DataFile {
    /// Decodes `bytes` up to their end or the first damage.
    pub fn decode(name: &str, partition: &str, bytes: &[u8]) -> Self {
        let mut file = Self {
            name: name.into(),
            partition: partition.into(),
            len: bytes.len(),
            frames: Vec::new(),
            problems: Vec::new(),
        };
        let mut pos = 0;
        while pos < bytes.len() {
            match file.frame(bytes, pos) {
                Ok(frame) => {
                    pos += frame.len;
                    file.frames.push(frame);
                }
                Err(what) => {
                    file.problems.push(Problem::damage(name, pos, what));
                    break;
                }
            }
        }
        file
    }

    /// All samples in file order.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.frames.iter().flat_map(|frame| frame.records.iter().copied())
    }

    fn frame(&mut self, bytes: &[u8], offset: usize) -> Result<Frame, String> {
        let mut cursor = Cursor::at(bytes, offset);
        if cursor.rest().len() < HEADER_LEN {
            return Err("truncated header".into());
        }
        let start = cursor.i64().ok_or("truncated header")?;
        let end = cursor.i64().ok_or("truncated header")?;
        let count = usize::from(cursor.u16().ok_or("truncated header")?);
        let (compressed_len, minimal) = cursor.uvarint().ok_or("truncated or bad length")?;
        let compressed_len = usize::try_from(compressed_len).map_err(|e| e.to_string())?;
        let payload = cursor.take(compressed_len).ok_or("truncated payload")?;
        let stored = cursor.u32().ok_or("truncated checksum")?;
        let computed = crc32(payload);
        if stored != computed {
            return Err(format!("checksum {stored:08x}, computed {computed:08x}"));
        }
        let decoded = Codec::S2.decode(payload, RECORD_LEN * count)?;
        let records = columns(&decoded, count).ok_or("columns do not fit")?;

        let mut rule = |broken: bool, what: &str| {
            if broken {
                self.problems.push(Problem::rule(&self.name, offset, what));
            }
        };
        rule(!minimal, "length is not written in as few bytes as possible");
        rule(count == 0, "frame without samples");
        rule(records.first().is_some_and(|r| r.time != start), "start is not the first time");
        rule(records.last().is_some_and(|r| r.time != end), "end is not the last time");
        rule(!records.is_sorted_by_key(|r| r.time), "times go back within the page");
        rule(records.iter().any(|r| r.id == 0), "metric id 0");
        Ok(Frame { offset, len: cursor.pos() - offset, start, end, compressed_len, records })
    }

    /// Whether every sample belongs where the file's name says.
    pub(super) fn check_partition(&self, problems: &mut Vec<Problem>) {
        let Some(kind) = PartitionKind::of_key(&self.partition) else {
            problems.push(Problem::rule(&self.name, 0, "the name holds no partition key"));
            return;
        };
        for frame in &self.frames {
            if let Some(record) = frame.records.iter().find(|r| kind.key(r.time) != self.partition)
            {
                let what = format!("holds a sample of {}", kind.key(record.time));
                problems.push(Problem::rule(&self.name, frame.offset, what));
            }
        }
    }
}

fn columns(decoded: &[u8], count: usize) -> Option<Vec<Record>> {
    let mut ids = Cursor::new(decoded);
    let mut times = Cursor::at(decoded, 2 * count);
    let mut values = Cursor::at(decoded, 10 * count);
    (0..count)
        .map(|_| Some(Record { id: ids.u16()?, time: times.i64()?, raw: values.u32()? }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::bytes::hex;
    use super::*;

    const ONE: &str = "e803000000000000 e803000000000000 0100 10 0e34 0100 e803000000000000
                       2a000000 77c4190f";
    const THREE: &str = "00002a36fe9c9717 00e4358a009d9717 0300 2c 2aa4 0100 0200 0100
                         00002a36fe9c9717 00002a36fe9c9717 00e4358a009d9717
                         0000ac41 f9ffffff 0000ae41 e45661bd";

    #[test]
    fn the_worked_examples() {
        let bytes = hex(&[ONE, THREE].concat());
        let file = DataFile::decode("data-forever.dat", "forever", &bytes);
        assert_eq!(file.problems, []);
        assert_eq!(file.frames.iter().map(|f| f.len).collect::<Vec<_>>(), [39, 67]);
        let record = |id, time, raw| Record { id, time, raw };
        let expected = [
            record(1, 1000, 42),
            record(1, 1_700_000_000_000_000_000, 21.5_f32.to_bits()),
            record(2, 1_700_000_000_000_000_000, (-7_i32).cast_unsigned()),
            record(1, 1_700_000_010_000_000_000, 21.75_f32.to_bits()),
        ];
        assert_eq!(file.records().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn damage_stops_and_keeps_what_came_before() {
        let bytes = hex(&[ONE, THREE].concat());
        for cut in 40..bytes.len() {
            let file = DataFile::decode("data-forever.dat", "forever", &bytes[..cut]);
            assert_eq!((file.frames.len(), file.problems.len()), (1, 1), "cut at {cut}");
        }
    }

    #[test]
    fn broken_rules_are_named() {
        let mut bytes = hex(ONE);
        bytes[0] ^= 1;
        let file = DataFile::decode("data-2026.dat", "2026", &bytes);
        assert_eq!(file.problems[0].what, "start is not the first time");
        let mut problems = Vec::new();
        file.check_partition(&mut problems);
        assert_eq!(problems[0].what, "holds a sample of 1970");
    }
}
