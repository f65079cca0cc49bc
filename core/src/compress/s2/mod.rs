//! S2 blocks: the format of every data page, and of metric files on request.
//!
//! Both ids share the format and the decoder; they differ in how long the encoder searches.

mod better;
mod decode;
mod elements;
mod encode;
mod matching;

use super::{BlockCodec, BlockError, CodecId};
use crate::codec::varint;
use alloc::vec::Vec;
use elements::Elements;

/// Inputs shorter than this are stored: a copy cannot save enough to be worth a table.
const MIN_INPUT: usize = 16;

/// Fast S2: the codec of data pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct S2;

/// S2 that searches longer and writes less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct S2Better;

impl BlockCodec for S2 {
    fn id(&self) -> CodecId {
        CodecId::S2
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        encode_with(encode::greedy, input, out);
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode::decode(block, decoded_len, out)
    }

    fn decode_front(
        &self,
        block: &[u8],
        decoded_len: usize,
        wanted: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode::decode_front(block, decoded_len, wanted, out)
    }
}

impl BlockCodec for S2Better {
    fn id(&self) -> CodecId {
        CodecId::S2Better
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        encode_with(better::lazy, input, out);
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode::decode(block, decoded_len, out)
    }

    fn decode_front(
        &self,
        block: &[u8],
        decoded_len: usize,
        wanted: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode::decode_front(block, decoded_len, wanted, out)
    }
}

/// Appends the header and what `search` writes, or one literal if that is not shorter.
fn encode_with(search: fn(&[u8], &mut Elements<'_>), input: &[u8], out: &mut Vec<u8>) {
    varint::encode(input.len() as u64, out);
    let start = out.len();
    // One literal takes at most five bytes more than its content.
    out.resize(start + input.len() + 5, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let mut len = None;
    if input.len() >= MIN_INPUT
        && let Some(shorter) = room.get_mut(..input.len())
    {
        let mut elements = Elements::new(shorter);
        search(input, &mut elements);
        len = elements.finish();
    }
    let len = len.unwrap_or_else(|| {
        let mut elements = Elements::new(room);
        elements.literal(input, 0, input.len());
        elements.finish().unwrap_or_default()
    });
    out.truncate(start + len);
}
