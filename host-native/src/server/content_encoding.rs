//! Compressed bodies of requests, unpacked as they arrive.
//!
//! | `Content-Encoding` | what |
//! |---|---|
//! | `gzip`, `x-gzip` | members of RFC 1952, any number: they are one stream |
//! | `deflate` | a stream of RFC 1950 (zlib), or, as some clients send it, of RFC 1951 alone |
//! | `identity`, none | as it is |
//!
//! Names count in any case. What follows the end of the stream is an error, and so is an end before
//! it. How much a body may unpack to is limited where bodies are read; here no more is unpacked ahead
//! than [`PIECE`] and what [`STEP`] bytes come to.

use super::answer::Failure;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use hyper::body::Frame;
use std::io::{self, ErrorKind, Write};

/// Bytes that are unpacked before they are handed on.
const PIECE: usize = 64 * 1024;

/// Packed bytes that are unpacked at once. They come to 1,032 times as many at most.
const STEP: usize = 256;

/// Unpacks the body of a request.
pub(super) async fn unpack(mut request: Request, next: Next) -> Response {
    let unpacker = match Unpacker::of(request.headers()) {
        Ok(unpacker) => unpacker,
        Err(encoding) => return refused(&encoding),
    };
    if let Some(unpacker) = unpacker {
        let headers = request.headers_mut();
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        request = request.map(|packed| Body::new(Unpacked::new(packed, unpacker)));
    }
    next.run(request).await
}

fn refused(encoding: &str) -> Response {
    let message = format!("content encoding {encoding}: expected gzip or deflate");
    let mut response = Failure::unsupported(message).into_response();
    let accepted = HeaderValue::from_static("gzip, deflate");
    response.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    response
}

/// Unpacks one stream.
enum Unpacker {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(Inflater),
}

impl Unpacker {
    /// What the headers call for; the error is the name of an encoding that is not known.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, String> {
        let values = headers.get_all(header::CONTENT_ENCODING).iter();
        let names = values.flat_map(|value| value.to_str().unwrap_or("?").split(','));
        let names = names.map(|name| name.trim().to_ascii_lowercase());
        let names: Vec<String> =
            names.filter(|name| !name.is_empty() && name != "identity").collect();
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            ["gzip" | "x-gzip"] => Ok(Some(Self::Gzip(MultiGzDecoder::new(Vec::new())))),
            ["deflate"] => Ok(Some(Self::Deflate(Inflater::default()))),
            _ => Err(names.join(", ")),
        }
    }

    /// Unpacks what comes next; what is ready of it is added to `out`.
    fn write(&mut self, mut packed: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => {
                while !packed.is_empty() {
                    let taken = gzip.write(packed)?;
                    packed = packed.get(taken..).unwrap_or_default();
                }
                out.append(gzip.get_mut());
                Ok(())
            }
            Self::Deflate(deflate) => deflate.write(packed, out),
        }
    }

    /// Unpacks what is left, and fails when the stream has not ended.
    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => {
                gzip.try_finish()?;
                out.append(gzip.get_mut());
                Ok(())
            }
            Self::Deflate(deflate) => deflate.finish(out),
        }
    }
}

/// `deflate` in either form: the first two bytes tell which.
#[derive(Default)]
struct Inflater {
    begun: Vec<u8>,
    stream: Option<Decompress>,
    has_ended: bool,
}

impl Inflater {
    fn write(&mut self, packed: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        if self.stream.is_some() {
            return self.inflate(packed, out);
        }
        self.begun.extend_from_slice(packed);
        let &[method, flags, ..] = self.begun.as_slice() else { return Ok(()) };
        let is_zlib =
            method & 0x8f == 0x08 && u16::from_be_bytes([method, flags]).is_multiple_of(31);
        self.stream = Some(Decompress::new(is_zlib));
        let begun = core::mem::take(&mut self.begun);
        self.inflate(&begun, out)
    }

    fn inflate(&mut self, mut packed: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !packed.is_empty() {
            if self.has_ended {
                let message = "bytes follow the end of the deflate stream";
                return Err(io::Error::new(ErrorKind::InvalidData, message));
            }
            out.reserve(PIECE);
            let before = stream.total_in();
            let status = stream.decompress_vec(packed, out, FlushDecompress::None)?;
            let taken = usize::try_from(stream.total_in() - before).unwrap_or(usize::MAX);
            packed = packed.get(taken..).unwrap_or_default();
            self.has_ended = status == Status::StreamEnd;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return if self.begun.is_empty() {
                Ok(())
            } else {
                Err(ErrorKind::UnexpectedEof.into())
            };
        };
        while !self.has_ended {
            out.reserve(PIECE);
            let before = out.len();
            let status = stream.decompress_vec(&[], out, FlushDecompress::Finish)?;
            self.has_ended = status == Status::StreamEnd;
            if !self.has_ended && out.len() == before {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// A body that unpacks another one.
struct Unpacked {
    packed: Body,
    unpacker: Unpacker,
    /// What has come and is not unpacked yet.
    waiting: Bytes,
    /// Whether anything has come at all: nothing is packed as nothing.
    has_begun: bool,
    has_ended: bool,
}

impl Unpacked {
    fn new(packed: Body, unpacker: Unpacker) -> Self {
        Self { packed, unpacker, waiting: Bytes::new(), has_begun: false, has_ended: false }
    }

    /// Unpacks some of what waits.
    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < PIECE && !self.waiting.is_empty() {
            let step = self.waiting.split_to(STEP.min(self.waiting.len()));
            self.unpacker.write(&step, &mut out)?;
        }
        Ok(out)
    }

    /// Unpacks what is left at the end.
    fn rest(&mut self) -> io::Result<Vec<u8>> {
        self.has_ended = true;
        let mut out = Vec::new();
        if self.has_begun {
            self.unpacker.finish(&mut out)?;
        }
        Ok(out)
    }

    fn broken(&mut self, error: &io::Error) -> BoxError {
        (self.has_ended, self.waiting) = (true, Bytes::new());
        let what = match error.kind() {
            ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
            _ => error.to_string(),
        };
        format!("cannot be unpacked: {what}").into()
    }
}

impl HttpBody for Unpacked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while !this.has_ended {
            let unpacked = if this.waiting.is_empty() {
                match ready!(Pin::new(&mut this.packed).poll_frame(context)) {
                    Some(Ok(frame)) => {
                        this.waiting = frame.into_data().unwrap_or_default();
                        this.has_begun |= !this.waiting.is_empty();
                        continue;
                    }
                    Some(Err(error)) => {
                        this.has_ended = true;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    None => this.rest(),
                }
            } else {
                this.piece()
            };
            match unpacked {
                Ok(out) if out.is_empty() => {}
                Ok(out) => return Poll::Ready(Some(Ok(Frame::data(out.into())))),
                Err(error) => return Poll::Ready(Some(Err(this.broken(&error)))),
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
#[path = "content_encoding_tests.rs"]
mod tests;
