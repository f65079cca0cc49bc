//! Columns of metric files of version 3, from `docs/FORMAT.md` §6.

use super::bytes::Cursor;

/// Points of a block.
const BLOCK: usize = 1024;

/// What a decoder says about bytes it cannot take.
pub(super) type Fault = String;

fn fault<T>(what: &str) -> Result<T, Fault> {
    Err(what.to_owned())
}

fn some<T>(field: Option<T>) -> Result<T, Fault> {
    field.ok_or_else(|| "column cut short".to_owned())
}

fn uvarint(c: &mut Cursor<'_>) -> Result<u64, Fault> {
    some(c.uvarint()).map(|(number, _)| number)
}

fn u32_of(number: u64) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| "a number of more than 32 bits".to_owned())
}

fn end(c: &Cursor<'_>) -> Result<(), Fault> {
    if c.rest().is_empty() { Ok(()) } else { fault("bytes behind the end of a column") }
}

/// Decodes the values of all blocks.
pub(super) fn values(
    head: &[u8],
    blocks: &[&[u8]],
    points: usize,
    is_integer: bool,
) -> Result<Vec<u32>, Fault> {
    let mut c = Cursor::new(head);
    let mut out = Vec::new();
    let lens = (0..points).step_by(BLOCK).map(|start| (points - start).min(BLOCK));
    match some(c.u8())? {
        0 => {
            for (block, len) in blocks.iter().zip(lens) {
                let mut b = Cursor::new(block);
                for _ in 0..len {
                    out.push(some(b.u32())?);
                }
                end(&b)?;
            }
        }
        1 => {
            let way = Way::read(&mut c, is_integer)?;
            let has_exceptions = some(c.u8())?;
            let base = some(c.u32())?;
            let divisor = u32_of(uvarint(&mut c)?)?;
            let numbers = Numbers::read(&mut c)?;
            for (block, len) in blocks.iter().zip(lens) {
                let mut b = Cursor::new(block);
                let mut exceptions = Vec::new();
                if has_exceptions == 1 {
                    for _ in 0..uvarint(&mut b)? {
                        exceptions.push((usize::from(some(b.u16())?), some(b.u32())?));
                    }
                }
                let stored = numbers.block(b, len)?;
                let number = |s: u32| base.wrapping_add(s.wrapping_mul(divisor));
                let mut raws: Vec<u32> = stored.into_iter().map(|s| way.raw(number(s))).collect();
                for (position, raw) in exceptions {
                    *some(raws.get_mut(position))? = raw;
                }
                out.extend(raws);
            }
        }
        _ => return fault("unknown value encoding"),
    }
    end(&c)?;
    Ok(out)
}

enum Way {
    Integer,
    Decimal(i32),
    Float,
}

impl Way {
    fn read(c: &mut Cursor<'_>, is_integer: bool) -> Result<Self, Fault> {
        match (some(c.u8())?, is_integer) {
            (0, true) => Ok(Self::Integer),
            (1, false) => match some(c.u8())? {
                digits @ 0..=10 => Ok(Self::Decimal(digits.into())),
                _ => fault("more than 10 digits"),
            },
            (2, false) => Ok(Self::Float),
            _ => fault("unknown way of counting, or of the other type"),
        }
    }

    fn raw(&self, number: u32) -> u32 {
        let flipped = number ^ 1 << 31;
        match self {
            Self::Integer => flipped,
            #[expect(clippy::cast_possible_truncation, reason = "rounded, says the format")]
            Self::Decimal(digits) => {
                ((f64::from(flipped.cast_signed()) / 10_f64.powi(*digits)) as f32).to_bits()
            }
            Self::Float if number >= 1 << 31 => flipped,
            Self::Float => !number,
        }
    }
}

/// Decodes the times of all blocks.
pub(super) fn times(head: &[u8], blocks: &[&[u8]], points: usize) -> Result<Vec<i64>, Fault> {
    let mut c = Cursor::new(head);
    let mut out = Vec::new();
    let lens = (0..points).step_by(BLOCK).map(|start| (points - start).min(BLOCK));
    match some(c.u8())? {
        0 => {
            for (block, len) in blocks.iter().zip(lens) {
                let mut b = Cursor::new(block);
                for _ in 0..len {
                    out.push(some(b.i64())?);
                }
                end(&b)?;
            }
        }
        1 => {
            let (period, unit) = (uvarint(&mut c)?, uvarint(&mut c)?);
            let least = some(c.i64())?;
            let (ticks, late) = (Numbers::read(&mut c)?, Numbers::read(&mut c)?);
            for (block, len) in blocks.iter().zip(lens) {
                let mut b = Cursor::new(block);
                let origin = some(b.i64())?;
                let ticks_len = usize::try_from(uvarint(&mut b)?).unwrap_or(usize::MAX);
                let ticks = ticks.block(Cursor::new(some(b.take(ticks_len))?), len)?;
                let late = late.block(b, len)?;
                out.extend(ticks.into_iter().zip(late).map(|(tick, late)| {
                    let behind = u64::from(tick)
                        .wrapping_mul(period)
                        .wrapping_add(u64::from(late).wrapping_mul(unit));
                    origin.wrapping_add(least).wrapping_add_unsigned(behind)
                }));
            }
        }
        2 => {
            let unit = uvarint(&mut c)?;
            let has_long = some(c.u8())?;
            let steps = Numbers::read(&mut c)?;
            for (block, len) in blocks.iter().zip(lens) {
                let mut b = Cursor::new(block);
                let mut time = some(b.i64())?;
                let mut long = Vec::new();
                if has_long == 1 {
                    for _ in 0..uvarint(&mut b)? {
                        long.push((usize::from(some(b.u16())?), some(b.u64())?));
                    }
                }
                for (position, step) in steps.block(b, len)?.into_iter().enumerate() {
                    let own = long.iter().find(|(at, _)| *at == position);
                    let step = own.map_or(u64::from(step).wrapping_mul(unit), |(_, step)| *step);
                    if position > 0 {
                        time = time.wrapping_add_unsigned(step);
                    }
                    out.push(time);
                }
            }
        }
        _ => return fault("unknown time encoding"),
    }
    end(&c)?;
    Ok(out)
}

/// A column of numbers.
struct Numbers {
    order: usize,
    least: u32,
    body: Body,
}

enum Body {
    Constant,
    Pack,
    Bins { log: u32, states: Vec<State> },
}

/// What a state of the bins' table means.
#[derive(Clone, Default)]
struct State {
    bits: u32,
    base: usize,
    lower: u32,
    offset_bits: u32,
}

impl Numbers {
    fn read(c: &mut Cursor<'_>) -> Result<Self, Fault> {
        let order = usize::from(some(c.u8())?);
        let least = some(c.u32())?;
        let body = match some(c.u8())? {
            0 => Body::Constant,
            1 => Body::Pack,
            2 => bins(c)?,
            _ => return fault("unknown body"),
        };
        if order > 2 {
            return fault("unknown order");
        }
        Ok(Self { order, least, body })
    }

    /// The numbers of a block of so many, which is all that is left.
    fn block(&self, mut c: Cursor<'_>, len: usize) -> Result<Vec<u32>, Fault> {
        let mut seeds = Vec::new();
        for i in 0..self.order.min(len) {
            let seed = u32_of(uvarint(&mut c)?)?;
            seeds.push(if i == 0 { seed } else { seed >> 1 ^ (seed & 1).wrapping_neg() });
        }
        let fields = match &self.body {
            Body::Constant => vec![0; len],
            Body::Pack => pack(&mut c, len)?,
            Body::Bins { log, states } => coded(&mut c, *log, states, len)?,
        };
        end(&c)?;
        let mut numbers: Vec<u32> = Vec::with_capacity(len);
        let mut step = 0_u32;
        for (i, field) in fields.into_iter().enumerate() {
            let difference = field.wrapping_add(self.least);
            let number = match (self.order, i) {
                (0, _) => difference,
                (_, 0) => seeds[0],
                (1, _) => numbers[i - 1].wrapping_add(difference),
                (_, 1) => {
                    step = seeds[1];
                    seeds[0].wrapping_add(step)
                }
                _ => {
                    step = step.wrapping_add(difference);
                    numbers[i - 1].wrapping_add(step)
                }
            };
            numbers.push(number);
        }
        Ok(numbers)
    }
}

fn pack(c: &mut Cursor<'_>, len: usize) -> Result<Vec<u32>, Fault> {
    let base = u32_of(uvarint(c)?)?;
    let width = usize::from(some(c.u8())?);
    let mut patches = Vec::new();
    for _ in 0..uvarint(c)? {
        patches.push((usize::from(some(c.u16())?), some(c.u32())?));
    }
    let bytes = some(c.take(if len == BLOCK { 128 * width } else { (width * len).div_ceil(8) }))?;
    let mut fields = Vec::with_capacity(len);
    for i in 0..len {
        let mut field = 0;
        for bit in 0..width {
            let (byte, within) = if len == BLOCK {
                let at = width * (i / 32) + bit;
                let (word, within) = (at / 32, at % 32);
                ((word * 32 + i % 32) * 4 + within / 8, within % 8)
            } else {
                ((width * i + bit) / 8, (width * i + bit) % 8)
            };
            field |= u32::from(bytes[byte] >> within & 1) << bit;
        }
        fields.push(field.wrapping_add(base));
    }
    for (position, field) in patches {
        *some(fields.get_mut(position))? = field;
    }
    Ok(fields)
}

fn bins(c: &mut Cursor<'_>) -> Result<Body, Fault> {
    let log = u32::from(some(c.u8())?);
    if !(5..=10).contains(&log) {
        return fault("a table of another size");
    }
    let size = 1_usize << log;
    let mut states = vec![State::default(); size];
    let (mut lower, mut free, mut taken) = (0_u32, 0, 0);
    for _ in 0..uvarint(c)? {
        lower = lower.wrapping_add(u32_of(uvarint(c)?)?);
        let offset_bits = u32::from(some(c.u8())?);
        let weight = usize::try_from(uvarint(c)?).unwrap_or(usize::MAX);
        taken += weight.min(size + 1);
        if taken > size {
            return fault("weights beyond the table");
        }
        let mut own = Vec::new();
        for _ in 0..weight {
            own.push(free);
            free = (free + 5 * size / 8 + 3) % size;
        }
        own.sort_unstable();
        for (k, state) in own.into_iter().enumerate() {
            let count = weight + k;
            let bits = log - count.ilog2();
            let base = (count << bits) - size;
            states[state] = State { bits, base, lower, offset_bits };
        }
    }
    if taken < size { fault("weights below the table") } else { Ok(Body::Bins { log, states }) }
}

fn coded(c: &mut Cursor<'_>, log: u32, table: &[State], len: usize) -> Result<Vec<u32>, Fault> {
    let bytes = some(c.take(c.rest().len()))?;
    let mut at = 0;
    let mut bits = |count: u32| {
        let mut number = 0_u64;
        for bit in 0..count {
            let byte = *some(bytes.get(at / 8))?;
            number |= u64::from(byte >> (at % 8) & 1) << bit;
            at += 1;
        }
        usize::try_from(number).map_err(|_| "beyond memory".to_owned())
    };
    let mut states = [0; 4];
    for state in &mut states {
        *state = bits(log)?;
    }
    let mut fields = Vec::with_capacity(len);
    for i in 0..len {
        let State { bits: count, base, lower, offset_bits } = &table[states[i % 4]];
        states[i % 4] = base + bits(*count)?;
        let offset = bits(*offset_bits)?;
        fields.push(lower.wrapping_add(u32_of(offset as u64)?));
    }
    if states != [0; 4] {
        return fault("the states do not end at 0");
    }
    let filling = bytes.len() * 8 - at;
    if filling >= 8 || filling > 0 && bytes[bytes.len() - 1] >> (8 - filling) != 0 {
        return fault("bits behind the last field");
    }
    Ok(fields)
}
