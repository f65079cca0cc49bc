//! The series that both sides have.

use core::fmt::Write as _;

/// Seconds since 1970 of the first sample; a multiple of two hours, the length of a block.
pub(crate) const BEGIN: i64 = 1_700_006_400;

/// The database, which is a label of every series.
pub(crate) const DATABASE: &str = "home";

/// A sample: milliseconds after [`BEGIN`], and its value.
pub(crate) type Sample = (i64, f32);

#[derive(Debug)]
pub(crate) struct Series {
    pub name: &'static str,
    pub labels: Vec<(&'static str, &'static str)>,
    pub samples: Vec<Sample>,
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u16) -> u16 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(limit.max(1))).unwrap()
    }
}

pub(crate) fn all() -> Vec<Series> {
    let mut random = Random(7);
    let mut all = Vec::new();
    for (job, instance) in [("api", "a:1"), ("api", "b:1"), ("web", "a:2")] {
        let place = vec![("job", job), ("instance", instance)];
        for (method, code) in [("GET", "200"), ("GET", "500"), ("POST", "200")] {
            let labels = [place.clone(), vec![("method", method), ("code", code)]].concat();
            all.push(Series { name: "requests_total", labels, samples: counter(&mut random) });
        }
        for (le, share) in [("0.1", 1), ("0.5", 4), ("2.5", 6), ("+Inf", 7)] {
            let labels = [place.clone(), vec![("le", le)]].concat();
            let samples = growing(f32::from(u8::try_from(share).unwrap()), instance.len());
            all.push(Series { name: "latency_bucket", labels, samples });
        }
        all.push(Series {
            name: "build_info",
            labels: [place, vec![("version", if job == "api" { "1.2" } else { "1.3" })]].concat(),
            samples: growing(0.0, 0).into_iter().map(|(time, _)| (time, 1.0)).collect(),
        });
    }
    for room in ["kitchen", "cellar", "attic"] {
        let labels = vec![("room", room)];
        all.push(Series {
            name: "temperature",
            labels: labels.clone(),
            samples: walk(&mut random),
        });
        all.push(Series { name: "humidity", labels, samples: walk(&mut random) });
    }
    all.push(Series { name: "odd", labels: vec![("kind", "nan")], samples: odd(f32::NAN) });
    all.push(Series { name: "odd", labels: vec![("kind", "inf")], samples: odd(f32::INFINITY) });
    all.push(Series { name: "odd", labels: vec![("kind", "sparse")], samples: sparse() });
    all.push(Series { name: "single", labels: vec![], samples: vec![(3_600_000, 42.0)] });
    all.push(Series { name: "constant", labels: vec![], samples: growing(0.0, 3) });
    all
}

/// Every 15 s with some lacking, and now and then from 0 again.
fn counter(random: &mut Random) -> Vec<Sample> {
    let mut value = 0.0;
    let mut samples = Vec::new();
    for at in 0..720 {
        value =
            if random.below(200) == 0 { 0.0 } else { value + f32::from(random.below(40)) * 0.25 };
        if random.below(20) != 0 && !(300..340).contains(&at) {
            samples.push((at * 15_000 + i64::from(random.below(700)), value));
        }
    }
    samples
}

/// Up and down, below 0 too.
fn walk(random: &mut Random) -> Vec<Sample> {
    let mut value = 10.0;
    (0..1_000)
        .map(|at| {
            value += (f32::from(random.below(101)) - 50.0) * 0.125;
            (at * 10_000, value)
        })
        .collect()
}

/// Every 30 s, the same steps.
fn growing(by: f32, first: usize) -> Vec<Sample> {
    let mut value = f32::from(u8::try_from(first).unwrap());
    let mut samples = Vec::new();
    for at in 0..360 {
        samples.push((at * 30_000, value));
        value += by;
    }
    samples
}

/// Numbers with others that are hardly any among them.
fn odd(other: f32) -> Vec<Sample> {
    let value = |at: i64| match at % 10 {
        3 => other,
        7 if other.is_infinite() => -other,
        rest => f32::from(u8::try_from(rest).unwrap()) * 1.0e6,
    };
    (0..240).map(|at| (at * 45_000, value(at))).collect()
}

/// Further apart than a selector looks back.
fn sparse() -> Vec<Sample> {
    (0..20).map(|at| (at * 420_000 + 7, 1.0e-7 * f32::from(u8::try_from(at).unwrap()))).collect()
}

/// All of it in the text of `OpenMetrics`.
pub(crate) fn open_metrics() -> String {
    let mut text = String::new();
    for series in all() {
        let labels = series.labels.iter().map(|(key, value)| format!("{key}=\"{value}\","));
        let labels: String = labels.collect();
        for (time, value) in &series.samples {
            let name = series.name;
            let time = BEGIN * 1_000 + time;
            let (seconds, millis) = (time / 1_000, time % 1_000);
            let value = f64::from(*value).to_string().replace("inf", "Inf");
            writeln!(text, "{name}{{{labels}db=\"{DATABASE}\"}} {value} {seconds}.{millis:03}")
                .unwrap();
        }
    }
    text.push_str("# EOF\n");
    text
}
