//! An event stream as one listener reads it: HTTP/1.1 with chunks, and in them the events of the
//! [HTML Standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream), as far as
//! Tickroom sends them.

use memchr::memmem;

use crate::limits::{FRAME_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

/// What a listener hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The server lets it in.
    Opened,
    /// One notification.
    Notification {
        /// Its id, which rises from one to the next.
        id: u64,
        /// Its JSON.
        json: &'a [u8],
    },
    /// How many are unread.
    Unread,
    /// A comment, a position, or what was not known when this was written.
    Other,
}

/// Why a listener gives up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// No HTTP.
    #[error("expected an HTTP head: {0}")]
    Http(#[from] httparse::Error),
    /// The server does not let it in.
    #[error("expected 200, got {0}")]
    Refused(u16),
    /// The length of a chunk is none.
    #[error("expected the length of a chunk")]
    BadChunk,
    /// More than a head, a chunk or an event should have.
    #[error("expected less before the next end")]
    TooLong,
    /// The last chunk came.
    #[error("the stream ended")]
    Ended,
}

/// Reads one stream.
#[derive(Debug, Default)]
pub struct EventReader {
    is_open: bool,
    /// What came and is no whole chunk yet.
    raw: Vec<u8>,
    /// What the chunks held and is no whole event yet.
    text: Vec<u8>,
}

impl EventReader {
    /// Takes in bytes, and tells `hear` what they say.
    ///
    /// # Errors
    ///
    /// [`StreamError`] when the stream is of no more use.
    pub fn take(&mut self, bytes: &[u8], mut hear: impl FnMut(Heard<'_>)) -> Result<(), StreamError> {
        self.raw.extend_from_slice(bytes);
        if !self.is_open {
            let Some(length) = read_head(&self.raw)? else { return Ok(()) };
            self.raw.drain(..length);
            self.is_open = true;
            hear(Heard::Opened);
        }
        let mut rest = self.raw.as_slice();
        while let Some((chunk, after)) = split_chunk(rest)? {
            self.text.extend_from_slice(chunk);
            rest = after;
        }
        let taken = self.raw.len() - rest.len();
        self.raw.drain(..taken);
        let mut rest = self.text.as_slice();
        while let Some(end) = memmem::find(rest, b"\n\n") {
            let (event, after) = rest.split_at(end);
            hear(read_event(event));
            rest = after.get(2..).unwrap_or_default();
        }
        let taken = self.text.len() - rest.len();
        self.text.drain(..taken);
        if self.raw.len().max(self.text.len()) > FRAME_BYTES_MAX { Err(StreamError::TooLong) } else { Ok(()) }
    }
}

/// The length of the head, once it is whole.
fn read_head(bytes: &[u8]) -> Result<Option<usize>, StreamError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes)? {
        httparse::Status::Complete(length) if response.code == Some(200) => Ok(Some(length)),
        httparse::Status::Complete(_) => Err(StreamError::Refused(response.code.unwrap_or_default())),
        httparse::Status::Partial if bytes.len() > HEAD_BYTES_MAX => Err(StreamError::TooLong),
        httparse::Status::Partial => Ok(None),
    }
}

/// A chunk, and what comes behind it.
type Chunk<'a> = (&'a [u8], &'a [u8]);

/// The first chunk; nothing while it is not whole.
fn split_chunk(bytes: &[u8]) -> Result<Option<Chunk<'_>>, StreamError> {
    let httparse::Status::Complete((start, length)) =
        httparse::parse_chunk_size(bytes).map_err(|_| StreamError::BadChunk)?
    else {
        return Ok(None);
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= FRAME_BYTES_MAX);
    let length = length.ok_or(StreamError::TooLong)?;
    if length == 0 {
        return Err(StreamError::Ended);
    }
    let whole = bytes.get(start..).and_then(|rest| rest.split_at_checked(length));
    let whole = whole.filter(|(_, after)| after.len() >= 2);
    Ok(whole.map(|(chunk, after)| (chunk, after.get(2..).unwrap_or_default())))
}

fn read_event(event: &[u8]) -> Heard<'_> {
    let (mut kind, mut id, mut data) = (&b""[..], None, None);
    for line in event.split(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"event: ") {
            kind = name;
        } else if let Some(text) = line.strip_prefix(b"id: ") {
            id = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        } else if let Some(json) = line.strip_prefix(b"data: ") {
            data = Some(json);
        }
    }
    match (kind, id, data) {
        (b"notification", Some(id), Some(json)) => Heard::Notification { id, json },
        (b"unread-count", ..) => Heard::Unread,
        _ => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

    fn chunk(text: &str) -> String {
        format!("{:x}\r\n{text}\r\n", text.len())
    }

    fn stream() -> String {
        let events = [
            "retry: 3000\nid: 0\n\n",
            ": here\n\nevent: unread-count\ndata: {\"count\":1}\n\n",
            "event: notification\nid: 17\ndata: {\"text\":",
            "\"~a\"}\n\n",
        ];
        events.iter().fold(HEAD.to_owned(), |stream, text| stream + &chunk(text))
    }

    fn hear(reader: &mut EventReader, bytes: &[u8]) -> Result<Vec<String>, StreamError> {
        let mut heard = Vec::new();
        reader.take(bytes, |what| {
            heard.push(match what {
                Heard::Notification { id, json } => format!("{id} {}", String::from_utf8_lossy(json)),
                other => format!("{other:?}"),
            });
        })?;
        Ok(heard)
    }

    #[test]
    fn a_refusal_an_end_and_nonsense_are_told_apart() {
        let take = |text: &str| EventReader::default().take(text.as_bytes(), |_| ());
        assert_eq!(take("HTTP/1.1 429 Slow down\r\n\r\n"), Err(StreamError::Refused(429)));
        assert_eq!(take(&format!("{HEAD}0\r\n\r\n")), Err(StreamError::Ended));
        assert_eq!(take(&format!("{HEAD}xyz\r\n")), Err(StreamError::BadChunk));
        assert_eq!(take(&format!("{HEAD}fffffff\r\n")), Err(StreamError::TooLong));
        assert!(matches!(take("SSH-2.0\r\n\r\n"), Err(StreamError::Http(_))));
    }

    proptest! {
        #[test]
        fn a_stream_says_the_same_however_it_is_cut(mut cuts in prop::collection::vec(0..stream().len(), 0..12)) {
            let stream = stream();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let (mut reader, mut heard) = (EventReader::default(), Vec::new());
            for piece in cuts.windows(2) {
                heard.extend(hear(&mut reader, &stream.as_bytes()[piece[0]..piece[1]]).unwrap());
            }
            prop_assert_eq!(heard, ["Opened", "Other", "Other", "Unread", "17 {\"text\":\"~a\"}"]);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut reader = EventReader::default();
            let _ = reader.take(HEAD.as_bytes(), |_| ()).and_then(|()| reader.take(&bytes, |_| ()));
        }
    }
}
