//! What the server is told: `engine.listen` and the tables `[server]` and `[web]` of `engine.toml`.
//!
//! | key | built in | |
//! |---|---|---|
//! | `engine.listen` | `:8428` | without a host it is loopback, unlike the reference's |
//! | `server.token_file` | none | a file whose first line every request must bear as a token |
//! | `server.cors_origins` | none | origins of other pages that may ask; `*` for all |
//! | `server.allowed_hosts` | none | names, beside its own address, by which a loopback server may be called |
//! | `server.max_body_bytes` | 268435456 | of one request, after decompression |
//! | `server.max_connections` | 1024 | at once; further ones wait |
//! | `server.request_timeout` | `60s` | for a query, and for a client between two pieces of a body |
//! | `server.default_database` | `metrics` | of samples that name none |
//!
//! The reference knows no table `[server]` and passes over it.

use crate::token::Token;
use core::time::Duration;
use nanotdb_core::settings::{EngineSettings, SETTINGS_FILE, WrittenDuration};
use nanotdb_core::{Error, Result};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// The port where none is named, the reference's.
const PORT: u16 = 8428;

/// How to serve.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen, `host:port`. Without a host it is the loopback address.
    pub listen: String,
    /// Must be borne by every request but those for health and pages.
    pub token: Option<Token>,
    /// Origins of other pages that may ask, or `*`.
    pub cors_origins: Vec<String>,
    /// Names by which a server on a loopback address may be called, beside that address.
    pub allowed_hosts: Vec<String>,
    /// Bytes of one request's body, after decompression.
    pub max_body_bytes: u64,
    /// Connections at once, more than 0.
    pub max_connections: usize,
    /// For a query, and for a client between two pieces of a body.
    pub request_timeout: Duration,
    /// The database of samples that name none.
    pub default_database: String,
    /// The store's directory, where `dashboard.json` is.
    pub root: PathBuf,
    /// The pages.
    pub web: WebSettings,
}

/// The table `web`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct WebSettings {
    /// Whether pages are served.
    pub enabled: bool,
    /// Where the dashboard is.
    pub base_path: String,
    /// Where the explorer is.
    pub explore_path: String,
    /// Where the inspector is.
    pub engine_path: String,
    /// The title of the dashboard, if it shall be another than its file says.
    pub title: String,
    /// Seconds between two refreshes of a page.
    pub refresh_seconds: u32,
    /// The dashboard's file; relative to the root.
    pub dashboard_config: String,
    /// A directory whose files take the place of the pages in the program.
    pub web_root: String,
    /// Where pages find the API, if not where they are themselves.
    pub api_base_url: String,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            base_path: "/dashboard".into(),
            explore_path: "/explore".into(),
            engine_path: "/engine".into(),
            title: String::new(),
            refresh_seconds: 10,
            dashboard_config: "dashboard.json".into(),
            web_root: String::new(),
            api_base_url: String::new(),
        }
    }
}

/// The parts of `engine.toml` that only the server reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    server: ServerTable,
    web: WebSettings,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct ServerTable {
    token_file: String,
    cors_origins: Vec<String>,
    allowed_hosts: Vec<String>,
    max_body_bytes: u64,
    max_connections: usize,
    #[serde(deserialize_with = "duration")]
    request_timeout: Duration,
    default_database: String,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            token_file: String::new(),
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_body_bytes: 256 << 20,
            max_connections: 1024,
            request_timeout: Duration::from_mins(1),
            default_database: "metrics".into(),
        }
    }
}

impl Settings {
    /// What the `engine.toml` of a root says.
    ///
    /// # Errors
    ///
    /// `Settings` when a value is not allowed, or the file with the token cannot be read.
    pub fn of_root(root: &Path, engine: &EngineSettings) -> Result<Self> {
        // A store that is only read may have no such file.
        let text = std::fs::read_to_string(root.join(SETTINGS_FILE)).unwrap_or_default();
        let File { server, web } = toml::from_str(&text).map_err(|error| refused(&error))?;
        let token = match server.token_file.as_str() {
            "" => None,
            path => {
                let token = Token::read(&root.join(path));
                Some(token.map_err(|error| refused(format_args!("server.token_file: {error}")))?)
            }
        };
        if server.max_connections == 0 || server.request_timeout.is_zero() {
            return Err(refused("server: max_connections and request_timeout must be more than 0"));
        }
        Ok(Self {
            listen: engine.listen.clone(),
            token,
            cors_origins: server.cors_origins,
            allowed_hosts: server.allowed_hosts,
            max_body_bytes: server.max_body_bytes,
            max_connections: server.max_connections,
            request_timeout: server.request_timeout,
            default_database: server.default_database,
            root: root.to_owned(),
            web,
        })
    }

    /// Host and port to bind: loopback and 8428 where they are missing.
    pub fn address(&self) -> String {
        let listen = self.listen.trim();
        match listen.strip_prefix(':') {
            Some(port) => format!("127.0.0.1:{port}"),
            None if listen.is_empty() => format!("127.0.0.1:{PORT}"),
            None if listen.parse::<u16>().is_ok() => format!("127.0.0.1:{listen}"),
            None if has_port(listen) => listen.to_owned(),
            None => format!("{listen}:{PORT}"),
        }
    }
}

/// Whether the address ends in a port; an IPv6 address in brackets is full of colons.
fn has_port(address: &str) -> bool {
    let behind_brackets = address.rsplit(']').next().unwrap_or(address);
    behind_brackets.contains(':')
}

fn refused(detail: impl core::fmt::Display) -> Error {
    Error::Settings { file: SETTINGS_FILE.into(), detail: detail.to_string() }
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> core::result::Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let written = WrittenDuration::new(&text).map_err(serde::de::Error::custom)?;
    let nanos = u64::try_from(written.as_nanos());
    nanos.map(Duration::from_nanos).map_err(|_| serde::de::Error::custom("must not be negative"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Settings> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(SETTINGS_FILE), text).unwrap();
        std::fs::write(root.path().join("token"), "secret \nrest\n").unwrap();
        std::fs::write(root.path().join("empty"), "\n").unwrap();
        let (engine, _) = EngineSettings::parse(text, SETTINGS_FILE)?;
        Settings::of_root(root.path(), &engine)
    }

    #[test]
    fn without_a_host_the_address_is_loopback() {
        for (listen, address) in [
            (":8428", "127.0.0.1:8428"),
            ("9000", "127.0.0.1:9000"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("localhost", "localhost:8428"),
            ("[::1]", "[::1]:8428"),
            ("[::]:90", "[::]:90"),
        ] {
            let settings = of(&format!("[engine]\nlisten = \"{listen}\"\n")).unwrap();
            assert_eq!(settings.address(), address, "{listen}");
        }
        assert_eq!(of("").unwrap().address(), "127.0.0.1:8428");
    }

    #[test]
    fn tables_are_read_and_what_is_wrong_is_refused() {
        let text = "[server]\ntoken_file = \"token\"\nrequest_timeout = \"5s\"\n\
                    [web]\nenabled = false\ntitle = \"Home\"\n";
        let settings = of(text).unwrap();
        assert_eq!(settings.token.as_ref().map(Token::as_str), Some("secret"));
        assert_eq!(settings.request_timeout, Duration::from_secs(5));
        assert!(!settings.web.enabled);
        assert_eq!((settings.web.title.as_str(), settings.max_connections), ("Home", 1024));

        let refused = |text: &str| of(text).unwrap_err().to_string();
        assert!(refused("[server]\ntoken_file = \"empty\"\n").contains("first line is empty"));
        assert!(refused("[server]\ntoken_file = \"gone\"\n").contains("gone"));
        assert!(refused("[server]\nrequest_timeout = \"soon\"\n").contains("request_timeout"));
        assert!(refused("[server]\nmax_connections = 0\n").contains("more than 0"));
    }
}
