//! `collect`: this machine's own metrics, sent to a server or written into a store.

use super::output::{Out, count_text};
use super::stop;
use super::time::Window;
use super::{Failure, Outcome, args};
use core::time::Duration;
use nanotdb::collect::{
    Collector, Courier, Delivery, LookTimes, Reading, Recording, Refusals, Server, Settings, lines,
    record, whole_milliseconds,
};
use nanotdb::engine::Clock;
use nanotdb::token::Token;
use nanotdb::{Database, OpenOptions, Store, SystemClock, Timestamp, Value};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::sleep;
use std::time::Instant;

/// From the first look, which cannot tell rates, to the one that --once shows.
const BETWEEN_TWO: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Goes on until it is interrupted. Where to: --to, else --root, else `server_url` of the settings.
What a server cannot take waits, up to a limit, and is sent in order once it can.
All settings and metrics are described in docs/COLLECT.md.")]
pub(crate) struct Options {
    /// Settings, in TOML; those of the reference's collector will do [default: all as documented]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Send to the server at this address, like <http://host:8428>
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// A file with the token that the server asks for
    #[arg(long, value_name = "FILE", requires = "to")]
    token_file: Option<PathBuf>,
    /// The database [default: that of the settings, else metrics]
    #[arg(long = "db", value_name = "NAME")]
    database: Option<String>,
    /// Time from one look to the next [default: that of the settings, else 10s]
    #[arg(long, value_name = "DURATION", value_parser = args::window)]
    interval: Option<Window>,
    /// Take one look, pass it on and end; without a place to pass it on to, print it
    #[arg(long)]
    once: bool,
    /// Print every line to standard error, too
    #[arg(long)]
    debug: bool,
}

pub(crate) fn run(root: Option<PathBuf>, options: &Options, out: &mut Out) -> Outcome {
    let settings = settings(options)?;
    let mut collector = Collector::new(&settings).map_err(refused)?;
    let mut place = Place::new(root, options, &settings)?;
    let done = if options.once {
        once(&mut collector, &mut place, &settings, options, out)
    } else {
        again_and_again(&mut collector, &mut place, &settings, options)
    };
    // Whatever ended the looking, what was taken must reach the disk.
    let closed = place.close();
    done.and(closed)
}

fn refused(error: impl core::fmt::Display) -> Failure {
    Failure::usage(error.to_string())
}

/// The file's settings, with what was typed over them.
fn settings(options: &Options) -> Result<Settings, Failure> {
    let mut settings = match &options.config {
        Some(path) => Settings::read(path).map_err(refused)?,
        None => Settings::default(),
    };
    for key in &settings.unknown {
        say(&format!("note: {key} means nothing here"));
    }
    if let Some(database) = &options.database {
        settings.database.clone_from(database);
    }
    if let Some(Window(nanos)) = options.interval {
        settings.interval = Duration::from_nanos(u64::try_from(nanos).unwrap_or(0));
    }
    if let Some(url) = &options.to {
        settings.server_url = Some(url.clone());
        settings.token_file.clone_from(&options.token_file);
    }
    settings.check().map_err(refused)?;
    Ok(settings)
}

/// Where readings go.
enum Place {
    Server(Box<Courier>, Status, LookTimes),
    Store(Store, Arc<Database>),
    /// Standard output, for one look.
    Nowhere,
}

/// What became of the readings of one look.
#[derive(Debug, Default)]
struct Passed {
    delivery: Delivery,
    /// Whether the clock is behind what was stored or sent before.
    is_clock_behind: bool,
}

/// What was said of the server last, so that nothing is said twice.
#[derive(Debug, Default)]
struct Status {
    is_away: bool,
    dropped: u64,
}

impl Place {
    fn new(root: Option<PathBuf>, options: &Options, settings: &Settings) -> Result<Self, Failure> {
        match (root, &settings.server_url) {
            (Some(_), _) if options.to.is_some() => {
                Err(Failure::usage("name one place: --to or --root"))
            }
            (Some(root), _) => Self::store(&root, settings),
            (None, Some(url)) => Self::server(url, settings),
            (None, None) if options.once => Ok(Self::Nowhere),
            (None, None) => {
                Err(Failure::usage("name a place with --to or --root, or print with --once"))
            }
        }
    }

    fn store(root: &Path, settings: &Settings) -> Result<Self, Failure> {
        let store = OpenOptions::default().open(root)?;
        super::tell_warnings(&store);
        let database = store.create_database(&settings.database)?;
        super::tell_notes(&database);
        Ok(Self::Store(store, database))
    }

    fn server(url: &str, settings: &Settings) -> Result<Self, Failure> {
        let token = settings.token_file.as_deref().map(Token::read).transpose()?;
        let server = Server { url: url.to_owned(), token, timeout: settings.timeout };
        let courier = Courier::new(server, settings.queue_max_bytes).map_err(refused)?;
        Ok(Self::Server(Box::new(courier), Status::default(), LookTimes::default()))
    }

    /// Passes readings on. A server that is away is no failure; what waits is sent until then.
    fn pass_on(
        &mut self,
        now: Timestamp,
        readings: &[Reading],
        settings: &Settings,
        until: Instant,
    ) -> Result<Passed, Failure> {
        match self {
            Self::Nowhere => Ok(Passed::default()),
            Self::Store(_, database) => {
                let Recording { taken, rejected, clock_behind } = record(database, now, readings)?;
                let refused = rejected.iter().map(ToString::to_string).collect();
                let delivery = Delivery { sent_lines: taken, refused, away: None };
                Ok(Passed { delivery, is_clock_behind: clock_behind > 0 })
            }
            Self::Server(courier, status, times) => {
                let (time, is_clock_behind) = times.of(now);
                courier.take(lines(&settings.database, time, readings));
                let delivery = courier.deliver(until);
                status.tell(courier, &delivery);
                Ok(Passed { delivery, is_clock_behind })
            }
        }
    }

    /// Lines that were dropped unsent, where that can happen.
    fn dropped(&self) -> Option<u64> {
        match self {
            Self::Server(courier, ..) => Some(courier.queue().dropped_lines()),
            _ => None,
        }
    }

    fn close(self) -> Outcome {
        match self {
            Self::Store(store, database) => {
                drop(database);
                super::settle(&store);
                Ok(store.close()?)
            }
            Self::Server(courier, ..) if !courier.queue().is_empty() => {
                let bytes = courier.queue().bytes();
                Err(Failure::failed(format!("{bytes} bytes of lines were not sent and are lost")))
            }
            _ => Ok(()),
        }
    }
}

impl Status {
    fn tell(&mut self, courier: &Courier, delivery: &Delivery) {
        let queue = courier.queue();
        match &delivery.away {
            Some(why) if !self.is_away => say(&format!("server away, lines wait: {why}")),
            None if self.is_away => {
                let sent = count_text(delivery.sent_lines);
                say(&format!("server back, {sent} lines sent, {} bytes wait", queue.bytes()));
            }
            _ => {}
        }
        self.is_away = delivery.away.is_some();
        if queue.dropped_lines() > 0 && self.dropped == 0 {
            say("too many lines wait: the oldest are dropped");
        }
        self.dropped = queue.dropped_lines();
    }
}

/// What there is to read now, and how sending goes.
fn look(collector: &mut Collector, place: &Place) -> Vec<Reading> {
    let mut readings = collector.collect(Instant::now());
    if let Some(dropped) = place.dropped() {
        let value = Value::I32(i32::try_from(dropped).unwrap_or(i32::MAX));
        readings.push(Reading { metric: "collect.dropped_lines".to_owned(), value });
    }
    readings
}

fn once(
    collector: &mut Collector,
    place: &mut Place,
    settings: &Settings,
    options: &Options,
    out: &mut Out,
) -> Outcome {
    collector.collect(Instant::now());
    sleep(BETWEEN_TWO);
    let readings = look(collector, place);
    let time = whole_milliseconds(SystemClock.now());
    let text = lines(&settings.database, time, &readings);
    debug(options, &text);
    if matches!(place, Place::Nowhere) {
        return Ok(out.write_all(&text)?);
    }
    let Passed { delivery, .. } = place.pass_on(time, &readings, settings, Instant::now())?;
    match delivery.away.or_else(|| delivery.refused.into_iter().next()) {
        Some(why) => Err(Failure::failed(why)),
        None => Ok(()),
    }
}

fn again_and_again(
    collector: &mut Collector,
    place: &mut Place,
    settings: &Settings,
    options: &Options,
) -> Outcome {
    let stop = stop::asked()?;
    let mut due = Instant::now();
    let mut refusals = Refusals::default();
    while goes_on(&stop, due) {
        let readings = look(collector, place);
        let time = whole_milliseconds(SystemClock.now());
        debug(options, &lines(&settings.database, time, &readings));
        let next = due + settings.interval;
        let passed = place.pass_on(time, &readings, settings, next)?;
        let mut notes: Vec<String> =
            refusals.of_clock(passed.is_clock_behind).into_iter().collect();
        // A server that is away refuses nothing.
        if passed.delivery.away.is_none() || !passed.delivery.refused.is_empty() {
            notes.extend(refusals.of_look(&passed.delivery.refused));
        }
        for note in notes {
            say(&note);
        }
        // Looks that would already be over are left out: the machine slept, or had no time.
        due = next.max(Instant::now());
    }
    Ok(())
}

/// Waits until the next look is due; ends early when that is wished.
fn goes_on(stop: &Receiver<()>, due: Instant) -> bool {
    let left = due.saturating_duration_since(Instant::now());
    stop.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
}

fn debug(options: &Options, text: &[u8]) {
    if options.debug {
        // Who wants to see lines can do without them.
        let _ = io::stderr().write_all(text);
    }
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
