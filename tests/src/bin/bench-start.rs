//! How soon after its start a server answers, with many databases in its root, and how soon upkeep
//! has reached all of them. See `docs/BENCHMARKS.md`.
//!
//! Every database has a partition that has expired, so that upkeep leaves a trace in each. Programs
//! are measured in turn, each time on a copy that nobody has opened.
#![forbid(unsafe_code)]

use nanotdb::engine::BuildOptions;
use nanotdb::settings::{EngineSettings, RawAction, RetentionAction};
use nanotdb::{OpenOptions, Value};
use nanotdb_tests::operations::{DAY, HOUR};
use reqwest::blocking::Client;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const USAGE: &str = "usage: bench-start PROGRAM... [--databases N] [--partitions N] [--rounds N]
                   [--patience N] [--dir PATH]

Starts each program as `PROGRAM --root DIR serve`, asks for a day of one metric until it answers,
and waits until upkeep has deleted what has expired in every database.
  --databases N   databases in the root (1000)
  --partitions N  days of four metrics in each (30)
  --rounds N      how often to measure each program (7)
  --patience N    seconds to wait for upkeep (60)
  --dir PATH      where to work, on a real disk (beside this program)";

const ADDRESS: &str = "127.0.0.1:18490";
const METRICS: usize = 4;

struct Plan {
    programs: Vec<PathBuf>,
    databases: usize,
    partitions: usize,
    rounds: usize,
    patience: Duration,
    directory: PathBuf,
}

fn main() -> ExitCode {
    let Some(plan) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match measure(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Plan> {
    let mut plan = Plan {
        programs: vec![],
        databases: 1_000,
        partitions: 30,
        rounds: 7,
        patience: Duration::from_mins(1),
        directory: std::env::current_exe().ok()?.parent()?.to_path_buf(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--databases" => plan.databases = arguments.next()?.parse().ok()?,
            "--partitions" => plan.partitions = arguments.next()?.parse().ok()?,
            "--rounds" => plan.rounds = arguments.next()?.parse().ok()?,
            "--patience" => plan.patience = Duration::from_secs(arguments.next()?.parse().ok()?),
            "--dir" => plan.directory = PathBuf::from(arguments.next()?),
            option if option.starts_with('-') => return None,
            program => plan.programs.push(fs::canonicalize(program).ok()?),
        }
    }
    (!plan.programs.is_empty()).then_some(plan)
}

fn measure(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir_in(&plan.directory)?;
    let template = scratch.path().join("template");
    let oldest = prepare(&template, plan.partitions)?;
    println!("| program | first answer, ms | upkeep has reached | after, s |\n|---|--:|--:|--:|");
    let mut answers = vec![vec![]; plan.programs.len()];
    for _ in 0..plan.rounds {
        for (program, answers) in plan.programs.iter().zip(&mut answers) {
            let root = scratch.path().join("root");
            multiply(&template, &root, plan.databases)?;
            let answered = one_start(program, &root, &oldest, plan)?;
            answers.push(answered);
            fs::remove_dir_all(&root)?;
        }
    }
    for (program, mut answers) in plan.programs.iter().zip(answers) {
        answers.sort_unstable();
        let millis = |at: usize| answers[at].as_secs_f64() * 1e3;
        let (median, last) = (millis(answers.len() / 2), answers.len() - 1);
        println!(
            "{}: median {median:.1} ms [{:.1} to {:.1}]",
            program.display(),
            millis(0),
            millis(last)
        );
    }
    Ok(())
}

/// Makes a root with one database; returns the name of its partition that has expired.
fn prepare(root: &Path, partitions: usize) -> Result<String, Box<dyn Error>> {
    let mut settings = EngineSettings::fresh();
    settings.stats.enabled = false;
    settings.manifest_defaults.retention_action = RetentionAction::Delete;
    settings.manifest_defaults.retention_days = u64::try_from(partitions)?;
    fs::create_dir_all(root)?;
    fs::write(root.join("engine.toml"), settings.to_toml())?;
    let store = OpenOptions::default().background(false).open(root)?;
    let database = store.create_database("db")?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?;
    let today = now.div_euclid(DAY) * DAY;
    let first = today - i64::try_from(partitions)? * DAY - DAY;
    for hour in 0..(today - first) / HOUR {
        for metric in 0..METRICS {
            let time = nanotdb::Timestamp(first + hour * HOUR);
            database.add(&format!("m{metric}"), time, Value::I32(i32::try_from(hour)?))?;
        }
    }
    database.flush()?;
    let days = database.partitions();
    for day in &days {
        let mut options = BuildOptions::default();
        options.raw_action = RawAction::Delete;
        database.build_metric_file(day, options)?;
    }
    drop(database);
    store.close().map_err(|errors| format!("{errors:?}"))?;
    Ok(days.into_iter().next().ok_or("no partition")?)
}

/// Makes a root with many databases of the one in `template`.
fn multiply(template: &Path, root: &Path, databases: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(root)?;
    fs::copy(template.join("engine.toml"), root.join("engine.toml"))?;
    for number in 0..databases {
        let directory = root.join(name(number));
        fs::create_dir(&directory)?;
        for file in fs::read_dir(template.join("db"))? {
            let file = file?;
            if !file.file_name().as_encoded_bytes().ends_with(b".wal") {
                fs::copy(file.path(), directory.join(file.file_name()))?;
            }
        }
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("db{number:04}")
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program once; says after how long it has answered.
fn one_start(
    program: &Path,
    root: &Path,
    oldest: &str,
    plan: &Plan,
) -> Result<Duration, Box<dyn Error>> {
    let client = Client::builder().no_proxy().timeout(plan.patience).build()?;
    let database = name(plan.databases / 2);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (from, to) = (now - 36 * 3600, now);
    let url =
        format!("http://{ADDRESS}/api/v1/query_range?db={database}&query=m1&start={from}&end={to}");
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.arg("--root").arg(root).args(["serve", "--listen", ADDRESS]);
    let mut running =
        Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let answer = loop {
        match client.get(&url).send() {
            Ok(answer) => break answer,
            Err(error) if begun.elapsed() > plan.patience => return Err(error.into()),
            Err(_) if running.0.try_wait()?.is_none() => {
                std::thread::sleep(Duration::from_micros(200));
            }
            Err(_) => return Err(format!("{} has ended", program.display()).into()),
        }
    };
    let status = answer.status();
    let body = answer.text()?;
    let answered = begun.elapsed();
    if !status.is_success() || !body.contains('[') {
        return Err(format!("{url}: {status}: {body}").into());
    }
    let reached = || {
        let is_there = |number: &usize| {
            let directory = root.join(name(*number));
            directory.join(format!("metric-{oldest}.dat")).exists()
        };
        plan.databases - (0..plan.databases).filter(is_there).count()
    };
    while reached() < plan.databases && begun.elapsed() < plan.patience {
        std::thread::sleep(Duration::from_millis(50));
    }
    println!(
        "| {} | {:.1} | {} of {} | {:.1} |",
        program.display(),
        answered.as_secs_f64() * 1e3,
        reached(),
        plan.databases,
        begun.elapsed().as_secs_f64()
    );
    Ok(answered)
}
