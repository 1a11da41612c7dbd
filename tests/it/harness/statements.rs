//! How many statements a request sends to the database: counted by the driver itself, which tells of each one at the
//! level `trace`, in the span of the request that it belongs to.

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;
use reqwest::Method;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::{Answer, TestServer, User};

/// Statements by the id of their request.
static COUNTS: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(|| {
    let targets = Targets::new().with_target("sqlx::query", tracing::Level::TRACE);
    let targets = targets.with_target("tickroom::middleware::request_id", tracing::Level::INFO);
    tracing_subscriber::registry().with(Counter.with_filter(targets)).init();
    Mutex::default()
});

/// Sends a request for a list, holds that it has so many items, and returns how many statements that took.
pub(crate) async fn statements(server: &TestServer, user: &User, path: &str, items: usize) -> usize {
    LazyLock::force(&COUNTS);
    let id = format!("{:016x}", fastrand::u64(..));
    let request = server.request(Method::GET, path).bearer_auth(&user.access_token);
    let answer = Answer::of(request.header("x-request-id", &id)).await.expect_status(200).json();
    let list = answer.as_object().unwrap().values().find_map(|value| value.as_array()).unwrap();
    assert_eq!(list.len(), items, "{path}");
    COUNTS.lock().remove(&id).unwrap_or_default()
}

struct Counter;

/// The id of a request, kept with its span.
struct RequestId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Counter {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(request), Some(span)) = (fields.0.remove("request_id"), context.span(id)) {
            span.extensions_mut().insert(RequestId(request));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // A connection that is opened for this request is told its settings first; the next request has it ready.
        if fields
            .0
            .get("summary")
            .is_none_or(|summary| summary.starts_with("PRAGMA") || summary.starts_with("pragma"))
        {
            return;
        }
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(RequestId(request)) = span.extensions().get() {
                *COUNTS.lock().entry(request.clone()).or_default() += 1;
            }
        }
    }
}

#[derive(Default)]
struct Fields(HashMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}
