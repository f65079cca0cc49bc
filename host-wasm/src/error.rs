//! Errors on their way to JavaScript: an `Error` with a `code`.

use js_sys::Reflect;
use nanotdb_core::Error;
use nanotdb_core::error::Rejection;
use nanotdb_core::storage::{StorageError, StorageErrorKind};
use wasm_bindgen::{JsCast, JsValue};

/// An error as JavaScript gets it.
pub(crate) fn thrown(error: impl Into<Error>) -> JsValue {
    let error = error.into();
    with_code(code(&error), &error.to_string())
}

/// An error of this code.
pub(crate) fn with_code(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // An ordinary object takes every property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// What programs branch on. The package's `ErrorCode` lists them.
pub(crate) fn code(error: &Error) -> &'static str {
    match error {
        Error::Storage(error) => storage_code(error),
        Error::Corrupt(_) => "corrupt",
        Error::Rejected(rejection) => rejection_code(rejection),
        Error::Unsupported { .. } => "unsupported",
        Error::Settings { .. } => "settings",
        Error::Closed => "closed",
        Error::Poisoned { .. } => "poisoned",
        _ => "internal",
    }
}

const fn storage_code(error: &StorageError) -> &'static str {
    match error.kind {
        StorageErrorKind::NotFound => "not-found",
        StorageErrorKind::AlreadyExists => "exists",
        StorageErrorKind::NoSpace => "no-space",
        StorageErrorKind::Locked => "locked",
        StorageErrorKind::ReadOnly => "read-only",
        StorageErrorKind::InvalidName => "invalid-name",
        StorageErrorKind::Io => "io",
    }
}

const fn rejection_code(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Stale { .. } => "stale",
        Rejection::TypeMismatch { .. } => "type-mismatch",
        Rejection::TooManyMetrics => "too-many-metrics",
        Rejection::InvalidName { .. } => "invalid-name",
        Rejection::UnknownDatabase(_) => "unknown-database",
        Rejection::UnknownMetric(_) => "unknown-metric",
        Rejection::InvalidRange { .. } => "invalid-range",
        Rejection::InvalidPartition { .. } => "invalid-partition",
        Rejection::PartitionOpen(_) => "partition-open",
        Rejection::Line(_) => "invalid-line",
        Rejection::ReadOnly => "read-only",
        _ => "invalid",
    }
}

/// A text property of a thrown value.
pub(crate) fn text_of(thrown: &JsValue, property: &str) -> Option<String> {
    Reflect::get(thrown, &property.into()).ok()?.as_string()
}

/// What a browser's exception is called, such as `QuotaExceededError`, and what it says.
pub(crate) fn described(thrown: &JsValue) -> (String, String) {
    let name = text_of(thrown, "name").unwrap_or_default();
    let message = text_of(thrown, "message").unwrap_or_else(|| {
        thrown.dyn_ref::<js_sys::JsString>().map(String::from).unwrap_or_default()
    });
    (name, message)
}
