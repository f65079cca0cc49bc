use super::*;
use crate::remote_write::{DecodeError, NAME_LABEL, VERSION, decode};
use crate::{Store, Timestamp};
use proptest::prelude::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Do {
    Take,
    /// It answers with a status and takes nothing.
    Answer(u16),
    /// Something before it answers with a status and an HTML page.
    Page(u16),
    /// It takes the samples, and dies before it answers.
    TakeAndDie,
    Die,
}

/// Samples of each series, named `name;db`, in the order they arrived.
type Arrived = BTreeMap<String, Vec<(i64, f64)>>;

#[derive(Default)]
struct State {
    arrived: Arrived,
    /// What is done with the next requests; with all later ones, `Take`.
    plan: Vec<Do>,
    /// A request with this value is refused as a whole.
    poison: Option<f64>,
    /// A request with more samples is too large.
    most: Option<usize>,
    sizes: Vec<usize>,
    heads: Vec<String>,
}

/// A receiver in this process.
struct Receiver {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(connection.unwrap(), &state));
            }
        });
        Self { url, state }
    }

    fn plan(&self, plan: &[Do]) {
        self.state.lock().unwrap().plan = plan.iter().rev().copied().collect();
    }

    fn arrived(&self) -> Arrived {
        self.state.lock().unwrap().arrived.clone()
    }

    /// Values of a series as they arrived.
    fn values(&self, series: &str) -> Vec<f64> {
        let arrived = self.arrived();
        arrived.get(series).into_iter().flatten().map(|(_, value)| *value).collect()
    }

    fn options(&self) -> ForwardOptions {
        let mut options = ForwardOptions::to(&self.url);
        options.min_pause = Duration::from_millis(1);
        options.max_pause = Duration::from_millis(2);
        options
    }
}

fn serve(connection: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    loop {
        let (mut head, mut len) = (String::new(), 0);
        loop {
            let before = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            let line = head[before..].trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; len];
        reader.read_exact(&mut body).unwrap();
        let Some((status, text)) = state.lock().unwrap().take(head, &body) else { return };
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

impl State {
    /// The answer, if there is one.
    fn take(&mut self, head: String, body: &[u8]) -> Option<(u16, &'static str)> {
        self.heads.push(head);
        let mut all = Vec::new();
        decode(body, 1 << 26, |_, series| {
            all.push(series);
            Ok::<(), DecodeError>(())
        })
        .unwrap();
        self.sizes.push(all.iter().map(|series| series.samples.len()).sum());
        let has_poison =
            all.iter().flat_map(|series| &series.samples).any(|s| Some(s.value) == self.poison);
        let is_too_large = self.most.is_some_and(|most| self.sizes.last() > Some(&most));
        let what = match self.plan.pop() {
            None | Some(Do::Take) if is_too_large => Do::Answer(413),
            None | Some(Do::Take) if has_poison => Do::Answer(400),
            what => what.unwrap_or(Do::Take),
        };
        if matches!(what, Do::Take | Do::TakeAndDie) {
            for series in all {
                assert!(series.labels.is_sorted_by(|a, b| a.name < b.name), "{series:?}");
                let label = |name| {
                    series.labels.iter().find(|label| label.name == name).unwrap().value.clone()
                };
                let list = self
                    .arrived
                    .entry(format!("{};{}", label(NAME_LABEL), label("db")))
                    .or_default();
                list.extend(series.samples.iter().map(|s| (s.timestamp, s.value)));
            }
        }
        match what {
            Do::Take => Some((204, "")),
            Do::Answer(status) => Some((status, "the receiver's own words")),
            Do::Page(status) => Some((status, "\n<!DOCTYPE html><title>Log in</title>")),
            Do::TakeAndDie | Do::Die => None,
        }
    }
}

const SECOND: i64 = 1_000_000_000;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("store")).unwrap();
    (directory, store)
}

/// Adds samples to a metric, one in a second; the value is the number of the second.
fn fill(store: &Store, metric: &str, seconds: core::ops::Range<i32>) {
    let home = store.create_database("home").unwrap();
    for second in seconds {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let value = second as f32;
        home.add(metric, Timestamp(i64::from(second) * SECOND), value).unwrap();
    }
}

fn root(directory: &tempfile::TempDir) -> std::path::PathBuf {
    directory.path().join("store")
}

fn all_of(range: core::ops::Range<i32>) -> Vec<f64> {
    range.map(f64::from).collect()
}

#[test]
fn what_is_there_is_sent_once_and_then_what_is_new() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..5);
    let mut options = receiver.options();
    options.from = Some(Timestamp(2 * SECOND));
    options.bearer_token = Some("secret".into());
    let mut forwarder = Forwarder::open(&root(&directory), options.clone()).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 3);
    assert_eq!(forwarder.round(store.engine()).unwrap(), Counts::default());
    fill(&store, "a", 5..7);
    fill(&store, "b.c", 1..4);
    drop(forwarder);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 4);
    assert_eq!(receiver.values("a;home"), all_of(2..7));
    assert_eq!(receiver.values("b_c;home"), all_of(2..4), "a new metric begins at `from`");
    let head = receiver.state.lock().unwrap().heads[0].to_ascii_lowercase();
    for line in [
        "content-type: application/x-protobuf",
        "content-encoding: snappy",
        &format!("x-prometheus-remote-write-version: {VERSION}"),
        "authorization: bearer secret",
    ] {
        assert!(head.contains(line), "{head}");
    }
}

#[test]
fn without_a_beginning_only_what_comes_in_is_sent() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..5);
    let mut forwarder = Forwarder::open(&root(&directory), receiver.options()).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap(), Counts::default());
    let home = store.database("home").unwrap();
    // The same instant as the newest: new all the same.
    home.add("a", Timestamp(4 * SECOND + 1), 4.5).unwrap();
    home.add("a", Timestamp(4 * SECOND + 1), 4.5).unwrap();
    // A metric that is new has come in since, whatever its times are.
    fill(&store, "old", 0..2);
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.merged), (3, 1));
    assert_eq!(receiver.values("old;home"), all_of(0..2));
    home.add("a", Timestamp(4 * SECOND + 1), 7.5).unwrap();
    forwarder.round(store.engine()).unwrap();
    assert_eq!(receiver.values("a;home"), [4.5, 7.5]);
}

#[test]
fn a_receiver_that_fails_is_asked_again() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..10);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    options.batch_samples = 4;
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let said = Arc::<Mutex<Vec<String>>>::default();
    let hears = Arc::clone(&said);
    forwarder.on_notice(move |text| hears.lock().unwrap().push(text.to_owned()));
    let failures = [500, 503, 429, 401, 404, 302].map(Do::Answer);
    receiver.plan(&[&failures[..], &[Do::Die, Do::Take, Do::TakeAndDie]].concat());
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused, counts.requests), (10, 0, 3));
    assert_eq!(counts.failures, 8);
    // The second batch arrived twice: nobody knew that it had arrived.
    let expected = [all_of(0..8), all_of(4..10)].concat();
    assert_eq!(receiver.values("a;home"), expected);
    assert!(receiver.state.lock().unwrap().sizes.iter().all(|size| *size <= 4));
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains("500") && said[0].contains("the receiver's own words"), "{said:?}");
    assert!(said[1].contains("answers again"), "{said:?}");
}

#[test]
fn only_what_the_receiver_says_of_the_samples_ends_them() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..10);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let statuses = [301, 402, 403, 404, 405, 406, 409, 410, 411, 412, 415, 417, 421, 426, 431, 451];
    let pages = [200, 203, 302, 400, 404, 422, 502, 511].map(Do::Page);
    receiver.plan(&[&statuses.map(Do::Answer)[..], &pages[..]].concat());
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused, counts.requests), (10, 0, 1));
    assert_eq!(counts.failures, 24);
    assert_eq!(receiver.values("a;home"), all_of(0..10));
}

#[test]
fn an_outage_that_looks_like_an_answer_leaves_the_cursor_where_it_was() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..10);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    options.max_failures = Some(1);
    for outage in [Do::Answer(404), Do::Answer(405), Do::Answer(410), Do::Page(200)] {
        receiver.plan(&[outage]);
        let mut forwarder = Forwarder::open(&root(&directory), options.clone()).unwrap();
        let error = forwarder.round(store.engine()).unwrap_err();
        assert!(matches!(error, ForwardError::GaveUp(_)), "{outage:?}: {error}");
    }
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 10);
    assert_eq!(receiver.values("a;home"), all_of(0..10));
}

#[test]
fn requests_shrink_to_what_a_receiver_takes() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..1000);
    fill(&store, "b", 0..1000);
    receiver.state.lock().unwrap().most = Some(3);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    options.batch_samples = 500;
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused, counts.failures), (2000, 0, 0));
    for series in ["a;home", "b;home"] {
        assert_eq!(receiver.values(series), all_of(0..1000));
    }
    let sizes = receiver.state.lock().unwrap().sizes.clone();
    let too_large = sizes.iter().filter(|size| **size > 3).count();
    assert!(too_large < 10, "what is too large is learned once: {too_large}");
}

#[test]
fn a_sample_that_is_too_large_alone_is_passed_over() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..2);
    receiver.plan(&[Do::Answer(413), Do::Answer(413), Do::Take]);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused), (1, 1));
    assert_eq!(receiver.values("a;home"), [1.0]);
}

#[test]
fn what_is_refused_for_good_is_passed_over_alone() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    for metric in ["a", "b", "c"] {
        fill(&store, metric, 0..100);
    }
    store.database("home").unwrap().add("b", Timestamp(50 * SECOND * 3), -1.0).unwrap();
    receiver.state.lock().unwrap().poison = Some(-1.0);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let said = Arc::<Mutex<Vec<String>>>::default();
    let hears = Arc::clone(&said);
    forwarder.on_notice(move |text| hears.lock().unwrap().push(text.to_owned()));
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused, counts.failures), (300, 1, 0));
    for series in ["a;home", "b;home", "c;home"] {
        assert_eq!(receiver.values(series), all_of(0..100));
    }
    let said = said.lock().unwrap();
    assert!(
        said.len() == 1 && said[0].contains("a sample of b{db=\"home\"} was refused: 400"),
        "{said:?}"
    );
    assert_eq!(forwarder.round(store.engine()).unwrap(), Counts::default());
}

#[test]
fn a_receiver_that_refuses_everything_ends_no_loop() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..3000);
    receiver.plan(&vec![Do::Answer(400); 10_000]);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.refused), (0, 3000));
    assert!(counts.requests < 1000, "{counts:?}");
}

#[test]
fn giving_up_keeps_what_was_not_sent() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    fill(&store, "a", 0..6);
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    options.batch_samples = 2;
    options.max_failures = Some(3);
    receiver.plan(&[Do::Take, Do::Answer(500), Do::Answer(500), Do::Answer(500)]);
    let mut forwarder = Forwarder::open(&root(&directory), options.clone()).unwrap();
    let error = forwarder.round(store.engine()).unwrap_err();
    assert!(
        matches!(&error, ForwardError::GaveUp(text) if text.contains("failed 3 times")),
        "{error}"
    );
    let locked = Forwarder::open(&root(&directory), options.clone()).unwrap_err();
    assert!(matches!(locked, ForwardError::Locked(_)), "{locked}");
    drop(forwarder);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 4);
    assert_eq!(receiver.values("a;home"), all_of(0..6));
}

#[test]
fn a_receiver_that_asks_for_patience_gets_it_and_a_stop_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (directory, store) = store();
    fill(&store, "a", 0..1);
    let mut options = ForwardOptions::to(url);
    options.from = Some(Timestamp::MIN);
    options.min_pause = Duration::from_millis(1);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    let stop = forwarder.stop();
    let asked = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let _ = connection.read(&mut buffer).unwrap();
        let answer = "HTTP/1.1 429 x\r\nretry-after: 3000\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(answer.as_bytes()).unwrap();
        drop(listener);
        // Without `Retry-After` it would ask again at once, and fail again: nobody listens.
        std::thread::sleep(Duration::from_millis(100));
        stop.stop();
    });
    let counts = forwarder.round(store.engine()).unwrap();
    assert_eq!((counts.sent, counts.failures), (0, 1));
    asked.join().unwrap();
}

#[test]
fn metrics_that_lag_behind_lose_nothing() {
    const DAY: i32 = 86_400;
    let ((directory, store), receiver) = (store(), Receiver::start());
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    fill(&store, "ahead", 10 * DAY..10 * DAY + 5);
    fill(&store, "behind", 0..5);
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 10);
    fill(&store, "behind", 5..9);
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 4);
    fill(&store, "ahead", 11 * DAY..11 * DAY + 2);
    fill(&store, "behind", 9..10);
    store.engine().flush().unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 3);
    assert_eq!(receiver.values("behind;home"), all_of(0..10));
}

#[test]
fn the_engine_s_own_metrics_stay_here_unless_named() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    store.create_database("internal").unwrap().add("x", Timestamp(1), 1.0).unwrap();
    let mut options = receiver.options();
    options.from = Some(Timestamp::MIN);
    let mut forwarder = Forwarder::open(&root(&directory), options.clone()).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 0);
    drop(forwarder);
    options.databases = vec!["missing".into(), "internal".into()];
    let mut forwarder = Forwarder::open(&root(&directory), options).unwrap();
    assert_eq!(forwarder.round(store.engine()).unwrap().sent, 1);
}

/// What happens in a test that tries everything.
#[derive(Debug, Clone)]
enum Step {
    Add(usize, u8),
    Round,
    /// The forwarder ends and begins again.
    Restart,
    /// As `Restart`, and the cursor is that of some time ago.
    Crash,
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_usize..3, 1_u8..20).prop_map(|(metric, count)| Step::Add(metric, count)),
        3 => Just(Step::Round),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => Just(Step::Flush),
    ];
    proptest::collection::vec(step, 1..30)
}

fn plans() -> impl Strategy<Value = Vec<Do>> {
    let what = prop_oneof![
        4 => Just(Do::Take),
        1 => Just(Do::TakeAndDie),
        1 => Just(Do::Die),
        1 => prop_oneof![Just(500), Just(429), Just(503)].prop_map(Do::Answer),
    ];
    proptest::collection::vec(what, 0..40)
}

/// The values in the order of their first arrival.
fn first_arrivals(values: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let mut seen = std::collections::BTreeSet::new();
    values.iter().copied().filter(|(time, _)| seen.insert(*time)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn everything_arrives_in_order(steps in steps(), plan in plans(), batch in 1_usize..30) {
        const METRICS: [&str; 3] = ["a", "b", "c"];
        let ((directory, store), receiver) = (store(), Receiver::start());
        let root = root(&directory);
        receiver.plan(&plan);
        let mut options = receiver.options();
        options.from = Some(Timestamp::MIN);
        options.batch_samples = batch;
        options.name = Some("x".into());
        let open = || Forwarder::open(&root, options.clone()).unwrap();
        let path = root.join("forward-x.json");
        let mut forwarder = open();
        let mut old_cursor: Option<Vec<u8>> = None;
        // Metrics lag behind each other by days.
        let mut next = [0, 100_000, 300_000];
        for step in steps {
            match step {
                Step::Add(metric, count) => {
                    let end = next[metric] + i32::from(count);
                    fill(&store, METRICS[metric], next[metric]..end);
                    next[metric] = end;
                }
                Step::Round => {
                    let before = std::fs::read(&path).ok();
                    forwarder.round(store.engine()).unwrap();
                    old_cursor = before.or(old_cursor);
                }
                Step::Restart => {
                    drop(forwarder);
                    forwarder = open();
                }
                Step::Crash => {
                    drop(forwarder);
                    if let Some(old) = &old_cursor {
                        std::fs::write(&path, old).unwrap();
                    }
                    forwarder = open();
                }
                Step::Flush => store.engine().flush().unwrap(),
            }
        }
        forwarder.round(store.engine()).unwrap();
        let arrived = receiver.arrived();
        for ((metric, next), first) in METRICS.into_iter().zip(next).zip([0, 100_000, 300_000]) {
            let expected: Vec<(i64, f64)> =
                (first..next).map(|second| (i64::from(second) * 1000, f64::from(second))).collect();
            let found = arrived.get(&format!("{metric};home")).cloned().unwrap_or_default();
            prop_assert_eq!(first_arrivals(&found), expected);
        }
    }
}

#[test]
fn what_the_settings_name_is_sent_beside_everything_else() {
    let ((directory, store), receiver) = (store(), Receiver::start());
    let table =
        format!("\n[[forward]]\nurl = \"{}\"\nfrom = \"all\"\ninterval = \"10ms\"\n", receiver.url);
    let path = root(&directory).join("engine.toml");
    let text = std::fs::read_to_string(&path).unwrap() + &table;
    std::fs::write(&path, text).unwrap();
    let forwarding = Forwarding::start(&root(&directory), store.engine()).unwrap();
    fill(&store, "a", 0..50);
    for _ in 0..1000 {
        if receiver.values("a;home").len() == 50 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(forwarding);
    assert_eq!(receiver.values("a;home"), all_of(0..50));
    fill(&store, "a", 50..60);
    assert_eq!(receiver.values("a;home").len(), 50, "nobody sends any more");
}
