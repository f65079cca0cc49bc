//! The messages, as remote write 1.0 numbers their fields.
//!
//! | message          | field             | number | type             |
//! |------------------|-------------------|-------:|------------------|
//! | `WriteRequest`   | `timeseries`      |      1 | `TimeSeries`, any number |
//! |                  | `metadata`        |      3 | `MetricMetadata`, any number |
//! | `TimeSeries`     | `labels`          |      1 | `Label`, any number |
//! |                  | `samples`         |      2 | `Sample`, any number |
//! |                  | `histograms`      |      4 | `Histogram`, any number |
//! | `Label`          | `name`, `value`   |   1, 2 | string           |
//! | `Sample`         | `value`           |      1 | double           |
//! |                  | `timestamp`       |      2 | int64            |
//! | `MetricMetadata` | `kind`            |      1 | enumeration      |
//! |                  | `metric_family_name`, `help`, `unit` | 2, 4, 5 | string |
//!
//! Other fields, like exemplars, are passed over.

use prost::Message as _;

/// Samples of any number of series.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    /// The series, in any order.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// What metrics are about, apart from their samples.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// A series and some of its samples.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Its labels, sorted by name, each name once.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Its samples in order of time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Histograms in place of samples: known, so that none gets lost unnoticed.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

/// One label.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Label {
    /// Its name; [`NAME_LABEL`](super::NAME_LABEL) for the metric's.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value, not empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// One sample.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// What was measured.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// A histogram, of which only the presence is known.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Histogram {}

/// What a metric is about.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MetricMetadata {
    /// 0 unknown, 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 set of
    /// states.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The name that the metrics of a family have in common.
    #[prost(string, tag = "2")]
    pub metric_family_name: String,
    /// A sentence for people.
    #[prost(string, tag = "4")]
    pub help: String,
    /// The unit of the values.
    #[prost(string, tag = "5")]
    pub unit: String,
}

impl Label {
    /// A label of these texts.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl WriteRequest {
    /// The message as the body of a request.
    ///
    /// # Errors
    ///
    /// When it is longer than the 4 GB of a Snappy block.
    pub fn encode_block(&self) -> Result<Vec<u8>, snap::Error> {
        snap::raw::Encoder::new().compress_vec(&self.encode_to_vec())
    }
}
