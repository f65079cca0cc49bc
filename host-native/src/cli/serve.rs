//! `serve`: the store over HTTP.

use super::output::{BOLD, Out};
use super::{Outcome, must_be_a_root, tell_warnings};
use core::time::Duration;
use nanotdb::OpenOptions;
use nanotdb::collect::{self, Recorder};
use nanotdb::logging::Logging;
use nanotdb::server::{Server, Settings};
use nanotdb::settings::{EngineSettings, SETTINGS_FILE};
use nanotdb::token::Token;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen; without a host only this machine can connect [default: engine.listen, :8428]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Ask every request for the token in the first line of this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Make the store if there is none
    #[arg(long)]
    create: bool,
    /// Record this machine every second, to have something to look at; makes the store, in
    /// demo-data unless --root says otherwise
    #[arg(long)]
    demo: bool,
}

/// From one look at this machine to the next.
const DEMO_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the store in `root`; a demo the one in the directory that was typed, else in `demo-data`:
/// never the one that the environment names, which is somebody's own.
pub(crate) fn run(
    root: &Path,
    typed: Option<&Path>,
    options: &Options,
    logs_to_file: bool,
    out: &mut Out,
) -> Outcome {
    let root = match typed {
        None if options.demo => Path::new(super::demo::DIRECTORY),
        _ => root,
    };
    serve(root, options, logs_to_file, out)
}

fn serve(root: &Path, options: &Options, logs_to_file: bool, out: &mut Out) -> Outcome {
    let create = options.create || options.demo;
    if !create {
        must_be_a_root(root)?;
    }
    start_logging(root, logs_to_file)?;
    let store = OpenOptions::default().create(create).open(root)?;
    tell_warnings(&store);
    let mut settings = Settings::of_root(root, store.settings())?;
    if let Some(listen) = &options.listen {
        settings.listen.clone_from(listen);
    }
    if let Some(path) = &options.token_file {
        settings.token = Some(Token::read(path)?);
    }
    let is_open = settings.token.is_none();
    let collecting = collect::Settings { interval: DEMO_INTERVAL, ..collect::Settings::default() };
    let recorder =
        if options.demo { Some(Recorder::start(store.engine(), collecting)?) } else { None };
    #[cfg(feature = "forward")]
    let forwarding = nanotdb::forward::Forwarding::start(root, store.engine())?;
    let server = Server::start(store.engine(), settings)?;
    let address = server.address();
    let url = out.styled(BOLD, format!("http://{address}"));
    writeln!(out, "NanoTDB serves {} at {url}", root.display())?;
    if is_open && !address.ip().is_loopback() {
        let note = "anybody who reaches this address can read, write and delete; see --token-file";
        writeln!(out, "note: {note}")?;
    }
    out.flush()?;
    server.wait_for_signal()?;
    server.stop();
    drop(recorder);
    #[cfg(feature = "forward")]
    drop(forwarding);
    Ok(store.close()?)
}

/// Starts the loggers of `engine.toml`, unless `--log-file` did already.
fn start_logging(root: &Path, is_started: bool) -> Outcome {
    if is_started {
        return Ok(());
    }
    let settings = match std::fs::read_to_string(root.join(SETTINGS_FILE)) {
        Ok(text) => EngineSettings::parse(&text, SETTINGS_FILE)?.0,
        // About to be made.
        Err(_) => EngineSettings::fresh(),
    };
    Ok(Logging::from_settings(&settings.loggers)?.install()?)
}
