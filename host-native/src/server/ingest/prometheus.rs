//! `POST /api/v1/import/prometheus`: the text format, or our own line protocol.

use super::exposition_lines::ExpositionLines;
use super::{Done, Place, line_bodies};
use crate::server::answer::{Failure, success};
use crate::server::api::take_lines;
use crate::server::app::App;
use crate::server::lines::MAX_LINE_LEN;
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use std::sync::Arc;

/// Takes lines in; the first that is no comment decides which kind they are.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().trim_start();
    let mut incoming = Incoming::new(&app, body);
    if content_type.starts_with("application/json") {
        return take_lines(&app, &params, true, Vec::new(), incoming).await;
    }
    let mut begun = Vec::new();
    let are_ours = loop {
        if let Some(are_ours) = are_our_lines(&begun, false) {
            break are_ours;
        }
        match incoming.next().await? {
            Some(piece) if begun.len() <= MAX_LINE_LEN => begun.extend_from_slice(&piece),
            Some(piece) => {
                // Comments without end, or one endless line.
                begun.extend_from_slice(&piece);
                break false;
            }
            None => break are_our_lines(&begun, true).unwrap_or(false),
        }
    };
    if are_ours {
        return take_lines(&app, &params, false, begun, incoming).await;
    }
    let database = params.get("db").unwrap_or(&app.settings.default_database);
    let reader = ExpositionLines::new(content_type);
    let (report, broken) = line_bodies::take(&app, database, reader, begun, incoming).await?;
    let data = Done::of(&report, Place::Line);
    match (broken, report.problem("line")) {
        (Some(failure), _) => Err(failure.with_data(data)),
        (None, Some(problem)) => Err(Failure::bad(problem).with_data(data)),
        (None, None) => Ok(success(data)),
    }
}

/// Whether lines are `database/metric value`; nothing while the first one has not come.
fn are_our_lines(begun: &[u8], is_all: bool) -> Option<bool> {
    let mut rest = begun;
    loop {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = match end {
            Some(end) => rest.get(..end)?,
            None if is_all && !rest.is_empty() => rest,
            None => return None,
        };
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            let end = line.iter().position(|&byte| byte == b'{' || byte.is_ascii_whitespace());
            return Some(line.get(..end.unwrap_or(line.len()))?.contains(&b'/'));
        }
        rest = rest.get(end? + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_is_no_comment_decides() {
        for (text, is_all, ours) in [
            ("", false, None),
            ("", true, None),
            ("# TYPE a/b gauge\n\n", true, None),
            ("home/a 1", false, None),
            ("home/a 1", true, Some(true)),
            ("# c\n  home/a 1\n", false, Some(true)),
            ("up 1\nhome/a 1\n", false, Some(false)),
            ("up{path=\"/\"} 1\n", false, Some(false)),
            ("a/b{x=\"1\"} 1\n", false, Some(true)),
            ("up 1/2\n", false, Some(false)),
        ] {
            assert_eq!(are_our_lines(text.as_bytes(), is_all), ours, "{text:?}");
        }
    }
}
