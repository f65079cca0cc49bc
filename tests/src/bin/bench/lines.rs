//! A day as text, in and out.

use crate::measure::{cpu_seconds, timed};
use crate::report::{Bench, Unit};
use crate::stores::{self, Wal, create, settings};
use nanotdb::Store;
use nanotdb::engine::{ExportOptions, ImportReport, Importer};
use nanotdb::settings::Durability;
use nanotdb::text::line::Line;
use nanotdb_tests::workload::{DATABASE, SAMPLES_PER_DAY, Shape, Workload, write_lines};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

const PIECE: usize = 256 * 1024;

/// How text is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A line is parsed, then its sample added: all that the reference does.
    Line,
    /// A line at a time to an importer.
    FedLine,
    File,
}

impl Way {
    const ALL: [Self; 3] = [Self::Line, Self::FedLine, Self::File];

    const fn name(self) -> &'static str {
        match self {
            Self::Line => "addline",
            Self::FedLine => "addline_by_importer",
            Self::File => "importfile",
        }
    }

    /// The reference's counterpart.
    const fn like(self) -> &'static str {
        match self {
            Self::Line | Self::FedLine => "addline",
            Self::File => "importfile",
        }
    }

    fn take(self, store: &Store, path: &Path, text: &[u8]) {
        match self {
            Self::Line => {
                for line in text.split_inclusive(|&byte| byte == b'\n') {
                    let line = Line::parse_bytes(line.trim_ascii_end()).expect("a line");
                    let time = line.time.expect("with a time");
                    store.add(line.database, line.metric, time, line.value).expect("taken in");
                }
            }
            Self::FedLine => {
                let mut importer = Importer::new(&**store.engine(), None);
                for line in text.split_inclusive(|&byte| byte == b'\n') {
                    importer.feed(line, &mut |line| panic!("{line:?}")).expect("taken in");
                }
                check(&importer.finish(&mut |line| panic!("{line:?}")).expect("taken in"));
            }
            Self::File => {
                let mut importer = Importer::new(&**store.engine(), None);
                let (mut file, mut piece) = (File::open(path).expect("text"), vec![0; PIECE]);
                loop {
                    let len = file.read(&mut piece).expect("readable");
                    if len == 0 {
                        break;
                    }
                    importer.feed(&piece[..len], &mut |line| panic!("{line:?}")).expect("taken in");
                }
                check(&importer.finish(&mut |line| panic!("{line:?}")).expect("taken in"));
            }
        }
    }
}

fn check(report: &ImportReport) {
    assert_eq!(report.imported_lines, SAMPLES_PER_DAY as u64);
}

pub(crate) fn run(bench: &mut Bench) {
    for wal in [Wal::Off, Wal::Segment] {
        for way in Way::ALL {
            let name = format!("lines/{}/strict/{}", way.name(), wal.name());
            if bench.wants(&name) {
                let like = format!("lines/{}/strict/{}", way.like(), wal.name());
                import(bench, &name, &like, wal, way);
            }
        }
    }
    if bench.wants("lines/exportfile") {
        export(bench, "lines/exportfile");
    }
}

fn import(bench: &mut Bench, name: &str, like: &str, wal: Wal, way: Way) {
    let mut text = vec![];
    write_lines(Workload::new(Shape::Regular).take(SAMPLES_PER_DAY), &mut text).expect("text");
    let (mut rates, mut cpus) = (vec![], f64::MAX);
    for _ in 0..bench.repeats {
        let root = bench.directory();
        let path = root.path().join("day.txt");
        fs::write(&path, &text).expect("written");
        let store = create(root.path(), &settings(Durability::Strict, wal));
        store.create_database(DATABASE).expect("a database");
        let before = cpu_seconds();
        let ((), time) = timed(|| way.take(&store, &path, &text));
        cpus = cpus.min((cpu_seconds() - before) * 1e6 / SAMPLES_PER_DAY as f64);
        rates.push(SAMPLES_PER_DAY as f64 / time.as_secs_f64());
        store.close().expect("closed");
    }
    let notes = vec![("cpu_us_per_line", cpus), ("text_bytes", text.len() as f64)];
    bench.figure_like(name, like, Unit::PerSecond, rates, notes);
}

fn export(bench: &mut Bench, name: &str) {
    let raw = stores::raw_day(bench, Shape::Regular);
    let (mut rates, mut cpus, mut bytes) = (vec![], f64::MAX, 0);
    for _ in 0..bench.repeats {
        let store = stores::open(raw.path());
        let database = store.database(DATABASE).expect("there");
        let path = raw.path().join("day.txt");
        let before = cpu_seconds();
        let (lines, time) = timed(|| {
            let mut file = File::create(&path).expect("a file");
            let write = |text: &[u8]| {
                file.write_all(text).expect("written");
                Ok(())
            };
            database.export(ExportOptions::default(), write).expect("readable")
        });
        assert_eq!(lines, SAMPLES_PER_DAY as u64);
        cpus = cpus.min((cpu_seconds() - before) * 1e6 / SAMPLES_PER_DAY as f64);
        rates.push(SAMPLES_PER_DAY as f64 / time.as_secs_f64());
        bytes = fs::metadata(&path).expect("text").len();
    }
    let notes = vec![("cpu_us_per_line", cpus), ("text_bytes", bytes as f64)];
    bench.figure_like(name, name, Unit::PerSecond, rates, notes);
}
