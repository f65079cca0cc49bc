//! Noisy series, real and made up, through every format: what comes out is what went in, bit for
//! bit.

use nanotdb::engine::{BuildOptions, ConvertOptions, Importer};
use nanotdb::metric_file::Version;
use nanotdb::{OpenOptions, Timestamp};
use nanotdb_core::compress::CodecId;
use nanotdb_tests::answers::{self, Streams};
use nanotdb_tests::nab::{self, Series};
use nanotdb_tests::random::Random;
use std::fmt::Write as _;

#[test]
fn real_series() {
    if let Some(series) = nab::series() {
        round_trip(&series);
    }
}

#[test]
fn synthetic_series() {
    round_trip(&synthetic());
}

/// A walk, white noise, a square wave with gaps, and arbitrary bits.
fn synthetic() -> Vec<Series> {
    let mut random = Random::new(20_260_101);
    let shapes = ["walk", "noise", "square", "bits"];
    let mut all = Vec::new();
    for shape in shapes {
        let (mut time, mut level) = (1_767_225_600_000_000_000_i64, 0.0_f64);
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for n in 0..4000 {
            let drawn = f64::from(random.next_u32()) / f64::from(u32::MAX);
            time += if random.one_in(50) { 3_600_000_000_000 } else { 300_000_000_000 };
            time += i64::from(random.next_u32() % 1_000_000);
            level += drawn - 0.5;
            times.push(time);
            values.push(match shape {
                "walk" => level,
                "noise" => drawn * 1e6,
                "square" => f64::from(n / 100 % 2),
                _ => {
                    let bits = f32::from_bits(random.next_u32());
                    f64::from(if bits.is_finite() { bits } else { 0.0 })
                }
            });
        }
        all.push(Series { name: format!("synthetic.{shape}"), times, values });
    }
    all
}

#[expect(clippy::cast_possible_truncation, reason = "values are stored as float32")]
fn expected(series: &[Series]) -> Streams {
    let of = |one: &Series| {
        let points = one.times.iter().zip(&one.values);
        (one.name.clone(), points.map(|(&time, &value)| (time, (value as f32).to_bits())).collect())
    };
    series.iter().map(of).collect()
}

fn round_trip(series: &[Series]) {
    let expected = expected(series);
    let root = answers::root_with(
        "[durability]\nprofile = \"throughput\"\n",
        &[("real", "[retention]\npartition = \"month\"\n[wal]\nenabled = true\n")],
    );
    let options = OpenOptions::default().background(false);
    let store = options.open(root.path()).unwrap();
    let mut importer = Importer::new(&*store, None);
    for one in series {
        let mut text = String::new();
        for (time, value) in one.times.iter().zip(&one.values) {
            writeln!(text, "real/{} {value} {time}", one.name).unwrap();
        }
        importer.feed(text.as_bytes(), &mut |line| panic!("{line:?}")).unwrap();
    }
    let report = importer.finish(&mut |line| panic!("{line:?}")).unwrap();
    let count: usize = series.iter().map(|one| one.times.len()).sum();
    assert_eq!(report.imported_lines, count as u64);

    let database = store.database("real").unwrap();
    let check = |what: &str| {
        assert!(answers::streams(&database).unwrap() == expected, "{what}");
    };
    check("open pages");
    database.flush().unwrap();
    check("raw pages");
    exported_and_imported(&answers::export(&database, true).unwrap(), &expected);
    for version in Version::ALL {
        for codec in CodecId::ALL {
            for partition in database.partitions() {
                let mut build = BuildOptions::default();
                (build.version, build.codec, build.allow_foreign_codec) = (version, codec, true);
                database.build_metric_file(&partition, build).unwrap();
            }
            check(&format!("metric files {version:?} {}", codec.name()));
            let report = database.verify(|_| {}).unwrap();
            assert!(report.is_whole(), "{version:?} {}", codec.name());
            assert!(report.files.iter().all(|file| file.equals_raw != Some(false)));
        }
    }
    for version in [Version::V2, Version::V3, Version::V1, Version::V3, Version::V2] {
        let mut convert = ConvertOptions::default();
        convert.version = version;
        for partition in database.metric_partitions() {
            let report = database.convert_metric_file(&partition, convert).unwrap();
            assert!(report.converted, "{version} {partition}");
        }
        check(&format!("metric files converted to {version}"));
    }
    let report = database.verify(|_| {}).unwrap();
    assert!(report.files.iter().all(|file| file.equals_raw != Some(false)));
    assert!(database.range("nope", Timestamp::MIN, Timestamp::MAX).unwrap().is_empty());
}

/// The text of an export makes the same database elsewhere. Its lines are in storage order,
/// where a metric's samples are in order of time.
fn exported_and_imported(text: &str, expected: &Streams) {
    let root = answers::root_with("", &[("real", "[retention]\npartition = \"year\"\n")]);
    let store = answers::open(root.path());
    let mut importer = Importer::new(&*store, None);
    for piece in text.as_bytes().chunks(100_000) {
        importer.feed(piece, &mut |line| panic!("{line:?}")).unwrap();
    }
    importer.finish(&mut |line| panic!("{line:?}")).unwrap();
    let found = answers::streams(&store.database("real").unwrap()).unwrap();
    assert!(found == *expected, "exported and imported");
}
