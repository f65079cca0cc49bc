//! The settings file, in TOML; that of the reference's collector will do.
//!
//! Keys that mean nothing here are kept and told of, since files of other versions have them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use nanotdb_core::name::{DatabaseName, check_metric_name};
use nanotdb_core::text::pattern::Pattern;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;

/// Shortest time between two looks.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// What is collected, how often, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The server, as in `http://localhost:8428`.
    pub server_url: Option<String>,
    /// A file with the token that the server asks for.
    pub token_file: Option<PathBuf>,
    /// The database that everything goes to.
    pub database: String,
    /// Time from one look to the next.
    pub interval: Duration,
    /// How long the server may take for one request.
    pub timeout: Duration,
    /// Bytes of lines that wait while the server is away; of more, the oldest are dropped.
    pub queue_max_bytes: usize,
    /// The groups of metrics.
    pub collectors: Collectors,
    /// Keys of the file that mean nothing here.
    pub unknown: Vec<String>,
}

/// Which groups of metrics are collected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Collectors {
    /// `cpu.*`, `sys.uptime_sec` and the processor's temperature.
    pub cpu: Cpu,
    /// `mem.*`
    pub memory: Switch,
    /// `proc.<name>.*`
    pub process: Process,
    /// `disk.<device>.*` and `diskfs.<mount>.*`
    pub disk: Disk,
    /// `io.*`
    pub io: Switch,
    /// `net.<interface>.*`
    pub network: Skipping,
    /// `sys.load*` and `sys.procs_*`
    pub loadavg: Switch,
    /// `temp.<name>.mdeg`
    pub onewire: OneWire,
    /// `disk.sd_write_probe_ms`
    pub sd_write_probe: SdWriteProbe,
}

/// A group that is on or off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Switch {
    /// Whether it is on.
    pub enabled: bool,
}

/// The processors.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Cpu {
    /// Whether they are collected.
    pub enabled: bool,
    /// Whether each has a metric of its own, too.
    pub per_cpu: bool,
    /// The file with the temperature in thousandths of a degree; found when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_path: Option<PathBuf>,
    /// The temperature's metric.
    pub temp_metric: String,
}

/// Programs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Process {
    /// Whether they are collected.
    pub enabled: bool,
    /// The file names of those to collect.
    pub exe_names: Vec<String>,
}

/// Block devices and file systems.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Disk {
    /// Whether they are collected.
    pub enabled: bool,
    /// Patterns of devices to leave out.
    pub skip: Vec<String>,
    /// Patterns of mount points to leave out.
    pub skip_mounts: Vec<String>,
}

/// A group whose members can be left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Skipping {
    /// Whether it is collected.
    pub enabled: bool,
    /// Patterns of what to leave out.
    pub skip: Vec<String>,
}

/// Thermometers on the 1-Wire bus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct OneWire {
    /// Whether they are collected.
    pub enabled: bool,
    /// Whether those are, too, that are not listed.
    pub auto_discover: bool,
    /// The directory of the bus.
    pub base_path: PathBuf,
    /// A reading of so many thousandths of a degree, or more, is none.
    pub max_valid_mdeg: i32,
    /// Names by id.
    pub devices: BTreeMap<String, String>,
}

/// The timed write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct SdWriteProbe {
    /// Whether it is done. It wears out what it measures, so somebody has to want it.
    pub enabled: bool,
    /// A directory on the disk in question.
    pub directory: PathBuf,
    /// Bytes written each time.
    pub bytes: u32,
    /// It is done at every n-th look.
    pub every_n_cycles: u32,
    /// The metric.
    pub metric: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server_url: None,
            token_file: None,
            database: "metrics".to_owned(),
            interval: Duration::from_secs(10),
            timeout: Duration::from_millis(5500),
            queue_max_bytes: 16 << 20,
            collectors: Collectors::default(),
            unknown: Vec::new(),
        }
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        let temp_metric = "cpu.temp_mdeg".to_owned();
        Self { enabled: true, per_cpu: false, temp_path: None, temp_metric }
    }
}

impl Default for Process {
    fn default() -> Self {
        Self { enabled: true, exe_names: Vec::new() }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self { enabled: true, skip: Vec::new(), skip_mounts: Vec::new() }
    }
}

impl Default for Skipping {
    fn default() -> Self {
        Self { enabled: true, skip: vec!["lo".to_owned()] }
    }
}

impl Default for OneWire {
    fn default() -> Self {
        Self {
            enabled: true,
            auto_discover: true,
            base_path: PathBuf::from("/sys/bus/w1/devices"),
            max_valid_mdeg: 85_000,
            devices: BTreeMap::new(),
        }
    }
}

impl Default for SdWriteProbe {
    fn default() -> Self {
        Self {
            enabled: false,
            directory: std::env::temp_dir(),
            bytes: 32_000,
            every_n_cycles: 6,
            metric: "disk.sd_write_probe_ms".to_owned(),
        }
    }
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct File {
    #[serde(alias = "drip")]
    collect: Head,
    collectors: Collectors,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Head {
    #[serde(skip_serializing_if = "Option::is_none")]
    server_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection_interval_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_max_bytes: Option<u32>,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    what: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for SettingsError {}

impl Settings {
    /// The settings in a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not TOML, or a value is none that the key can have.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let named =
            |error: &dyn fmt::Display| SettingsError::new(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        text.parse().map_err(|error: SettingsError| named(&error))
    }

    fn of(file: File, unknown: Vec<String>) -> Result<Self, SettingsError> {
        let default = Self::default();
        let millis = |typed: Option<u32>, otherwise: Duration| {
            typed.map_or(otherwise, |millis| Duration::from_millis(millis.into()))
        };
        let head = file.collect;
        let settings = Self {
            server_url: head.server_url,
            token_file: head.token_file,
            database: head.database.unwrap_or(default.database),
            interval: millis(head.collection_interval_ms, default.interval),
            timeout: millis(head.timeout_ms, default.timeout),
            queue_max_bytes: head
                .queue_max_bytes
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(default.queue_max_bytes),
            collectors: file.collectors,
            unknown,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Whether every value is one that its key can have.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let refused = |key: &str, error: &dyn fmt::Display| {
            Err(SettingsError::new(format!("{key}: {error}")))
        };
        if let Err(error) = DatabaseName::new(&self.database) {
            return refused("collect.database", &error);
        }
        if self.interval < MIN_INTERVAL {
            let found = self.interval.as_millis();
            let least = MIN_INTERVAL.as_millis();
            let why = format!("found {found}, expected at least {least}");
            return refused("collect.collection_interval_ms", &why);
        }
        if self.timeout.is_zero() {
            return refused("collect.timeout_ms", &"found 0, expected more");
        }
        if let Err(error) = check_metric_name(&self.collectors.cpu.temp_metric) {
            return refused("collectors.cpu.temp_metric", &error);
        }
        if let Err(error) = check_metric_name(&self.collectors.sd_write_probe.metric) {
            return refused("collectors.sd_write_probe.metric", &error);
        }
        Ok(())
    }
}

impl FromStr for Settings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let refused = |error: toml::de::Error| SettingsError::new(error.to_string());
        let typed: Table = text.parse().map_err(refused)?;
        let file: File = toml::from_str(text).map_err(refused)?;
        let mut unknown = Vec::new();
        if let Ok(known) = Table::try_from(&file) {
            find_unknown(&typed, &known, "", &mut unknown);
        }
        Self::of(file, unknown)
    }
}

/// Finds the keys that were typed and did not become a setting.
fn find_unknown(typed: &Table, known: &Table, path: &str, unknown: &mut Vec<String>) {
    for (key, value) in typed {
        let of = if path.is_empty() && key == "drip" { "collect" } else { key };
        match (value, known.get(of)) {
            (_, None) => unknown.push(format!("{path}{key}")),
            (toml::Value::Table(typed), Some(toml::Value::Table(known))) => {
                find_unknown(typed, known, &format!("{path}{key}."), unknown);
            }
            _ => {}
        }
    }
}

impl SettingsError {
    pub(super) const fn new(what: String) -> Self {
        Self { what }
    }
}

/// What a group leaves out.
#[derive(Debug)]
pub(super) struct Skips(Vec<Pattern>);

impl Skips {
    /// Checks the patterns of a key.
    pub(super) fn new(key: &str, patterns: &[String]) -> Result<Self, SettingsError> {
        let checked = patterns.iter().map(|text| {
            let pattern = Pattern::new(text);
            pattern.map_err(|error| SettingsError::new(format!("{key}: {text:?}: {error}")))
        });
        checked.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With every key that the reference's manual has, and two that are not known.
    const FILE: &str = r#"
[drip]
server_url = "http://localhost:8448"
database = "home"
collection_interval_ms = 5000
timeout_ms = 1500
colour = "blue"

[collectors.cpu]
enabled = true
temp_path = "/sys/class/thermal/thermal_zone0/temp"
temp_metric = "temp.cpu"
[collectors.memory]
enabled = false
[collectors.process]
enabled = true
exe_names = ["nanotdb"]
[collectors.disk]
enabled = true
[collectors.io]
enabled = true
[collectors.sd_write_probe]
enabled = true
directory = "/var/lib"
bytes = 4096
every_n_cycles = 3
metric = "disk.sd_write_probe_ms"
event_name = "slow"
[collectors.network]
enabled = true
skip = ["lo", "br-*"]
[collectors.loadavg]
enabled = true
[collectors.onewire]
enabled = true
auto_discover = false
base_path = "/sys/bus/w1/devices"
max_valid_mdeg = 85000
[collectors.onewire.devices]
"28-0120481ddd35" = "office_wet"
"#;

    #[test]
    fn the_references_file_is_read_and_unknown_keys_are_told() {
        let settings: Settings = FILE.parse().unwrap();
        assert_eq!(settings.unknown, ["collectors.sd_write_probe.event_name", "drip.colour"]);
        assert_eq!(settings.server_url.as_deref(), Some("http://localhost:8448"));
        assert_eq!(settings.database, "home");
        assert_eq!(settings.interval, Duration::from_secs(5));
        assert_eq!(settings.timeout, Duration::from_millis(1500));
        let on = &settings.collectors;
        assert_eq!(on.cpu.temp_metric, "temp.cpu");
        assert!(!on.memory.enabled && on.io.enabled);
        assert_eq!(on.process.exe_names, ["nanotdb"]);
        assert_eq!((on.sd_write_probe.bytes, on.sd_write_probe.every_n_cycles), (4096, 3));
        assert_eq!(on.network.skip, ["lo", "br-*"]);
        assert_eq!(on.onewire.devices["28-0120481ddd35"], "office_wet");
    }

    #[test]
    fn an_empty_file_means_the_defaults_and_both_names_of_the_table_are_taken() {
        assert_eq!("".parse::<Settings>().unwrap(), Settings::default());
        let own: Settings = "[collect]\ndatabase = \"own\"\ntoken_file = \"t\"\n".parse().unwrap();
        assert_eq!((own.database.as_str(), own.unknown.len()), ("own", 0));
        assert!("[collect]\n[drip]\n".parse::<Settings>().is_err(), "one of them");
    }

    #[test]
    fn values_that_cannot_be_are_named() {
        for (text, named) in [
            ("[drip]\ndatabase = \"a b\"\n", "collect.database"),
            ("[drip]\ncollection_interval_ms = 10\n", "found 10, expected at least 250"),
            ("[drip]\ntimeout_ms = 0\n", "collect.timeout_ms"),
            ("[collectors.cpu]\ntemp_metric = \"a b\"\n", "collectors.cpu.temp_metric"),
            ("[collectors.sd_write_probe]\nmetric = \"\"\n", "collectors.sd_write_probe.metric"),
            ("[collectors.cpu]\nenabled = 3\n", "enabled"),
            ("[collectors\n", "TOML"),
        ] {
            let refused = text.parse::<Settings>().unwrap_err().to_string();
            assert!(refused.contains(named), "{text}: {refused}");
        }
    }
}
