use super::super::record::tests::{
    REFERENCE, REFERENCE_SAMPLES, as_the_reference, encode_one, encoded, rows,
};
use super::*;
use crate::types::ValueType;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

type Sample = (u16, i64, u32);

/// Everything that reading a log finds.
#[derive(Debug)]
struct Found {
    samples: Vec<Sample>,
    /// Where each damaged stretch starts, and how long it is.
    damage: Vec<(usize, usize)>,
    tail: Option<Tail>,
    good_end: usize,
}

fn read(log: &[u8]) -> Found {
    let mut records = Records::new(log);
    let (mut samples, mut damage) = (vec![], vec![]);
    for (at, item) in records.by_ref() {
        match item {
            Item::Record(record, _) => samples.push((record.id, record.time, record.raw)),
            Item::Damage(len, _) => damage.push((at, len)),
        }
    }
    Found { samples, damage, tail: records.tail(), good_end: records.good_end() }
}

/// A log of ours: each record with its bytes, and whether it sets a baseline.
struct Written {
    log: Vec<u8>,
    samples: Vec<Sample>,
    /// Where each record starts; the log's length comes last.
    starts: Vec<usize>,
    baselines: Vec<bool>,
}

/// Four stretches of seven records, each stretch with a baseline of its own.
fn written() -> Written {
    let mut encoder = record::Encoder::default();
    let (mut log, mut samples, mut starts, mut baselines) = (vec![], vec![], vec![0], vec![]);
    for n in 0..28_u16 {
        let time =
            1_700_000_000_000_000_000 + i64::from(n / 7) * 1_000_000_000 + i64::from(n) * 999;
        let sample = (n % 3 + 1, time, 0x4100_0000 + u32::from(n) * 0x0001_0101);
        let name =
            (n < 3).then(|| (["a", "room.temp", "third/metric"][usize::from(n)], ValueType::F32));
        let encoded =
            encode_one(&mut encoder, sample, name, (n % 7 == 0).then_some(u64::from(n) * 1000));
        log.extend_from_slice(&encoded);
        samples.push(sample);
        starts.push(log.len());
        baselines.push(n % 7 == 0);
    }
    Written { log, samples, starts, baselines }
}

impl Written {
    /// The samples that must survive damage to the byte at `at`: all up to the record that holds
    /// it, and all from the next baseline on.
    fn survivors(&self, at: usize) -> Vec<Sample> {
        let hit = self.starts.partition_point(|&start| start <= at) - 1;
        let next = (hit + 1..self.samples.len()).find(|&n| self.baselines[n]);
        let next = next.unwrap_or(self.samples.len());
        [&self.samples[..hit], &self.samples[next..]].concat()
    }
}

fn is_subsequence(part: &[Sample], whole: &[Sample]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|sample| whole.any(|other| other == sample))
}

fn check_damaged(written: &Written, log: &[u8], at: usize, what: &str) {
    let found = read(log);
    assert!(is_subsequence(&found.samples, &written.samples), "invented a sample: {what}");
    assert!(is_subsequence(&written.survivors(at), &found.samples), "lost too much: {what}");
    let is_whole = found.samples.len() == written.samples.len();
    let told = found.tail.is_some() || !found.damage.is_empty();
    assert!(told || is_whole, "lost without a word: {what}");
}

#[test]
fn a_flipped_bit_costs_at_most_the_stretch_up_to_the_next_baseline() {
    let written = written();
    for bit in 0..8 * written.log.len() {
        let mut log = written.log.clone();
        log[bit / 8] ^= 1 << (bit % 8);
        check_damaged(&written, &log, bit / 8, &alloc::format!("bit {bit}"));
        assert!(read(&log).samples.len() < written.samples.len(), "bit {bit} went unnoticed");
    }
}

#[test]
fn a_changed_byte_costs_no_more() {
    let written = written();
    let mut log = written.log.clone();
    for at in 0..log.len() {
        for change in 1..=255 {
            log[at] ^= change;
            check_damaged(&written, &log, at, &alloc::format!("byte {at} ^ {change:#x}"));
            log[at] ^= change;
        }
    }
}

// The length grows so much that it takes in exactly one more record: 31 bytes become 63.
#[test]
fn a_length_that_swallows_the_next_record_is_noticed() {
    let mut encoder = record::Encoder::default();
    let name = Some(("fifteen letters", ValueType::I32));
    let mut log = vec![];
    for time in 0..4 {
        log.extend_from_slice(&encode_one(&mut encoder, (1, time, 7), name, None));
    }
    assert_eq!((log[40], log[72]), (31, 31));
    log[40] = 63;
    let found = read(&log);
    assert_eq!(found.samples, [(1, 0, 7)]);
    let reason = RecordError::Leftover(32);
    assert_eq!(found.tail, Some(Tail { offset: 40, len: 96, reason }));
}

#[test]
fn zeros_behind_the_last_record_are_a_tail() {
    for log in [written().log, REFERENCE.to_vec()] {
        let whole = read(&log);
        assert_eq!((whole.tail, whole.good_end), (None, log.len()));
        for zeros in 1..100 {
            let mut padded = log.clone();
            padded.resize(log.len() + zeros, 0);
            let found = read(&padded);
            assert_eq!(found.samples, whole.samples);
            assert!(found.damage.is_empty());
            let reason = RecordError::TooShort(0);
            assert_eq!(found.tail, Some(Tail { offset: log.len(), len: zeros, reason }));
        }
    }
}

#[test]
fn a_log_torn_anywhere_keeps_the_records_before() {
    let written = written();
    for cut in 0..=written.log.len() {
        let found = read(&written.log[..cut]);
        let whole = written.starts.partition_point(|&start| start <= cut) - 1;
        assert_eq!(found.samples, written.samples[..whole]);
        assert_eq!(found.good_end, written.starts[whole]);
        assert_eq!(found.tail.is_some(), cut != found.good_end, "cut at {cut}");
        assert!(found.damage.is_empty());
    }
}

#[test]
fn a_torn_log_of_the_reference_keeps_the_records_before() {
    for cut in 0..=REFERENCE.len() {
        let found = read(&REFERENCE[..cut]);
        let expected: Vec<Sample> =
            as_the_reference(&REFERENCE[..cut]).iter().map(|s| (s.0, s.1, s.2)).collect();
        assert_eq!(found.samples, expected);
        assert_eq!(found.tail.is_some(), cut != found.good_end);
    }
}

#[test]
fn a_log_without_checksums_ends_at_the_first_damage() {
    let type_byte = 25;
    assert_eq!(REFERENCE[type_byte], 2);
    let second = 30;
    for (at, value, kept) in
        [(type_byte, 9, 0), (second, 9, 1), (second, 200, 1), (second + 7, 200, 1)]
    {
        let mut log = REFERENCE.to_vec();
        log[at] = value;
        let found = read(&log);
        assert_eq!(found.samples, REFERENCE_SAMPLES[..kept], "byte {at}");
        assert!(found.damage.is_empty() && found.tail.is_some());
    }
}

#[test]
fn records_before_the_first_baseline_are_stepped_over() {
    let headless = &REFERENCE[44..];
    let found = read(headless);
    assert_eq!(found.samples, REFERENCE_SAMPLES[4..]);
    assert_eq!(found.damage, [(0, 11), (11, 11)]);
    assert_eq!((found.tail, found.good_end), (None, headless.len()));
}

#[test]
fn our_records_before_a_baseline_are_damage() {
    let written = written();
    let found = read(&written.log[written.starts[3]..]);
    assert_eq!(found.samples, written.samples[7..]);
    assert_eq!(found.damage, [(0, written.starts[7] - written.starts[3])]);
}

#[test]
fn both_engines_may_write_one_log() {
    let written = written();
    let log = [REFERENCE, &written.log, REFERENCE, &written.log].concat();
    let samples =
        [&REFERENCE_SAMPLES, written.samples.as_slice(), &REFERENCE_SAMPLES, &written.samples]
            .concat();
    let found = read(&log);
    assert_eq!(found.samples, samples);
    assert!(found.damage.is_empty() && found.tail.is_none());

    // Damage to the reference's part costs the rest of that part, not ours.
    let mut damaged = log.clone();
    damaged[30] = 200;
    assert_eq!(read(&damaged).samples, [&samples[..1], &samples[6..]].concat());
    let second = REFERENCE.len() + written.log.len();
    let mut damaged = log;
    damaged[second + 30] = 200;
    assert_eq!(read(&damaged).samples, [&samples[..35], &samples[40..]].concat());
}

#[test]
fn what_is_wrong_is_said() {
    let mut log = written().log;
    log[20] ^= 1;
    let (_, damage) = Records::new(&log).next().unwrap();
    let Item::Damage(_, error) = damage else { panic!("{damage:?}") };
    assert!(error.to_string().starts_with("record checksum is "), "{error}");
}

proptest! {
    #[test]
    fn what_was_written_is_read(rows in rows()) {
        let log = encoded(&rows);
        let found = read(&log);
        prop_assert!(found.samples.iter().eq(rows.iter().map(|row| &row.0)));
        prop_assert_eq!((found.tail, found.good_end), (None, log.len()));
    }

    #[test]
    fn junk_between_records_costs_nothing_behind_the_next_baseline(
        mut junk in proptest::collection::vec(any::<u8>(), 1..60),
        before in 0_usize..=28,
    ) {
        junk[0] = 0; // any other may be the length of a record without a checksum
        let written = written();
        let at = written.starts[before];
        let log = [&written.log[..at], &junk, &written.log[at..]].concat();
        let found = read(&log);
        let next = (before..28).find(|&n| written.baselines[n]).unwrap_or(28);
        let survivors = [&written.samples[..before], &written.samples[next..]].concat();
        prop_assert!(is_subsequence(&survivors, &found.samples));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut records = Records::new(&bytes);
        let mut end = 0;
        for (at, item) in records.by_ref() {
            prop_assert!(at >= end);
            let (Item::Record(_, len) | Item::Damage(len, _)) = item;
            end = at + len;
            prop_assert!(end <= bytes.len());
        }
        prop_assert!(records.good_end() <= bytes.len());
    }
}
