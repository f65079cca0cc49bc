//! Bodies of lines, taken in as they arrive.

use super::{count, stopped};
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::intake::{Intake, IntakeReport};
use crate::server::lines::{LineEnds, Lines, TooLong};
use crate::server::request::Incoming;
use std::sync::Arc;

/// Knows what a line says.
pub(super) trait ReadLine: Send + 'static {
    /// Where lines end.
    type Ends: LineEnds + Default + Send + 'static;

    /// Hands on the samples of a line, or why it is none.
    fn read(&mut self, number: u64, line: &str, intake: &mut Intake) -> crate::Result<()>;

    /// Hands on what was held back, after the last line.
    fn finish(&mut self, intake: &mut Intake) -> crate::Result<()> {
        let _ = intake;
        Ok(())
    }
}

/// A body on its way in.
struct Body<R: ReadLine> {
    reader: R,
    lines: Lines<R::Ends>,
    intake: Intake,
}

/// Takes a body in, of which `begun` has been read already. A body that does not end well is
/// stored up to its last whole line, with the failure to answer.
pub(super) async fn take<R: ReadLine>(
    app: &Arc<App>,
    database: &str,
    reader: R,
    begun: Vec<u8>,
    mut incoming: Incoming,
) -> Result<(IntakeReport, Option<Failure>), Failure> {
    let intake = app.intakes.begin(&app.engine, database);
    let mut body = Body { reader, lines: Lines::default(), intake };
    let mut piece = Some(begun).filter(|begun| !begun.is_empty());
    let mut broken = None;
    loop {
        if let Some(piece) = piece {
            body = app.ingest(move |_| body.feed(&piece)).await?;
        }
        piece = match incoming.next().await {
            Ok(None) => break,
            Ok(piece) => piece,
            Err(failure) => {
                broken = Some(failure);
                break;
            }
        };
    }
    let is_whole = broken.is_none();
    let report = app.ingest(move |app| body.finish(app, is_whole)).await?;
    Ok((report, broken))
}

impl<R: ReadLine> Body<R> {
    fn feed(mut self, text: &[u8]) -> Result<Self, Failure> {
        let Self { reader, lines, intake } = &mut self;
        let fed = lines.feed(text, &mut |number, line| take_line(reader, number, line, intake));
        fed.map_err(stopped)?;
        Ok(self)
    }

    fn finish(self, app: &App, is_whole: bool) -> Result<IntakeReport, Failure> {
        let Self { mut reader, lines, mut intake } = self;
        if is_whole {
            let visit = &mut |number, line: Result<&[u8], TooLong>| {
                take_line(&mut reader, number, line, &mut intake)
            };
            lines.finish(visit).map_err(stopped)?;
        }
        reader.finish(&mut intake).map_err(stopped)?;
        let report = intake.finish().map_err(stopped)?;
        count(app, &report);
        Ok(report)
    }
}

fn take_line<R: ReadLine>(
    reader: &mut R,
    number: u64,
    line: Result<&[u8], TooLong>,
    intake: &mut Intake,
) -> crate::Result<()> {
    match line.map(core::str::from_utf8) {
        Ok(Ok(line)) => return reader.read(number, line, intake),
        Ok(Err(error)) => {
            intake.refuse(number, format!("not UTF-8 from byte {} on", error.valid_up_to() + 1));
        }
        Err(too_long) => intake.refuse(number, too_long.to_string()),
    }
    Ok(())
}
