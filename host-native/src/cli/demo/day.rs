//! A plausible day of two servers: the same one every time for the same date.

use nanotdb::engine::{MetricHandle, Row, Target};
use nanotdb::{Database, Result, Timestamp, Value, ValueType};

/// Seconds between samples.
const STEP: i64 = 10;
const STEPS: i64 = 86_400 / STEP;
const NANOS: i64 = 1_000_000_000;

const SEED: u64 = 0x5eed_2026;

/// Writes the day that begins at `start` and returns how many samples it has.
pub(super) fn write(database: &Database, start: Timestamp) -> Result<u64> {
    let mut servers = [Server::new(database, "web1", 1.0)?, Server::new(database, "db1", 0.6)?];
    let mut taken = 0;
    let mut batch: Vec<Row<'static>> = Vec::new();
    for step in 0..STEPS {
        let time = Timestamp(start.0 + step * STEP * NANOS);
        for server in &mut servers {
            server.measure(step, time, &mut batch);
        }
        if batch.len() >= 4096 || step + 1 == STEPS {
            taken += database.add_rows(batch.drain(..))?.accepted;
        }
    }
    Ok(taken)
}

/// Metrics of a server and whether they are integers.
const METRICS: [(&str, ValueType); 14] = [
    ("cpu.user", ValueType::F32),
    ("cpu.system", ValueType::F32),
    ("cpu.iowait", ValueType::F32),
    ("cpu.temperature", ValueType::F32),
    ("mem.used", ValueType::I32),
    ("mem.cached", ValueType::I32),
    ("load.1m", ValueType::F32),
    ("load.5m", ValueType::F32),
    ("disk.used", ValueType::F32),
    ("disk.written", ValueType::I32),
    ("net.received", ValueType::I32),
    ("net.sent", ValueType::I32),
    ("http.requests", ValueType::I32),
    ("http.p95", ValueType::F32),
];

/// One server and what it remembers from step to step.
struct Server {
    handles: Vec<MetricHandle>,
    random: Random,
    /// How busy it is compared with the busiest.
    share: f64,
    /// Slow changes of the load, and of the requests.
    drift: f64,
    burst: f64,
    load: [f64; 2],
    leaked: f64,
    temperature: f64,
}

impl Server {
    fn new(database: &Database, name: &str, share: f64) -> Result<Self> {
        let handles = METRICS
            .iter()
            .map(|(metric, value_type)| database.metric(&format!("{name}.{metric}"), *value_type))
            .collect::<Result<Vec<MetricHandle>>>()?;
        let seed = name.bytes().fold(SEED, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
        let random = Random(seed);
        let load = [0.3, 0.3];
        Ok(Self {
            handles,
            random,
            share,
            drift: 0.0,
            burst: 0.0,
            load,
            leaked: 0.0,
            temperature: 44.0,
        })
    }

    fn measure(&mut self, step: i64, time: Timestamp, batch: &mut Vec<Row<'static>>) {
        let values = self.values(hour(step));
        let rows = self.handles.iter().zip(values).zip(METRICS);
        batch.extend(rows.map(|((&handle, value), (_, value_type))| Row {
            target: Target::Handle(handle),
            time,
            value: measured(value, value_type),
        }));
    }

    /// What the sensors would say at this hour of the day.
    fn values(&mut self, hour: f64) -> [f64; METRICS.len()] {
        // Few people at night, most in the afternoon and again in the evening.
        let people = 0.12 + bump(hour, 14.0, 4.0) + 0.7 * bump(hour, 20.5, 2.0);
        self.drift = 0.995 * self.drift + 0.01 * self.random.centred();
        if self.random.unit() < 0.0008 {
            self.burst = 0.3 + 0.5 * self.random.unit();
        }
        self.burst *= 0.97;
        // A backup at two, and a release at ten that restarts everything.
        let backup = if (2.0..2.4).contains(&hour) { 1.0 } else { 0.0 };
        self.leaked = if (10.0..10.01).contains(&hour) { 0.0 } else { self.leaked + 0.00009 };
        let busy = (self.share * (people * (1.0 + self.drift) + self.burst)).clamp(0.02, 1.25);

        let requests = (busy * 900.0 * (1.0 + 0.08 * self.random.centred())).max(0.0);
        let user = (62.0 * busy + 3.0 * self.random.centred() + 14.0 * backup).clamp(0.3, 99.0);
        let system = (user * 0.21 + 1.1 * self.random.unit()).min(100.0 - user);
        let iowait = 0.3 * self.random.unit() + 21.0 * backup * self.random.unit();
        let running = (user + system + iowait) / 25.0;
        self.load[0] += (running - self.load[0]) / 6.0;
        self.load[1] += (running - self.load[1]) / 30.0;
        self.temperature += (38.0 + user * 0.33 - self.temperature) / 18.0;
        let memory = 2600.0 + 900.0 * busy + 1800.0 * self.leaked;
        let disk = 61.0 + hour * 0.09 + 2.0 * backup;
        [
            user,
            system,
            iowait,
            self.temperature.round(),
            memory,
            5200.0 - 400.0 * busy + 700.0 * backup,
            self.load[0],
            self.load[1],
            disk,
            requests * 1.7 + 48_000.0 * backup + 40.0 * self.random.unit(),
            requests * 2.1 + 15.0 * self.random.unit(),
            requests * 38.0 + 90.0 * self.random.unit(),
            requests,
            18.0 + 55.0 * busy * busy + 30.0 * backup + 4.0 * self.random.unit(),
        ]
    }
}

/// What a sensor of this type reports: whole numbers, or two decimals.
#[expect(clippy::cast_possible_truncation, reason = "small numbers, rounded as sensors do")]
fn measured(value: f64, value_type: ValueType) -> Value {
    match value_type {
        ValueType::I32 => Value::I32(value.round() as i32),
        ValueType::F32 => Value::F32(((value * 100.0).round() / 100.0) as f32),
    }
}

fn hour(step: i64) -> f64 {
    f64::from(i32::try_from(step * STEP).unwrap_or(0)) / 3600.0
}

/// A bell around an hour of the day.
fn bump(hour: f64, middle: f64, width: f64) -> f64 {
    (-((hour - middle) / width).powi(2)).exp()
}

/// `SplitMix64`: small, and good enough for noise.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        let top = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(top) / f64::from(u32::MAX)
    }

    /// Around 0, seldom beyond 1.
    fn centred(&mut self) -> f64 {
        self.unit() + self.unit() + self.unit() - 1.5
    }
}
