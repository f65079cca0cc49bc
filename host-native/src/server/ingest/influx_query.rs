//! The two statements that clients of `InfluxDB` 1 need before they write.

use super::influx::InfluxFailure;
use crate::server::answer::{Failure, written};
use crate::server::app::App;
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// Longest form that is read.
const MAX_FORM: u64 = 64 * 1024;

/// A statement that is understood.
#[derive(Debug, PartialEq, Eq)]
enum Statement {
    CreateDatabase(String),
    ShowDatabases,
}

/// Answers `CREATE DATABASE name` and `SHOW DATABASES`, in the query or in a form.
pub(super) async fn query(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, InfluxFailure> {
    let is_post = method == Method::POST;
    if !is_post && method != Method::GET {
        return Err(Failure::method().into());
    }
    let form = Incoming::new(&app, body).at_most(MAX_FORM).whole().await?;
    let form = core::str::from_utf8(&form)
        .map_err(|_| Failure::bad("body: expected a form, found what is not UTF-8"))?;
    let params = params.and(Params::parse(form)?);
    let statement = parse(params.required("q")?)?;
    // A page of a stranger can make a browser get anything, and must not change anything by it.
    if !is_post && statement != Statement::ShowDatabases {
        return Err(Failure::bad("CREATE DATABASE must be sent by POST").into());
    }
    let result = app.ingest(move |app| match statement {
        Statement::CreateDatabase(name) => {
            app.engine.create_database(&name)?;
            Ok(json!({ "statement_id": 0 }))
        }
        Statement::ShowDatabases => {
            let names = app.engine.databases()?;
            let values: Vec<[String; 1]> = names.into_iter().map(|name| [name]).collect();
            let series = json!([{ "name": "databases", "columns": ["name"], "values": values }]);
            Ok(json!({ "statement_id": 0, "series": series }))
        }
    });
    Ok(written(&json!({ "results": [result.await?] })))
}

fn parse(text: &str) -> Result<Statement, Failure> {
    let statement = text.trim().trim_end_matches(';').trim_end();
    let words: Vec<&str> = statement.split_whitespace().collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|w| w.eq_ignore_ascii_case(word));
    if words.len() == 2 && is(0, "show") && is(1, "databases") {
        return Ok(Statement::ShowDatabases);
    }
    // What stands behind the name, `WITH DURATION …`, is for settings here.
    let ends = words.len() == 3 || is(3, "with");
    if let (true, true, true, Some(name)) = (is(0, "create"), is(1, "database"), ends, words.get(2))
    {
        let plain = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        return Ok(Statement::CreateDatabase(plain.unwrap_or(name).to_owned()));
    }
    let message = "only CREATE DATABASE and SHOW DATABASES are understood here; \
                   /api/v1/query answers queries";
    Err(Failure::bad(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_in_every_form() {
        let create = |name: &str| Statement::CreateDatabase(name.to_owned());
        for (text, statement) in [
            ("CREATE DATABASE \"telegraf\"", create("telegraf")),
            ("create  database home;", create("home")),
            ("CREATE DATABASE x WITH DURATION 7d", create("x")),
            (" show databases ; ", Statement::ShowDatabases),
        ] {
            assert_eq!(parse(text).unwrap(), statement, "{text}");
        }
        for text in
            ["", "SELECT * FROM cpu", "CREATE DATABASE", "CREATE DATABASE a b", "DROP DATABASE a"]
        {
            assert!(parse(text).unwrap_err().message().contains("CREATE DATABASE"), "{text}");
        }
    }
}
