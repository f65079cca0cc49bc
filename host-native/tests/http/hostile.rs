//! Clients that are slow, broken or greedy: others are answered all the same, and memory is bounded.

use crate::support::{Answer, Served};
use core::time::Duration;
use nanotdb::Timestamp;
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// Resident memory of this process in bytes, with the server in it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_body_that_is_too_long_is_413_and_what_came_before_is_told() {
    let served = Served::with("", |settings| settings.max_body_bytes = 100_000);
    let line = |number: u64| format!("home/a 1 {number}\n");
    let few: String = (0..1000).map(line).collect();
    assert_eq!(served.post("/api/v1/import", few).status, 200);
    let many: String = (1000..20_000).map(line).collect();
    let answer = served.post("/api/v1/import", many);
    let (status, _, error) = answer.error();
    assert_eq!((status, error.as_str()), (413, "the body is longer than 100000 bytes"));
    let taken = answer.json()["data"]["imported"].as_u64().unwrap();
    let found = served.store().database("home").unwrap();
    let found = found.range("a", Timestamp(0), Timestamp::MAX).unwrap().len() as u64;
    assert_eq!((taken > 0, found), (true, 1000 + taken));
}

#[test]
fn what_unpacks_to_more_than_is_allowed_is_413() {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    let served = Served::with("", |settings| settings.max_body_bytes = 10_000_000);
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![b'#'; 1 << 20];
    (0..200).for_each(|_| bomb.write_all(&block).unwrap());
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1_000_000);
    let before = resident();
    let request = served.client().post(served.url("/api/v1/import"));
    let answer = Answer::of(request.header("content-encoding", "gzip").body(bomb).send().unwrap());
    assert_eq!(answer.error().0, 413);
    assert!(resident() < before + (64 << 20));

    let mut small = GzEncoder::new(Vec::new(), Compression::fast());
    small.write_all(b"home/a 1\n").unwrap();
    let request = served.client().post(served.url("/api/v1/import"));
    let request = request.header("content-encoding", "gzip").body(small.finish().unwrap());
    assert_eq!(Answer::of(request.send().unwrap()).status, 200);
    let request = served.client().post(served.url("/api/v1/import"));
    let request = request.header("content-encoding", "gzip").body("no gzip");
    assert_eq!(Answer::of(request.send().unwrap()).status, 400);
    let request = served.client().post(served.url("/api/v1/import"));
    let request = request.header("content-encoding", "br").body("x");
    assert_eq!(Answer::of(request.send().unwrap()).status, 415);
}

#[test]
fn a_gigabyte_goes_through_little_memory() {
    /// Lines without end, as far as a reader can tell.
    struct Lines {
        left: u64,
    }
    impl Read for Lines {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            const LINE: &[u8] = b"# a comment of thirty-two bytes\n";
            let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            for (at, byte) in buffer.iter_mut().take(room).enumerate() {
                *byte = LINE[at % LINE.len()];
            }
            self.left -= room as u64;
            Ok(room)
        }
    }
    let served = Served::with("", |settings| settings.max_body_bytes = 2 << 30);
    let before = resident();
    let body = reqwest::blocking::Body::new(Lines { left: 1 << 30 });
    let sending = std::thread::scope(|scope| {
        let request = served.client().post(served.url("/api/v1/import"));
        let request = request.timeout(Duration::from_mins(5));
        let sending = scope.spawn(move || Answer::of(request.body(body).send().unwrap()));
        let mut most = 0;
        while !sending.is_finished() {
            // Others are answered meanwhile.
            assert_eq!(served.get("/health").status, 200);
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(most < before + (64 << 20), "{most} bytes in the end, {before} before");
        sending.join().unwrap()
    });
    assert_eq!(sending.status, 200, "{}", sending.text);
}

#[test]
fn a_client_that_stops_in_the_middle_is_told_and_what_it_sent_is_kept() {
    let served = Served::with("", |settings| settings.request_timeout = Duration::from_millis(300));
    let head = "POST /api/v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n";
    let answer = served.say(format!("{head}home/a 1 5\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"imported\":1"), "{answer}");
    assert_eq!(served.get("/api/v1/query?query=home/a").status, 200);
}

#[test]
fn half_closed_connections_and_broken_requests_harm_nobody() {
    let served = Served::new();
    for said in [
        "GET /health HTTP/1.1\r\nhost: localhost\r\n",
        "POST /api/v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\nhome/a 1",
        "POST /api/v1/import HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "\u{0}\u{1}\u{2}",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = served.connect();
        stream.write_all(said.as_bytes()).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{said:?}: {answer}");
    }
    assert_eq!(served.get("/health").status, 200);
}

#[test]
fn a_head_that_does_not_end_is_refused() {
    let served = Served::new();
    let mut stream = served.connect();
    stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
    let long = vec![b'a'; 1 << 20];
    // The server stops reading at some point, and says so or closes.
    let _ = stream.write_all(b"x: ").and_then(|()| stream.write_all(&long));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    assert_eq!(served.get("/health").status, 200);
}

#[test]
fn a_thousand_idle_connections_are_not_in_the_way() {
    let served = Served::with("", |settings| settings.max_connections = 2000);
    let before = resident();
    let idle: Vec<_> = (0..1000).map(|_| served.connect()).collect();
    for stream in &idle {
        let mut stream = stream;
        stream
            .write_all(
                b"POST /api/v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhome",
            )
            .unwrap();
    }
    for number in 0..20 {
        served.import(&format!("home/a {number}\n"));
        assert_eq!(served.get("/api/v1/query?query=home/a").status, 200);
    }
    assert!(resident() < before + (128 << 20), "{} before, {} now", before, resident());
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let served = Served::with("", |settings| settings.max_connections = 2);
    let idle = [served.connect(), served.connect()];
    let url = served.url("/health");
    let waiting = std::thread::spawn(move || {
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().unwrap().status().as_u16()
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished(), "there was no place");
    drop(idle);
    assert_eq!(waiting.join().unwrap(), 200);
}

#[test]
fn connections_that_ask_nothing_make_room_for_those_that_may_ask() {
    let token = "secret-secret-secret-secret";
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("token");
    std::fs::write(&file, token).unwrap();
    let served = Served::with("", |settings| {
        settings.max_connections = 2;
        settings.token = Some(nanotdb::token::Token::read(&file).unwrap());
    });
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let ask = |client: &reqwest::blocking::Client, bears: bool| {
        let request = client.get(served.url("/api/v1/databases"));
        let request = if bears { request.bearer_auth(token) } else { request };
        request.send().map_or(0, |answer| answer.status().as_u16())
    };
    // One says nothing, one half a head, one something that everybody may say.
    let mut idle = [served.connect(), served.connect()];
    idle[1].write_all(b"GET /health HTTP/1.1\r\n").unwrap();
    assert_eq!(ask(&client, true), 200);
    let mut knocks = served.connect();
    knocks.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let other = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    assert_eq!(ask(&other, true), 200);
    // The first client has been trusted: its connection is still there, though idle.
    assert_eq!(ask(&client, true), 200);
    drop(other);
    assert_eq!(ask(&client, false), 401);
}

#[test]
fn a_client_that_reads_nothing_holds_no_query_up() {
    let served = Served::new();
    let lines: Vec<String> = (0..200_000).map(|n| format!("home/a {n} {n}\n")).collect();
    served.import(&lines.concat());
    let path = "/api/v1/query_range?query=home/a&start=1970-01-01";
    let deaf: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = served.connect();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
            stream
        })
        .collect();
    // All of them are being answered, which would take them a minute to give up.
    let answers = ["/api/v1/query?query=home/a", path].map(|path| served.get(path).status);
    assert_eq!(answers, [200, 200]);
    drop(deaf);
}

#[test]
fn a_client_that_reads_nothing_is_given_up_and_one_that_reads_gets_no_half_answer() {
    let served = Served::with("", |settings| settings.request_timeout = Duration::from_millis(300));
    let lines: Vec<String> = (0..400_000).map(|n| format!("home/a {n} {n}\n")).collect();
    served.import(&lines.concat());
    let mut stream = served.connect();
    let path = "/api/v1/query_range?query=home/a&start=1970-01-01";
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "{} bytes look like a whole answer", answer.len());
    assert!(answer.starts_with(b"HTTP/1.1 200"), "it had begun");
}

#[test]
fn a_store_that_is_closed_is_503_and_says_so() {
    let served = Served::new();
    served.import("home/a 1\n");
    served.store().engine().close().unwrap();
    let (status, kind, error) = served.post("/api/v1/import", "home/a 2\n").error();
    assert_eq!(
        (status, kind.as_str(), error.as_str()),
        (503, "unavailable", "the store is closed")
    );
    assert_eq!(served.get("/ready").error().0, 503);
    assert_eq!(served.get("/api/v1/query?query=home/a").status, 200);
}
