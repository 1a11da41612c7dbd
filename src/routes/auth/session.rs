//! `/api/auth/sessions`: where one is logged in, and how to end that.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tickroom_storage::{FamilyId, TimestampMs, token::Login};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{Auth, Authenticated},
    error::{ApiError, Violation, Violations},
    extract::{Json, Path, Query},
    limits::{PAGE_LOGINS, PAGE_LOGINS_MAX},
    openapi::{problem, schema},
};

/// The query of `GET /api/auth/sessions`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    #[param(value_type = Option<schema::Id>)]
    cursor: Option<FamilyId>,
    #[param(value_type = Option<schema::LoginsLimit>)]
    limit: Option<u16>,
}

/// One login.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    #[schema(value_type = schema::Id)]
    id: FamilyId,
    /// What it looks like, such as `Firefox on Windows`; `null` for what nobody knows.
    device: Option<String>,
    /// What the client said of itself.
    user_agent: Option<String>,
    /// From where it began: an IPv4 address, or the /64 network of an IPv6 one.
    address: Option<String>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    /// When its tokens were last refreshed, which happens once in some minutes of use.
    #[schema(value_type = schema::Time)]
    last_used_at: TimestampMs,
    /// Whether it is the one that asks.
    current: bool,
}

/// A page of logins, the newest first.
#[derive(Serialize, ToSchema)]
pub struct SessionsView {
    sessions: Vec<SessionView>,
    /// What to pass as `cursor` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Id>)]
    next_cursor: Option<FamilyId>,
}

impl SessionView {
    fn of(login: Login, current: Option<FamilyId>) -> Self {
        let Login { id, user_agent, address, created_at, last_used_at } = login;
        let device = user_agent.as_deref().and_then(device_of);
        Self { id, device, user_agent, address, created_at, last_used_at, current: current == Some(id) }
    }
}

/// One's own logins.
///
/// # Errors
///
/// 401 for nobody, 422 for a limit out of range.
#[utoipa::path(
    get, path = "/api/auth/sessions", tag = "auth",
    operation_id = "sessions",
    params(SessionsQuery),
    responses((status = 200, body = SessionsView), problem::LoggedIn),
)]
pub async fn list(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
    Query(query): Query<SessionsQuery>,
) -> Result<Json<SessionsView>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE_LOGINS);
    let mut violations = Violations::default();
    if !(1..=PAGE_LOGINS_MAX).contains(&limit) {
        let detail = format!("expected 1 to {PAGE_LOGINS_MAX}, got {limit}");
        violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
    }
    violations.into_result()?;
    let logins = auth.logins(&identity, query.cursor, limit).await?;
    let next_cursor = logins.last().map(|login| login.id).filter(|_| logins.len() >= usize::from(limit));
    let view = |login| SessionView::of(login, identity.family);
    Ok(Json(SessionsView { sessions: logins.into_iter().map(view).collect(), next_cursor }))
}

/// Ends one, with its sockets. 204.
///
/// # Errors
///
/// 401 for nobody, 404 for one that is not one's own or has ended.
#[utoipa::path(
    delete, path = "/api/auth/sessions/{id}", tag = "auth",
    operation_id = "end_session",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotFound),
)]
pub async fn end(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
    Path(id): Path<FamilyId>,
) -> Result<StatusCode, ApiError> {
    auth.end_login(&identity, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all but the one that asks. 204.
///
/// # Errors
///
/// 401 for nobody.
#[utoipa::path(
    delete, path = "/api/auth/sessions", tag = "auth",
    operation_id = "end_other_sessions",
    responses((status = 204), problem::LoggedIn),
)]
pub async fn end_others(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
) -> Result<StatusCode, ApiError> {
    auth.end_other_logins(&identity).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Words in a `User-Agent` and what they stand for. The first that is there counts: most browsers claim to be others, too.
const PROGRAMS: [(&str, &str); 12] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("KAKAOTALK", "KakaoTalk"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("okhttp", "an Android app"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 6] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

fn device_of(user_agent: &str) -> Option<String> {
    let find = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program} on {system}")),
        (program, system) => program.or(system).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_program_and_system_as_far_as_they_can_be_told() {
        for (user_agent, device) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:124.0) Gecko/20100101 Firefox/124.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0 Safari/537.36 Edg/123.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
        ] {
            assert_eq!(device_of(user_agent).as_deref(), Some(device));
        }
        assert_eq!(device_of("Tickroom/1.0 <script>"), None);
    }
}
