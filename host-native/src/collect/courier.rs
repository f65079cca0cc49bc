//! Lines to a server, in order; what it cannot take now waits.

use super::queue::{Queue, line_count};
use crate::token::Token;
use core::error::Error;
use core::time::Duration;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use std::io::Read;
use std::time::Instant;

/// Bytes of lines in one request.
const REQUEST: usize = 1 << 20;

/// Bytes of an answer that are read: enough for the reason of a refusal.
const ANSWER: u64 = 4096;

/// Where lines go.
#[derive(Debug, Clone)]
pub struct Server {
    /// As in `http://localhost:8428`; a path is kept.
    pub url: String,
    /// What the server knows its friends by.
    pub token: Option<Token>,
    /// How long it may take for one request.
    pub timeout: Duration,
}

/// What one round of sending came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Lines that arrived.
    pub sent_lines: u64,
    /// What the server says to requests that it will never take whole. They are not sent again.
    pub refused: Vec<String>,
    /// Why lines still wait: the server is away, busy, or wants another token.
    pub away: Option<String>,
}

/// Sends lines to a server and keeps, in a queue of limited size, what it could not take.
#[derive(Debug)]
pub struct Courier {
    client: Client,
    server: Server,
    queue: Queue,
}

impl Courier {
    /// A courier whose queue has room for so many bytes.
    ///
    /// # Errors
    ///
    /// When the address is none, or this process cannot make requests at all.
    pub fn new(server: Server, queue_max_bytes: usize) -> Result<Self, String> {
        let refused = |why: &dyn core::fmt::Display| format!("server {:?}: {why}", server.url);
        let parsed = reqwest::Url::parse(&server.url).map_err(|error| refused(&error))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(refused(&"expected http://… or https://…"));
        }
        let address = format!("{}/api/v1/import", server.url.trim_end_matches('/'));
        // A redirected request would come back as one without lines.
        let client = Client::builder().timeout(server.timeout).redirect(Policy::none()).build();
        let client = client.map_err(|error| told(&error))?;
        let server = Server { url: address, ..server };
        Ok(Self { client, server, queue: Queue::new(queue_max_bytes) })
    }

    /// Adds lines to what is to be sent.
    pub fn take(&mut self, lines: Vec<u8>) {
        self.queue.push(lines);
    }

    /// What waits.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Sends what waits, oldest first, until nothing does, the server is away, or it is time to
    /// look at the machine again.
    pub fn deliver(&mut self, until: Instant) -> Delivery {
        let mut delivery = Delivery::default();
        while !self.queue.is_empty() {
            let (looks, text) = self.queue.front(REQUEST);
            let count = line_count(&text);
            match self.send(text) {
                Answer::Taken => delivery.sent_lines += count,
                Answer::Refused(why) => delivery.refused.push(why),
                Answer::Away(why) => {
                    delivery.away = Some(why);
                    break;
                }
            }
            self.queue.remove(looks);
            if Instant::now() >= until {
                break;
            }
        }
        delivery
    }

    fn send(&self, text: Vec<u8>) -> Answer {
        let mut request = self.client.post(&self.server.url).header(CONTENT_TYPE, "text/plain");
        if let Some(token) = &self.server.token {
            request = request.bearer_auth(token.as_str());
        }
        match request.body(text).send() {
            Ok(response) => answer(response),
            Err(error) => Answer::Away(told(&error)),
        }
    }
}

/// What a server made of a request.
enum Answer {
    Taken,
    Refused(String),
    Away(String),
}

/// Only what lies in the lines themselves is refused for good. A wrong token or path is put right
/// by somebody, and then the lines that waited are welcome.
fn answer(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer::Taken;
    }
    let mut body = Vec::new();
    // The status alone says enough where the rest cannot be read.
    let _ = response.take(ANSWER).read_to_end(&mut body);
    let why = format!("{status}: {}", String::from_utf8_lossy(&body).trim());
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(why),
        _ => Answer::Away(why),
    }
}

/// The error with its reasons; the outermost says only that there was one.
fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(error) = reason {
        text.push_str(": ");
        text.push_str(&error.to_string());
        reason = error.source();
    }
    text
}

#[cfg(test)]
#[path = "courier_tests.rs"]
mod tests;
