//! The little of CBOR (RFC 8949) that goes over the wire, written the deterministic way and read with bounds.

use std::str::from_utf8;

const UINT: u8 = 0;
const TEXT: u8 = 3;
const MAP: u8 = 5;

/// Append an unsigned number.
pub(crate) fn uint(out: &mut Vec<u8>, value: u64) {
    head(out, UINT, value);
}

/// Append a text.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    head(out, TEXT, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

/// Append the head of a map; its keys and values follow.
pub(crate) fn map(out: &mut Vec<u8>, pairs: u8) {
    head(out, MAP, pairs.into());
}

/// Append true or false.
pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xf5 } else { 0xf4 });
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            let [a, b] = (value as u16).to_be_bytes();
            out.extend_from_slice(&[major | 25, a, b]);
        }
        0x1_0000..=0xffff_ffff => {
            let [a, b, c, d] = (value as u32).to_be_bytes();
            out.extend_from_slice(&[major | 26, a, b, c, d]);
        }
        _ => {
            let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
            out.extend_from_slice(&[major | 27, a, b, c, d, e, f, g, h]);
        }
    }
}

/// Why an item cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// More bytes could make it whole.
    Incomplete,
    /// No more bytes could.
    Malformed,
}

/// What a host's answer is made of, at the top of its map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Uint(u64),
    Text(&'a str),
    /// Well-formed, and of no interest.
    Other,
}

/// A cursor over bytes that may end anywhere.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn read(&self) -> usize {
        self.at
    }

    /// Read the head of a map: how many pairs it has.
    pub(crate) fn map(&mut self) -> Result<u64, Unread> {
        match self.head()? {
            (MAP, pairs) => Ok(pairs),
            _ => Err(Unread::Malformed),
        }
    }

    /// Read one item, at most `depth` arrays and maps deep.
    pub(crate) fn value(&mut self, depth: u8) -> Result<Value<'a>, Unread> {
        let (major, argument) = self.head()?;
        match major {
            UINT => return Ok(Value::Uint(argument)),
            2 => drop(self.take(argument)?),
            TEXT => {
                let bytes = self.take(argument)?;
                return from_utf8(bytes)
                    .map(Value::Text)
                    .map_err(|_| Unread::Malformed);
            }
            4 | MAP => {
                let depth = depth.checked_sub(1).ok_or(Unread::Malformed)?;
                let items = if major == MAP {
                    argument.saturating_mul(2)
                } else {
                    argument
                };
                for _ in 0..items {
                    self.value(depth)?;
                }
            }
            _ => {} // a negative number, or a simple value or float, which its head is all of
        }
        Ok(Value::Other)
    }

    fn head(&mut self) -> Result<(u8, u64), Unread> {
        let first = self.take(1)?[0];
        let size = match first & 31 {
            small @ 0..=23 => return Ok((first >> 5, small.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Unread::Malformed), // indefinite lengths are not of this contract
        };
        let bytes = self.take(size)?;
        Ok((
            first >> 5,
            bytes
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        ))
    }

    fn take(&mut self, size: u64) -> Result<&'a [u8], Unread> {
        let size = usize::try_from(size).map_err(|_| Unread::Malformed)?;
        let end = self.at.checked_add(size).ok_or(Unread::Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Unread::Incomplete)?;
        self.at = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_shortest_form() {
        for (value, expected) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (255, "18ff"),
            (256, "190100"),
            (65_535, "19ffff"),
            (65_536, "1a00010000"),
            (u64::from(u32::MAX), "1affffffff"),
            (u64::from(u32::MAX) + 1, "1b0000000100000000"),
            (u64::MAX, "1bffffffffffffffff"),
        ] {
            let mut out = Vec::new();
            uint(&mut out, value);
            let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
            assert_eq!(Reader::new(&out).value(0), Ok(Value::Uint(value)));
        }
    }

    #[test]
    fn an_item_that_ends_early_is_incomplete_and_one_that_cannot_be_is_malformed() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x63, b'a'],
            &[0xa1, 0x61],
            &[0x82, 0x00],
            &[0xfb, 0, 0],
        ] {
            assert_eq!(
                Reader::new(bytes).value(4),
                Err(Unread::Incomplete),
                "{bytes:x?}"
            );
        }
        for bytes in [
            &[0x1c][..],
            &[0x9f],
            &[0xff],
            &[0x61, 0xff],
            &[0x7b, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(
                Reader::new(bytes).value(4),
                Err(Unread::Malformed),
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_malformed() {
        assert_eq!(Reader::new(&[0x81, 0x81, 0x00]).value(2), Ok(Value::Other));
        assert_eq!(
            Reader::new(&[0x81, 0x81, 0x81, 0x00]).value(2),
            Err(Unread::Malformed)
        );
    }
}
