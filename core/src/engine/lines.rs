//! Samples as lines of text, in and out.

use super::database::Database;
use super::host::{Host, Shared};
use super::missing::{Seen, missing};
use super::root::Engine;
use super::row::{AddOptions, Row, RowTime, Target};
use super::units::other_unit;
use crate::error::{Error, Result};
use crate::query::OnDamage;
use crate::sorted::{SortedMap, SortedSet};
use crate::text::line::{self, Line, format_line, format_line_untyped};
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Deref;

/// Longest line in bytes. A longer one is rejected, and the lines behind it are read.
pub const MAX_LINE_LEN: usize = 1 << 20;

/// Bytes of text gathered before an export hands them on.
const EXPORT_CHUNK: usize = 64 * 1024;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines seen.
    pub total_lines: u64,
    /// Samples taken.
    pub imported_lines: u64,
    /// Samples that were there before, of an import that compares.
    pub already_stored_lines: u64,
    /// Blank lines and comments.
    pub skipped_lines: u64,
    /// Lines that were not taken.
    pub rejected_lines: u64,
    /// Databases that samples went to.
    pub databases: SortedSet<String>,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// Its number, from 1.
    pub number: u64,
    /// Why.
    pub reason: String,
}

/// Takes line protocol in, in pieces of any length. Good lines are kept whatever stands around
/// them.
#[derive(Debug)]
pub struct Importer<E> {
    engine: E,
    /// Replaces the database of every line.
    database: Option<String>,
    /// By which clock times in other units are told from nanoseconds, if they are.
    units_at: Option<Timestamp>,
    options: AddOptions,
    report: ImportReport,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Whether the rest of a line that is too long is being dropped.
    dropping: bool,
    /// The longest time that a line has had, in bytes.
    time_len: usize,
    /// What was seen of each database, where only what is missing is added.
    seen: Option<SortedMap<String, Seen>>,
}

/// The rows of one database in one piece of text.
struct Group<'t> {
    database: &'t str,
    numbers: Vec<u64>,
    rows: Vec<Row<'t, RowTime>>,
}

impl<'t> Group<'t> {
    /// The earliest time of each metric that is about to be added, which may lie before what
    /// rollups have read.
    fn earliest(&self, missing: &[bool]) -> SortedMap<&'t str, i64> {
        let mut earliest = SortedMap::new();
        for (row, _) in self.rows.iter().zip(missing).filter(|(_, missing)| **missing) {
            // One without a time is stored after all others.
            if let (Target::Name(name), RowTime::At(time)) = (row.target, row.time) {
                let first = earliest.get_or_insert_with(name, || time.0);
                *first = time.0.min(*first);
            }
        }
        earliest
    }
}

impl<H: Host, E: Deref<Target = Engine<H>>> Importer<E> {
    /// An import into the databases that the lines name, or all into `database`. A reference to the
    /// engine will do; a counted one lets the import live as long as it likes.
    pub fn new(engine: E, database: Option<&str>) -> Self {
        Self {
            engine,
            database: database.map(ToString::to_string),
            units_at: None,
            options: AddOptions::default(),
            report: ImportReport::default(),
            partial: Vec::new(),
            dropping: false,
            time_len: 0,
            seen: None,
        }
    }

    /// An import of a file, which adds only what is missing.
    ///
    /// Of each metric, time and value as many samples are added as the file has more than the store
    /// had before; their times may lie before the metric's newest. A file that is imported twice
    /// changes nothing.
    pub fn of_file(engine: E, database: Option<&str>) -> Self {
        Self { seen: Some(SortedMap::new()), ..Self::new(engine, database) }
    }

    /// Rejects times of 1970 that are times of the last years in seconds, milliseconds or
    /// microseconds: for lines that come from outside and are of now. Exports are taken as they are.
    #[must_use]
    pub fn refusing_other_units(mut self) -> Self {
        self.units_at = Some(self.engine.now());
        self
    }

    /// Takes the lines in by other rules.
    #[must_use]
    pub fn with_options(mut self, options: AddOptions) -> Self {
        self.options = options;
        self
    }

    /// What was done so far.
    pub const fn report(&self) -> &ImportReport {
        &self.report
    }

    /// Takes the next piece of text; `rejected` hears of each line that is not taken.
    ///
    /// # Errors
    ///
    /// Only those that stop all later writes.
    pub fn feed(&mut self, text: &[u8], rejected: &mut dyn FnMut(RejectedLine)) -> Result<()> {
        let mut text = text;
        if !self.partial.is_empty() || self.dropping {
            let Some(end) = text.iter().position(|&byte| byte == b'\n') else {
                self.keep_partial(text, rejected);
                return Ok(());
            };
            let (head, rest) = text.split_at_checked(end + 1).unwrap_or((text, &[]));
            self.finish_partial(head, rejected)?;
            text = rest;
        }
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let (lines, rest) = text.split_at_checked(whole).unwrap_or((text, &[]));
        self.take(lines, rejected)?;
        self.keep_partial(rest, rejected);
        Ok(())
    }

    /// Takes the last line if it has no line end, and says what was done.
    ///
    /// # Errors
    ///
    /// Only those that stop all later writes.
    pub fn finish(mut self, rejected: &mut dyn FnMut(RejectedLine)) -> Result<ImportReport> {
        self.finish_partial(&[], rejected)?;
        Ok(self.report)
    }

    /// As [`finish`](Self::finish), of a file that may have been cut: a last line without a line end
    /// is taken only when nothing can be missing from it, since its time is as long as the longest
    /// before it, or can be no longer. Else it is rejected.
    ///
    /// # Errors
    ///
    /// Only those that stop all later writes.
    pub fn finish_uncut(mut self, rejected: &mut dyn FnMut(RejectedLine)) -> Result<ImportReport> {
        if !self.is_cut() {
            return self.finish(rejected);
        }
        self.report.total_lines += 1;
        let reason = "the last line has no line end and may have been cut: not taken";
        self.reject(self.report.total_lines, reason.to_string(), rejected);
        Ok(self.report)
    }

    /// Whether the file may have ended within what would be its last line.
    fn is_cut(&self) -> bool {
        if self.dropping {
            return false;
        }
        let line = without_mark(&self.partial, self.report.total_lines);
        if is_blank_or_comment(line) {
            return false;
        }
        let time = time_of(line);
        let is_whole = self.time_len > 0 && time.len() >= self.time_len;
        !is_whole && !can_be_no_longer(time)
    }

    fn finish_partial(
        &mut self,
        head: &[u8],
        rejected: &mut dyn FnMut(RejectedLine),
    ) -> Result<()> {
        if core::mem::take(&mut self.dropping) {
            return Ok(());
        }
        let mut line = core::mem::take(&mut self.partial);
        line.extend_from_slice(head);
        self.take(&line, rejected)
    }

    fn keep_partial(&mut self, text: &[u8], rejected: &mut dyn FnMut(RejectedLine)) {
        if self.dropping {
            return;
        }
        self.partial.extend_from_slice(text);
        if self.partial.len() > MAX_LINE_LEN {
            self.partial = Vec::new();
            self.dropping = true;
            self.report.total_lines += 1;
            let reason = format!("longer than {MAX_LINE_LEN} bytes");
            self.reject(self.report.total_lines, reason, rejected);
        }
    }

    fn reject(&mut self, number: u64, reason: String, rejected: &mut dyn FnMut(RejectedLine)) {
        self.report.rejected_lines += 1;
        rejected(RejectedLine { number, reason });
    }

    /// Takes whole lines.
    fn take(&mut self, text: &[u8], rejected: &mut dyn FnMut(RejectedLine)) -> Result<()> {
        let text = without_mark(text, self.report.total_lines);
        let chosen = self.database.take();
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut lines = text.split(|&byte| byte == b'\n').peekable();
        while let Some(bytes) = lines.next() {
            if bytes.is_empty() && lines.peek().is_none() {
                break; // behind the last line end
            }
            self.report.total_lines += 1;
            if is_blank_or_comment(bytes) {
                self.report.skipped_lines += 1;
                continue;
            }
            let line = Line::parse_bytes(bytes).map_err(|error| error.to_string());
            match line.and_then(|line| self.with_plain_unit(line)) {
                Ok(line) => {
                    let database = chosen.as_deref().unwrap_or(line.database);
                    let row = row_of(&line);
                    self.time_len = self.time_len.max(time_of(bytes).len());
                    let group = group_of(&mut groups, database);
                    group.numbers.push(self.report.total_lines);
                    group.rows.push(row);
                }
                Err(reason) => self.reject(self.report.total_lines, reason, rejected),
            }
        }
        for group in groups {
            self.take_group(&group, rejected)?;
        }
        self.database = chosen;
        Ok(())
    }

    /// The line, unless its time is in another unit and that matters.
    fn with_plain_unit<'t>(&self, line: Line<'t>) -> core::result::Result<Line<'t>, String> {
        let reason = self.units_at.and_then(|now| other_unit(line.time?, now));
        reason.map_or(Ok(line), |reason| Err(format!("the time {reason}")))
    }

    fn take_group(
        &mut self,
        group: &Group<'_>,
        rejected: &mut dyn FnMut(RejectedLine),
    ) -> Result<()> {
        let database = match self.engine.create_database(group.database) {
            Ok(database) => database,
            Err(Error::Rejected(rejection)) => {
                for &number in &group.numbers {
                    self.reject(number, rejection.to_string(), rejected);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let batch = match &mut self.seen {
            None => database.add_rows_with(group.rows.iter().copied(), self.options)?,
            Some(seen) => {
                let seen = seen.get_or_insert_with(group.database.to_string(), Seen::default);
                let missing = missing(&database, seen, &group.rows)?;
                let earliest = group.earliest(&missing);
                database.rewind_rollups(|metric| earliest.get(metric).copied())?;
                let batch = database.add_missing(&group.rows, &missing, self.options)?;
                let lacking = missing.iter().filter(|missing| !**missing).count();
                self.report.already_stored_lines += u64::try_from(lacking).unwrap_or(0);
                batch
            }
        };
        self.report.imported_lines += batch.accepted;
        if batch.accepted > 0 && !self.report.databases.contains(group.database) {
            self.report.databases.insert(group.database.to_string());
        }
        for (at, rejection) in batch.rejected {
            let number = group.numbers.get(at).copied().unwrap_or(0);
            self.reject(number, rejection.to_string(), rejected);
        }
        Ok(())
    }
}

impl<H: Host> Engine<H> {
    /// Takes one line in, making database and metric when there are none. A line without a time
    /// is of now; a blank one or a comment is passed over.
    ///
    /// # Errors
    ///
    /// `Rejected` when it is no line; as [`add`](Self::add).
    pub fn add_line(&self, line: &str) -> Result<()> {
        if line::is_blank_or_comment(line) {
            return Ok(());
        }
        let line = Line::parse(line)?;
        self.add(line.database, line.metric, line.time, line.value)
    }

    /// Takes all lines of a text in; `rejected` hears of each one that is not taken. For text
    /// that comes in pieces there is [`Importer`].
    ///
    /// # Errors
    ///
    /// Only those that stop all later writes.
    pub fn add_lines(
        &self,
        text: &str,
        mut rejected: impl FnMut(RejectedLine),
    ) -> Result<ImportReport> {
        let mut importer = Importer::new(self, None);
        importer.feed(text.as_bytes(), &mut rejected)?;
        importer.finish(&mut rejected)
    }
}

/// The first lines without the mark that some editors put before UTF-8.
fn without_mark(text: &[u8], lines_before: u64) -> &[u8] {
    let mark = if lines_before == 0 { text.strip_prefix(b"\xef\xbb\xbf") } else { None };
    mark.unwrap_or(text)
}

/// What follows a line's value.
fn time_of(line: &[u8]) -> &[u8] {
    let mut rest = line.trim_ascii();
    for _ in 0..2 {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
    rest
}

/// Whether a time means the same whatever might have followed it: nanoseconds have 19 digits since
/// 2001, and a fraction counts to the ninth.
fn can_be_no_longer(time: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_digit()).count();
    match time.iter().position(|&byte| byte == b'.') {
        Some(point) => digits(time.get(point..).unwrap_or_default()) >= 9,
        None => time.len() == 19 && digits(time) == 19,
    }
}

/// As [`line::is_blank_or_comment`]; what is not UTF-8 is neither.
fn is_blank_or_comment(line: &[u8]) -> bool {
    match line.first() {
        Some(first) if first.is_ascii_alphanumeric() => false,
        _ => core::str::from_utf8(line).is_ok_and(line::is_blank_or_comment),
    }
}

fn row_of<'t>(line: &Line<'t>) -> Row<'t, RowTime> {
    Row { target: Target::Name(line.metric), time: line.time.into(), value: line.value }
}

/// The group of a database. Neighbouring lines mostly name the same one.
fn group_of<'g, 't>(groups: &'g mut Vec<Group<'t>>, database: &'t str) -> &'g mut Group<'t> {
    let found = groups.iter().rposition(|group| group.database == database);
    let at = found.unwrap_or_else(|| {
        groups.push(Group { database, numbers: Vec::new(), rows: Vec::new() });
        groups.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
    &mut groups[at]
}

/// What an export contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    /// The instants to export.
    pub range: TimeRange,
    /// Whether integers get their suffix `i`, without which they come back as floats (D-11).
    pub integer_suffix: bool,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { range: TimeRange::ALL, integer_suffix: true }
    }
}

/// One metric of an export.
#[derive(Debug, Clone)]
struct Exported {
    name: Arc<str>,
    value_type: ValueType,
    selected: bool,
}

impl<H: Host> Database<H> {
    /// Writes the samples of a range as lines, in storage order, in pieces of some 64 KB, and
    /// returns how many.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or what `write` returns.
    pub fn export(
        &self,
        options: ExportOptions,
        write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        self.export_metrics(options, |_| true, write)
    }

    /// As [`export`](Self::export), of the metrics whose names `select` takes.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or what `write` returns.
    pub fn export_metrics(
        &self,
        options: ExportOptions,
        select: impl Fn(&str) -> bool,
        write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        self.export_on(OnDamage::Fail, options, select, write)
    }

    pub(super) fn export_on(
        &self,
        on: OnDamage<'_>,
        options: ExportOptions,
        select: impl Fn(&str) -> bool,
        mut write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let mut names = self.names(&select);
        let mut lines = 0;
        let mut text = Vec::with_capacity(EXPORT_CHUNK + 512);
        self.scan_on(on, options.range, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if !options.range.contains(Timestamp(time)) {
                    continue;
                }
                if !matches!(names.get(usize::from(id)), Some(Some(_))) {
                    // It has lost its name, and nobody noticed so far.
                    match self.find_recovered() {
                        Err(error) if on.tolerates(&error) => {}
                        found => drop(found?),
                    }
                    names = self.names(&select);
                }
                let Some(Some(metric)) = names.get(usize::from(id)) else {
                    let detail = format!("a sample of metric id {id}, which no catalog entry has");
                    on.note_named(Error::corrupt(self.name(), 0, detail))?;
                    continue;
                };
                if !metric.selected {
                    continue;
                }
                let value = Value::from_raw(metric.value_type, raw);
                let format = if options.integer_suffix { format_line } else { format_line_untyped };
                format(&mut text, self.name(), &metric.name, value, Timestamp(time));
                text.push(b'\n');
                lines += 1;
                if text.len() >= EXPORT_CHUNK {
                    write(&text)?;
                    text.clear();
                }
            }
            Ok(())
        })?;
        if !text.is_empty() {
            write(&text)?;
        }
        Ok(lines)
    }

    /// What an export needs to know of each metric, by id.
    fn names(&self, select: &impl Fn(&str) -> bool) -> Vec<Option<Exported>> {
        self.readable().state.read(|state| {
            let highest = state.catalog.iter().map(|entry| entry.id.get()).max().unwrap_or(0);
            let mut names = vec![None; usize::from(highest) + 1];
            for entry in state.catalog.iter() {
                if let Some(slot) = names.get_mut(usize::from(entry.id.get())) {
                    *slot = Some(Exported {
                        name: Arc::clone(&entry.name),
                        value_type: entry.value_type,
                        selected: select(&entry.name),
                    });
                }
            }
            names
        })
    }
}
