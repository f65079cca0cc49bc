//! A server on a store of its own, and a client.

use nanotdb::server::{App, Server, Settings};
use nanotdb::{OpenOptions, Store};
use reqwest::blocking::{Client, Response};
use serde_json::Value as Json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Served {
    server: Option<Server>,
    store: Option<Store>,
    scratch: TempDir,
    client: Client,
}

impl Served {
    /// A server on an empty store.
    pub(crate) fn new() -> Self {
        Self::with("", |_| ())
    }

    /// A server on an empty store with this `engine.toml`, and settings changed by `change`.
    pub(crate) fn with(toml: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        if !toml.is_empty() {
            std::fs::write(scratch.path().join("engine.toml"), toml).unwrap();
        }
        Self::on(scratch, change)
    }

    /// A server on what is in a directory.
    pub(crate) fn on(scratch: TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        let store = OpenOptions::default().open(scratch.path()).unwrap();
        let mut settings = Settings::of_root(scratch.path(), store.settings()).unwrap();
        settings.listen = "127.0.0.1:0".into();
        change(&mut settings);
        let server = Server::start(store.engine(), settings).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { server: Some(server), store: Some(store), scratch, client }
    }

    pub(crate) fn root(&self) -> &Path {
        self.scratch.path()
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// What the server's requests share.
    pub(crate) fn app(&self) -> &Arc<App> {
        self.server.as_ref().unwrap().app()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.as_ref().unwrap().address())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.url(path)).send().unwrap())
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<reqwest::blocking::Body>) -> Answer {
        Answer::of(self.client.post(self.url(path)).body(body).send().unwrap())
    }

    pub(crate) fn method(&self, method: &str, path: &str) -> Answer {
        let method = method.parse().unwrap();
        Answer::of(self.client.request(method, self.url(path)).send().unwrap())
    }

    /// Sends lines that are all taken.
    pub(crate) fn import(&self, lines: &str) {
        let answer = self.post("/api/v1/import", lines.to_owned());
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// A connection to say anything on.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.as_ref().unwrap().address()).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream
    }

    /// What is answered to these bytes, until the server closes.
    pub(crate) fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Stops the server and closes the store.
    pub(crate) fn stop(mut self) -> TempDir {
        self.server.take().unwrap().stop();
        self.store.take().unwrap().close().unwrap();
        std::mem::replace(&mut self.scratch, tempfile::tempdir().unwrap())
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().unwrap() }
    }

    /// The body as JSON, which ends with one line end.
    pub(crate) fn json(&self) -> Json {
        assert!(self.text.ends_with('\n') && !self.text.ends_with("\n\n"), "{:?}", self.text);
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// `data` of an answer that says success.
    pub(crate) fn data(&self) -> Json {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (200, &Json::from("success")), "{}", self.text);
        json["data"].clone()
    }

    /// Status, type and text of an answer that says error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let json = self.json();
        assert_eq!(json["status"], "error", "{}", self.text);
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        (self.status, text("errorType"), text("error"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
