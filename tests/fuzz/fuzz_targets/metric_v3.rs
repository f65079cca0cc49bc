//! Metric files of version 3: samples there and back, then the file with bytes changed and its
//! checksums made right again.
//!
//! Input: number of changes u8, for each its place u16 and byte u8; then samples of 6 bytes: metric
//! u2, step of time u6 (a way and a size of 3 bits each), raw value u32, and how many of them are
//! alike u8.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::codec::checksum::crc32;
use nanotdb_core::compress::{CodecId, Codecs};
use nanotdb_core::error::Result;
use nanotdb_core::metric_file::{
    BuildOptions, MetricFile, SampleScan, Target, Version, Visit, build_v3, compare, convert,
};
use nanotdb_core::storage::{FileName, MemoryFile, MemoryStorage, Storage};
use nanotdb_core::{MetricId, ValueType};

/// Samples of one file: more make it slow, not different.
const MOST: usize = 5000;

struct Samples {
    ids: Vec<u16>,
    times: Vec<i64>,
    raws: Vec<u32>,
}

impl SampleScan for Samples {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        for ((ids, times), raws) in
            self.ids.chunks(50).zip(self.times.chunks(50)).zip(self.raws.chunks(50))
        {
            visit(ids, times, raws)?;
        }
        Ok(())
    }
}

impl Samples {
    fn of(bytes: &[u8]) -> Self {
        let mut samples = Self { ids: Vec::new(), times: Vec::new(), raws: Vec::new() };
        let mut time = 1_770_681_600_000_000_000_i64;
        for &[which, a, b, c, d, alike] in bytes.as_chunks::<6>().0 {
            let size = i64::from(which >> 2 & 7);
            let step = match which >> 5 {
                0 => 0,
                1 => size,
                2 => 1_000_000_000 << size,
                3 => -size,
                4 => size * 10_000_000_000 + i64::from(a),
                5 => i64::MAX >> size,
                6 => i64::MIN >> size,
                _ => 3_600_000_000_000,
            };
            for _ in 0..=alike {
                if samples.ids.len() == MOST {
                    return samples;
                }
                time = time.wrapping_add(step);
                samples.ids.push(u16::from(which & 3) + 1);
                samples.times.push(time);
                samples.raws.push(u32::from_le_bytes([a, b, c, d]));
            }
        }
        samples
    }
}

/// Even ids are integers.
fn type_of(id: u16) -> Option<ValueType> {
    Some(if id % 2 == 0 { ValueType::I32 } else { ValueType::F32 })
}

/// The file that `write` makes.
fn written(
    write: impl FnOnce(&Target<'_, MemoryStorage>) -> Result<nanotdb_core::metric_file::BuildReport>,
) -> Vec<u8> {
    let storage = MemoryStorage::new();
    let name = FileName::new("metric-2026-01-01.dat").expect("a name");
    let codecs = Codecs::portable();
    let codec = CodecId::S2;
    let target =
        Target { storage: &storage, name: &name, partition_kind: 1, codec, codecs: &codecs };
    write(&target).expect("nothing speaks against it");
    storage.read(&name).expect("memory does not fail").expect("written")
}

fn opened(bytes: &[u8]) -> Result<MetricFile<MemoryFile>> {
    let storage = MemoryStorage::new();
    let name = FileName::new("metric-2026-01-01.dat").expect("a name");
    storage.replace(&name, bytes).expect("memory does not fail");
    MetricFile::open(storage.open(&name).expect("written"), name.as_str(), &Codecs::portable())
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes")) as usize
}

/// What checksums cover that stand behind it: fronts, statistics, header.
fn covered(bytes: &[u8], file: &MetricFile<MemoryFile>) -> Vec<std::ops::Range<usize>> {
    let mut entries = file.entries().to_vec();
    entries.sort_by_key(|entry| entry.offset);
    let (mut entries, mut times) =
        (entries.into_iter(), file.times_encodings().expect("intact").into_iter());
    let (mut at, mut statistics) = (64, u64_at(bytes, 40));
    let mut covered = vec![0..60];
    while at < u64_at(bytes, 40) {
        let encoding = if &bytes[at..at + 4] == b"TPG3" {
            times.next().expect("a time frame")
        } else {
            let entry = entries.next().expect("a metric frame");
            assert_eq!(entry.offset, at as u64);
            file.encoding(&entry).expect("intact").expect("version 3")
        };
        covered.push(at..at + encoding.front_len as usize - 4);
        at += (encoding.front_len + encoding.body_len) as usize;
        if encoding.statistics_len > 0 {
            let end = statistics + encoding.statistics_len as usize;
            covered.push(statistics..end - 4);
            statistics = end;
        }
    }
    covered
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&changes, bytes)) = bytes.split_first() else { return };
    let (changes, bytes) = bytes.split_at((usize::from(changes % 8) * 3).min(bytes.len()));
    let mut samples = Samples::of(bytes);
    if samples.ids.is_empty() {
        return;
    }
    let options = BuildOptions::default().memory_budget(24 * 700);
    let intact = written(|target| build_v3(target, &mut samples, &type_of, &options));
    let file = opened(&intact).expect("just written");
    let found = compare(&mut samples, &type_of, &file, 1 << 20).expect("intact");
    assert_eq!(found.mismatch, None);
    let v2 = written(|target| convert(&file, target, Version::V2, &options));
    let v2 = opened(&v2).expect("just written");
    assert_eq!(compare(&mut samples, &type_of, &v2, 1 << 20).expect("intact").mismatch, None);

    let mut changed = intact.clone();
    for &[low, high, byte] in changes.as_chunks::<3>().0 {
        let at = usize::from(u16::from_le_bytes([low, high])) % changed.len();
        changed[at] = byte;
    }
    for range in covered(&intact, &file) {
        let crc = crc32(&changed[range.clone()]).to_le_bytes();
        changed[range.end..range.end + 4].copy_from_slice(&crc);
    }
    let foot = changed.len() - 16;
    let crc = crc32(&changed[u64_at(&intact, 48)..foot]).to_le_bytes();
    changed[foot + 8..foot + 12].copy_from_slice(&crc);
    let crc = crc32(&changed[foot..foot + 12]).to_le_bytes();
    changed[foot + 12..].copy_from_slice(&crc);

    let Ok(file) = opened(&changed) else { return };
    let _ = (file.verify_index(), file.times_encodings());
    for frame in file.frames().flatten() {
        assert_eq!(frame.times.len(), frame.raws.len());
    }
    for id in (1..=4).filter_map(MetricId::new) {
        for entry in file.entries_of(id).expect("nothing to read") {
            let _ = file.encoding(entry);
            let points = entry.point_count as usize;
            if let Ok((times, raws)) = file.read_points(entry, points / 3..points) {
                assert_eq!((times.len(), raws.len()), (points - points / 3, points - points / 3));
            }
            if let Ok(Some(statistics)) = file.statistics(entry) {
                let counted: usize = statistics.spans.iter().map(|span| span.points.len()).sum();
                assert_eq!(counted, points);
            }
        }
    }
});
