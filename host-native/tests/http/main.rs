//! The server as programs meet it.

mod engine;
mod guard;
mod hostile;
mod reference;
mod store;
mod support;
