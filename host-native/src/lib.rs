//! NanoTDB on real files.
