//! Sizes of files, and building them.

use crate::measure::{millis, timed};
use crate::report::{Bench, Unit};
use crate::stores::{self, DAY, Kind};
use nanotdb::compress::CodecId;
use nanotdb::metric_file::Version;
use nanotdb::settings::RawAction;
use nanotdb_tests::workload::{DATABASE, SAMPLES_PER_DAY, Shape};
use std::cell::OnceCell;
use std::path::Path;

pub(crate) fn run(bench: &mut Bench) {
    let names = ["regular", "jitter", "stagger"];
    for (shape, shape_name) in Shape::ALL.into_iter().zip(names) {
        let raw = OnceCell::new();
        let data = format!("files/{shape_name}/data");
        if bench.wants(&data) {
            let root = raw.get_or_init(|| stores::raw_day(bench, shape)).path();
            size(bench, &data, stores::bytes(root, "data-"));
        }
        for kind in kinds() {
            let name = format!("files/{shape_name}/{}", kind.name());
            if bench.wants(&name) {
                let root = raw.get_or_init(|| stores::raw_day(bench, shape)).path();
                build(bench, &name, root, kind);
            }
        }
        let verify_name = format!("files/{shape_name}/verify");
        if bench.wants(&verify_name) {
            let root = raw.get_or_init(|| stores::raw_day(bench, shape)).path();
            verify(bench, &verify_name, root);
        }
    }
}

fn kinds() -> Vec<Kind> {
    let with = |version| CodecId::ALL.map(|codec| Kind { version, codec });
    let mut kinds = vec![Kind::V3];
    kinds.extend(with(Version::V2));
    kinds.extend(with(Version::V1));
    kinds
}

fn size(bench: &mut Bench, name: &str, bytes: u64) {
    let name = format!("{name}/bytes");
    let notes = vec![("bytes_per_sample", bytes as f64 / SAMPLES_PER_DAY as f64)];
    bench.figure_like(&name, &name, Unit::Bytes, vec![bytes as f64], notes);
}

fn build(bench: &mut Bench, name: &str, raw: &Path, kind: Kind) {
    let (mut times, mut bytes) = (vec![], 0);
    for _ in 0..bench.repeats {
        let root = stores::copy(bench, raw);
        let store = stores::open(root.path());
        let database = store.database(DATABASE).expect("there");
        let options = kind.options(RawAction::Keep);
        let (report, time) = timed(|| database.build_metric_file(DAY, options));
        let report = report.expect("built");
        assert_eq!(report.points, SAMPLES_PER_DAY as u64);
        bytes = report.metric_bytes;
        times.push(millis(time));
    }
    size(bench, name, bytes);
    bench.figure(&format!("{name}/build"), Unit::Millis, times);
}

/// Everything that `verify` does, of which the reference only compares.
fn verify(bench: &mut Bench, name: &str, raw: &Path) {
    let root = stores::copy(bench, raw);
    let store = stores::open(root.path());
    let database = store.database(DATABASE).expect("there");
    database.build_metric_file(DAY, Kind::DEFAULT.options(RawAction::Keep)).expect("built");
    let times = (0..bench.repeats).map(|_| {
        let (report, time) = timed(|| database.verify(|_| {}).expect("readable"));
        assert!(report.is_whole() && report.files.iter().any(|f| f.equals_raw == Some(true)));
        millis(time)
    });
    let times = times.collect();
    bench.figure(name, Unit::Millis, times);
}
