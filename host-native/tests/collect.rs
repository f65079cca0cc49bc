//! `nanotdb collect` as a user runs it.

use nanotdb::{Store, Timestamp};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nanotdb"));
    program.env_remove("NANOTDB_ROOT");
    program
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn good(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    text(&output.stdout)
}

/// Settings with names of their own for what a test looks for.
fn settings(directory: &Path) -> String {
    let path = directory.join("collect.toml");
    let text = "[drip]\ndatabase = \"box\"\ncollection_interval_ms = 250\ntimeout_ms = 20000\n\
        [collectors.process]\nexe_names = [\"nanotdb\"]\n";
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_look_is_printed_and_is_what_import_takes() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let lines =
        good(&program().args(["collect", "--once", "--config", &settings]).output().unwrap());
    for metric in ["box/mem.total ", "box/cpu.busy_pct ", "box/proc.nanotdb.rss_bytes "] {
        assert!(lines.contains(metric), "{metric} is missing:\n{lines}");
    }
    let root = directory.path().join("store");
    let store = Store::open(&root).unwrap();
    let report = store.add_lines(&lines, &mut |rejected| panic!("{rejected:?}")).unwrap();
    assert_eq!(report.imported_lines, u64::try_from(lines.lines().count()).unwrap());
    store.close().unwrap();
}

#[test]
fn a_store_is_written_until_the_program_is_asked_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let settings = settings(directory.path());
    let mut child = program()
        .args(["--root", root.to_str().unwrap(), "collect", "--config", &settings, "--debug"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    let mut looks = 0;
    for line in said.lines() {
        looks += u32::from(line.unwrap().starts_with("box/mem.total "));
        if looks == 3 {
            break;
        }
    }
    end(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let store = Store::open(&root).unwrap();
    let database = store.database("box").unwrap();
    assert_eq!(database.open_report().replayed, 0, "it was closed");
    let samples = database.range("mem.total", Timestamp::MIN, Timestamp::MAX).unwrap().len();
    assert!(samples >= 3, "{samples}");
    store.close().unwrap();
}

/// Asks a process to end, as a service manager does.
fn end(process: u32) {
    let asked = Command::new("kill").arg(process.to_string()).status().unwrap();
    assert!(asked.success());
}

#[test]
fn lines_wait_for_a_server_and_reach_it_with_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mut child = program()
        .args(["collect", "--to", &url, "--token-file", token.to_str().unwrap()])
        .args(["--config", &settings(directory.path())])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let away = said.next().unwrap().unwrap();
    assert!(away.starts_with("server away, lines wait: "), "{away}");
    sleep(Duration::from_millis(600)); // for some more looks
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (head, body) = answered(&listener);
    assert!(head.contains("authorization: Bearer secret\r\n"), "{head}");
    let times: Vec<&str> = body
        .lines()
        .filter(|line| line.starts_with("box/mem.total "))
        .map(|line| line.splitn(3, ' ').last().unwrap())
        .collect();
    assert!(times.len() >= 2 && times.is_sorted(), "{times:?}");
    assert!(body.contains("box/collect.dropped_lines 0i "), "{body}");
    let back = said.next().unwrap().unwrap();
    assert!(back.starts_with("server back, "), "{back}");
    end(child.id());
    child.wait().unwrap();
}

/// Takes one request and says yes.
fn answered(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    (head, text(&body))
}

#[test]
fn what_makes_no_sense_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.toml");
    std::fs::write(&broken, "[drip]\ncollection_interval_ms = 1\n").unwrap();
    let broken = broken.to_str().unwrap();
    for (arguments, named) in [
        (&["collect"][..], "--to or --root"),
        (&["--root", "x", "collect", "--to", "http://localhost:1"], "--to or --root"),
        (&["collect", "--once", "--to", "localhost:1"], "expected http://"),
        (&["collect", "--once", "--interval", "1ms"], "collection_interval_ms"),
        (&["collect", "--once", "--config", broken], "expected at least 250"),
        (&["collect", "--once", "--config", "no such file"], "no such file"),
    ] {
        let output = program().args(arguments).output().unwrap();
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.contains(named), "{arguments:?}: {complaint}");
    }
}
