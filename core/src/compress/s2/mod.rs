//! S2 blocks.
