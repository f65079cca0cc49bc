//! `demo`: what this can do, in half a minute.

mod day;
mod machine;

use super::chart::{self, Line};
use super::output::terminal_width;
use super::output::{BOLD, FAINT, GOOD, Out, bytes_text, count_text, number_text, value_text};
use super::time::short;
use super::{Failure, Outcome};
use core::ops::ControlFlow;
use nanotdb::aggregate::{Aggregate, Arithmetic};
use nanotdb::engine::{BuildOptions, ExportOptions};
use nanotdb::query::AggregateQuery;
use nanotdb::{Database, OpenOptions, TimeRange, Timestamp};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * NANOS;

/// Where demos keep what they record, unless somebody says otherwise.
pub(crate) const DIRECTORY: &str = "demo-data";

/// The database of the generated day, and that of this machine.
const GENERATED: &str = "fleet";
const MACHINE: &str = "machine";

/// The metric that the demo looks at closely.
const SHOWN: &str = "web1.cpu.user";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds to record this machine for
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// Runs in the directory that was typed, else in `demo-data`: never in the store that the
/// environment names, which is somebody's own.
pub(crate) fn run(typed: Option<PathBuf>, options: &Options, out: &mut Out) -> Outcome {
    let root = typed.unwrap_or_else(|| PathBuf::from(DIRECTORY));
    let store = OpenOptions::default().open(&root)?;
    let title = out.styled(BOLD, "NanoTDB");
    writeln!(out, "{title}: metrics of one machine, kept in a folder")?;
    say(out, &format!("The folder is {}. Delete it whenever you like.", root.display()))?;
    writeln!(out)?;

    let fleet = store.create_database(GENERATED)?;
    let day = generate(&fleet, store.now(), out)?;
    let machine = store.create_database(MACHINE)?;
    machine::record(&machine, options.seconds, out)?;
    store.flush()?;

    newest(&machine, out)?;
    range(&machine, store.now(), options.seconds, out)?;
    aggregate(&fleet, day, out)?;
    size(&fleet, day, &root, out)?;
    store.close().map_err(Failure::from)?;
    next_steps(&root, out)?;
    Ok(())
}

fn say(out: &mut Out, text: &str) -> io::Result<()> {
    let text = out.styled(FAINT, text);
    writeln!(out, "{text}")
}

fn section(out: &mut Out, title: &str, about: &str) -> io::Result<()> {
    writeln!(out)?;
    out.heading(title)?;
    say(out, about)
}

/// Writes yesterday, unless an earlier run did, and returns it.
fn generate(fleet: &Database, now: Timestamp, out: &mut Out) -> Result<TimeRange, Failure> {
    let start = now.0.div_euclid(DAY) * DAY - DAY;
    let day = TimeRange { from: Timestamp(start), to: Timestamp(start + DAY - 1) };
    out.heading("1. A day of two servers, generated")?;
    let newest = fleet.last(SHOWN)?.map(|sample| sample.time);
    if newest.is_some_and(|newest| newest >= day.from) {
        say(out, "Already there from an earlier run.")?;
        return Ok(day);
    }
    let started = Instant::now();
    let samples = day::write(fleet, day.from)?;
    fleet.flush()?;
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let (count, metrics) = (count_text(samples), fleet.metrics().len());
    let pace = count_text(samples.saturating_mul(1000) / millis);
    let count = out.styled(GOOD, count);
    writeln!(out, "{count} samples of {metrics} metrics in {millis} ms, {pace} in a second.")?;
    Ok(day)
}

fn newest(machine: &Database, out: &mut Out) -> Outcome {
    section(out, "3. Newest values", "What every metric of this machine said last.")?;
    let mut rows = Vec::new();
    for metric in machine.metrics() {
        if let Some(last) = machine.last(&metric.name)? {
            rows.push(vec![
                metric.name,
                value_text(last.value),
                metric.value_type.to_string(),
                short(last.time),
            ]);
        }
    }
    let columns = [("metric", false), ("value", true), ("type", false), ("time (UTC)", false)];
    Ok(out.table(&columns, rows, 2)?)
}

fn range(machine: &Database, now: Timestamp, seconds: u64, out: &mut Out) -> Outcome {
    let about = format!("The CPU of this machine over those {seconds} seconds, in percent.");
    section(out, "4. A range", &about)?;
    let seconds = i64::try_from(seconds).unwrap_or(0);
    let from = Timestamp(now.0.saturating_sub((seconds + 2) * NANOS));
    let series = machine.range("cpu.busy_pct", from, now)?;
    // A few rows will do, evenly spread.
    let step = series.len().div_ceil(8).max(1);
    let rows = series.iter().step_by(step).map(|sample| {
        let percent = sample.value.as_f64();
        vec![short(sample.time), number_text(percent), bar(percent)]
    });
    let columns = [("time (UTC)", false), ("cpu.busy_pct", true), ("", false)];
    Ok(out.table(&columns, rows, 2)?)
}

fn bar(percent: f64) -> String {
    let filled = (1..=25).filter(|&part| f64::from(part) * 4.0 <= percent.round() + 2.0).count();
    format!("{}{}", "█".repeat(filled), "·".repeat(25 - filled))
}

fn aggregate(fleet: &Database, day: TimeRange, out: &mut Out) -> Outcome {
    let about = format!("{SHOWN} over the generated day: smallest, mean, largest of each window.");
    section(out, "5. Aggregates", &about)?;
    let aggregates = [Aggregate::Min, Aggregate::Avg, Aggregate::Max];
    let mut rows = Vec::new();
    let visit = |window_ns: i64, each: &mut dyn FnMut(Timestamp, &[f64])| {
        let arithmetic = Arithmetic::Exact;
        let query = AggregateQuery {
            range: day,
            window_ns,
            offset_ns: 0,
            aggregates: &aggregates,
            arithmetic,
        };
        fleet.aggregate(SHOWN, &query, |bucket| {
            each(bucket.start, &bucket.values);
            ControlFlow::Continue(())
        })
    };
    visit(4 * 3600 * NANOS, &mut |start, values| {
        let mut row = vec![short(start)];
        row.extend(values.iter().map(|value| format!("{value:.2}")));
        rows.push(row);
    })?;
    let mut lines =
        aggregates.map(|aggregate| Line { name: aggregate.name().to_string(), points: Vec::new() });
    visit(900 * NANOS, &mut |start, values| {
        for (line, &value) in lines.iter_mut().zip(values) {
            line.points.push((start, value));
        }
    })?;
    let columns = [("4 hours from (UTC)", false), ("min", true), ("avg", true), ("max", true)];
    out.table(&columns, rows, 2)?;
    writeln!(out)?;
    Ok(chart::draw(out, &lines, terminal_width().min(110))?)
}

/// Shows what the day takes, as raw pages and as a metric file.
fn size(fleet: &Database, day: TimeRange, root: &Path, out: &mut Out) -> Outcome {
    section(
        out,
        "6. Size on disk",
        "The same day in each form. Queries read the metric file once it is built.",
    )?;
    let key = day.from.to_string();
    let key = key.get(..10).unwrap_or_default();
    let built = fleet.build_metric_file(key, BuildOptions::default())?;
    let options = ExportOptions { range: day, ..ExportOptions::default() };
    let mut text = 0;
    fleet.export(options, |chunk| {
        text += u64::try_from(chunk.len()).unwrap_or(0);
        Ok(())
    })?;
    let samples = built.points;
    let raw = raw_bytes(root, key).unwrap_or(built.source_bytes);
    let row = |form: &str, bytes: u64| {
        vec![form.to_string(), bytes_text(bytes), per_sample(bytes, samples)]
    };
    let rows = [
        row("line protocol, as text", text),
        row("id, time and value unpacked", samples * 14),
        row(&format!("raw pages, data-{key}.dat"), raw),
        row(&format!("metric file, {}", built.metric_file.as_str()), built.metric_bytes),
    ];
    Ok(out.table(&[("form", false), ("size", true), ("bytes per sample", true)], rows, 2)?)
}

fn raw_bytes(root: &Path, key: &str) -> Option<u64> {
    let path = root.join(GENERATED).join(format!("data-{key}.dat"));
    std::fs::metadata(path).ok().map(|about| about.len())
}

fn per_sample(bytes: u64, samples: u64) -> String {
    let hundredths = bytes.saturating_mul(100).checked_div(samples).unwrap_or(0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn next_steps(root: &Path, out: &mut Out) -> io::Result<()> {
    section(out, "Now you", "All of these only read.")?;
    let program = program();
    let commands = [
        format!("query --db {MACHINE}"),
        format!("query --db {GENERATED} -m {SHOWN} --from 2d -a avg,max -w 1h"),
        format!("query --db {GENERATED} -m db1.disk.used --from 2d --chart"),
        format!("inspect metric --db {GENERATED} --verbose"),
        format!("export --db {GENERATED} -m sys.load --from 2d | head"),
        "verify".to_string(),
        "help".to_string(),
    ];
    writeln!(out, "  export NANOTDB_ROOT={}", root.display())?;
    commands.iter().try_for_each(|command| writeln!(out, "  {program} {command}"))
}

/// How this program is called where it was called from.
fn program() -> &'static str {
    // Cargo tells the programs that it runs where their sources are.
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some();
    if by_cargo { "cargo run -qr --" } else { "nanotdb" }
}
