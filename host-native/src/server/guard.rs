//! Who may ask.
//!
//! A server without a token is for this machine alone, and a browser on this machine runs the
//! pages of strangers. They can send requests here, but not lie about where they come from, so:
//! a name that a stranger's domain was bound to is refused by `Host`, and a change that a
//! stranger's page asks for by `Origin`.

use super::answer::Failure;
use super::app::{App, Counters};
use super::peers::Peer;
use super::request::linger;
use crate::token::Token;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;
use core::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;
use tracing::trace;

/// Paths that are answered without a token: whether the server lives is no secret, and neither are
/// its pages.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// Paths that only a bearer of the token may ask.
fn needs_token(path: &str) -> bool {
    let api = ["/api/", "/write", "/query", "/ping", "/metrics", "/prometheus/"];
    !OPEN.contains(&path) && api.iter().any(|prefix| path.starts_with(prefix))
}

/// Counts and logs each request, and lets pass those that may.
pub(super) async fn watch(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    Counters::add(&app.counters.active, 1);
    let _active = Active(&app);
    let peer = request.extensions().get::<Arc<Peer>>().cloned();
    let response = match admit(&app, &request) {
        Ok(()) => {
            let _busy = peer.map(|peer| Busy::new(peer, is_trusted(&app, &request)));
            next.run(request).await
        }
        Err(failure) => {
            linger(request.into_body());
            failure.into_response()
        }
    };
    let status = response.status().as_u16();
    if let Some(counter) = app.counters.answered.get(usize::from(status / 100)) {
        Counters::add(counter, 1);
    }
    trace!(%method, path, status, took = ?began.elapsed(), "http request");
    response
}

/// Counts a request that is being worked on, until it is dropped: a client may go away.
struct Active<'a>(&'a App);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        Counters::sub(&self.0.counters.active, 1);
    }
}

/// A peer whose request is worked on, until this is dropped.
struct Busy(Arc<Peer>);

impl Busy {
    fn new(peer: Arc<Peer>, is_trusted: bool) -> Self {
        if is_trusted {
            peer.trust();
        }
        peer.set_busy(true);
        Self(peer)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_busy(false);
    }
}

/// Whether the request, which was admitted, is none that everybody may ask.
fn is_trusted(app: &App, request: &Request) -> bool {
    app.settings.token.as_ref().is_none_or(|token| bears(request.headers(), token))
}

fn admit(app: &App, request: &Request) -> Result<(), Failure> {
    let settings = &app.settings;
    // Asked before a browser asks, and without what the request itself would bear.
    if request.method() == Method::OPTIONS {
        return Ok(());
    }
    if let Some(token) = &settings.token {
        let path = request.uri().path();
        return if !needs_token(path) || bears(request.headers(), token) {
            Ok(())
        } else {
            Err(Failure::unauthorized())
        };
    }
    let host = header(request.headers(), HOST.as_str());
    if app.is_loopback() && !host.is_none_or(|host| is_own_name(host, &settings.allowed_hosts)) {
        let message = "this server is for its own machine; name others in server.allowed_hosts";
        return Err(Failure::forbidden(message));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    match header(request.headers(), ORIGIN.as_str()) {
        Some(origin) if changes && !is_allowed(origin, host, &settings.cors_origins) => {
            let message = format!("{origin} may not ask; name it in server.cors_origins");
            Err(Failure::forbidden(message))
        }
        _ => Ok(()),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Whether the request bears the token: as a bearer, or as `InfluxDB` 2 clients write it.
fn bears(headers: &HeaderMap, token: &Token) -> bool {
    let written = header(headers, AUTHORIZATION.as_str()).unwrap_or_default();
    let (scheme, borne) = written.split_once(' ').unwrap_or_default();
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    // Comparing takes as long however much of it is right.
    known && bool::from(borne.trim().as_bytes().ct_eq(token.as_str().as_bytes()))
}

/// Whether a loopback server may be called by this name.
fn is_own_name(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page of this origin may change something.
fn is_allowed(origin: &str, host: Option<&str>, allowed: &[String]) -> bool {
    let own = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    own || allowed.iter().any(|allowed| allowed == "*" || allowed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_and_those_allowed() {
        let allowed = ["box.lan".to_owned()];
        for name in ["localhost:8428", "127.0.0.1", "127.9.9.9:1", "[::1]:8428", "a.localhost:80"] {
            assert!(is_own_name(name, &allowed), "{name}");
        }
        assert!(is_own_name("BOX.lan:80", &allowed));
        for name in ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil:1"] {
            assert!(!is_own_name(name, &allowed), "{name}");
        }
    }

    #[test]
    fn a_change_comes_from_here_or_from_where_it_may() {
        let host = Some("localhost:8428");
        assert!(is_allowed("http://localhost:8428", host, &[]));
        assert!(!is_allowed("http://localhost:9999", host, &[]));
        assert!(!is_allowed("null", host, &[]));
        assert!(is_allowed("https://a.example", host, &["https://a.example".to_owned()]));
        assert!(is_allowed("null", host, &["*".to_owned()]));
    }

    #[test]
    fn a_token_is_borne_whole() {
        let bears = |written: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, written.parse().unwrap());
            bears(&headers, &"secret".into())
        };
        assert!(bears("Bearer secret") && bears("token secret") && bears("bearer  secret"));
        assert!(!bears("Bearer secre") && !bears("Bearer secrets") && !bears("secret"));
        assert!(!bears("Basic secret") && !bears("Bearer"));
    }

    #[test]
    fn only_health_and_pages_need_no_token() {
        for path in ["/api/v1/query", "/write", "/metrics", "/prometheus/api/v1/query"] {
            assert!(needs_token(path), "{path}");
        }
        for path in ["/health", "/ready", "/", "/dashboard", "/assets/app.js"] {
            assert!(!needs_token(path), "{path}");
        }
    }
}
