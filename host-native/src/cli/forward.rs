//! `forward`: what is stored, to another system by Prometheus remote write.

use super::output::{Out, count_text};
use super::time::{Moment, Window};
use super::{Failure, Outcome, must_be_a_root, open_to_read};
use core::time::Duration;
use nanotdb::forward::{Counts, ForwardError, ForwardOptions, Forwarder};
use nanotdb::token::Token;
use nanotdb::{OpenOptions, Store, Timestamp};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Failures in a row after which `--once` gives up.
const PATIENCE: u32 = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where remote write is accepted; the path of Prometheus is /api/v1/write
    #[arg(long, value_name = "URL")]
    url: String,
    /// A database to send; may be given more than once [default: all]
    #[arg(long = "db", value_name = "NAME")]
    databases: Vec<String>,
    /// At the first start, begin with what is stored from then on [default: what comes in from now on]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// A label for every series that lacks it; may be given more than once
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Send the token in the first line of this file
    #[arg(long, value_name = "FILE")]
    bearer_token_file: Option<PathBuf>,
    /// Name of the file that says what was sent, forward-NAME.json in the store's directory
    /// [default: made of the URL]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Samples in a request, at most
    #[arg(long, value_name = "N", default_value_t = 2000)]
    batch: usize,
    /// How often to look for new samples
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    interval: Window,
    /// Send all that is there, then end
    #[arg(long)]
    once: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl From<ForwardError> for Failure {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::Options(text) => Self::Usage(text),
            error => Self::Failed(error.to_string()),
        }
    }
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    must_be_a_root(root)?;
    let mut forwarder = Forwarder::open(root, forward_options(options)?)?;
    forwarder.on_notice(|text| {
        let _ = writeln!(io::stderr(), "note: {text}");
    });
    if options.from.is_some() && !forwarder.is_new() {
        let _ = writeln!(io::stderr(), "note: goes on where it stopped, --from is of no effect");
    }
    // The first time, with what is to be said about the settings.
    let store = open_to_read(root)?;
    if options.once {
        let counts = forwarder.round(store.engine())?;
        return Ok(show(&counts, &options.url, out)?);
    }
    drop(store);
    writeln!(out, "forwarding {} to {}", root.display(), options.url)?;
    out.flush()?;
    let interval = Duration::from_nanos(u64::try_from(options.interval.0).unwrap_or(0));
    // What another process writes is seen by opening the store anew.
    let engine = || -> nanotdb::Result<Opened> { OpenOptions::read_only().open(root).map(Opened) };
    Ok(forwarder.run(engine, interval)?)
}

/// A store for one round.
struct Opened(Store);

impl AsRef<nanotdb::Engine> for Opened {
    fn as_ref(&self) -> &nanotdb::Engine {
        self.0.engine()
    }
}

fn forward_options(options: &Options) -> Result<ForwardOptions, Failure> {
    let mut forward = ForwardOptions::to(&options.url);
    forward.databases.clone_from(&options.databases);
    forward.from = options.from.map(|from| from.at(now()));
    forward.labels.clone_from(&options.labels);
    forward.bearer_token = options.bearer_token_file.as_deref().map(Token::read).transpose()?;
    forward.name.clone_from(&options.name);
    forward.batch_samples = options.batch;
    forward.max_failures = options.once.then_some(PATIENCE);
    Ok(forward)
}

fn now() -> Timestamp {
    let nanos = i64::try_from(jiff::Timestamp::now().as_nanosecond());
    nanos.map_or(Timestamp::MAX, Timestamp)
}

fn show(counts: &Counts, url: &str, out: &mut Out) -> io::Result<()> {
    write!(out, "sent {} samples to {url}", count_text(counts.sent))?;
    if counts.refused > 0 {
        write!(out, ", {} refused", count_text(counts.refused))?;
    }
    if counts.merged > 0 {
        write!(out, ", {} within a millisecond of another", count_text(counts.merged))?;
    }
    writeln!(out, " ({} requests)", count_text(counts.requests))
}
