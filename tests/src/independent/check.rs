//! What must hold between the files of a database.

use super::{Db, Metric, PartitionKind, Problem, Record, WalRecord};
use std::collections::{BTreeMap, BTreeSet};

impl Db {
    /// Everything that a writer must not have written.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.unreadable.clone();
        self.catalog.check(&mut problems);
        for file in self.data.values().chain(self.raw.values()) {
            problems.extend_from_slice(&file.problems);
            file.check_partition(&mut problems);
            let ids: BTreeSet<u16> = file.records().map(|record| record.id).collect();
            self.check_ids(&file.name, ids, &mut problems);
        }
        for (partition, metric) in &self.metric {
            problems.extend_from_slice(&metric.problems);
            self.check_metric_file(partition, &mut problems);
        }
        self.check_partition_kinds(&mut problems);
        self.check_log(&mut problems);
        problems
    }

    /// Ids in files must be in the persisted catalog: the reference does not open otherwise.
    fn check_ids(&self, file: &str, ids: BTreeSet<u16>, problems: &mut Vec<Problem>) {
        for id in ids {
            if self.catalog.by_id(id).is_none() {
                problems.push(Problem::damage(file, 0, format!("id {id} is not in the catalog")));
            }
        }
    }

    fn check_partition_kinds(&self, problems: &mut Vec<Problem>) {
        let files = self.data.values().chain(self.raw.values());
        let files = files.map(|file| (&file.name, &file.partition));
        let metric = self.metric.values().map(|file| (&file.name, &file.partition));
        for (name, key) in files.chain(metric) {
            if PartitionKind::of_key(key) != Some(self.manifest.partition) {
                let what = format!("the manifest says {}", self.manifest.partition.name());
                problems.push(Problem::rule(name, 0, what));
            }
        }
    }

    fn check_metric_file(&self, partition: &str, problems: &mut Vec<Problem>) {
        let file = &self.metric[partition];
        let name = &file.name;
        let kind = PartitionKind::of_key(partition).expect("only such files are decoded");
        let mut rule = |broken: bool, what: &str| {
            if broken {
                problems.push(Problem::rule(name, 0, what));
            }
        };
        rule(file.partition_kind != kind.byte(), "partition kind differs from the name");
        let times = || file.metric_frames.iter().flat_map(|frame| &frame.times);
        rule(times().any(|&time| kind.key(time) != partition), "a sample of another partition");
        let other_type = |metric: &Metric| {
            let of_metric = |id| id == metric.id;
            let mut frames = file.metric_frames.iter().filter(|frame| of_metric(frame.id));
            frames.any(|frame| frame.value_type != metric.value_type)
        };
        rule(self.catalog.metrics.iter().any(other_type), "a type differs from the catalog");

        let ids: BTreeSet<u16> = file.metric_frames.iter().map(|frame| frame.id).collect();
        self.check_ids(name, ids.clone(), problems);
        if self.data.contains_key(partition) || self.raw.contains_key(partition) {
            self.check_streams(partition, ids, problems);
        }
    }

    /// Bit for bit what the raw file holds, each metric sorted by time, equal times as they came.
    fn check_streams(&self, partition: &str, ids: BTreeSet<u16>, problems: &mut Vec<Problem>) {
        let file = &self.metric[partition];
        let mut raw: BTreeMap<u16, Vec<(i64, u32)>> = BTreeMap::new();
        for Record { id, time, raw: value } in self.raw_records(partition) {
            raw.entry(id).or_default().push((time, value));
        }
        let all: BTreeSet<u16> = ids.into_iter().chain(raw.keys().copied()).collect();
        for id in all {
            let mut expected = raw.remove(&id).unwrap_or_default();
            expected.sort_by_key(|&(time, _)| time);
            let found = file.stream(id);
            if found != expected {
                let what = format!(
                    "metric {id} has {} samples, the raw file {}, and they differ",
                    found.len(),
                    expected.len()
                );
                problems.push(Problem::stale(&file.name, what));
            }
        }
    }

    /// The log must be one that the reference can replay; the one of late samples need not be.
    fn check_log(&self, problems: &mut Vec<Problem>) {
        for log in [&self.wal, &self.late] {
            problems.extend_from_slice(&log.problems);
            if let Some(stop) = log.stop {
                problems.push(Problem::damage(&log.name, log.end, stop.to_string()));
            }
        }
        let mut introduced: BTreeMap<u16, (&str, u8)> = BTreeMap::new();
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        let mut data_lens: BTreeMap<String, Option<u64>> = BTreeMap::new();
        for record in &self.wal.records {
            let mut rule = |broken: bool, what: &str| {
                if broken {
                    problems.push(Problem::rule(&self.wal.name, record.offset, what));
                }
            };
            let partition = self.manifest.partition.key(record.time);
            let before = newest.insert(partition.clone(), record.time);
            rule(before.is_some_and(|before| record.time < before), "time goes back");

            let cataloged = self.catalog.by_id(record.id).map(|m| (m.name.as_str(), m.value_type));
            let known = cataloged.or(introduced.get(&record.id).copied());
            match &record.introduces {
                Some((name, value_type)) => {
                    let this = (name.as_str(), *value_type);
                    rule(known.is_some_and(|known| known != this), "introduces a known id anew");
                    let other = self.catalog.by_name(name).is_some_and(|m| m.id != record.id);
                    rule(other, "introduces a name that has another id");
                    introduced.insert(record.id, this);
                }
                None => rule(known.is_none(), "id is neither in the catalog nor introduced"),
            }

            let first = !data_lens.contains_key(&partition);
            let data_len = data_lens.entry(partition.clone()).or_insert(record.data_len);
            let repeats = record.data_len.is_none() || record.data_len == *data_len;
            rule(!first && !repeats, "another data file length for the same partition");
            rule(
                !self.is_frame_boundary(&partition, record),
                "data file length is not the end of a frame",
            );
        }
    }

    /// Whether the data file length that a record gives is where a frame may begin.
    fn is_frame_boundary(&self, partition: &str, record: &WalRecord) -> bool {
        let Some(data_len) = record.data_len else { return true };
        let frames = self.data.get(partition).map_or(&[][..], |file| &file.frames);
        let mut ends = frames.iter().map(|frame| (frame.offset + frame.len) as u64);
        data_len == 0 || ends.any(|end| end == data_len)
    }
}
