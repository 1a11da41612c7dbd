//! `/api/admin/backfills`: old candles, for whoever runs the place to ask for.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tickroom_actors::limits::BACKFILLS_WAITING;
use tickroom_storage::candle::{Backfill, Interval, NewBackfill, Outcome, Series, Span};
use tickroom_storage::{BackfillId, MarketCode, TimestampMs};
use utoipa::ToSchema;

use super::candle::{find, invalid, moment};
use crate::app::App;
use crate::auth::Admin;
use crate::error::{ApiError, Violation, Violations};
use crate::extract::{Json, Path};
use crate::moment::Moment;
use crate::openapi::{problem, schema};

/// The body of `POST /api/admin/backfills`.
#[derive(Deserialize, ToSchema)]
pub struct BackfillBody {
    #[schema(value_type = schema::MarketCode)]
    market: String,
    #[schema(value_type = schema::Interval)]
    interval: String,
    /// The first day, or a time.
    #[schema(value_type = schema::Moment)]
    from: String,
    /// The last day, or the first time that is not wanted any more; now if it is left out.
    #[schema(value_type = Option<schema::Moment>)]
    to: Option<String>,
}

/// A request for old candles, and how far it has come.
#[derive(Serialize, ToSchema)]
pub struct BackfillView {
    #[schema(value_type = schema::Id)]
    id: BackfillId,
    #[schema(value_type = schema::MarketCode)]
    market: MarketCode,
    #[schema(value_type = schema::Interval)]
    interval: Interval,
    #[schema(value_type = schema::Time)]
    from: TimestampMs,
    /// The first moment that is not part of it.
    #[schema(value_type = schema::Time)]
    to: TimestampMs,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// What is done of it, from 0 to 1.
    progress: f64,
    requests: i64,
    /// Candles that were new or different.
    changes: i64,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    #[schema(value_type = Option<schema::Time>)]
    finished_at: Option<TimestampMs>,
    failure: Option<String>,
}

impl BackfillView {
    /// `running`: the one that is worked on, and where it is complete from.
    fn new(backfill: Backfill, running: Option<(BackfillId, TimestampMs)>) -> Self {
        let Backfill { id, series, span, requests, changes, created_at, finished, failure } = backfill;
        let reached = running.filter(|(running, _)| *running == id).map(|(_, reached)| reached);
        let (state, progress) = match (finished, reached) {
            (Some((_, Outcome::Done)), _) => ("done", 1.0),
            (Some((_, outcome)), _) => (outcome.as_str(), 0.0),
            (None, Some(reached)) => ("running", share(series.interval, span, reached)),
            (None, None) => ("waiting", 0.0),
        };
        Self {
            id,
            market: series.market,
            interval: series.interval,
            from: span.from,
            to: span.until,
            state,
            progress,
            requests,
            changes,
            created_at,
            finished_at: finished.map(|(at, _)| at),
            failure,
        }
    }
}

/// The part of the windows of `span` that begins at `reached` or later.
fn share(interval: Interval, span: Span, reached: TimestampMs) -> f64 {
    let count = |span| u32::try_from(interval.count(span)).unwrap_or(u32::MAX);
    let (done, all) = (count(Span::new(reached.max(span.from), span.until)), count(span));
    f64::from(done) / f64::from(all.max(1))
}

/// The answer to `GET /api/admin/backfills`.
#[derive(Serialize, ToSchema)]
pub struct BackfillsView {
    /// Whether this process collects; it does not while another one does in the same folder.
    collecting: bool,
    /// Series that lack recent candles.
    behind: usize,
    /// Pages read since the server started.
    pages: u64,
    last_error: Option<String>,
    /// The newest ones, newest first.
    backfills: Vec<BackfillView>,
}

/// What was asked for lately, and how the collector is.
///
/// # Errors
///
/// 401, 403, and 503 while the database is down.
#[utoipa::path(
    get, path = "/api/admin/backfills", tag = "admin",
    operation_id = "backfills",
    responses((status = 200, body = BackfillsView), problem::Administrator),
)]
pub async fn list(State(app): State<App>, _: Admin) -> Result<Json<BackfillsView>, ApiError> {
    let view = app.tree.services().candles_view.get();
    let backfills = app.backfills.list().await?;
    Ok(Json(BackfillsView {
        collecting: view.collecting,
        behind: view.behind,
        pages: view.pages,
        last_error: view.last_error,
        backfills: backfills.into_iter().map(|one| BackfillView::new(one, view.backfill)).collect(),
    }))
}

/// Asks for old candles. 201 with the place of the new backfill; it is worked off in its turn, goes on after a restart,
/// and costs nothing where candles are there already.
///
/// # Errors
///
/// 401, 403, 409 for a server without an exchange, 422, and 503 when too many wait.
#[utoipa::path(
    post, path = "/api/admin/backfills", tag = "admin",
    operation_id = "create_backfill",
    request_body = BackfillBody,
    responses(
        (status = 201, body = BackfillView, headers(("Location" = String))),
        problem::Administrator, problem::NoExchange,
    ),
)]
pub async fn create(
    State(app): State<App>,
    _: Admin,
    Json(body): Json<BackfillBody>,
) -> Result<impl IntoResponse, ApiError> {
    let services = app.tree.services();
    if services.config.candles.is_none() {
        return Err(ApiError::conflict(
            "no_exchange",
            "this server has no exchange to ask (feed.source is off)",
        ));
    }
    let (series, span) = check(&app, &body)?;
    let new = NewBackfill { id: app.ids.next(), series, span, created_at: TimestampMs::now() };
    if !app.backfills.create(&new, BACKFILLS_WAITING).await? {
        return Err(ApiError::busy());
    }
    services.candles.hurry();
    let view = Backfill {
        id: new.id,
        series: new.series,
        span: new.span,
        requests: 0,
        changes: 0,
        created_at: new.created_at,
        finished: None,
        failure: None,
    };
    let place = format!("/api/admin/backfills/{}", new.id);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(BackfillView::new(view, None))))
}

fn check(app: &App, body: &BackfillBody) -> Result<(Series, Span), ApiError> {
    let mut violations = Violations::default();
    let market = find(app, &body.market).map_err(|_| Violation {
        code: "unknown",
        detail: "expected a market that this server follows, such as KRW-BTC".into(),
    });
    let market = violations.check("market", market);
    let interval = violations.check("interval", body.interval.parse::<Interval>().map_err(invalid));
    let from = moment(&mut violations, "from", Some(&body.from));
    let to = moment(&mut violations, "to", body.to.as_deref());
    let until = to.map_or_else(TimestampMs::now, Moment::end);
    let span = from.and_then(|from| {
        let out_of_range = |detail: String| Violation { code: "out_of_range", detail: detail.into() };
        violations.check("to", Moment::span(from.begin(), until).map_err(out_of_range))
    });
    match (market, interval, span) {
        (Some(market), Some(interval), Some(span)) => {
            violations.into_result().map(|()| (Series { market, interval }, span))
        }
        _ => Err(violations.into()),
    }
}

/// Calls a backfill off. What it has brought stays. Twice is once.
///
/// # Errors
///
/// 401, 403, and 404 for one that nobody asked for.
#[utoipa::path(
    delete, path = "/api/admin/backfills/{id}", tag = "admin",
    operation_id = "cancel_backfill",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound),
)]
pub async fn cancel(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = id.parse::<BackfillId>().map_err(|_| ApiError::not_found("backfill"))?;
    if app.backfills.get(id).await?.is_none() {
        return Err(ApiError::not_found("backfill"));
    }
    app.backfills.finish(id, Outcome::Cancelled, None, TimestampMs::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
