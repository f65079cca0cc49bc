//! Arguments become options, options become work, work ends in an exit code.

mod args;
mod build;
mod catalog;
mod chart;
#[cfg(feature = "collect")]
mod collect;
mod compact;
mod convert;
mod csv2lp;
mod damage;
mod delete;
mod demo;
mod export;
mod files;
#[cfg(feature = "forward")]
mod forward;
mod import;
mod init;
mod inspect;
mod metrics;
mod output;
mod progress;
mod query;
mod recover;
mod retention;
mod rollup;
mod select;
#[cfg(feature = "server")]
mod serve;
#[cfg(any(feature = "collect", feature = "server"))]
mod stop;
mod target;
mod time;
mod verify;

pub(crate) use args::Args;

use args::{BuildWhat, Command};
use nanotdb::{Database, OpenOptions, Store};
use output::Out;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request makes no sense: exit code 2.
    Usage(String),
    /// It could not be done: exit code 1.
    Failed(String),
    /// It was done, and the answer is bad: exit code 1. Everything has been said.
    Reported,
    /// Nobody reads any more, as behind `| head`: no failure at all.
    NobodyReads,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

impl From<nanotdb::Error> for Failure {
    fn from(error: nanotdb::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<nanotdb::storage::StorageError> for Failure {
    fn from(error: nanotdb::storage::StorageError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Failed(error.to_string()),
        }
    }
}

pub(crate) type Outcome = Result<(), Failure>;

/// Does what was asked and says how it went.
pub(crate) fn run(args: Args) -> ExitCode {
    files::raise_limit();
    let mut out = Out::stdout();
    let done = dispatch(args, &mut out);
    // What was written before a failure belongs in front of the message.
    let flushed = out.flush().map_err(Failure::from);
    match done.and(flushed) {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::from(1),
        Err(Failure::Failed(message)) => say(&message, 1),
        Err(Failure::Usage(message)) => say(&message, 2),
    }
}

fn say(message: &str, code: u8) -> ExitCode {
    // Nothing is left to do when standard error is gone, too.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(code)
}

/// Says what was noticed while a database was opened.
pub(crate) fn tell_notes(database: &Database) {
    for note in database.open_report().notes() {
        let _ = writeln!(io::stderr(), "note: {}: {note}", database.name());
    }
}

/// Says which settings of the store mean nothing.
fn tell_warnings(store: &Store) {
    for warning in store.warnings() {
        let _ = writeln!(io::stderr(), "note: engine.toml: {warning}");
    }
}

fn dispatch(args: Args, out: &mut Out) -> Outcome {
    args.start_logging()?;
    let root = args.root();
    #[cfg(feature = "server")]
    let logs_to_file = args.logs_to_file();
    let typed = args.typed_root().map(Path::to_owned);
    match args.command {
        Command::Demo(options) => demo::run(typed, &options, out),
        #[cfg(feature = "collect")]
        Command::Collect(options) => collect::run(typed, &options, out),
        Command::Init(options) => init::run(&root, &options, out),
        Command::Import(options) => import::run(&root, &options, out),
        Command::Export(options) => export::run(&root, &options, out),
        Command::Query(options) => query::run(&root, &options, out),
        Command::Metrics(options) => metrics::run(&root, &options, out),
        Command::Catalog(what) => catalog::run(&root, &what, out),
        Command::Inspect(what) => inspect::run(&root, &what, out),
        Command::Convert(options) => convert::run(&root, &options, out),
        Command::Build(BuildWhat::Metric(options)) => build::run(&root, &options, out),
        Command::Rollup(options) => rollup::run(&root, &options, out),
        Command::Retention(options) => retention::run(&root, &options, out),
        Command::Delete(options) => delete::run(&root, &options, out),
        Command::Compact(options) => compact::run(&root, &options, out),
        Command::Recover(options) => recover::run(&root, &options, out),
        Command::Csv2lp(options) => csv2lp::run(&options, out),
        #[cfg(feature = "server")]
        Command::Serve(options) => serve::run(&root, typed.as_deref(), &options, logs_to_file, out),
        #[cfg(feature = "forward")]
        Command::Forward(options) => forward::run(&root, &options, out),
        Command::Verify(options) => verify::run(&root, &options, out),
    }
}

/// Does what is due before a command ends that took samples in, and says what there is to know.
/// Returns how many samples have expired and go when retention runs next.
pub(crate) fn settle(store: &Store) -> u64 {
    let (tick, expiring) = match store.settle() {
        Ok(settled) => settled,
        Err(error) => {
            let _ = writeln!(io::stderr(), "note: upkeep: {error}");
            return 0;
        }
    };
    let said = nanotdb_core::view::TickReport::from(tick).problems;
    for problem in said {
        let _ = writeln!(io::stderr(), "note: {problem}");
    }
    for (name, samples) in &expiring {
        let days = store.database(name).map_or(0, |database| database.settings().retention_days);
        let count = output::count_text(*samples);
        let _ = writeln!(
            io::stderr(),
            "note: {name}: {count} samples are older than retention_days = {days} and will expire"
        );
    }
    expiring.values().sum()
}

/// A store for reading only: nothing is written, and another process may be writing.
pub(crate) fn open_to_read(root: &Path) -> Result<Store, Failure> {
    must_be_a_root(root)?;
    let store = OpenOptions::read_only().open(root)?;
    tell_warnings(&store);
    Ok(store)
}

/// A store for writing, refused while another process has it.
pub(crate) fn open_to_write(root: &Path) -> Result<Store, Failure> {
    open_with(root, OpenOptions::default())
}

fn open_with(root: &Path, options: OpenOptions) -> Result<Store, Failure> {
    must_be_a_root(root)?;
    let store = options.create(false).background(false).open(root)?;
    tell_warnings(&store);
    Ok(store)
}

/// Refuses a directory without `engine.toml`: a mistyped name must not become a store.
pub(crate) fn must_be_a_root(root: &Path) -> Outcome {
    if root.join("engine.toml").is_file() {
        return Ok(());
    }
    let shown = root.display();
    let hint = "name one with --root, or make one with `nanotdb init`";
    let message = if root.is_dir() {
        format!("{shown} is no store, it has no engine.toml: {hint}")
    } else {
        format!("there is no store in {shown}: {hint}")
    };
    Err(Failure::Failed(message))
}
