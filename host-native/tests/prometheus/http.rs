//! Just enough HTTP to ask.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub json: Value,
}

/// Sends a form by `method` and reads the whole reply. Fails when nobody listens.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, form: &str) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(to)?;
    let (target, body) = match method {
        "GET" => (format!("{path}?{form}"), ""),
        _ => (path.to_owned(), form),
    };
    // HTTP/1.0 has no chunks.
    write!(
        stream,
        "{method} {target} HTTP/1.0\r\nHost: {to}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let (_, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
    let json = serde_json::from_str(body).unwrap_or(Value::String(body.into()));
    Ok(Reply { status, json })
}

/// As a form writes a text.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
