//! Reading an event's CBOR lazily, and writing a report's.
//!
//! A record is kept as the place in the event where its map begins. A field is looked for when it is asked
//! for, so an observer that wants two fields of an event pays for two. The walk through maps is done here, by
//! hand; values are read by minicbor.

use minicbor::decode::Decoder;
use minicbor::encode::Encoder;

/// The bytes are not CBOR, not what the contract allows, or not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// A value that can be read where an event has it.
pub trait Read<'e>: Sized {
    /// Read the item that these bytes begin with.
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed>;
}

impl<'e> Read<'e> for bool {
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
        Ok(Decoder::new(bytes).bool()?)
    }
}

impl<'e> Read<'e> for u32 {
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
        Ok(Decoder::new(bytes).u32()?)
    }
}

impl<'e> Read<'e> for u64 {
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
        Ok(Decoder::new(bytes).u64()?)
    }
}

impl<'e> Read<'e> for &'e str {
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
        Ok(Decoder::new(bytes).str()?)
    }
}

/// A map with text keys: the bytes from its head on, also beyond its end.
#[derive(Clone, Copy)]
pub struct Map<'e>(&'e [u8]);

impl<'e> Read<'e> for Map<'e> {
    fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
        Ok(Self(bytes))
    }
}

impl<'e> Map<'e> {
    /// The value of a key; none where the key is not there.
    pub fn get<T: Read<'e>>(self, wanted: &str) -> Result<Option<T>, Malformed> {
        let mut rest = self.0;
        for _ in 0..expect(&mut rest, MAP)? {
            if key(&mut rest)? == wanted.as_bytes() {
                return T::read(rest).map(Some);
            }
            skip(&mut rest)?;
        }
        Ok(None)
    }
}

/// Go through a map that is all of these bytes: `visit` gets each key and the bytes from its value on.
pub fn each_entry<'e>(
    bytes: &'e [u8],
    mut visit: impl FnMut(&'e [u8], &'e [u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut rest = bytes;
    for _ in 0..expect(&mut rest, MAP)? {
        let key = key(&mut rest)?;
        visit(key, rest)?;
        skip(&mut rest)?;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

// The major types that need a name here.
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Take an item's head (RFC 8949 section 3): its major type and its argument. Indefinite lengths and what is
/// reserved are not in the contract.
#[inline]
fn head(rest: &mut &[u8]) -> Result<(u8, u64), Malformed> {
    let (&initial, behind) = rest.split_first().ok_or(Malformed)?;
    *rest = behind;
    let argument = match initial & 0x1f {
        info @ ..24 => u64::from(info),
        info => wide_argument(rest, info)?,
    };
    Ok((initial >> 5, argument))
}

/// An argument in 1, 2, 4 or 8 bytes of its own.
#[inline(never)]
fn wide_argument(rest: &mut &[u8], info: u8) -> Result<u64, Malformed> {
    if info > 27 {
        return Err(Malformed);
    }
    let (bytes, behind) = rest.split_at_checked(1 << (info - 24)).ok_or(Malformed)?;
    *rest = behind;
    Ok(bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// Take the head of an item that must be of this type.
#[inline]
fn expect(rest: &mut &[u8], wanted: u8) -> Result<u64, Malformed> {
    match head(rest)? {
        (kind, argument) if kind == wanted => Ok(argument),
        _ => Err(Malformed),
    }
}

/// Take a key. It is compared with ASCII only, so nobody needs to know whether it is UTF-8.
#[inline(never)]
fn key<'e>(rest: &mut &'e [u8]) -> Result<&'e [u8], Malformed> {
    let size = usize::try_from(expect(rest, TEXT)?).map_err(|_| Malformed)?;
    let (key, behind) = rest.split_at_checked(size).ok_or(Malformed)?;
    *rest = behind;
    Ok(key)
}

/// Go over the next item, whatever it is.
///
/// It walks instead of recursing, so that no nesting can use up the stack. `pending` can't wrap: each head
/// adds at most twice the bytes left, and there are no more heads than bytes. (minicbor's own `skip` is for
/// all of CBOR, keeps a stack of open items, and costs eight times as much.)
#[inline(never)]
fn skip(rest: &mut &[u8]) -> Result<(), Malformed> {
    let mut pending = 1_u64;
    while pending > 0 {
        pending -= 1;
        let (kind, argument) = head(rest)?;
        match kind {
            BYTES | TEXT => {
                let size = usize::try_from(argument).map_err(|_| Malformed)?;
                *rest = rest.get(size..).ok_or(Malformed)?;
            }
            ARRAY | MAP => {
                if argument > rest.len() as u64 {
                    return Err(Malformed);
                }
                pending += if kind == MAP { 2 * argument } else { argument };
            }
            TAG => return Err(Malformed),
            _ => {}
        }
    }
    Ok(())
}

/// Writes CBOR items one after another, each in its shortest form.
///
/// The keys of a map are for the caller to put into deterministic order: shorter ones first, equal lengths
/// alphabetically.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A writer that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of a map; as many keys and values follow.
    pub fn map(&mut self, entries: u64) -> &mut Self {
        self.with(|encoder| encoder.map(entries).is_ok())
    }

    /// The head of an array; as many items follow.
    pub fn array(&mut self, items: u64) -> &mut Self {
        self.with(|encoder| encoder.array(items).is_ok())
    }

    /// A number.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.with(|encoder| encoder.u64(value).is_ok())
    }

    /// A truth value.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.with(|encoder| encoder.bool(value).is_ok())
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.with(|encoder| encoder.str(value).is_ok())
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.with(|encoder| encoder.bytes(value).is_ok())
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn with(&mut self, write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> bool) -> &mut Self {
        let written = write(&mut Encoder::new(&mut self.0));
        debug_assert!(written, "writing to memory can't fail");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.0
    }

    #[test]
    fn numbers_are_written_in_their_shortest_form() {
        for (value, expected) in [
            (0, &b"\x00"[..]),
            (23, b"\x17"),
            (24, b"\x18\x18"),
            (0x100, b"\x19\x01\x00"),
            (0x1_0000, b"\x1a\x00\x01\x00\x00"),
            (u64::MAX, b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
        ] {
            assert_eq!(encoded(|writer| _ = writer.uint(value)), expected);
        }
    }

    #[test]
    fn a_field_is_found_among_unknown_ones_of_any_kind() {
        let bytes = encoded(|writer| {
            writer.map(5);
            writer.text("a").map(1).text("x").array(2).uint(1).text("y");
            writer.text("b").bytes(b"zz");
            writer.text("c").uint(u64::MAX);
            writer.text("wanted").uint(u64::MAX);
            writer.text("after").bool(true);
        });
        let map = Map(&bytes);
        assert_eq!(map.get::<u64>("wanted").unwrap(), Some(u64::MAX));
        assert_eq!(map.get::<bool>("after").unwrap(), Some(true));
        assert_eq!(map.get::<u64>("absent").unwrap(), None);
    }

    #[test]
    fn a_value_of_another_type_or_size_is_an_error() {
        let bytes = encoded(|writer| _ = writer.map(1).text("n").uint(1 << 32));
        let map = Map(&bytes);
        assert!(map.get::<u32>("n").is_err());
        assert!(map.get::<&str>("n").is_err());
        assert!(map.get::<bool>("n").is_err());
    }

    #[test]
    fn truncated_and_surplus_bytes_are_errors() {
        let bytes = encoded(|writer| _ = writer.map(1).text("key").array(1).text("value"));
        let skip_all = |bytes: &[u8]| each_entry(bytes, |_, _| Ok(()));
        assert!(skip_all(&bytes).is_ok());
        for size in 0..bytes.len() {
            assert!(skip_all(&bytes[..size]).is_err(), "{size} bytes");
        }
        let mut surplus = bytes;
        surplus.push(0);
        assert!(skip_all(&surplus).is_err());
    }

    #[test]
    fn what_the_contract_does_not_allow_is_not_skipped() {
        for bytes in [
            &b""[..],
            b"\x18",
            b"\x1c",
            b"\x9f\xff",
            b"\xc1\x00",
            b"\x62a",
            b"\x82\x01",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(skip(&mut &bytes[..]), Err(Malformed), "{bytes:x?}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let mut bytes = vec![0x81; 1_000_000];
        bytes.push(0);
        let mut rest = &bytes[..];
        assert_eq!(skip(&mut rest), Ok(()));
        assert!(rest.is_empty());
    }
}
