//! The event stream edge: what happens to one user, as server-sent events (HTML Standard, section 9.2).
//!
//! There is no task and no timer for a stream. The connection polls the body, which waits for its slot
//! ([`tickroom_actors::stream`]); so a client that does not read stops the polling, and the slot's bounded queue decides.

use std::convert::Infallible;
use std::fmt::Write;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use tickroom_actors::stream::{End, Moment, Stream, count_end};
use tickroom_actors::wire::notification::Language;
use tickroom_storage::notification::Notification;

use crate::limits::{STREAM_RETRY_MAX_MS, STREAM_RETRY_MIN_MS};
use crate::routes::notification::NotificationView;

/// Tells nginx and those who follow it not to keep back what is small.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An open stream on its way into a response body.
struct Events {
    stream: Stream,
    language: Language,
    /// The first piece was sent.
    has_begun: bool,
    has_ended: bool,
}

/// Answers with a stream.
pub fn respond(stream: Stream, language: Language) -> Response {
    let events = Events { stream, language, has_begun: false, has_ended: false };
    let pieces = unfold(events, async |mut events: Events| {
        let piece = events.next().await?;
        Some((Ok::<_, Infallible>(piece), events))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

impl Events {
    /// The next piece of the body.
    async fn next(&mut self) -> Option<Bytes> {
        if self.has_ended {
            return None;
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            // At once, so that the client knows that it is in, and from where to go on should it be cut off now.
            let retry = fastrand::u64(STREAM_RETRY_MIN_MS..=STREAM_RETRY_MAX_MS);
            return Some(format!("retry: {retry}\nid: {}\n\n", self.stream.position()).into());
        }
        match self.stream.next().await {
            Moment::Notifications(notifications) => {
                let events = notifications.iter().map(|notification| self.event(notification));
                Some(events.collect::<String>().into())
            }
            Moment::Unread(count) => {
                let id = self.stream.position();
                Some(format!("id: {id}\nevent: unread-count\ndata: {{\"count\":{count}}}\n\n").into())
            }
            Moment::Heartbeat => Some(Bytes::from_static(b":\n\n")),
            Moment::End(end) => {
                count_end(end);
                self.has_ended = true;
                match end {
                    End::Shutdown(retry) => Some(format!("retry: {}\n\n", retry.as_millis()).into()),
                    _ => None,
                }
            }
        }
    }

    fn event(&self, notification: &Notification) -> String {
        let mut event = format!("id: {}\nevent: notification\ndata: ", notification.id);
        // JSON has no line breaks of its own, and numbers and texts in memory cannot fail to be written.
        let view = NotificationView::of(notification, self.language);
        let _ = write!(event, "{}\n\n", serde_json::to_string(&view).unwrap_or_default());
        event
    }
}
