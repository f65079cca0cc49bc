//! Why a request was not done.

use super::json::written;
use crate::storage::StorageErrorKind;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use core::fmt;
use nanotdb_core::error::{Error, Rejection};
use nanotdb_core::view;
use serde::Serialize;

/// An error answer: status, type and text, and what was done all the same.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    kind: &'static str,
    message: String,
    code: Option<&'static str>,
    data: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct Body<'a> {
    status: &'static str,
    #[serde(rename = "errorType")]
    kind: &'a str,
    error: &'a str,
    /// What the package's errors call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a serde_json::Value>,
}

impl Failure {
    fn new(status: StatusCode, kind: &'static str, message: impl fmt::Display) -> Self {
        Self { status, kind, message: message.to_string(), code: None, data: None }
    }

    /// 400: the request is wrong.
    pub fn bad(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_data", message)
    }

    /// 401: the token is missing or wrong.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "expected Authorization: Bearer TOKEN")
    }

    /// 403: not from there.
    pub fn forbidden(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: no such thing.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 405: not by this method.
    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "bad_data", "method not allowed")
    }

    /// 408: the client was too slow.
    pub fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body stopped coming")
    }

    /// 409: not in this state.
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 413: too long.
    pub fn too_large(limit: u64) -> Self {
        let message = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "bad_data", message)
    }

    /// 415: not in this form.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_data", message)
    }

    /// 422: understood, and impossible.
    pub fn unprocessable(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "execution", message)
    }

    /// 500: our fault.
    pub fn execution(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "execution", message)
    }

    /// 503: not now.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// 503: it took too long.
    pub fn timeout() -> Self {
        let message = "the request took longer than server.request_timeout";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message)
    }

    /// With what was done all the same.
    #[must_use]
    pub fn with_data(mut self, data: serde_json::Value) -> Self {
        self.data = Some(data);
        self
    }

    /// With another text.
    #[must_use]
    pub fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// The status it is answered with.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = Some(view::code(&error));
        Self { code, ..Self::of(error) }
    }
}

impl Failure {
    fn of(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Rejected(Rejection::UnknownDatabase(_) | Rejection::UnknownMetric(_)) => {
                Self::not_found(message)
            }
            Error::Rejected(Rejection::PartitionOpen(_) | Rejection::ClockJumped { .. }) => {
                Self::conflict(message)
            }
            Error::Rejected(Rejection::ReadOnly) | Error::Closed | Error::Poisoned { .. } => {
                Self::unavailable(message)
            }
            Error::Rejected(_) => Self::bad(message),
            Error::Storage(storage) => match storage.kind {
                StorageErrorKind::NotFound => Self::not_found(message),
                StorageErrorKind::InvalidName => Self::bad(message),
                StorageErrorKind::NoSpace | StorageErrorKind::TooManyFiles => {
                    Self::unavailable(message)
                }
                _ => Self::execution(message),
            },
            _ => Self::execution(message),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Body {
            status: "error",
            kind: self.kind,
            error: &self.message,
            code: self.code,
            data: self.data.as_ref(),
        };
        let mut response = (self.status, written(&body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert("retry-after", axum::http::HeaderValue::from_static("1"));
        }
        response
    }
}
