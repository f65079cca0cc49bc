//! Logs and data files of the reference, cut and flipped at every byte: what is left is read,
//! what is lost is named, and nothing is made up.

use nanotdb::wal::{MAX_RECORD_LEN, Records};
use nanotdb::{Database, Error, Store};
use nanotdb_tests::answers::{self, Streams};
use nanotdb_tests::fixtures::{Fixture, sha256};
use nanotdb_tests::independent::{DataFile, Extensions, Record, Wal};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const DATA: &str = "prod/data-2026-01-10.dat";

fn prod(store: &Store) -> Arc<Database> {
    store.database("prod").unwrap()
}

/// How many samples of `found` `truth` does not have.
fn invented(found: &Streams, truth: &Streams) -> usize {
    let of = |(metric, points): (&String, &Vec<(i64, u32)>)| {
        let known = truth.get(metric);
        points.iter().filter(|p| !known.is_some_and(|known| known.contains(p))).count()
    };
    found.iter().map(of).sum()
}

fn count(streams: &Streams) -> usize {
    streams.values().map(Vec::len).sum()
}

#[test]
fn logs_cut_at_every_byte() {
    for name in ["12", "12b"] {
        let fixture = Fixture::load(name);
        let full = fixture.file("full.wal");
        let copy = fixture.copy();
        let log = copy.path().join("prod/prod.wal");
        fs::write(&log, &full).unwrap();
        let torn = fixture.expected.torn_wal();
        let whole = answers::streams(&prod(&answers::open_read_only(copy.path()))).unwrap();
        for (len, &records) in torn.records_readable_by_length.iter().enumerate() {
            fs::write(&log, &full[..len]).unwrap();
            let store = answers::open_read_only(copy.path());
            let database = prod(&store);
            let report = database.open_report();
            let read = usize::try_from(report.replayed + report.duplicates).unwrap();
            assert_eq!(read, records, "{name} cut at {len}");
            assert_eq!(report.problems, [""; 0], "{name} cut at {len}");
            let found = answers::streams(&database).unwrap();
            assert_eq!(invented(&found, &whole), 0, "{name} cut at {len}");
        }
        for (len, records, lines, digest, _) in torn.opened {
            let copy = fixture.copy();
            fs::write(copy.path().join("prod/prod.wal"), &full[..len]).unwrap();
            let store = answers::open(copy.path());
            let export = answers::export(&prod(&store), false).unwrap();
            assert_eq!((export.lines().count(), sha256(export)), (lines, digest), "{name} {len}");
            store.close().unwrap();
            let store = answers::open_read_only(copy.path());
            assert_eq!(count(&answers::streams(&prod(&store)).unwrap()), lines, "{records}");
        }
    }
}

/// The reference's records carry no checksum: a flipped value or time is undetectable. As many
/// records are taken as the reference takes, less those that now claim a checksum, which is wrong.
#[test]
fn logs_with_flipped_bits() {
    for name in ["12", "12b"] {
        let fixture = Fixture::load(name);
        let full = fixture.file("full.wal");
        let copy = fixture.copy();
        for flip in fixture.expected.flipped_wal() {
            let mut bytes = full.clone();
            bytes[flip.0] ^= flip.1;
            fs::write(copy.path().join("prod/prod.wal"), &bytes).unwrap();
            let store = answers::open_read_only(copy.path());
            let database = prod(&store);
            let report = database.open_report();
            let taken = usize::try_from(report.replayed + report.duplicates).unwrap();
            let label = format!("{name} byte {} ^ {}: {report:?}", flip.0, flip.1);
            assert!(taken <= flip.2, "{label}");
            // What is not taken is named, unless it may be a torn append.
            let mut records = Records::new(&bytes);
            records.by_ref().for_each(drop);
            let torn = records.tail().is_some_and(|tail| tail.len <= MAX_RECORD_LEN);
            let believed = Wal::decode("prod.wal", &bytes, Extensions::Read).records.len();
            assert!(taken == believed || torn || !report.problems.is_empty(), "{label}");
            answers::streams(&database).unwrap();
        }
    }
}

/// The records of the frames that are whole in the first `len` bytes.
fn whole_records(full: &[u8], len: usize) -> (usize, usize) {
    let file = DataFile::decode("full.dat", "2026-01-10", full);
    let whole = file.frames.iter().filter(|frame| frame.offset + frame.len <= len);
    whole.fold((0, 0), |(count, _), frame| (count + frame.records.len(), frame.offset + frame.len))
}

/// D-07: at every cut, the whole frames are read, the rest is kept beside the file, and new
/// samples go behind the whole frames.
#[test]
fn data_files_cut_at_every_byte() {
    let fixture = Fixture::load("13");
    let full = fixture.file("full.dat");
    // Every byte of the last two frames, and some of the others.
    let lens = (0..=full.len()).filter(|len| len % 7 == 0 || *len > 950);
    for len in lens {
        let copy = fixture.copy();
        fs::write(copy.path().join(DATA), &full[..len]).unwrap();
        let (records, end) = whole_records(&full, len);

        let store = answers::open_read_only(copy.path());
        assert_eq!(count(&answers::streams(&prod(&store)).unwrap()), records, "cut at {len}");
        drop(store);

        let store = answers::open(copy.path());
        let database = prod(&store);
        assert_eq!(count(&answers::streams(&database).unwrap()), records, "cut at {len}");
        database.add("later", nanotdb::Timestamp(1_768_089_599_999_999_999), 1).unwrap();
        drop(database);
        store.close().unwrap();

        let after = answers::tree(copy.path()).unwrap();
        assert!(after[DATA].starts_with(&full[..end]), "cut at {len}");
        let kept = after.get(&format!("{DATA}.torn")).map(Vec::as_slice).unwrap_or_default();
        // Zeros are room that some writer reserved, not worth a file.
        let cut = &full[end..len];
        let cut = if cut.iter().all(|&byte| byte == 0) { &[] } else { cut };
        assert_eq!(kept, cut, "cut at {len}");
        let file = DataFile::decode("x", "2026-01-10", &after[DATA]);
        assert_eq!((file.problems.len(), file.records().count()), (0, records + 1), "cut at {len}");
    }
}

/// What a damaged file of fixture 14 must give: samples, or an error at an offset.
enum Given {
    Samples(usize),
    ErrorAt(u64),
}

#[test]
fn damaged_data_files() {
    use Given::{ErrorAt, Samples};
    let fixture = Fixture::load("14");
    let truth = {
        let copy = fixture.copy();
        answers::streams(&prod(&answers::open_read_only(copy.path()))).unwrap()
    };
    let given = [
        // The reference skips by headers without looking at the records.
        ("start_ts_flipped", ErrorAt(722)),
        ("end_ts_flipped", ErrorAt(722)),
        ("num_records_flipped", ErrorAt(722)),
        // The frame at 722 seems to end where no frame begins.
        ("length_varint_flipped", ErrorAt(892)),
        ("payload_flipped", ErrorAt(722)),
        ("crc_flipped", ErrorAt(722)),
        ("first_frame_payload_flipped", ErrorAt(0)),
        ("last_frame_payload_flipped", ErrorAt(1200)),
        ("junk_prefix", ErrorAt(0)),
        ("junk_between", ErrorAt(722)),
        // Cut like a torn append (D-07).
        ("junk_suffix", Samples(240)),
        ("zeros_between", ErrorAt(722)),
        ("zeros_suffix", Samples(240)),
        ("frame_duplicated", Samples(280)),
        ("frames_swapped", Samples(240)),
        ("frame_missing", Samples(200)),
        ("frame_cut_in_the_middle", ErrorAt(956)),
        ("all_damaged", ErrorAt(0)),
        ("empty", Samples(0)),
    ];
    assert_eq!(given.len(), fixture.expected.corrupted_data().len());
    for (name, given) in given {
        let copy = fixture.copy();
        let bytes = fixture.file(&format!("corrupted/{name}.dat"));
        fs::write(copy.path().join(DATA), &bytes).unwrap();
        let before = answers::tree(copy.path()).unwrap();
        for read_only in [true, false] {
            let open = if read_only { answers::open_read_only } else { answers::open };
            let store = open(copy.path());
            let database = prod(&store);
            // At the very end, damage and a torn append look the same: opening cuts it, says so,
            // and keeps it.
            let given = match name {
                "last_frame_payload_flipped" if !read_only => {
                    assert_eq!(database.open_report().cut.len(), 1, "{name}");
                    &Samples(200)
                }
                _ => &given,
            };
            match (answers::streams(&database), given) {
                (Ok(found), Samples(expected)) => {
                    assert_eq!(count(&found), *expected, "{name}");
                    assert_eq!(invented(&found, &truth), 0, "{name}");
                }
                (Err(Error::Corrupt(damage)), ErrorAt(offset)) => {
                    assert_eq!(
                        (damage.file.as_str(), damage.offset),
                        ("data-2026-01-10.dat", *offset)
                    );
                }
                (found, _) => panic!("{name}: {found:?}"),
            }
            let export = answers::export(&database, true);
            assert_eq!(export.is_ok(), matches!(given, Samples(_)), "{name}");
            if read_only {
                drop((database, store));
                assert!(answers::tree(copy.path()).unwrap() == before, "{name}");
            }
        }
        untouched_before_the_tail(copy.path(), &bytes, name);
    }
}

/// Opening cuts what can be a torn append, and keeps it.
fn untouched_before_the_tail(root: &Path, before: &[u8], name: &str) {
    let after = answers::tree(root).unwrap();
    let kept = after.get(&format!("{DATA}.torn")).map(Vec::as_slice).unwrap_or_default();
    let both = [&after[DATA], kept].concat();
    let zeros_dropped = before.strip_prefix(&both[..]);
    assert!(zeros_dropped.is_some_and(|rest| rest.iter().all(|b| *b == 0)), "{name}");
}

/// Bits of a data file flipped, in headers each of them: an error that names the file, or the true samples, or — in
/// the headers, which nothing protects — samples of intact frames only.
#[test]
fn every_flipped_bit_of_a_data_file() {
    let fixture = Fixture::load("14");
    let copy = fixture.copy();
    let path = copy.path().join(DATA);
    let full = fs::read(&path).unwrap();
    let truth = answers::streams(&prod(&answers::open_read_only(copy.path()))).unwrap();
    let mut harmless = 0;
    for bit in (0..8 * full.len()).filter(|bit| bit / 8 % 234 < 24 || bit % 5 == 0) {
        let mut flipped = full.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, flipped).unwrap();
        let store = answers::open_read_only(copy.path());
        match answers::streams(&prod(&store)) {
            Err(Error::Corrupt(damage)) => assert_eq!(damage.file, "data-2026-01-10.dat"),
            Err(other) => panic!("bit {bit}: {other}"),
            Ok(found) => {
                // The last frame's length or a flipped tail looks like a torn append.
                let last = DataFile::decode("x", "2026-01-10", &full).frames.pop().unwrap();
                let lost = if bit / 8 >= last.offset { last.records.len() } else { 0 };
                assert_eq!(invented(&found, &truth), 0, "bit {bit}");
                let complete = count(&found) == 240;
                assert!(complete || count(&found) == 240 - lost, "bit {bit}: {}", count(&found));
                harmless += 1;
            }
        }
    }
    // First and last times, and the length of the last frame.
    assert!(harmless <= 8 * (6 * 16 + 1 + 2 + 1), "{harmless}");
}

/// The two decoders agree on the samples of a sound file.
#[test]
fn the_sound_file() {
    let fixture = Fixture::load("13");
    let records: Vec<Record> =
        DataFile::decode("x", "2026-01-10", &fixture.file("full.dat")).records().collect();
    assert_eq!(records.len(), 240);
}
