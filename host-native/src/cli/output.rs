//! What people and programs see: text, tables, JSON.

use anstyle::{AnsiColor, Effects, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, Width};
use nanotdb::Value;
use nanotdb::text::float::{format_f32, format_f64};
use serde::{Serialize, Serializer};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// Standard output, and whether it shows colours.
#[derive(Debug)]
pub(crate) struct Out {
    to: BufWriter<StdoutLock<'static>>,
    colours: bool,
}

/// Columns of a table: header and whether the column holds numbers.
pub(crate) type Columns<'a> = &'a [(&'a str, bool)];

impl Out {
    pub(crate) fn stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = io::stdout().is_terminal() && !no_color;
        Self { to: BufWriter::with_capacity(64 * 1024, io::stdout().lock()), colours }
    }

    /// The text in this style where colours show.
    pub(crate) fn styled(&self, style: Style, text: impl core::fmt::Display) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled(HEADING, text);
        writeln!(self, "{text}")
    }

    /// One report as indented JSON.
    pub(crate) fn json(&mut self, report: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self, report)?;
        writeln!(self)
    }

    /// A whole table, with each line moved to the right.
    pub(crate) fn table(
        &mut self,
        columns: Columns<'_>,
        rows: impl IntoIterator<Item = Vec<String>>,
        indent: usize,
    ) -> io::Result<()> {
        let mut table = new_table(columns);
        table.add_rows(rows);
        self.lines(&table, 0, indent)
    }

    /// The lines of a table from the given one on; the first two are its header.
    fn lines(&mut self, table: &Table, from: usize, indent: usize) -> io::Result<()> {
        for (number, line) in table.lines().enumerate().skip(from) {
            let line = line.trim_end();
            let line = match number {
                0 => self.styled(BOLD, line),
                1 => self.styled(FAINT, line),
                _ => line.to_string(),
            };
            writeln!(self, "{:indent$}{line}", "")?;
        }
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

pub(crate) const HEADING: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
pub(crate) const BOLD: Style = Style::new().effects(Effects::BOLD);
pub(crate) const FAINT: Style = Style::new().effects(Effects::DIMMED);
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);

/// Rows that a streamed table holds in memory.
const CHUNK: usize = 1000;

/// A table of any length: its columns have the widths of the widest cells to expect.
#[derive(Debug)]
pub(crate) struct StreamedTable<'a> {
    columns: Columns<'a>,
    widths: Vec<u16>,
    table: Table,
    begun: bool,
}

impl<'a> StreamedTable<'a> {
    pub(crate) fn new(columns: Columns<'a>, widths: Vec<u16>) -> Self {
        let table = fixed_table(columns, &widths);
        Self { columns, widths, table, begun: false }
    }

    pub(crate) fn row(&mut self, out: &mut Out, row: Vec<String>) -> io::Result<()> {
        self.table.add_row(row);
        if self.table.row_count() >= CHUNK { self.flush(out) } else { Ok(()) }
    }

    /// Writes what is left. A table without rows is not even a header.
    pub(crate) fn flush(&mut self, out: &mut Out) -> io::Result<()> {
        if self.table.is_empty() {
            return Ok(());
        }
        let table = core::mem::replace(&mut self.table, fixed_table(self.columns, &self.widths));
        let from = if core::mem::replace(&mut self.begun, true) { 2 } else { 0 };
        out.lines(&table, from, 0)
    }
}

fn fixed_table(columns: Columns<'_>, widths: &[u16]) -> Table {
    let mut table = new_table(columns);
    for (column, &width) in table.column_iter_mut().zip(widths) {
        let width = width.saturating_add(column.padding_width());
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table
}

fn new_table(columns: Columns<'_>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(name, _)| *name).collect::<Vec<&str>>());
    for (column, (index, (_, number))) in table.column_iter_mut().zip(columns.iter().enumerate()) {
        column.set_padding((0, u16::from(index + 1 < columns.len())));
        if *number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A value as lines of text have it.
pub(crate) fn value_text(value: Value) -> String {
    match value {
        Value::I32(number) => number.to_string(),
        Value::F32(number) => {
            let mut text = Vec::new();
            format_f32(&mut text, number);
            String::from_utf8(text).unwrap_or_default()
        }
    }
}

/// A computed number as lines of text have it.
pub(crate) fn exact_text(number: f64) -> String {
    let mut text = Vec::new();
    format_f64(&mut text, number);
    String::from_utf8(text).unwrap_or_default()
}

/// A computed number for people: some four decimals, none where there are none.
pub(crate) fn number_text(number: f64) -> String {
    let size = number.abs();
    if !number.is_finite() || size != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{number:e}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A number of bytes for people.
pub(crate) fn bytes_text(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("{bytes} B"),
        _ => indicatif::HumanBytes(bytes).to_string(),
    }
}

/// A count with its thousands apart.
pub(crate) fn count_text(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

/// A number in JSON, where NaN and the infinities become strings (D-18).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    I32(i32),
    F32(f32),
    F64(f64),
}

impl From<Value> for Number {
    fn from(value: Value) -> Self {
        match value {
            Value::I32(number) => Self::I32(number),
            Value::F32(number) => Self::F32(number),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::I32(number) => to.serialize_i32(number),
            Self::F32(number) if number.is_finite() => to.serialize_f32(number),
            Self::F64(number) if number.is_finite() => to.serialize_f64(number),
            Self::F32(number) => to.serialize_str(beyond(number.into())),
            Self::F64(number) => to.serialize_str(beyond(number)),
        }
    }
}

fn beyond(number: f64) -> &'static str {
    match number {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => "NaN",
    }
}

/// Columns of the terminal, where it says; else 80.
pub(crate) fn terminal_width() -> usize {
    let asked = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    asked.filter(|&columns| columns >= 20).unwrap_or(80)
}
