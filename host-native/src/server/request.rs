//! Parameters and bodies, read with limits.

use super::answer::Failure;
use super::app::{App, Counters};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use core::time::Duration;
use http_body_util::BodyExt as _;
use nanotdb_core::{TimeRange, Timestamp};
use serde::de::DeserializeOwned;
use std::sync::Arc;

use crate::moment::Moment;

/// Bytes of a body that are gathered before they are worked on: enough that a turn is worth it, and
/// so little that a thousand clients may do so at once.
const PIECE: usize = 64 * 1024;

/// How long, and for how many bytes, a body is read that was refused.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 256 << 20;

/// Longest body that is read as a whole.
pub(super) const MAX_WHOLE: u64 = 32 << 20;

/// The parameters of a request, in order; a name may come more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Parameters written as in a query or a form.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let uri = axum::http::Uri::builder().path_and_query(format!("/?{text}")).build();
        let uri = uri.map_err(|error| Failure::bad(format_args!("parameters: {error}")))?;
        let Query(pairs) = Query::try_from_uri(&uri)
            .map_err(|error| Failure::bad(format_args!("parameters: {error}")))?;
        Ok(Self(pairs))
    }

    /// These and those of a form.
    #[must_use]
    pub(super) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The first of a name, if it is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// All of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first of a name, which must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::bad(format_args!("{name} is required")))
    }

    /// A flag, false when it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Ok(true),
            None | Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Ok(false),
            Some(other) => {
                Err(Failure::bad(format_args!("{name}={other}: expected true or false")))
            }
        }
    }

    /// A moment as people and programs write it.
    pub(super) fn moment(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<Moment>() {
            Ok(moment) => Ok(Some(moment.at(now))),
            Err(error) => Err(Failure::bad(format_args!("{name}={text}: {error}"))),
        }
    }

    /// From `start` to `end`; without `end` to the end of time.
    pub(super) fn range(&self, now: Timestamp) -> Result<TimeRange, Failure> {
        let from = self.moment("start", now)?;
        let from = from.ok_or_else(|| Failure::bad("start is required"))?;
        let to = self.moment("end", now)?.unwrap_or(Timestamp::MAX);
        TimeRange::new(from, to)
            .ok_or_else(|| Failure::bad(format_args!("end ({to}) is before start ({from})")))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let pairs = Query::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|error| Failure::bad(format_args!("query: {error}")))?;
        Ok(Self(pairs))
    }
}

/// A body that comes in pieces, each in time and all together not too long.
#[derive(Debug)]
pub(super) struct Incoming {
    body: Body,
    app: Arc<App>,
    limit: u64,
    seen: u64,
    patience: Duration,
    /// What went wrong behind the piece that was handed out last.
    failed: Option<Failure>,
}

impl Incoming {
    /// A body as long as the settings allow.
    pub(super) fn new(app: &Arc<App>, body: Body) -> Self {
        Self {
            body,
            app: Arc::clone(app),
            limit: app.settings.max_body_bytes,
            seen: 0,
            patience: app.settings.request_timeout,
            failed: None,
        }
    }

    /// Not longer than this, either.
    #[must_use]
    pub(super) fn at_most(mut self, limit: u64) -> Self {
        self.limit = self.limit.min(limit);
        self
    }

    /// The next piece, at least 64 KiB unless it is the last; nothing at the end. What came before
    /// a failure comes first.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        let mut piece = Vec::new();
        while piece.len() < PIECE {
            match self.frame().await {
                Ok(Some(bytes)) => piece.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(failure) if piece.is_empty() => return Err(failure),
                Err(failure) => {
                    self.failed = Some(failure);
                    break;
                }
            }
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// All of it, which must not be longer than 32 MiB.
    pub(super) async fn whole(self) -> Result<Vec<u8>, Failure> {
        let mut incoming = self.at_most(MAX_WHOLE);
        let mut whole = Vec::new();
        while let Some(bytes) = incoming.frame().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    /// All of it, as JSON.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        from_json(&self.whole().await?)
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| Failure::slow())? else { return Ok(None) };
            let frame = frame.map_err(|error| Failure::bad(format_args!("body: {error}")))?;
            let Ok(bytes) = frame.into_data() else { continue };
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.seen = self.seen.saturating_add(len);
            Counters::add(&self.app.counters.body_bytes, len);
            if self.seen > self.limit {
                linger(core::mem::take(&mut self.body));
                return Err(Failure::too_large(self.limit));
            }
            return Ok(Some(bytes));
        }
    }
}

/// A body that was read whole, as JSON.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::bad(format_args!("body: {error}")))
}

/// Goes on reading a body that nobody wants, for a while: a client that still sends when the
/// connection is closed may never see the answer.
pub(super) fn linger(body: Body) {
    tokio::spawn(tokio::time::timeout(LINGER, async move {
        let (mut body, mut left) = (body, LINGER_BYTES);
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_may_repeat() {
        let params = Params::parse("match[]=up&match%5B%5D=a+b&x=%2F&empty=&on=T").unwrap();
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["up", "a b"]);
        assert_eq!(
            (params.get("x"), params.get("empty"), params.get("y")),
            (Some("/"), None, None)
        );
        assert_eq!((params.flag("on").unwrap(), params.flag("off").unwrap()), (true, false));
        assert!(params.flag("x").unwrap_err().message().contains("expected true or false"));
    }

    #[test]
    fn a_range_has_a_start_and_ends_behind_it() {
        let range = |text: &str| Params::parse(text).unwrap().range(Timestamp(5_000_000_000));
        let found = range("start=1&end=2").unwrap();
        assert_eq!((found.from.0, found.to.0), (1_000_000_000, 2_000_000_000));
        assert_eq!(range("start=1").unwrap().to, Timestamp::MAX);
        // D-24: milliseconds are told from nanoseconds.
        assert_eq!(range("start=1767225600000").unwrap().from.0, 1_767_225_600_000_000_000);
        assert_eq!(range("start=-2s").unwrap().from.0, 3_000_000_000);
        assert!(range("end=1").unwrap_err().message().contains("start is required"));
        assert!(range("start=2&end=1").unwrap_err().message().contains("before start"));
        assert!(range("start=soon").unwrap_err().message().contains("start=soon"));
    }
}
