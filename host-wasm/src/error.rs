//! Errors on their way to JavaScript: an `Error` with a `code`.

use js_sys::Reflect;
use nanotdb_core::Error;
use nanotdb_core::view::code;
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
