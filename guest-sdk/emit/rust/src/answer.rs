//! What a host says to an emitter: a CBOR sequence of small maps.

use crate::cbor::{Reader, Unread, Value};

/// A host has no reason to say more in one answer.
pub(crate) const MAX_ANSWER_BYTES: usize = 65_536;
const MAX_DEPTH: u8 = 16;

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The host has no event of this source yet.
    Welcome,
    /// All events up to this number were taken.
    Ack(u64),
    /// The connection is refused, and why.
    Refused(String),
    /// Of a later version of the contract; it means nothing here.
    Unknown,
}

/// Read one answer from the start of `bytes`; also say how many bytes it takes.
pub(crate) fn read(bytes: &[u8]) -> Result<(Answer, usize), Unread> {
    let mut reader = Reader::new(bytes);
    let mut answer = Answer::Unknown;
    for _ in 0..reader.map()? {
        let key = reader.value(0)?;
        answer = match (key, reader.value(MAX_DEPTH)?) {
            (Value::Text("ack"), Value::Uint(seq)) => Answer::Ack(seq),
            (Value::Text("welcome"), _) => Answer::Welcome,
            (Value::Text("error"), Value::Text(words)) => Answer::Refused(words.to_owned()),
            _ => continue,
        };
    }
    Ok((answer, reader.read()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known_by_its_key_and_others_pass() {
        for (bytes, expected) in [
            (&b"\xa1\x63ack\x18\x2a"[..], Answer::Ack(42)),
            (b"\xa1\x67welcome\x01", Answer::Welcome),
            (b"\xa1\x65error\x63no!", Answer::Refused("no!".into())),
            (
                b"\xa2\x63ack\x07\x64more\x82\x01\xa1\x61a\xf6",
                Answer::Ack(7),
            ),
            (b"\xa1\x65hello\x01", Answer::Unknown),
            (b"\xa0", Answer::Unknown),
        ] {
            assert_eq!(read(bytes), Ok((expected, bytes.len())));
        }
    }

    #[test]
    fn what_is_no_map_is_malformed_and_half_of_one_incomplete() {
        assert_eq!(read(b"\x01"), Err(Unread::Malformed));
        assert_eq!(read(b"HTTP/1.1 400"), Err(Unread::Malformed));
        assert_eq!(read(b"\xa1\x63ack\x18"), Err(Unread::Incomplete));
        assert_eq!(read(b""), Err(Unread::Incomplete));
    }
}
