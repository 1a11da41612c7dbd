//! The admin port: everything that a test in the same process can do to an [`Exchange`](crate::Exchange), over HTTP.
//!
//! It is a port of its own, so that nothing on the exchange's own port is not Upbit's, and it has no
//! authentication: whoever opens it beyond loopback hands out the exchange. `sim/README.md` is its manual.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::MarketSpec;
use crate::distortion::Distortion;
use crate::error::SimError;
use crate::exchange::Hall;

type Body<T> = Result<Json<T>, JsonRejection>;

pub(crate) fn routes() -> Router<Arc<Hall>> {
    Router::new()
        .route("/", get(status))
        .route("/faults", get(faults).put(set_faults).delete(clear_faults))
        .route("/drop", post(drop_connections))
        .route("/raw", post(send_raw))
        .route("/error", post(send_error))
        .route("/trades", post(trade))
        .route("/refresh", post(refresh))
        .route("/markets", post(list))
        .route("/markets/{code}", delete(delist))
}

#[derive(Serialize)]
struct StatusView {
    connections: usize,
    connects_total: u64,
    subscribed_codes: Vec<String>,
}

async fn status(State(hall): State<Arc<Hall>>) -> Json<StatusView> {
    Json(StatusView {
        connections: hall.connections.open(),
        connects_total: hall.connections.total(),
        subscribed_codes: hall.connections.codes(),
    })
}

/// What is broken; what is left out is whole.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct FaultsBody {
    /// Sockets stay open and nothing goes either way.
    stalled: bool,
    /// The status that handshakes are answered with.
    connect_status: Option<u16>,
    /// The status that REST calls are answered with.
    rest_status: Option<u16>,
    /// Codes that never deliver.
    muted: Vec<String>,
    distortion: Distortion,
}

async fn faults(State(hall): State<Arc<Hall>>) -> Json<FaultsBody> {
    let state = hall.faults.watch().borrow().clone();
    Json(FaultsBody {
        stalled: state.stalled,
        connect_status: state.refused_connects.map(|status| status.as_u16()),
        rest_status: state.rest_status.map(|status| status.as_u16()),
        muted: state.muted.into_iter().collect(),
        distortion: state.distortion,
    })
}

async fn set_faults(State(hall): State<Arc<Hall>>, body: Body<FaultsBody>) -> Response {
    let Json(body) = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    hall.faults.clear();
    hall.faults.refuse_connects(body.connect_status);
    hall.faults.rest_status(body.rest_status);
    body.muted.iter().for_each(|code| hall.faults.mute_code(code));
    hall.faults.distort(body.distortion);
    hall.faults.stall(body.stalled);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear_faults(State(hall): State<Arc<Hall>>) -> StatusCode {
    hall.faults.clear();
    StatusCode::NO_CONTENT
}

async fn drop_connections(State(hall): State<Arc<Hall>>) -> StatusCode {
    hall.faults.drop_connections();
    StatusCode::NO_CONTENT
}

async fn send_raw(State(hall): State<Arc<Hall>>, body: Bytes) -> StatusCode {
    hall.faults.send_raw(body.to_vec());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct ErrorBody {
    name: String,
    message: String,
}

async fn send_error(State(hall): State<Arc<Hall>>, body: Body<ErrorBody>) -> Response {
    match body {
        Ok(Json(ErrorBody { name, message })) => {
            hall.faults.send_error(&name, &message);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(rejection) => rejection.into_response(),
    }
}

/// Price and volume are strings, since they are exact.
#[derive(Deserialize)]
struct TradeBody {
    market: String,
    price: String,
    volume: String,
}

async fn trade(State(hall): State<Arc<Hall>>, body: Body<TradeBody>) -> Response {
    match body {
        Ok(Json(TradeBody { market, price, volume })) => {
            answer(hall.floor.lock().trade(&market, &price, &volume, Timestamp::now()))
        }
        Err(rejection) => rejection.into_response(),
    }
}

async fn refresh(State(hall): State<Arc<Hall>>) -> StatusCode {
    hall.floor.lock().refresh(Timestamp::now());
    StatusCode::NO_CONTENT
}

async fn list(State(hall): State<Arc<Hall>>, body: Body<MarketSpec>) -> Response {
    match body {
        Ok(Json(spec)) => answer(hall.floor.lock().list(spec, Timestamp::now())),
        Err(rejection) => rejection.into_response(),
    }
}

async fn delist(State(hall): State<Arc<Hall>>, Path(code): Path<String>) -> StatusCode {
    hall.floor.lock().delist(&code);
    StatusCode::NO_CONTENT
}

fn answer(outcome: Result<(), SimError>) -> Response {
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}
