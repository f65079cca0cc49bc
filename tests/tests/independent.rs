//! The second decoder against what the reference says about its own files. Only what passes here
//! may judge files of ours.

use nanotdb_tests::fixtures::{self, Database, Fixture, sha256};
use nanotdb_tests::independent::{
    DataFile, Db, Directory, Extensions, Kind, MetricFile, Problem, Wal, crc32, text, value_type,
};

/// Every database of every fixture, with what is expected of it.
fn for_each_database(mut check: impl FnMut(&str, &Db, &Database)) {
    for fixture in Fixture::all() {
        let directory = Directory::read(&fixture.root()).unwrap();
        let found: Vec<_> = directory.databases.keys().collect();
        let expected: Vec<_> = fixture.expected.databases.keys().collect();
        assert_eq!(found, expected, "{}", fixture.name());
        for (name, db) in &directory.databases {
            let label = format!("{} {name}", fixture.name());
            check(&label, db, &fixture.expected.databases[name]);
        }
    }
}

fn type_name(byte: u8) -> &'static str {
    match byte {
        value_type::INT32 => "int32",
        value_type::FLOAT32 => "float32",
        _ => "unknown",
    }
}

#[test]
fn frames() {
    for_each_database(|label, db, expected| {
        let files: Vec<&DataFile> = db.data.values().chain(db.raw.values()).collect();
        assert_eq!(files.len(), expected.data_files.len(), "{label}");
        for file in files {
            let scan = &expected.data_files[&file.name];
            if label.starts_with("39-") {
                // More samples than the header can count: not even the reference reads it.
                assert_eq!((file.frames.len(), file.problems.len()), (0, 1), "{label}");
                continue;
            }
            assert_eq!(file.problems, [], "{label}");
            assert_eq!(file.len, scan.file_bytes, "{label}");
            assert_eq!(file.records().count(), scan.records, "{label}");
            assert_eq!(file.frames.iter().map(|f| f.start).min(), Some(scan.min_start), "{label}");
            assert_eq!(file.frames.iter().map(|f| f.end).max(), Some(scan.max_end), "{label}");
            let found = file.frames.iter().map(|f| {
                let count = f.records.len();
                (f.offset, f.start, f.end, count, f.compressed_len, 14 * count, f.len)
            });
            let listed = scan.list.iter().map(|f| (f.0, f.1, f.2, f.3, f.4, f.5, f.6));
            assert!(found.eq(listed), "{label} {}", file.name);
        }
    });
}

#[test]
fn wal_records() {
    for_each_database(|label, db, expected| {
        let scan = &expected.wal[&db.wal.name];
        let wal = &db.wal;
        assert_eq!(wal.len, scan.file_bytes, "{label}");
        assert_eq!(wal.records.len(), scan.records, "{label}");
        assert_eq!(wal.end, scan.decoded_bytes, "{label}");
        assert_eq!(wal.tail_len(), scan.tail_bytes, "{label}");
        assert_eq!(wal.stop.is_some(), scan.has_tail, "{label}");
        assert_eq!(wal.stop.map_or(0, |_| wal.end), scan.stop_offset, "{label}");
        assert_eq!(
            wal.stop.map(|s| s.to_string()).unwrap_or_default(),
            scan.stop_reason,
            "{label}"
        );
        let times = || wal.records.iter().map(|record| record.time);
        assert_eq!(times().min().unwrap_or(0), scan.min_ts, "{label}");
        assert_eq!(times().max().unwrap_or(0), scan.max_ts, "{label}");
        if let Some(list) = &scan.list {
            let found = wal.records.iter().map(|r| (r.offset, r.len, r.id, r.time));
            let listed = list.iter().map(|r| (r.0, r.1, r.2, r.3));
            assert!(found.eq(listed), "{label}");
            // The value is the last four bytes of a record.
            let values = wal.records.iter().map(|r| format!("{:08x}", r.raw.swap_bytes()));
            let listed = list.iter().map(|r| r.4[r.4.len() - 8..].to_owned());
            assert!(values.eq(listed), "{label}");
        }
    });
}

#[test]
fn torn_and_flipped_logs() {
    for name in ["12", "12b"] {
        let fixture = Fixture::load(name);
        let full = fixture.file("full.wal");
        let decode = |bytes: &[u8]| Wal::decode("prod.wal", bytes, Extensions::Ignored);

        let torn = fixture.expected.torn_wal();
        assert_eq!(torn.records_readable_by_length.len(), full.len() + 1);
        for (len, &records) in torn.records_readable_by_length.iter().enumerate() {
            let wal = decode(&full[..len]);
            assert_eq!(wal.records.len(), records, "{name} cut at {len}");
            let expected = if wal.tail_len() == 0 { "" } else { "truncated payload" };
            let stop = wal.stop.map(|stop| stop.to_string()).unwrap_or_default();
            assert_eq!(stop, expected, "{name} cut at {len}");
        }
        assert_eq!(decode(&full).records.last().unwrap().offset, torn.last_record_offset);

        for flip in fixture.expected.flipped_wal() {
            let mut bytes = full.clone();
            bytes[flip.0] ^= flip.1;
            let wal = decode(&bytes);
            let stop = wal.stop.map(|stop| stop.to_string()).unwrap_or_default();
            let found = (wal.records.len(), wal.tail_len(), stop);
            assert_eq!(found, (flip.2, flip.3, flip.4), "{name} byte {} ^ {}", flip.0, flip.1);
        }
    }
}

#[test]
fn exports_of_torn_logs() {
    for name in ["12", "12b"] {
        let fixture = Fixture::load(name);
        let full = fixture.file("full.wal");
        let copy = fixture.copy();
        for (len, records, lines, digest, _) in fixture.expected.torn_wal().opened {
            std::fs::write(copy.path().join("prod/prod.wal"), &full[..len]).unwrap();
            let directory = Directory::read(copy.path()).unwrap();
            let db = &directory.databases["prod"];
            let samples = db.export().unwrap();
            assert_eq!((db.wal.records.len(), samples.len()), (records, lines), "{name} {len}");
            assert_eq!(sha256(text("prod", &samples)), digest, "{name} {len}");
        }
    }
}

/// Frames that the reference's header scan reports, before its error if there is one.
fn frames_reported(damaged: &fixtures::DamagedData) -> u64 {
    let headers = &damaged.peer["headers"];
    let count = headers.get("frames_before_error").unwrap_or(&headers["frames"]);
    count.as_u64().unwrap()
}

#[test]
fn torn_data_files() {
    let fixture = Fixture::load("13");
    let full = fixture.file("full.dat");
    for damaged in fixture.expected.torn_data() {
        let len = damaged.length.unwrap();
        let file = DataFile::decode("data-2026-01-10.dat", "2026-01-10", &full[..len]);
        assert_eq!(file.frames.len() as u64, frames_reported(&damaged), "cut at {len}");
        let fails = damaged.peer["export"].get("error").is_some();
        assert_eq!(!file.problems.is_empty(), fails, "cut at {len}");
    }
}

#[test]
fn corrupted_data_files() {
    let fixture = Fixture::load("14");
    for damaged in fixture.expected.corrupted_data() {
        let path = damaged.file.as_deref().unwrap();
        let bytes = fixture.file(path);
        let file = DataFile::decode("data-2026-01-10.dat", "2026-01-10", &bytes);
        let refused = |part: &str| {
            // A Go panic is an error, too.
            damaged.peer[part].get("error").is_some() || damaged.peer[part].is_string()
        };
        let is_damaged = file.problems.iter().any(|p| p.kind == Kind::Damage);
        assert_eq!(is_damaged, refused("export"), "{path}");
        // What the reference exports but does not recompact breaks a rule, and the other way round.
        assert_eq!(!file.problems.is_empty(), refused("recompact"), "{path}: {:?}", file.problems);
    }
}

#[test]
fn metric_files() {
    let mut seen = [0; 2];
    for_each_database(|label, db, expected| {
        assert_eq!(db.metric.len(), expected.metric_files.len(), "{label}");
        for file in db.metric.values() {
            let summary = &expected.metric_files[&file.name];
            assert_eq!(file.problems, [], "{label}");
            assert_eq!(file.version, summary.version, "{label}");
            assert_eq!(file.time_frames.len(), summary.time_frames, "{label}");
            assert_eq!(file.metric_frames.len(), summary.metric_frames, "{label}");
            assert_eq!(file.metric_frames[0].codec.unwrap().id(), summary.codec_id, "{label}");
            let found = file.metric_frames.iter().map(|f| {
                let (first, last) = (f.times[0], f.times[f.times.len() - 1]);
                let kind = type_name(f.value_type).to_owned();
                (f.id, kind, first, last, f.times.len(), f.decoded_len, f.payload_len)
            });
            let listed = summary.list.iter().map(|f| (f.0, f.1.clone(), f.2, f.3, f.4, f.5, f.6));
            assert!(found.eq(listed), "{label} {}", file.name);

            let stale = db.problems().iter().any(|p| p.kind == Kind::Stale);
            assert_eq!(stale, summary.compare_with_raw_error.is_some(), "{label}");
            if file.version == 2 {
                assert!(file.shares_like_the_reference(), "{label} {}", file.name);
            }
            seen[usize::from(file.version) - 1] += 1;
        }
    });
    assert!(seen.iter().all(|&count| count > 4), "{seen:?}");
}

#[test]
fn every_flipped_bit_in_a_metric_file_is_an_error() {
    for name in ["17", "19"] {
        let path = Fixture::load(name).root().join("prod/metric-2026-02-11.dat");
        let bytes = std::fs::read(path).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let decoded = MetricFile::decode("metric-2026-02-11.dat", "2026-02-11", &flipped);
            assert!(decoded.is_err(), "{name} bit {bit}");
        }
    }
}

#[test]
fn catalogs_and_manifests() {
    for_each_database(|label, db, expected| {
        let Some(manifest) = &expected.manifest else { return };
        // A crash can leave metrics that only the log knows.
        for (name, id, kind) in &expected.metrics_name_id_type {
            let (found, value_type) = db.resolve(*id).unwrap();
            assert_eq!((found, type_name(value_type)), (name.as_str(), kind.as_str()), "{label}");
        }
        let found = &db.manifest;
        assert_eq!(found.partition.name(), manifest.partition, "{label}");
        assert_eq!(found.grace, manifest.grace, "{label}");
        assert_eq!(found.retention_days, manifest.retention_days, "{label}");
        assert_eq!(found.retention_action, manifest.retention_action, "{label}");
        assert_eq!(found.max_active_days, manifest.max_active_days, "{label}");
        assert_eq!(found.wal_enabled, manifest.wal_enabled, "{label}");
        assert_eq!(found.wal_skip_before, manifest.wal_skip_before, "{label}");
        assert_eq!(found.page_max_records, manifest.page_max_records, "{label}");
        assert_eq!(found.page_max_bytes, manifest.page_max_bytes, "{label}");
        assert_eq!(found.page_max_age, manifest.page_max_age, "{label}");
    });
}

#[test]
fn exports() {
    for_each_database(|label, db, expected| {
        let Some(digest) = &expected.export_sha256 else {
            assert!(expected.open_error.is_some(), "{label}");
            return;
        };
        let samples = db.export_with_duplicates().unwrap();
        assert_eq!(Some(samples.len()), expected.export_lines, "{label}");
        assert_eq!(sha256(text(&db.name, &samples)), *digest, "{label}");

        // Only number 11 has samples in both places.
        let flushed_twice = if label.starts_with("11-") { 100 } else { 0 };
        let without = db.export().unwrap();
        assert_eq!(samples.len() - without.len(), flushed_twice, "{label}");
    });
}

#[test]
fn only_the_reference_s_known_bugs_are_problems() {
    let mut found: Vec<(String, Kind, String)> = Vec::new();
    for_each_database(|label, db, _| {
        let fixture = label.split('-').next().unwrap().to_owned();
        let entry = |p: Problem| (fixture.clone(), p.kind, p.what);
        found.extend(db.problems().into_iter().map(entry));
    });
    for problem in &found {
        println!("{problem:?}");
    }
    let mut fixtures: Vec<&str> = found.iter().map(|(fixture, ..)| fixture.as_str()).collect();
    fixtures.dedup();
    assert_eq!(fixtures, ["35", "37", "39", "41"]);
}

/// What is wrong with a copy of a fixture after `change` was made to one of its files.
fn problems_after(
    fixture: &str,
    path: &str,
    change: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> Vec<(Kind, String)> {
    let copy = Fixture::load(fixture).copy();
    let path = copy.path().join(path);
    let bytes = std::fs::read(&path).unwrap_or_default();
    std::fs::write(path, change(bytes)).unwrap();
    let problems = Directory::read(copy.path()).unwrap().problems();
    problems.into_iter().map(|problem| (problem.kind, problem.what)).collect()
}

/// A change that replaces all occurrences of one text.
fn replace(from: &'static str, to: &'static str) -> impl FnOnce(Vec<u8>) -> Vec<u8> {
    move |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        text.replace(from, to).into_bytes()
    }
}

#[test]
fn broken_rules_are_found() {
    let catalog = "prod/catalog.json";
    let expect = |found: Vec<(Kind, String)>, kind: Kind, what: &str| {
        assert!(found.contains(&(kind, what.to_owned())), "{what}: {found:?}");
    };
    let found = problems_after("01", catalog, replace("\"id\": 6", "\"id\": 66"));
    expect(found, Kind::Damage, "id 6 is not in the catalog");
    let found = problems_after("01", catalog, replace("\"id\": 6", "\"id\": 5"));
    expect(found, Kind::Rule, "\"const.f\" (5): id twice");
    let found = problems_after("01", catalog, replace("const.i", "const.f"));
    expect(found, Kind::Rule, "\"const.f\" (6): name twice");
    let found = problems_after("01", catalog, |_| Vec::new());
    expect(found, Kind::Damage, "id 1 is not in the catalog");
    let found = problems_after("01", catalog, |_| b"{".to_vec());
    expect(found, Kind::Damage, "EOF while parsing an object at line 1 column 1");
    let found = problems_after("01", "prod/manifest.toml", replace("\"day\"", "\"month\""));
    expect(found, Kind::Rule, "the manifest says month");
    let found = problems_after("17", catalog, replace("\"type\": 1", "\"type\": 2"));
    expect(found, Kind::Rule, "a type differs from the catalog");
    let found = problems_after("17", "prod/metric-2026-02-11.dat", |_| Vec::new());
    expect(found, Kind::Damage, "shorter than header and footer");
    let found = problems_after("17", "prod/raw-2026-02-10.dat", |bytes| bytes[..1100].to_vec());
    expect(found, Kind::Damage, "truncated payload");

    let frame = |partition: &str| {
        let root = Fixture::load("01").root();
        std::fs::read(root.join(format!("prod/data-{partition}.dat"))).unwrap()
    };
    let other = frame("2026-01-30");
    let found = problems_after("01", "prod/data-2026-02-01.dat", |_| other);
    expect(found, Kind::Rule, "holds a sample of 2026-01-30");
}

#[test]
fn broken_rules_in_logs_are_found() {
    let expect = |found: Vec<(Kind, String)>, kind: Kind, what: &str| {
        assert!(found.contains(&(kind, what.to_owned())), "{what}: {found:?}");
    };
    let wal = "prod/prod.wal";
    let unchanged = problems_after("09", wal, |bytes| bytes);
    assert_eq!(unchanged, []);
    // Without the first record, the second has no baseline and the metric no name.
    let found = problems_after("09", wal, |bytes| bytes[30..].to_vec());
    expect(found.clone(), Kind::Rule, "no baseline before this record, so it has no time");
    expect(found, Kind::Rule, "id is neither in the catalog nor introduced");
    let found = problems_after("09", wal, |bytes| [&bytes[..], &bytes[..30]].concat());
    expect(found, Kind::Rule, "time goes back");
    let found = problems_after("09", wal, |mut bytes| {
        bytes[49 + 1] = 1;
        bytes
    });
    expect(found, Kind::Rule, "introduces a known id anew");
    let found = problems_after("09", wal, |mut bytes| {
        bytes[30 + 6] |= 1;
        bytes
    });
    expect(found, Kind::Rule, "unknown flags");
    let found = problems_after("09", wal, |bytes| [&bytes[..], &[0; 9]].concat());
    expect(found, Kind::Damage, "decode error: wal compact payload too short");
}

/// One log record with a baseline, and the data file length when `data_len` is given.
fn logged(id: u16, time: i64, raw: u32, data_len: Option<u64>) -> Vec<u8> {
    let flags = if data_len.is_some() { 0x90 } else { 0x80 };
    let mut payload = [&id.to_le_bytes()[..], &[0, 0, 0, flags], &time.to_le_bytes()].concat();
    payload.extend(raw.to_le_bytes());
    if let Some(data_len) = data_len {
        payload.extend(data_len.to_le_bytes());
        payload.extend(crc32(&payload).to_le_bytes());
    }
    payload.insert(0, u8::try_from(payload.len()).unwrap());
    payload
}

#[test]
fn the_log_s_remainder() {
    let root = Fixture::load("01").root();
    let directory = Directory::read(&root).unwrap();
    let file = &directory.databases["prod"].data["2026-02-01"];
    let newest = *file.frames[0].records.last().unwrap();
    let again = |data_len| logged(newest.id, newest.time, newest.raw, data_len);
    let remainder = |wal: Vec<u8>| {
        let copy = Fixture::load("01").copy();
        std::fs::write(copy.path().join("prod/prod.wal"), wal).unwrap();
        let directory = Directory::read(copy.path()).unwrap();
        let db = &directory.databases["prod"];
        (db.remainder().len(), db.export().unwrap().len(), db.problems().len())
    };
    // One sample on disk stands for one record, and further equal ones are new.
    assert_eq!(remainder(again(None)), (0, 660, 0));
    assert_eq!(remainder([again(None), again(None)].concat()), (1, 661, 0));
    assert_eq!(remainder(logged(newest.id, newest.time, newest.raw ^ 1, None)), (1, 661, 0));
    // A log that began after the frame cannot have been flushed into it.
    assert_eq!(remainder(again(Some(0))), (0, 660, 0));
    assert_eq!(remainder(again(Some(file.len as u64))), (1, 661, 0));
    // Nor can a data file have had a length that is within a frame.
    assert_eq!(remainder(again(Some(5))), (1, 661, 1));
    assert_eq!(remainder([again(Some(0)), again(Some(file.len as u64))].concat()), (1, 661, 1));
}

#[test]
fn range_queries_agree_with_the_streams() {
    for_each_database(|label, db, expected| {
        // Metric files hide later raw data from the reference's queries, and it replays twice.
        if label.starts_with("41-") || label.starts_with("11-") {
            return;
        }
        let streams = db.streams().unwrap();
        for query in expected.query_range.iter().filter(|query| query.error.is_none()) {
            // The reference loses its way in the calendar at the ends of time.
            if [query.from, query.to].iter().any(|time| [i64::MIN, i64::MAX].contains(time)) {
                continue;
            }
            let samples = streams.get(&query.metric).map(Vec::as_slice).unwrap_or_default();
            let in_range = samples.iter().filter(|s| (query.from..=query.to).contains(&s.0));
            let lines = in_range
                .step_by(query.stride.max(1))
                .map(|(time, value)| format!("{time} {:08x}\n", value.raw()));
            let lines: Vec<String> = lines.collect();
            assert_eq!(lines.len(), query.count, "{label} {query:?}");
            assert_eq!(sha256(lines.concat()), query.sha256, "{label} {query:?}");
        }
    });
}
