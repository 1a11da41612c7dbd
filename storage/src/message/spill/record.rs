//! One record of the spill file.
//!
//! ```text
//! | length, u32 | CRC-32 of the payload, u32 | payload: a message as JSON |     numbers little-endian
//! ```

use std::io::{self, Read};

use crate::message::Message;

const HEADER_BYTES: u64 = 8;

/// Appends a message's record to `out` and returns the record's size.
pub(super) fn encode(message: &Message, out: &mut Vec<u8>) -> io::Result<u64> {
    let payload = serde_json::to_vec(message)?;
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    out.extend_from_slice(&payload);
    Ok(HEADER_BYTES + u64::from(length))
}

/// Reads the next record and its size, of which at most `left` bytes exist. `None` means that no whole and sound
/// record follows: the end, or a torn write.
pub(super) fn read(reader: &mut impl Read, left: u64) -> io::Result<Option<(Message, u64)>> {
    if left < HEADER_BYTES {
        return Ok(None);
    }
    let length = read_u32(reader)?;
    let checksum = read_u32(reader)?;
    let size = HEADER_BYTES + u64::from(length);
    // Checked before the memory is taken: a torn length can be any number.
    if size > left {
        return Ok(None);
    }
    let mut payload = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut payload)?;
    if crc32fast::hash(&payload) != checksum {
        return Ok(None);
    }
    // A file system may leave zeros after a crash. They check out as an empty payload, which is no message.
    Ok(serde_json::from_slice(&payload).ok().map(|message| (message, size)))
}

fn read_u32(reader: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
