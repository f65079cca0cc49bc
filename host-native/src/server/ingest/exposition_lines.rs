//! Lines of Prometheus' text format or of `OpenMetrics`, whose times have different units.
//!
//! `OpenMetrics` ends with `# EOF`, which may be all that tells it apart. So from the first time on,
//! lines are held until that comes, or the end without it; of a body that is too long for that, the
//! held lines themselves decide.

use super::line_bodies::ReadLine;
use crate::server::exposition::{Exposed, Form, parse};
use crate::server::intake::Intake;
use crate::server::lines::LineFeeds;

/// Bytes of lines that are held until it is known what they are.
const MAX_HELD: usize = 4 << 20;

/// Samples of one or the other format on their way in.
pub(super) struct ExpositionLines {
    /// Which format it is, once that is known.
    form: Option<Form>,
    held: Vec<(u64, String)>,
    held_bytes: usize,
}

impl ExpositionLines {
    /// For a body with this header `Content-Type`.
    pub(super) fn new(content_type: &str) -> Self {
        Self { form: Form::of_content_type(content_type), held: Vec::new(), held_bytes: 0 }
    }

    /// Whether the format makes a difference for a line, or for its order among the held ones.
    fn must_wait(&self, line: &str) -> bool {
        match parse(line, Form::Prometheus) {
            Ok(None) => false,
            Ok(Some(exposed)) => !self.held.is_empty() || exposed.time.is_some(),
            Err(_) => true,
        }
    }

    /// Takes the held lines in, and all later ones at once.
    fn settle(&mut self, form: Form, intake: &mut Intake) -> crate::Result<()> {
        self.form = Some(form);
        self.held_bytes = 0;
        let held = core::mem::take(&mut self.held);
        held.iter().try_for_each(|(number, line)| take(*number, line, form, intake))
    }

    /// The format in which more of the held lines are right.
    fn likely_form(&self) -> Form {
        let right = |form| self.held.iter().filter(|(_, line)| parse(line, form).is_ok()).count();
        if right(Form::OpenMetrics) > right(Form::Prometheus) {
            Form::OpenMetrics
        } else {
            Form::Prometheus
        }
    }
}

impl ReadLine for ExpositionLines {
    type Ends = LineFeeds;

    fn read(&mut self, number: u64, line: &str, intake: &mut Intake) -> crate::Result<()> {
        if let Some(form) = self.form {
            return take(number, line, form, intake);
        }
        if is_end_of_openmetrics(line) {
            return self.settle(Form::OpenMetrics, intake);
        }
        if !self.must_wait(line) {
            return take(number, line, Form::Prometheus, intake);
        }
        self.held_bytes += line.len();
        self.held.push((number, line.to_owned()));
        if self.held_bytes > MAX_HELD { self.settle(self.likely_form(), intake) } else { Ok(()) }
    }

    fn finish(&mut self, intake: &mut Intake) -> crate::Result<()> {
        self.settle(self.form.unwrap_or_default(), intake)
    }
}

fn is_end_of_openmetrics(line: &str) -> bool {
    line.trim().strip_prefix('#').is_some_and(|comment| comment.trim() == "EOF")
}

fn take(number: u64, line: &str, form: Form, intake: &mut Intake) -> crate::Result<()> {
    match parse(line, form) {
        Ok(Some(Exposed { labels, value, time })) => {
            intake.add(number, &labels.metric(), time, value)
        }
        Ok(None) => Ok(()),
        Err(error) => {
            intake.refuse(number, error.to_string());
            Ok(())
        }
    }
}
