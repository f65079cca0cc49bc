//! Tests of both files together.

use super::*;
use crate::compress::CodecId;
use crate::error::Error;
use crate::metric_file::Version;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

/// The 382 bytes the reference writes for a new database with stock settings.
const MANIFEST: &str = r#"[retention]
  grace = "5m"
  retention_days = 30
  retention_action = "keep"
  max_active_days = 2
  partition = "day"

[wal]
  enabled = true
  skip_before = "1h"

[page]
  max_records = 16000
  max_bytes = 127000
  max_age = "60s"

[rollups]
  enabled = false
  checkpoint_file = "rollup.checkpoints.log"
  default_grace = ""
  default_interval = ""
  default_destination_db = ""
"#;

const JOBS: &str = r#"[rollups]
  enabled = true
  checkpoint_file = "cp.log"
  default_grace = "1m"
  default_interval = "2h"
  default_destination_db = "hours"
  default_aggregates = ["min", "p95"]
  global_exclude_patterns = ["x.*"]

  [[rollups.jobs]]
    id = "all"
    source_metric = ""
    source_pattern = "*"
    exclude_patterns = ["skip.*", "a\"\\b"]
    interval = "2h"
    aggregates = ["min", "p95"]
    destination_db = "hours"
    destination_metric_prefix = ""
    grace = ""

  [[rollups.jobs]]
    id = "one"
    source_metric = "temp"
    source_pattern = ""
    interval = "30m"
    aggregates = ["trimmed_average"]
    destination_db = "halves"
    destination_metric_prefix = "outside"
    grace = "0s"
"#;

fn manifest(text: &str) -> Result<(DatabaseSettings, Vec<Warning>), Error> {
    DatabaseSettings::parse(text, "manifest.toml", &DatabaseSettings::fresh())
}

fn engine(text: &str) -> Result<(EngineSettings, Vec<Warning>), Error> {
    EngineSettings::parse(text, "engine.toml")
}

#[track_caller]
fn detail<T: fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Settings { detail, .. } => detail,
        other => panic!("{other}"),
    }
}

#[test]
fn a_stock_manifest_is_what_the_reference_writes() {
    assert_eq!(MANIFEST.len(), 382);
    assert_eq!(DatabaseSettings::fresh().to_toml(), MANIFEST);
    assert_eq!(manifest(MANIFEST), Ok((DatabaseSettings::fresh(), Vec::new())));
}

#[test]
fn jobs_are_written_with_every_default_filled_in() {
    let (settings, warnings) = manifest(JOBS).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(settings.rollups.jobs.len(), 2);
    let written = settings.to_toml();
    assert!(written.ends_with(JOBS), "{written}");
}

#[test]
fn a_fresh_engine_file_reads_back() {
    let fresh = EngineSettings::fresh();
    let text = fresh.to_toml();
    // As long as the reference's, but for `true` and `"delete"` in `metrics`.
    assert_eq!(text.len(), 961 + 1, "{text}");
    assert_eq!(engine(&text), Ok((fresh, Vec::new())));
}

#[test]
fn a_layout_of_metric_files_is_written_where_it_is_not_the_reference_s() {
    for version in Version::ALL {
        let mut settings = EngineSettings::fresh();
        settings.metrics.format = version;
        let text = settings.to_toml();
        assert_eq!(text.contains("format"), version != Version::V2, "{text}");
        assert_eq!(engine(&text), Ok((settings, Vec::new())));
    }
    assert_eq!(
        detail(engine("[metrics]\nenabled = true\nformat = \"v9\"\n")),
        "line 3: metrics.format = \"v9\": expected v1, v2 or v3"
    );
    assert_eq!(
        detail(engine("[metrics]\nformat = 3\n")),
        "line 2: metrics.format = 3: expected a string"
    );
}

#[test]
fn an_absent_page_table_means_other_pages_than_a_fresh_file() {
    let (settings, _) = engine("").unwrap();
    assert_eq!(settings, EngineSettings::default());
    assert_eq!(settings.manifest_defaults.page_max_records, 12_000);
    assert_eq!(EngineSettings::fresh().manifest_defaults.page_max_records, 16_000);
}

#[test]
fn base_values_apply_only_where_the_file_is_silent() {
    let mut base = EngineSettings::default();
    base.wal.max_segment_size = 4096;
    let size = |text| {
        let (settings, _) = EngineSettings::parse_over(text, "engine.toml", &base).unwrap();
        settings.wal.max_segment_size
    };
    assert_eq!(size(""), 4096);
    assert_eq!(size("[wal]\nmax_segment_size = 0\n"), 4096);
    assert_eq!(size("[wal]\nmax_segment_size = 0x1_00\n"), 256);
}

#[test]
fn a_manifest_turns_the_log_and_rollups_on_itself() {
    let mut defaults = DatabaseSettings::fresh();
    defaults.rollups.enabled = true;
    let (settings, _) = DatabaseSettings::parse("", "manifest.toml", &defaults).unwrap();
    assert!(!settings.wal_enabled);
    assert!(!settings.rollups.enabled);
}

#[test]
fn ages_that_are_not_positive_mean_ten_seconds() {
    let (settings, _) = manifest("[page]\nmax_age = \"-5s\"\n").unwrap();
    assert_eq!(settings.page_max_age.as_str(), "-5s");
    assert_eq!(settings.page_max_age_ns(), 10_000_000_000);
    assert_eq!(DatabaseSettings::fresh().page_max_age_ns(), 60_000_000_000);
}

#[test]
fn keys_are_found_in_any_case_exact_ones_first() {
    let (settings, warnings) = engine("[Engine]\nLISTEN = \":1\"\n").unwrap();
    assert_eq!((settings.listen.as_str(), warnings.len()), (":1", 0));
    let (settings, warnings) = engine("[engine]\nLISTEN = \":1\"\nlisten = \":2\"\n").unwrap();
    assert_eq!(settings.listen, ":2");
    let expected = Warning { key: "engine.LISTEN".into(), nearest: Some("listen") };
    assert_eq!(warnings, [expected]);
}

#[test]
fn unknown_keys_are_told_with_the_nearest_known_one() {
    let text = "colour = 1\n[engin]\n[web]\ntitle = 5\nbase_pth = 1\n[manifest_defaults.page]\n\
                max_record = 5\n[[logging.logger]]\nlevle = \"info\"\n";
    let (_, warnings) = engine(text).unwrap();
    let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "unknown key logging.logger[0].levle: did you mean level?",
            "unknown key manifest_defaults.page.max_record: did you mean max_records?",
            "unknown key web.base_pth: did you mean base_path?",
            "unknown key colour",
            "unknown key engin: did you mean engine?",
        ]
    );
}

#[test]
fn one_logger_inherits_and_two_do_not() {
    let loggers = |text| engine(text).map(|(settings, _)| settings.loggers);
    let one = loggers("[[logging.logger]]\nlevel = \"debug\"\n").unwrap();
    let console = LoggerSettings { output: "console".into(), level: LogLevel::Debug };
    assert_eq!(one, [console]);
    assert_eq!(
        detail(loggers("[[logging.logger]]\noutput = \"a\"\n[[logging.logger]]\nlevel = \"info\"")),
        "logging.logger[1].output: expected \"console\" or the name of a file"
    );
    assert_eq!(loggers("[logging]\nlogger = []\n").unwrap(), EngineSettings::default().loggers);
}

#[test]
fn only_codecs_of_the_reference_can_be_set() {
    let (settings, _) = engine("[metrics]\ncompression = \" S2_Better \"\n").unwrap();
    assert_eq!(settings.metrics.compression, CodecId::S2Better);
    assert_eq!(
        detail(engine("[metrics]\ncompression = \"lz4\"\n")),
        "line 2: metrics.compression = \"lz4\": \
         expected s2, s2_better, zstd_fastest or zstd_default"
    );
}

#[test]
fn blank_and_internal_databases_are_not_created() {
    let text = "[defaults]\ndatabases = [\"a\", \"\", \" b \", \"internal\"]\n";
    let (settings, _) = engine(text).unwrap();
    assert_eq!(settings.databases_to_create().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn errors_name_line_key_value_and_what_is_allowed() {
    for (text, expected) in [
        (
            "[retention]\npartition = 'hour'",
            "line 2: retention.partition = 'hour': expected day, month, year or forever",
        ),
        ("[wal]\n\nenabled = 1", "line 3: wal.enabled = 1: expected true or false"),
        (
            "[wal]\nskip_before = \"1d\"",
            "line 2: wal.skip_before = \"1d\": unknown unit \"d\": expected ns, us, ms, s, m or h",
        ),
        ("page = 5", "line 1: page = 5: expected a table"),
        ("[page]\nmax_bytes = 1.5", "line 2: page.max_bytes = 1.5: expected an integer"),
        (
            "[page]\nmax_bytes = 99999999999999999999",
            "line 2: page.max_bytes = 99999999999999999999: expected an integer of 64 bits",
        ),
        (
            "[retention]\npartition = 'forever'\nretention_action = 'Archive'",
            "line 3: retention.retention_action = 'Archive': archive is not possible with partition = \"forever\": expected keep or delete",
        ),
        (
            "[rollups]\nenabled = true\n[[rollups.jobs]]\nsource_metric = 'a'",
            "rollups.jobs[0].id: must be set, and not blank",
        ),
        (
            "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = 'a'\nsource_pattern = '['",
            "line 5: rollups.jobs[0].source_pattern = '[': a [ has no ] after it",
        ),
        (
            "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = 'a'\nsource_metric = 'a'",
            "rollups.jobs[0].interval: must be set here or as rollups.default_interval",
        ),
        (
            "[rollups]\nenabled = true\nglobal_exclude_patterns = ['a', '[-]']",
            "line 3: rollups.global_exclude_patterns = ['a', '[-]']: \"[-]\": a - between brackets stands alone: write \\- to list it",
        ),
        ("[rollups]\njobs = ['a']", "line 2: rollups.jobs = ['a']: entry 0 is not a table"),
        (
            "[rollups]\ndefault_aggregates = ['min', 5]",
            "line 2: rollups.default_aggregates = ['min', 5]: expected an array of nothing but strings",
        ),
    ] {
        assert_eq!(detail(manifest(text)), expected);
    }
    let aggregate = "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = 'a'\nsource_metric = 'a'\n\
                     interval = '1h'\ndestination_db = 'd'\naggregates = ['min', 'p42']";
    assert_eq!(
        detail(manifest(aggregate)),
        "line 8: rollups.jobs[0].aggregates = ['min', 'p42']: unknown aggregate \"p42\": expected \
         avg, count, max, median, min, p50, p95, p99, sum, trimmed_average, trimmed_avg"
    );
}

#[test]
fn syntax_errors_have_a_line() {
    let twice = detail(manifest("[page]\nmax_bytes = 1\nmax_bytes = 2\n"));
    assert!(twice.starts_with("line 3: not TOML: "), "{twice}");
    let cut = detail(manifest(&MANIFEST[..MANIFEST.len() - 2]));
    assert!(cut.starts_with("line 22: not TOML: "), "{cut}");
}

#[test]
fn long_values_are_shortened_in_errors() {
    let text = format!("[retention]\npartition = \"{}\"\n", "é".repeat(10_000));
    assert!(detail(manifest(&text)).len() < 300);
}

#[test]
fn disabled_rollups_are_not_checked() {
    let text = "[rollups]\ndefault_grace = 'x'\nglobal_exclude_patterns = ['[', 'a']\n\
                [[rollups.jobs]]\nid = ''\ninterval = 'x'\n";
    let (settings, warnings) = manifest(text).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(settings.rollups.default_grace, None);
    assert_eq!(settings.rollups.global_exclude_patterns.len(), 1);
    assert_eq!(settings.rollups.jobs, []);
    // Types are part of the syntax.
    assert!(manifest("[rollups]\n[[rollups.jobs]]\nid = 5\n").is_err());
}

#[test]
fn deep_nesting_is_an_error() {
    assert!(manifest(&format!("x = {}", "[".repeat(100_000))).is_err());
    assert!(manifest(&format!("x{} = 1", ".x".repeat(100_000))).is_err());
}

#[test]
fn words_and_kinds_round_trip() {
    for &(word, value) in Partitioning::WORDS {
        assert_eq!(Partitioning::parse(word), Some(value));
        assert_eq!(value.name(), word);
        assert_eq!(Partitioning::from_kind(value.kind()), Some(value));
    }
    assert_eq!(Partitioning::from_kind(0), None);
    assert_eq!(Partitioning::from_kind(5), None);
    assert_eq!(FsyncPolicy::parse("Always"), None, "case is the reader's business");
}

#[test]
fn words_are_those_of_the_reference() {
    let retention = [RetentionAction::Keep, RetentionAction::Delete, RetentionAction::Archive];
    assert_eq!(retention.map(RetentionAction::name), ["keep", "delete", "archive"]);
    let durability = [Durability::Strict, Durability::Balanced, Durability::Throughput];
    assert_eq!(durability.map(Durability::name), ["strict", "balanced", "throughput"]);
    let levels = [LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    assert_eq!(levels.map(LogLevel::name), ["info", "debug", "trace"]);
    let raw = [RawAction::Keep, RawAction::Delete, RawAction::Rename];
    assert_eq!(raw.map(RawAction::name), ["keep", "delete", "rename"]);
    let policies = [FsyncPolicy::Segment, FsyncPolicy::Always];
    assert_eq!(policies.map(FsyncPolicy::name), ["segment", "always"]);
    let partitions =
        [Partitioning::Day, Partitioning::Month, Partitioning::Year, Partitioning::Forever];
    assert_eq!(partitions.map(Partitioning::kind), [1, 2, 3, 4]);
    assert_eq!(partitions.map(Partitioning::name), ["day", "month", "year", "forever"]);
}

#[test]
fn pages_are_limited_as_in_the_reference_where_no_file_says_otherwise() {
    let settings = DatabaseSettings::default();
    assert_eq!((settings.page_max_records, settings.page_max_bytes), (12_000, 262_144));
    assert_eq!(settings.page_max_age_ns(), 10_000_000_000);
}

/// Text that is nearly a settings file.
fn nearly_settings() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\[(retention|wal|page|rollups|\\[rollups.jobs\\]|engine|metrics|\\[logging.logger\\])\\]",
        "(partition|max_age|enabled|max_bytes|id|interval|level|aggregates) = \
         (\"[a-zA-Z0-9* -]{0,6}\"|-?[0-9]{1,20}|true|\\[\"[a-z]{0,4}\"\\])",
        ".*",
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics_and_what_reads_reads_back(text in nearly_settings()) {
        if let Ok((settings, _)) = manifest(&text) {
            prop_assert_eq!(manifest(&settings.to_toml()), Ok((settings, Vec::new())));
        }
        if let Ok((settings, _)) = engine(&text) {
            prop_assert_eq!(engine(&settings.to_toml()), Ok((settings, Vec::new())));
        }
    }

    #[test]
    fn any_text_survives_writing(listen: String, databases: Vec<String>) {
        let listen = format!("x{listen}");
        let settings = EngineSettings { listen, databases, ..EngineSettings::fresh() };
        prop_assert_eq!(engine(&settings.to_toml()), Ok((settings, Vec::new())));
    }
}
