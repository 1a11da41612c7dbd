//! What the generator wants to know of a MESSAGE frame, found without parsing its JSON.
//!
//! At millions of deliveries a second a JSON parser would be what is measured. The offset stands near the end, so it is
//! looked for from there. The send time stands at the beginning of the content, behind a [`MARK`] that occurs nowhere
//! before it, in letters `a` to `p` for the digits 0 to 15: decoding is one subtraction a letter.

use memchr::{memchr, memmem, memrchr};

/// Begins a send time.
pub const MARK: u8 = b'~';

/// Letters of a send time, without the mark.
pub const STAMP_LETTERS: usize = 16;

/// What a frame of JSON is about. Every frame of the dialects begins with its type, so one byte tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{"type":"MESSAGE"`: a chat message.
    Message,
    /// `{"type":"ticker"`: a price.
    Tick,
    /// `{"type":"ACK"`: a message is stored.
    Ack,
    /// Anything else, rare enough for a parser.
    Other,
}

/// What kind of frame this is.
pub fn kind(json: &[u8]) -> Kind {
    match json.strip_prefix(br#"{"type":""#) {
        Some([b'M', ..]) => Kind::Message,
        Some([b't', ..]) => Kind::Tick,
        Some([b'A', ..]) => Kind::Ack,
        _ => Kind::Other,
    }
}

/// The number behind the last key `quoted_key`, given with its quotes.
///
/// A key cannot be faked by content: inside a JSON string the quote before the colon is always escaped.
pub fn last_number(json: &[u8], quoted_key: &[u8]) -> Option<u64> {
    let mut head = json;
    loop {
        let colon = memrchr(b':', head)?;
        let (before, value) = head.split_at_checked(colon)?;
        if before.ends_with(quoted_key) {
            return leading_number(value.get(1..)?);
        }
        head = before;
    }
}

/// The text behind the first `quoted_key` and its colon, up to the next quote.
pub fn first_text<'a>(json: &'a [u8], quoted_key: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::find(json, quoted_key)?;
    let value = json.get(at + quoted_key.len()..)?.strip_prefix(b":\"")?;
    value.get(..memchr(b'"', value)?)
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let mut number = None;
    for digit in text.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
        number = Some(number.unwrap_or(0_u64).checked_mul(10)?.checked_add(digit.into())?);
    }
    number
}

/// The send time of a message, in microseconds of the monotonic clock.
pub fn stamp_us(json: &[u8]) -> Option<u64> {
    let mark = memchr(MARK, json)?;
    let letters: &[u8; STAMP_LETTERS] = json.get(mark + 1..)?.first_chunk()?;
    let digits = letters.map(|letter| letter.wrapping_sub(b'a'));
    if digits.iter().any(|digit| *digit > 15) {
        return None;
    }
    Some(digits.iter().fold(0, |stamp, digit| stamp << 4 | u64::from(*digit)))
}

/// The letters that [`stamp_us`] reads.
pub fn stamp_letters(stamp_us: u64) -> [u8; STAMP_LETTERS] {
    std::array::from_fn(|place| {
        let digit = stamp_us >> (4 * (STAMP_LETTERS - 1 - place)) & 15;
        b'a' + u8::try_from(digit).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = br#"{"type":"MESSAGE","roomName":"KRW-BTC","sender":{"id":"7","name":"ann","profileUrl":null},"content":"~aaaaaaaaaaaaaabc xx","timestamp":1790000000000,"offset":42,"id":"99"}"#;

    #[test]
    fn the_first_key_tells_the_kind() {
        assert_eq!(kind(MESSAGE), Kind::Message);
        assert_eq!(kind(br#"{"type":"ticker","code":"KRW-BTC"}"#), Kind::Tick);
        assert_eq!(kind(br#"{"type":"ACK","id":"1"}"#), Kind::Ack);
        for other in [r#"{"type":"JOINED"}"#, r#"{"type":"ERROR"}"#, "{}", "", r#"{"type":""#] {
            assert_eq!(kind(other.as_bytes()), Kind::Other, "{other}");
        }
    }

    #[test]
    fn a_message_gives_its_offset_and_its_send_time() {
        assert_eq!(last_number(MESSAGE, br#""offset""#), Some(42));
        assert_eq!(stamp_us(MESSAGE), Some(0x12));
        assert_eq!(first_text(MESSAGE, br#""roomName""#), Some(&b"KRW-BTC"[..]));
    }

    #[test]
    fn content_that_looks_like_a_key_fools_nobody() {
        let content = serde_json::json!({ "content": r#"","offset":7,"x":""# }).to_string();
        assert_eq!(last_number(content.as_bytes(), br#""offset""#), None);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(last_number(br#"{"offset":"x"}"#, br#""offset""#), None);
        assert_eq!(last_number(br#"{"offset":99999999999999999999}"#, br#""offset""#), None);
        assert_eq!(stamp_us(b"~aaaa"), None);
        assert_eq!(stamp_us(b"~aaaaaaaaaaaaaaaz"), None);
        assert_eq!(first_text(br#"{"code":1}"#, br#""code""#), None);
    }

    proptest! {
        #[test]
        fn a_stamp_comes_back(stamp: u64) {
            let text = [&[MARK][..], &stamp_letters(stamp)].concat();
            prop_assert_eq!(stamp_us(&text), Some(stamp));
        }

        #[test]
        fn the_scan_agrees_with_a_parser(content: String, offset in 0..u64::MAX / 2, id: i64) {
            let json = serde_json::json!({ "content": content, "offset": offset, "zid": id.to_string() }).to_string();
            prop_assert_eq!(last_number(json.as_bytes(), br#""offset""#), Some(offset));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (kind(&bytes), last_number(&bytes, b"\"a\""), stamp_us(&bytes), first_text(&bytes, b"\"a\""));
        }
    }
}
