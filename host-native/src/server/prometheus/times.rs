//! Instants and spans as Prometheus' API takes them.

use crate::Timestamp;
use crate::server::answer::Failure;
use crate::server::request::Params;
use core::time::Duration;

const NANOS_PER_MILLI: i128 = 1_000_000;

/// The earliest and the latest instant of Go, that clients send for "always".
const ALWAYS: [(&str, Timestamp); 2] = [
    ("-292273086-05-16T16:47:06Z", Timestamp::MIN),
    ("292277025-08-18T07:12:54.999999999Z", Timestamp::MAX),
];

/// An instant: seconds since 1970 with or without a fraction, or RFC 3339.
pub(super) fn instant(params: &Params, name: &str) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let nanos = nanos(name, text)?;
    let inside = i64::try_from(nanos)
        .map_err(|_| Failure::bad(format_args!("{name}={text}: outside the years 1677 to 2262")))?;
    Ok(Some(Timestamp(inside)))
}

/// As [`instant`], the nearest instant there is where it is outside.
pub(super) fn nearest(params: &Params, name: &str) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let nanos = nanos(name, text)?;
    let nearest = nanos.clamp(i64::MIN.into(), i64::MAX.into());
    Ok(i64::try_from(nearest).ok().map(Timestamp))
}

fn nanos(name: &str, text: &str) -> Result<i128, Failure> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        // To the millisecond, which is as exact as such a number is.
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        let millis = (seconds * 1_000.0).round() as i64;
        return Ok(i128::from(millis) * NANOS_PER_MILLI);
    }
    if let Some((_, time)) = ALWAYS.iter().find(|(always, _)| *always == text) {
        return Ok(time.0.into());
    }
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_nanosecond).map_err(|_| {
        Failure::bad(format_args!(
            "invalid parameter \"{name}\": cannot parse \"{text}\" to a valid timestamp"
        ))
    })
}

/// A span: seconds with or without a fraction, or a duration as `1h30m`.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration, Failure> {
    let parsed = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => promql_parser::util::parse_duration(text),
    };
    parsed.map_err(|error| {
        Failure::bad(format_args!(
            "invalid parameter \"{name}\": cannot parse \"{text}\" to a valid duration: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<Option<Timestamp>, Failure> {
        instant(&Params::parse(&format!("time={text}")).unwrap(), "time")
    }

    #[test]
    fn instants_are_seconds_or_rfc_3339() {
        for (text, nanos) in [
            ("1435781451.781", 1_435_781_451_781_000_000),
            ("1435781451", 1_435_781_451_000_000_000),
            ("-1.5", -1_500_000_000),
            ("2015-07-01T20:10:51.781Z", 1_435_781_451_781_000_000),
            ("2015-07-01T22:10:51%2B02:00", 1_435_781_451_000_000_000),
            ("-292273086-05-16T16:47:06Z", i64::MIN),
            ("292277025-08-18T07:12:54.999999999Z", i64::MAX),
        ] {
            assert_eq!(at(text).unwrap(), Some(Timestamp(nanos)), "{text}");
        }
        assert_eq!(at("").unwrap(), None);
        assert!(at("soon").unwrap_err().message().contains("to a valid timestamp"));
        assert!(at("NaN").is_err());
        assert!(at("1e12").unwrap_err().message().contains("1677 to 2262"));
        let params = Params::parse("end=1e12").unwrap();
        assert_eq!(nearest(&params, "end").unwrap(), Some(Timestamp::MAX));
    }

    #[test]
    fn spans_are_seconds_or_durations() {
        for (text, millis) in [("15", 15_000), ("0.5", 500), ("1h30m", 5_400_000), ("20ms", 20)] {
            assert_eq!(duration("step", text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for wrong in ["-1", "1e300", "inf", "nan", "5x", "", "99999999999999y"] {
            assert!(duration("step", wrong).is_err(), "{wrong}");
        }
    }
}
