//! What goes over sockets: frames, close codes, refusals and the dialects.
//!
//! A dialect (here [`native`] for chat, [`ticker`] and [`candle`] for markets, and [`centrifuge`] for all of it on one
//! socket) turns text into commands and publications into frames. A frame is encoded once and shared by everybody who gets it.

pub mod candle;
pub mod centrifuge;
pub mod close;
pub mod frame;
pub mod native;
pub mod notification;
pub mod refusal;
pub mod ticker;

pub use close::CloseCode;
pub use refusal::Refusal;

/// Parses a JSON object; serde alone would take an array of the fields' values for one, too.
fn parse_object<'a, T: serde::Deserialize<'a>>(text: &'a str, example: &'static str) -> Result<T, Refusal> {
    let malformed = |detail: String| Refusal::Malformed { example, detail };
    if !text.trim_start().starts_with('{') {
        return Err(malformed("not an object".into()));
    }
    serde_json::from_str(text).map_err(|error| malformed(error.to_string()))
}
