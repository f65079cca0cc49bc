//! Lines drawn with braille dots: two across and four down in each character.
//!
//! Written here because the crates that plot in terminals label a time axis with numbers and had
//! no release for long.

use super::output::Out;
use super::time::short;
use anstyle::{AnsiColor, Style};
use nanotdb::Timestamp;
use std::io::{self, Write};

/// Rows of characters.
const HEIGHT: usize = 12;

/// Room for the labels on the left.
const LABEL: usize = 10;

const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// One line: its name and its points in order of time.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(Timestamp, f64)>,
}

/// Draws lines over one another, as wide as `width` columns.
pub(crate) fn draw(out: &mut Out, lines: &[Line], width: usize) -> io::Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(_, y)| y.is_finite());
    let Some(first) = points().next() else { return writeln!(out, "nothing to draw") };
    let bounds = points().fold(Bounds::of(*first), |bounds, point| bounds.with(*point));
    let columns = width.saturating_sub(LABEL + 3).max(16);
    let mut canvas = Canvas::new(columns, bounds.padded());
    for (index, line) in lines.iter().enumerate() {
        canvas.line(index, &line.points);
    }
    canvas.show(out)?;
    legend(out, lines)
}

fn legend(out: &mut Out, lines: &[Line]) -> io::Result<()> {
    write!(out, "{:LABEL$}  ", "")?;
    for (index, line) in lines.iter().enumerate() {
        let name = out.styled(colour(index), format!("━━ {}", line.name));
        write!(out, " {name}  ")?;
    }
    writeln!(out)
}

fn colour(index: usize) -> Style {
    let colour = COLOURS.get(index % COLOURS.len()).copied().unwrap_or(AnsiColor::Cyan);
    colour.on_default()
}

/// What the axes cover.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    from: i64,
    to: i64,
    low: f64,
    high: f64,
}

impl Bounds {
    fn of((time, y): (Timestamp, f64)) -> Self {
        Self { from: time.0, to: time.0, low: y, high: y }
    }

    fn with(self, (time, y): (Timestamp, f64)) -> Self {
        Self {
            from: self.from.min(time.0),
            to: self.to.max(time.0),
            low: self.low.min(y),
            high: self.high.max(y),
        }
    }

    /// A flat line is drawn in the middle.
    fn padded(self) -> Self {
        let (low, high) = (self.low, self.high);
        if high > low { self } else { Self { low: low - 1.0, high: high + 1.0, ..self } }
    }
}

/// Dots, and which line drew last in each character.
#[derive(Debug)]
struct Canvas {
    columns: usize,
    bounds: Bounds,
    cells: Vec<(u8, usize)>,
}

impl Canvas {
    fn new(columns: usize, bounds: Bounds) -> Self {
        Self { columns, bounds, cells: vec![(0, 0); columns * HEIGHT] }
    }

    fn line(&mut self, index: usize, points: &[(Timestamp, f64)]) {
        let mut before: Option<(usize, usize)> = None;
        for &(time, y) in points {
            let dot = y.is_finite().then(|| self.place(time, y));
            match (before, dot) {
                (Some(from), Some(to)) => self.stroke(index, from, to),
                (None, Some(to)) => self.dot(index, to),
                (_, None) => {}
            }
            before = dot;
        }
    }

    /// The dot of a point; the first row is on top.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "shares of an axis, between 0 and 1, times a few hundred dots"
    )]
    fn place(&self, time: Timestamp, y: f64) -> (usize, usize) {
        let Bounds { from, to, low, high } = self.bounds;
        let span = to.saturating_sub(from).max(1) as f64;
        let across = time.0.saturating_sub(from) as f64 / span;
        let down = (high - y) / (high - low);
        let dot = |share: f64, dots: usize| {
            ((share.clamp(0.0, 1.0) * (dots - 1) as f64).round() as usize).min(dots - 1)
        };
        (dot(across, self.columns * 2), dot(down, HEIGHT * 4))
    }

    /// Dots from one place to another, without the first.
    fn stroke(&mut self, index: usize, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |from: usize, to: usize, step: usize| {
            let part = (from.abs_diff(to) * step + steps / 2) / steps;
            if to >= from { from + part } else { from - part }
        };
        for step in 1..=steps {
            self.dot(index, (between(from.0, to.0, step), between(from.1, to.1, step)));
        }
    }

    fn dot(&mut self, index: usize, (x, y): (usize, usize)) {
        // The bits of a braille character, by row and column.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let bit = BITS.get(y % 4).and_then(|row| row.get(x % 2)).copied().unwrap_or(0);
        if let Some(cell) = self.cells.get_mut(y / 4 * self.columns + x / 2) {
            *cell = (cell.0 | bit, index);
        }
    }

    fn show(&self, out: &mut Out) -> io::Result<()> {
        for (number, row) in self.cells.chunks(self.columns).enumerate() {
            let label = self.label(number);
            write!(out, "{label:>LABEL$} ┤")?;
            for run in row.chunk_by(|a, b| a.1 == b.1) {
                let dots: String = run
                    .iter()
                    .map(|(bits, _)| match bits {
                        0 => ' ',
                        bits => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
                    })
                    .collect();
                let style = colour(run.first().map_or(0, |cell| cell.1));
                let blank = dots.trim().is_empty();
                let dots = if blank { dots } else { out.styled(style, dots) };
                write!(out, "{dots}")?;
            }
            writeln!(out)?;
        }
        writeln!(out, "{:LABEL$} └{}", "", "─".repeat(self.columns))?;
        let (from, to) = (self.bounds.from, self.bounds.to);
        let middle = from + (to - from) / 2;
        let [from, middle, to] = [from, middle, to].map(|time| axis_time(time, to - from));
        let gap = self.columns.saturating_sub(from.len() + middle.len() + to.len());
        let (left, right) = (gap / 2, gap - gap / 2);
        writeln!(out, "{:LABEL$}  {from}{:left$}{middle}{:right$}{to}", "", "", "")
    }

    /// The value in the middle of a row; every third has one, and the last.
    fn label(&self, row: usize) -> String {
        let last = HEIGHT - 1;
        if !row.is_multiple_of(3) && row != last || row == last - 2 {
            return String::new();
        }
        let share =
            u32::try_from(row).map_or(0.0, f64::from) / u32::try_from(last).map_or(1.0, f64::from);
        let Bounds { low, high, .. } = self.bounds;
        let value = high - share * (high - low);
        let size = high.abs().max(low.abs());
        match high - low {
            _ if !(1e-2..1e7).contains(&size) => format!("{value:.2e}"),
            span if span >= 50.0 => format!("{value:.0}"),
            span if span >= 5.0 => format!("{value:.1}"),
            span if span >= 0.5 => format!("{value:.2}"),
            _ => format!("{value:.4}"),
        }
    }
}

/// A time on the axis: as much of it as a span of this length needs.
fn axis_time(time: i64, span: i64) -> String {
    const MINUTE: i64 = 60_000_000_000;
    const TWO_DAYS: i64 = 2 * 24 * 60 * MINUTE;
    let text = Timestamp(time).to_string();
    let part = match span {
        ..MINUTE => text.get(11..23),
        MINUTE..TWO_DAYS => text.get(11..19),
        TWO_DAYS.. => text.get(..16),
    };
    part.map_or_else(|| short(Timestamp(time)), ToString::to_string)
}
