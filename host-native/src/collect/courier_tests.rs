//! A courier and a server of a few lines, which answers as it is told to.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// What came in one request.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    head: String,
    body: String,
}

/// Answers one connection after the other, each with the next status, and returns what came.
fn serve(listener: TcpListener, answers: &'static [&'static str]) -> JoinHandle<Vec<Request>> {
    std::thread::spawn(move || {
        answers.iter().map(|answer| exchange(&listener.accept().unwrap().0, answer)).collect()
    })
}

fn exchange(mut stream: &TcpStream, answer: &str) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let says = "why not";
    let length = says.len();
    write!(
        stream,
        "HTTP/1.1 {answer}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{says}"
    )
    .unwrap();
    Request { head, body: String::from_utf8(body).unwrap() }
}

fn courier(port: u16, queue_max_bytes: usize) -> Courier {
    let url = format!("http://127.0.0.1:{port}/");
    let token = Some("secret".into());
    let server = Server { url, token, timeout: Duration::from_secs(20) };
    Courier::new(server, queue_max_bytes).unwrap()
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// A port that nobody listens on, and the listener for later.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn what_waited_is_sent_in_order_when_the_server_is_back() {
    let port = closed_port();
    let mut courier = courier(port, 1000);
    courier.take(b"m/a 1\n".to_vec());
    let away = courier.deliver(later());
    assert_eq!(away.sent_lines, 0);
    assert!(away.away.is_some(), "{away:?}");
    courier.take(b"m/a 2\nm/b 2\n".to_vec());
    assert_eq!(courier.queue().bytes(), 18);

    let server = serve(
        TcpListener::bind(("127.0.0.1", port)).unwrap(),
        &["503 Service Unavailable", "200 OK", "204 No Content"],
    );
    let busy = courier.deliver(later());
    assert!(busy.away.unwrap().starts_with("503"));
    let back = courier.deliver(later());
    assert_eq!(back, Delivery { sent_lines: 3, refused: Vec::new(), away: None });
    courier.take(b"m/a 3\n".to_vec());
    assert_eq!(courier.deliver(later()).sent_lines, 1);
    assert_eq!(courier.deliver(later()), Delivery::default(), "nothing is left to send");

    let requests = server.join().unwrap();
    let bodies: Vec<&str> = requests.iter().map(|request| &*request.body).collect();
    assert_eq!(bodies, ["m/a 1\nm/a 2\nm/b 2\n", "m/a 1\nm/a 2\nm/b 2\n", "m/a 3\n"]);
    for Request { head, .. } in requests {
        assert!(head.starts_with("post /api/v1/import http/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: bearer secret\r\n"), "{head}");
    }
}

#[test]
fn what_is_refused_for_good_is_not_sent_again_and_a_wrong_token_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut courier = courier(listener.local_addr().unwrap().port(), 1000);
    let server = serve(listener, &["400 Bad Request", "401 Unauthorized", "302 Found"]);
    courier.take(b"m/a 1\n".to_vec());
    let refused = courier.deliver(later());
    assert_eq!(refused.refused, ["400 Bad Request: why not"]);
    assert!(courier.queue().is_empty());
    courier.take(b"m/a 2\n".to_vec());
    for status in ["401", "302"] {
        let waits = courier.deliver(later());
        assert!(waits.away.as_deref().unwrap().starts_with(status), "{waits:?}");
        assert!(!courier.queue().is_empty());
    }
    assert_eq!(server.join().unwrap().len(), 3);
}

#[test]
fn a_full_queue_drops_the_oldest_and_counts_them() {
    let mut courier = courier(closed_port(), 12);
    for look in 0..5 {
        courier.take(format!("m/a {look}\n").into_bytes());
        assert!(courier.deliver(later()).away.is_some());
    }
    assert_eq!(courier.queue().dropped_lines(), 3);
    assert_eq!(courier.queue().front(100), (2, b"m/a 3\nm/a 4\n".to_vec()));
}

#[test]
fn addresses_that_are_none_are_refused() {
    for url in ["localhost:8428", "ftp://host", "", "http://"] {
        let server = Server { url: url.to_owned(), token: None, timeout: Duration::from_secs(1) };
        let refused = Courier::new(server, 1).unwrap_err();
        assert!(refused.contains(&format!("{url:?}")), "{refused}");
    }
}
