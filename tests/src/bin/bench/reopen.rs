//! Opening what a killed process has left.

use crate::measure::{millis, timed};
use crate::report::{Bench, Unit};
use crate::stores::{self, Wal, add_batches, create, settings};
use nanotdb::Timestamp;
use nanotdb::settings::{Durability, EngineSettings};
use nanotdb_tests::workload::{self, DATABASE, METRICS, SEED, START, Shape, Workload};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the log holds when the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    JustBelowOnePage,
    LargePage,
    /// Pages were written, but without syncs the log must stay. The reference's counterpart is a
    /// page limit that no file allows.
    Million,
}

impl Case {
    const ALL: [Self; 3] = [Self::JustBelowOnePage, Self::LargePage, Self::Million];

    const fn name(self) -> &'static str {
        match self {
            Self::JustBelowOnePage => "default_pages_wal_just_below_one_page",
            Self::LargePage => "page_60000rec_1MiB",
            Self::Million => "page_limit_beyond_uint16_1M_records",
        }
    }

    const fn samples(self) -> usize {
        match self {
            Self::JustBelowOnePage => 9_071,
            Self::LargePage => 59_999,
            Self::Million => 1_000_000,
        }
    }

    fn settings(self) -> EngineSettings {
        let durability =
            if self == Self::Million { Durability::Throughput } else { Durability::Strict };
        let mut settings = settings(durability, Wal::Segment);
        if self == Self::LargePage {
            settings.manifest_defaults.page_max_records = 60_000;
            settings.manifest_defaults.page_max_bytes = 1 << 20;
        }
        settings
    }
}

pub(crate) fn run(bench: &mut Bench) {
    for case in Case::ALL {
        let name = format!("reopen/{}", case.name());
        if bench.wants(&name) {
            measure(bench, &name, case);
        }
    }
}

fn measure(bench: &mut Bench, name: &str, case: Case) {
    let names = workload::names();
    let (mut opening, mut first, mut together, mut second) = (vec![], vec![], vec![], vec![]);
    let (mut log, mut replayed, mut duplicates) = (0, 0, 0);
    for _ in 0..bench.repeats {
        let root = bench.directory();
        let path = root.path();
        leave_killed(case, path);
        log = stores::bytes(path, "wal") + stores::bytes(path, DATABASE);
        let ((store, database), open) = timed(|| {
            let store = stores::open(path);
            let database = store.database(DATABASE).expect("there");
            (store, database)
        });
        let ask = || black_box(database.range(&names[0], Timestamp::MIN, Timestamp::MAX));
        let (found, query) = timed(ask);
        let (_, again) = timed(ask);
        assert_eq!(found.expect("readable").len(), case.samples().div_ceil(METRICS));
        let report = database.open_report();
        (replayed, duplicates) = (report.replayed, report.duplicates);
        opening.push(millis(open));
        first.push(millis(query));
        together.push(millis(open + query));
        second.push(millis(again));
        drop(store);
    }
    bench.figure(&format!("{name}/wal/bytes"), Unit::Bytes, vec![log as f64]);
    let open_name = format!("{name}/open");
    let notes = vec![("replayed", replayed as f64), ("duplicates", duplicates as f64)];
    bench.figure_like(&open_name, &open_name, Unit::Millis, opening, notes);
    bench.figure(&format!("{name}/first_query"), Unit::Millis, first);
    bench.figure(&format!("{name}/together"), Unit::Millis, together);
    bench.figure(&format!("{name}/second_query"), Unit::Millis, second);
}

/// Has another process write, and kills it.
fn leave_killed(case: Case, root: &Path) {
    let me = std::env::current_exe().expect("a path");
    let mut command = Command::new(me);
    command.args(["child", "reopen", case.name()]).arg(root);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program");
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    output.read_line(&mut line).expect("an answer");
    assert_eq!(line, "written\n");
    child.kill().expect("running");
    child.wait().expect("killed");
}

/// In the other process: writes, says so, and waits to be killed.
pub(crate) fn write(case: &str, root: &Path) {
    let case = Case::ALL.into_iter().find(|known| known.name() == case).expect("a case");
    let points = Workload::with(Shape::Regular, SEED, START, 1_000_000).take(case.samples());
    let points: Vec<_> = points.collect();
    let store = create(root, &case.settings());
    let database = store.create_database(DATABASE).expect("a database");
    add_batches(&database, &points, METRICS);
    println!("written");
    // The store is neither closed nor dropped.
    let _ = std::io::stdin().read_line(&mut String::new());
    std::process::abort();
}
