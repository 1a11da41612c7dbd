//! `/api/admin/markets`: which markets are followed, for whoever runs the place to decide.

use std::collections::HashMap;

use axum::extract::State;
use serde::Serialize;
use tickroom_actors::feed::Candidate;
use tickroom_storage::{MarketCode, TimestampMs};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Admin;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::{problem, schema};

/// A market that is or could be followed.
#[derive(Serialize, ToSchema)]
pub struct CandidateView {
    #[schema(value_type = schema::MarketCode)]
    code: MarketCode,
    korean_name: String,
    english_name: String,
    /// Whether the exchange warns of it.
    warning: bool,
    /// Whether the exchange lists it.
    listed: bool,
    /// Whether it is followed.
    active: bool,
    /// `admin` if it was decided by hand, otherwise `config`.
    decided_by: &'static str,
    /// Milliseconds since its last price was read; none without a price.
    last_tick_age_ms: Option<i64>,
    /// It is followed and has delivered nothing for a minute: renamed, delisted or misspelled.
    silent: bool,
}

/// The answer to `GET /api/admin/markets`.
#[derive(Serialize, ToSchema)]
pub struct CandidatesView {
    /// All that the exchange lists and all that somebody asked for, by code.
    markets: Vec<CandidateView>,
}

/// What is followed, and what could be. Empty without a feed.
///
/// # Errors
///
/// 401 and 403.
#[utoipa::path(
    get, path = "/api/admin/markets", tag = "admin",
    operation_id = "markets",
    responses((status = 200, body = CandidatesView), problem::Administrator),
)]
pub async fn list(State(app): State<App>, _: Admin) -> Json<CandidatesView> {
    let services = app.tree.services();
    let all = services.config.feed.as_ref().map(|feed| services.activation.all(feed)).unwrap_or_default();
    Json(CandidatesView { markets: views(&app, all) })
}

/// Follows a market from now on, whatever the configuration says. It gets prices, candles and a room within some
/// seconds, and keeps them over restarts. Twice is once.
///
/// # Errors
///
/// 401, 403; 404 for a market that nobody knows, or without a feed; 503 while the database is down.
#[utoipa::path(
    put, path = "/api/admin/markets/{code}/activation", tag = "admin",
    operation_id = "activate_market",
    params(("code" = schema::MarketCode, Path)),
    responses((status = 200, body = CandidateView), problem::Administrator, problem::NotFound),
)]
pub async fn put(
    State(app): State<App>,
    _: Admin,
    Path(code): Path<String>,
) -> Result<Json<CandidateView>, ApiError> {
    decide(&app, &code, true).await
}

/// Follows a market no more, whatever the configuration says. Its room stays, its watchers are told. Twice is once.
///
/// # Errors
///
/// As [`put`].
#[utoipa::path(
    delete, path = "/api/admin/markets/{code}/activation", tag = "admin",
    operation_id = "deactivate_market",
    params(("code" = schema::MarketCode, Path)),
    responses((status = 200, body = CandidateView), problem::Administrator, problem::NotFound),
)]
pub async fn delete(
    State(app): State<App>,
    _: Admin,
    Path(code): Path<String>,
) -> Result<Json<CandidateView>, ApiError> {
    decide(&app, &code, false).await
}

async fn decide(app: &App, code: &str, active: bool) -> Result<Json<CandidateView>, ApiError> {
    let unknown = || ApiError::not_found("market");
    let code = code.parse::<MarketCode>().map_err(|_| unknown())?;
    let decided = app.tree.services().follow(&code, active).await?.ok_or_else(unknown)?;
    tracing::info!(market = %code, active, "market was decided about");
    views(app, vec![decided]).pop().map(Json).ok_or_else(unknown)
}

fn views(app: &App, candidates: Vec<Candidate>) -> Vec<CandidateView> {
    let services = app.tree.services();
    let received: HashMap<MarketCode, TimestampMs> = services.hub.last_received().into_iter().collect();
    let (now, silent) = (TimestampMs::now().as_millis(), services.feed_view.get().silent);
    let view = |Candidate { market, listed, active, by_hand }| CandidateView {
        last_tick_age_ms: received.get(&market.code).map(|at| (now - at.as_millis()).max(0)),
        silent: silent.contains(&market.code),
        code: market.code,
        korean_name: market.korean_name,
        english_name: market.english_name,
        warning: market.warning,
        listed,
        active,
        decided_by: if by_hand { "admin" } else { "config" },
    };
    candidates.into_iter().map(view).collect()
}
