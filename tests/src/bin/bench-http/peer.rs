//! The servers: how they are started, written to and asked.

use std::path::Path;
use std::process::Command;

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Ours, by line protocol of its own.
    Nanotdb,
    /// Ours, by Influx line protocol.
    NanotdbInflux,
    VictoriaMetrics,
    Prometheus,
    Influxdb,
}

/// How samples are written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    Influx,
    RemoteWrite,
}

/// Where all listen, one at a time.
pub(crate) const ADDRESS: &str = "127.0.0.1:18480";

impl Peer {
    pub(crate) const ALL: [Self; 5] = [
        Self::Nanotdb,
        Self::NanotdbInflux,
        Self::VictoriaMetrics,
        Self::Prometheus,
        Self::Influxdb,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nanotdb => "nanotdb",
            Self::NanotdbInflux => "nanotdb-influx",
            Self::VictoriaMetrics => "victoria-metrics",
            Self::Prometheus => "prometheus",
            Self::Influxdb => "influxdb",
        }
    }

    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Nanotdb => Form::Lines,
            Self::NanotdbInflux | Self::VictoriaMetrics | Self::Influxdb => Form::Influx,
            Self::Prometheus => Form::RemoteWrite,
        }
    }

    /// The path that takes samples.
    pub(crate) const fn write_path(self) -> &'static str {
        match self {
            Self::Nanotdb => "/api/v1/import",
            Self::NanotdbInflux | Self::VictoriaMetrics | Self::Influxdb => "/write?db=bench",
            Self::Prometheus => "/api/v1/write",
        }
    }

    /// A path that is answered once it runs.
    pub(crate) const fn health_path(self) -> &'static str {
        match self {
            Self::Nanotdb | Self::NanotdbInflux | Self::VictoriaMetrics => "/health",
            Self::Prometheus => "/-/ready",
            Self::Influxdb => "/ping",
        }
    }

    /// Starts it on an empty directory, with every sample logged before it is acknowledged where
    /// the server can do that.
    pub(crate) fn command(self, directory: &Path) -> Result<Command, String> {
        let file = |name: &str, text: &str| {
            std::fs::write(directory.join(name), text).map_err(|error| error.to_string())
        };
        let command = match self {
            Self::Nanotdb | Self::NanotdbInflux => {
                file(
                    "engine.toml",
                    "[metrics]\nenabled = true\nraw_ingest_action = \"delete\"\n[stats]\n\
                     enabled = false\n[manifest_defaults.wal]\n\
                     enabled = true\nskip_before = \"87600h\"\n",
                )?;
                let own = std::env::current_exe().map_err(|error| error.to_string())?;
                let mut command = Command::new(own.with_file_name("nanotdb"));
                command.arg("--root").arg(directory).args(["serve", "--listen", ADDRESS]);
                command
            }
            Self::VictoriaMetrics => {
                let mut command = Command::new("victoria-metrics");
                command
                    .arg(format!("-storageDataPath={}", directory.display()))
                    .arg(format!("-httpListenAddr={ADDRESS}"))
                    .args(["-retentionPeriod=12", "-loggerLevel=ERROR"]);
                command
            }
            Self::Prometheus => {
                file("prometheus.yml", "global: {}\n")?;
                let mut command = Command::new("prometheus");
                command
                    .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
                    .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
                    .arg(format!("--web.listen-address={ADDRESS}"))
                    .args(["--web.enable-remote-write-receiver", "--log.level=error"]);
                command
            }
            Self::Influxdb => {
                let shown = directory.display();
                file(
                    "influxdb.conf",
                    &format!(
                        "reporting-disabled = true\nbind-address = \"127.0.0.1:18481\"\n\
                         [meta]\ndir = \"{shown}/meta\"\n[data]\ndir = \"{shown}/data\"\n\
                         wal-dir = \"{shown}/wal\"\nquery-log-enabled = false\n\
                         [http]\nbind-address = \"{ADDRESS}\"\nlog-enabled = false\n\
                         [monitor]\nstore-enabled = false\n[logging]\nlevel = \"error\"\n"
                    ),
                )?;
                let mut command = Command::new("influxd");
                command.arg("-config").arg(directory.join("influxdb.conf"));
                command
            }
        };
        Ok(command)
    }

    /// What must be asked before the first sample.
    pub(crate) const fn preparation(self) -> Option<&'static str> {
        match self {
            Self::Influxdb => Some("/query?q=CREATE%20DATABASE%20bench"),
            _ => None,
        }
    }

    /// The samples of a metric between two times in seconds, every one of them.
    pub(crate) fn day_path(self, metric: &str, from: i64, to: i64) -> String {
        match self {
            Self::Nanotdb => {
                format!("/api/v1/query_range?db=bench&query={metric}&start={from}&end={to}")
            }
            Self::NanotdbInflux => {
                format!("/api/v1/query_range?db=bench&query={metric}.value&start={from}&end={to}")
            }
            Self::VictoriaMetrics => format!(
                "/api/v1/query_range?query={metric}_value&start={from}&end={to}&step=10s&nocache=1"
            ),
            Self::Prometheus => {
                format!("/api/v1/query_range?query={metric}&start={from}&end={to}&step=10s")
            }
            Self::Influxdb => format!(
                "/query?db=bench&epoch=ns&q=SELECT%20value%20FROM%20{metric}%20WHERE%20time%20%3E%3D%20\
                 {from}s%20AND%20time%20%3C%3D%20{to}s"
            ),
        }
    }

    /// What makes what came in visible and lasting, where that is not so by itself.
    pub(crate) const fn settle_path(self) -> Option<&'static str> {
        match self {
            Self::VictoriaMetrics => Some("/internal/force_flush"),
            _ => None,
        }
    }
}
