//! A batch until it is taken, or refused for good.
//!
//! | answer | what follows |
//! |---|---|
//! | 2xx | it is taken |
//! | 400, 422 | halves of the batch, until what is refused stands alone; that is passed over |
//! | 413 | halves of the batch, as often as needed; a single sample is passed over |
//! | an HTML page, whatever its status | again after a pause: it is not from the receiver |
//! | anything else, or nothing | the same; `Retry-After` may lengthen the pause |
//!
//! Receivers refuse a request as a whole when one sample in it is wrong; by halves, the others
//! get through. Only what the receiver itself says about the samples ends them: a wrong address or
//! token, a proxy in between, or the login page of a hotel's network is an outage, after which
//! everything is still to be sent.

use super::{Counts, ForwardError, ForwardOptions, Stop, names};
use crate::remote_write::{
    CONTENT_ENCODING, CONTENT_TYPE, TimeSeries, VERSION, VERSION_HEADER, WriteRequest,
};
use crate::token::Token;
use core::fmt;
use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header;
use tracing::{debug, info, warn};

/// Longest pause that a receiver may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How often one batch is halved. When all of it is refused, say for its age, the rest of it is
/// passed over at once.
const MAX_HALVINGS: u32 = 128;

/// Bytes of a refusal that are repeated.
const MAX_TEXT: usize = 300;

/// Why a round ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody asked to end.
    Stopped,
    /// It cannot go on.
    Failed(ForwardError),
}

impl From<crate::Error> for Halt {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What a receiver said.
#[derive(Debug)]
enum Answer {
    Final(Verdict),
    Later { why: String, after: Option<Duration> },
}

/// What becomes of the samples of a request.
#[derive(Debug)]
enum Verdict {
    Taken,
    /// One or more of them are wrong.
    Refused(String),
    /// They are too many, or a single one that nobody takes.
    TooLarge(String),
}

/// Hears of what people should know.
type Notice = Box<dyn Fn(&str) + Send>;

/// Sends batches.
pub(super) struct Delivery {
    client: Client,
    url: String,
    bearer_token: Option<Token>,
    min_pause: Duration,
    max_pause: Duration,
    max_failures: Option<u32>,
    /// Samples that a request may have, as far as the receiver has said so by a 413.
    most_samples: u64,
    counts: Counts,
    stop: Stop,
    notice: Option<Notice>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Delivery {
    pub(super) fn new(options: &ForwardOptions) -> Result<Self, ForwardError> {
        let wrong = |detail: String| ForwardError::Options(format!("{}: {detail}", options.url));
        let url = reqwest::Url::parse(&options.url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("expected http://… or https://…".into()));
        }
        let client = Client::builder()
            .timeout(options.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("nanotdb/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            client,
            url: options.url.clone(),
            bearer_token: options.bearer_token.clone(),
            min_pause: options.min_pause,
            max_pause: options.max_pause,
            max_failures: options.max_failures,
            most_samples: u64::MAX,
            counts: Counts::default(),
            stop: Stop::default(),
            notice: None,
        })
    }

    pub(super) const fn stop(&self) -> &Stop {
        &self.stop
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn count_merged(&mut self, samples: u64) {
        self.counts.merged += samples;
    }

    pub(super) fn on_notice(&mut self, hear: Notice) {
        self.notice = Some(hear);
    }

    /// Tells of what people should know.
    pub(super) fn notice(&self, text: &str) {
        warn!(notice = text, "forward");
        if let Some(hear) = &self.notice {
            hear(text);
        }
    }

    /// Returns when every sample was taken or refused for good.
    pub(super) fn deliver(&mut self, series: Vec<TimeSeries>) -> Result<(), Halt> {
        let (mut halvings, mut refused) = (MAX_HALVINGS, Refused::default());
        // The first half of what is left is on top: samples of a series stay in order.
        let mut left = vec![series];
        while let Some(series) = left.pop() {
            let samples = count(&series);
            if samples > self.most_samples {
                push_halves(&mut left, series);
                continue;
            }
            match self.post_until_answered(&series)? {
                Verdict::Taken => self.counts.sent += samples,
                Verdict::TooLarge(_) if samples > 1 => {
                    self.most_samples = samples / 2;
                    push_halves(&mut left, series);
                }
                Verdict::Refused(_) if samples > 1 && halvings > 0 => {
                    halvings -= 1;
                    push_halves(&mut left, series);
                }
                Verdict::Refused(text) | Verdict::TooLarge(text) => {
                    self.counts.refused += samples;
                    refused.add(&series, samples, text);
                }
            }
        }
        // One sentence for a batch: a receiver that has it already refuses every sample of it.
        if let Some(text) = refused.told() {
            self.notice(&text);
        }
        Ok(())
    }

    fn post_until_answered(&mut self, series: &[TimeSeries]) -> Result<Verdict, Halt> {
        let request = WriteRequest { timeseries: series.to_vec(), metadata: vec![] };
        let body = request.encode_block().map_err(|error| {
            Halt::Failed(ForwardError::Options(format!("batch_samples: {error}")))
        })?;
        let mut failures = 0;
        loop {
            if self.stop.is_stopped() {
                return Err(Halt::Stopped);
            }
            let (why, after) = match self.post(&body) {
                Answer::Later { why, after } => (why, after),
                Answer::Final(verdict) => {
                    self.counts.requests += 1;
                    if failures > 0 {
                        info!(url = self.url, failures, "receiver is back");
                        self.tell(&format!("{} answers again", self.url));
                    }
                    debug!(samples = count(series), bytes = body.len(), ?verdict, "forwarded");
                    return Ok(verdict);
                }
            };
            failures += 1;
            self.counts.failures += 1;
            if self.max_failures.is_some_and(|most| failures >= most) {
                let times = if failures == 1 { "time" } else { "times" };
                let text = format!("{} failed {failures} {times}: {why}", self.url);
                return Err(Halt::Failed(ForwardError::GaveUp(text)));
            }
            if failures == 1 {
                self.notice(&format!("{}: {why}; trying until it answers", self.url));
            }
            let pause = after.unwrap_or_default().max(self.pause(failures));
            debug!(url = self.url, failures, why, ?pause, "forward waits");
            if self.stop.wait(pause) {
                return Err(Halt::Stopped);
            }
        }
    }

    fn tell(&self, text: &str) {
        if let Some(hear) = &self.notice {
            hear(text);
        }
    }

    /// Twice as long with each failure, and up to a half shorter by chance: many senders must not
    /// come back to a receiver at the same moment.
    fn pause(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.min_pause.saturating_mul(doubled).min(self.max_pause);
        // The standard library seeds each of these anew.
        let chance = std::hash::RandomState::new().build_hasher().finish() % 512;
        let part = u32::try_from(512 + chance).unwrap_or(1024);
        longest.saturating_mul(part) / 1024
    }

    fn post(&self, body: &[u8]) -> Answer {
        let mut request = self
            .client
            .post(&self.url)
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(header::CONTENT_ENCODING, CONTENT_ENCODING)
            .header(VERSION_HEADER, VERSION)
            .body(body.to_vec());
        if let Some(token) = &self.bearer_token {
            request = request.bearer_auth(token.as_str());
        }
        match request.send() {
            Ok(response) => understood(response),
            Err(error) => Answer::Later { why: chain(&error.without_url()), after: None },
        }
    }
}

fn understood(response: Response) -> Answer {
    let status = response.status();
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::trim);
    let after = header(header::RETRY_AFTER).and_then(|value| value.parse::<u64>().ok());
    let after = after.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    let says_html =
        header(header::CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let beginning = beginning(response);
    let is_page = says_html || beginning.starts_with('<');
    let text = format!("{status}: {beginning}");
    if is_page {
        // A size, at least, is what smaller requests can get below.
        return match status {
            StatusCode::PAYLOAD_TOO_LARGE => Answer::Final(Verdict::TooLarge(text)),
            _ => Answer::Later { why: format!("a page, not the receiver's answer: {text}"), after },
        };
    }
    match status {
        status if status.is_success() => Answer::Final(Verdict::Taken),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Answer::Final(Verdict::Refused(text))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Answer::Final(Verdict::TooLarge(text)),
        _ => Answer::Later { why: text, after },
    }
}

/// The beginning of what a receiver says, in one line.
fn beginning(response: Response) -> String {
    use std::io::Read;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_TEXT).unwrap_or(0);
    // What cannot be read is not worth a failure of its own.
    let _ = response.take(limit).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error with its causes, which often say more than itself.
fn chain(error: &dyn core::error::Error) -> String {
    let causes = core::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What of a batch was refused for good.
#[derive(Debug, Default)]
struct Refused {
    samples: u64,
    /// The first series, and what was said of it.
    first: Option<(String, String)>,
}

impl Refused {
    fn add(&mut self, series: &[TimeSeries], samples: u64, text: String) {
        self.samples += samples;
        if self.first.is_none() {
            let series = series.first().map(|series| names::shown(&series.labels));
            self.first = Some((series.unwrap_or_default(), text));
        }
    }

    fn told(&self) -> Option<String> {
        let (series, text) = self.first.as_ref()?;
        Some(match self.samples {
            1 => format!("a sample of {series} was refused: {text}"),
            samples => format!("{samples} samples, first of {series}, were refused: {text}"),
        })
    }
}

fn count(series: &[TimeSeries]) -> u64 {
    u64::try_from(series.iter().map(|series| series.samples.len()).sum::<usize>()).unwrap_or(0)
}

/// Replaces what was on top by its halves, the first of them on top.
fn push_halves(left: &mut Vec<Vec<TimeSeries>>, series: Vec<TimeSeries>) {
    let (first, second) = halves(series);
    left.extend([second, first]);
}

/// Both have samples, as long as there are two.
fn halves(mut series: Vec<TimeSeries>) -> (Vec<TimeSeries>, Vec<TimeSeries>) {
    if series.len() > 1 {
        let second = series.split_off(series.len() / 2);
        return (series, second);
    }
    let second = series.iter_mut().map(|series| TimeSeries {
        labels: series.labels.clone(),
        samples: series.samples.split_off(series.samples.len() / 2),
        histograms: vec![],
    });
    let second = second.collect();
    (series, second)
}
