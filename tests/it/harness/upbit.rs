//! [`FakeUpbit`]: an exchange with one market whose candles a test writes down to the digit, and that watches how it is
//! asked. The simulator is the one for everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use serde::Deserialize;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::Interval;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the fake exchange does and has seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Paths and queries of candles, in their order.
    pub(crate) requests: Mutex<Vec<String>>,
    /// The most requests that were there at the same time.
    pub(crate) most_at_once: AtomicUsize,
    at_once: AtomicUsize,
    /// Answered instead of candles, unless it is 0.
    pub(crate) status: AtomicU16,
}

#[derive(Clone)]
struct Hall {
    seen: Arc<Seen>,
    /// Prices and sums of every candle, as JSON spells them.
    figures: &'static str,
}

/// An exchange that ends with this.
pub(crate) struct FakeUpbit {
    pub(crate) seen: Arc<Seen>,
    pub(crate) rest_url: String,
    serving: JoinHandle<()>,
}

impl Drop for FakeUpbit {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Deserialize)]
struct CandleQuery {
    to: String,
    count: u16,
}

impl FakeUpbit {
    /// With these prices and sums in every window there ever was.
    pub(crate) async fn start(figures: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rest_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::<Seen>::default();
        let hall = Hall { seen: Arc::clone(&seen), figures };
        let list = r#"[{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin"}]"#;
        let router = Router::new()
            .route("/v1/market/all", get(async move || list))
            .route("/v1/candles/{kind}", get(candles))
            .route("/v1/candles/minutes/{kind}", get(candles))
            .with_state(hall);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { seen, rest_url, serving }
    }
}

async fn candles(
    State(hall): State<Hall>,
    Path(kind): Path<String>,
    Query(query): Query<CandleQuery>,
) -> Response {
    let at_once = hall.seen.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    hall.seen.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    hall.seen.requests.lock().push(format!("{kind} to {} count {}", query.to, query.count));
    // Long enough for another request to come in between, if there were one.
    tokio::time::sleep(Duration::from_millis(2)).await;
    hall.seen.at_once.fetch_sub(1, Ordering::SeqCst);
    match hall.seen.status.load(Ordering::SeqCst) {
        0 => page(&kind, &query, hall.figures).into_response(),
        status => StatusCode::from_u16(status).unwrap().into_response(),
    }
}

/// Candles before `to`, newest first, without a gap back to the beginning of time.
fn page(kind: &str, query: &CandleQuery, figures: &str) -> String {
    let interval = match kind {
        "days" => Interval::Day,
        "weeks" => Interval::Week,
        "months" => Interval::Month,
        "years" => Interval::Year,
        minutes => format!("{minutes}m").parse().unwrap(),
    };
    let to: TimestampMs = query.to.parse().unwrap();
    let newest = interval.window(to.plus_millis(-1)).from;
    let starts = (0..query.count).map(|number| interval.back(newest, number));
    let row = |start: TimestampMs| {
        let utc = start.to_string().replace(".000Z", "");
        let traded = start.as_millis() + 999;
        format!(r#"{{"market":"KRW-BTC","candle_date_time_utc":"{utc}","timestamp":{traded},{figures}}}"#)
    };
    format!("[{}]", starts.map(row).collect::<Vec<_>>().join(","))
}
