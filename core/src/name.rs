//! Names of databases and metrics.
