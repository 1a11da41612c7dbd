//! [`Client`]: the exchange's candles over REST, one request at a time and never faster than it allows.

use super::throttle::{Throttle, remaining};
use super::upbit::{self, BadCandle};
use super::{CandleConfig, Series};
use crate::limits::{CANDLE_ANSWER_BYTES, CANDLE_TIMEOUT};
use crate::metrics::CANDLE_REQUESTS;
use metrics::counter;
use std::time::Duration;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::Candle;
use tokio::time::{Instant, sleep_until};

/// Why there are no candles.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The exchange wants to be left alone for a while.
    #[error("the exchange refused with status {status}, next try in {} ms", pause.as_millis())]
    Busy {
        /// 418 or 429.
        status: u16,
        /// For how long; the next request waits by itself.
        pause: Duration,
    },
    /// It does not answer, or not as it should at the moment.
    #[error("the exchange did not answer: {0}")]
    Unreachable(String),
    /// It will not answer this, whoever asks again: an unknown market, or what is no candle.
    #[error("the exchange has no such candles: {0}")]
    Rejected(String),
}

/// A client of one exchange. It takes `&mut self` to ask, so that there is only one request at a time.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    rest_url: String,
    throttle: Throttle,
}

impl Client {
    /// A client that has asked nothing yet.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub(super) fn new(config: &CandleConfig) -> Result<Self, reqwest::Error> {
        // One provider for the process; it is no error that somebody installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(CANDLE_TIMEOUT).build()?;
        let throttle = Throttle::new(config.requests_per_second);
        Ok(Self { http, rest_url: config.rest_url.clone(), throttle })
    }

    /// The newest `count` candles of a series that begin before `to`, newest first. Waits for its turn.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub(super) async fn candles(
        &mut self,
        series: &Series,
        to: TimestampMs,
        count: u16,
    ) -> Result<Vec<Candle>, FetchError> {
        sleep_until(self.throttle.next(Instant::now())).await;
        self.throttle.on_request(Instant::now());
        let outcome = self.fetch(series, to, count).await;
        let label = match &outcome {
            Ok(_) => "ok",
            Err(FetchError::Busy { .. }) => "refused",
            Err(FetchError::Unreachable(_)) => "unreachable",
            Err(FetchError::Rejected(_)) => "rejected",
        };
        counter!(CANDLE_REQUESTS, "outcome" => label).increment(1);
        outcome
    }

    async fn fetch(
        &mut self,
        series: &Series,
        to: TimestampMs,
        count: u16,
    ) -> Result<Vec<Candle>, FetchError> {
        let url = format!("{}{}", self.rest_url, upbit::path(series, to, count));
        let answer = self.http.get(url).send().await.map_err(unreachable)?;
        let status = answer.status();
        let header = answer.headers().get("remaining-req").and_then(|value| value.to_str().ok());
        let left = header.and_then(remaining);
        match status.as_u16() {
            200 => self.throttle.on_served(left, Instant::now()),
            status @ (418 | 429) => {
                let pause = self.throttle.on_refused(status, Instant::now());
                return Err(FetchError::Busy { status, pause });
            }
            status @ (400 | 404) => return Err(FetchError::Rejected(format!("status {status}"))),
            status => return Err(FetchError::Unreachable(format!("status {status}"))),
        }
        let body = read(answer).await?;
        let rows = upbit::parse_page(&body, series.interval);
        rows.map_err(|error: BadCandle| FetchError::Rejected(error.to_string()))
    }
}

/// Reads a body that is not larger than a page of candles can be.
async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > CANDLE_ANSWER_BYTES {
            return Err(FetchError::Rejected(format!("an answer of more than {CANDLE_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What reqwest says of itself is "error sending request"; why stands behind it.
fn unreachable(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    FetchError::Unreachable([vec![error.to_string()], causes].concat().join(": "))
}
