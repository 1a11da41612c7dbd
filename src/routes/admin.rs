//! `/api/admin`: what administrators do to accounts.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tickroom_storage::{
    TimestampMs, UserId,
    user::{Role, User, Users},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{Admin, Auth},
    error::{ApiError, Violation, Violations},
    extract::{Json, Path, Query},
    limits::{PAGE_USERS, PAGE_USERS_MAX, USER_SEARCH_CHARS_MAX},
    openapi::{problem, schema},
};

/// The query of `GET /api/admin/users`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    #[serde(default)]
    #[param(value_type = Option<schema::AccountPart>)]
    q: String,
    #[param(value_type = Option<schema::Id>)]
    cursor: Option<UserId>,
    #[param(value_type = Option<schema::UsersLimit>)]
    limit: Option<u16>,
}

impl UsersQuery {
    fn check(&self) -> Result<u16, ApiError> {
        let mut violations = Violations::default();
        let limit = self.limit.unwrap_or(PAGE_USERS);
        if !(1..=PAGE_USERS_MAX).contains(&limit) {
            let detail = format!("expected 1 to {PAGE_USERS_MAX}, got {limit}");
            violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
        }
        if self.q.chars().count() > USER_SEARCH_CHARS_MAX {
            let detail = format!("expected at most {USER_SEARCH_CHARS_MAX} characters");
            violations.add("q", Violation { code: "too_long", detail: detail.into() });
        }
        violations.into_result().map(|()| limit)
    }
}

/// What an administrator may know of somebody.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    #[schema(value_type = schema::Id)]
    id: UserId,
    username: String,
    email: String,
    #[schema(value_type = schema::Role)]
    role: Role,
    #[schema(value_type = Option<schema::Time>)]
    verified_at: Option<TimestampMs>,
    #[schema(value_type = Option<schema::Time>)]
    suspended_at: Option<TimestampMs>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.name.to_string(),
            email: user.email.to_string(),
            role: user.role,
            verified_at: user.verified_at,
            suspended_at: user.suspended_at,
            created_at: user.created_at,
        }
    }
}

/// A page of accounts, the newest first.
#[derive(Serialize, ToSchema)]
pub struct AccountsView {
    users: Vec<AccountView>,
    /// What to pass as `cursor` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Id>)]
    next_cursor: Option<UserId>,
}

/// `PUT /api/admin/users/{id}/role`.
#[derive(Deserialize, ToSchema)]
pub struct RoleBody {
    #[schema(value_type = schema::Role)]
    role: Role,
}

/// Accounts whose name or address holds `q`, in any letter case.
///
/// # Errors
///
/// 401 for nobody, 403 for who is no administrator, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/admin/users", tag = "admin",
    params(UsersQuery),
    responses((status = 200, body = AccountsView), problem::Administrator),
)]
pub async fn users(
    State(users): State<Users>,
    Admin(_): Admin,
    Query(query): Query<UsersQuery>,
) -> Result<Json<AccountsView>, ApiError> {
    let limit = query.check()?;
    let found = users.search_accounts(query.q.trim(), query.cursor, limit).await?;
    let next_cursor = found.last().map(|user| user.id).filter(|_| found.len() >= usize::from(limit));
    Ok(Json(AccountsView { users: found.into_iter().map(AccountView::from).collect(), next_cursor }))
}

/// `PUT /api/admin/users/{id}/role`: `{"role": "admin"}` or `"user"`. 204. A new administrator is one from the next
/// refreshed token on; who was one is logged out at once.
///
/// # Errors
///
/// 401, 403, 404 for nobody of this id, 409 `own_account`.
#[utoipa::path(
    put, path = "/api/admin/users/{id}/role", tag = "admin",
    params(("id" = schema::Id, Path)),
    request_body = RoleBody,
    responses((status = 204), problem::Administrator, problem::NotFound, problem::OwnAccount),
)]
pub async fn set_role(
    State(auth): State<Auth>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
    Json(body): Json<RoleBody>,
) -> Result<StatusCode, ApiError> {
    auth.set_role(&admin, id, body.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps somebody out, and ends logins and sockets. 204, also when it is so already.
///
/// # Errors
///
/// 401, 403, 404 for nobody of this id, 409 `own_account`.
#[utoipa::path(
    put, path = "/api/admin/users/{id}/suspension", tag = "admin",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound, problem::OwnAccount),
)]
pub async fn suspend(
    State(auth): State<Auth>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    auth.suspend(&admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets somebody in again. 204, also when nothing stood in the way.
///
/// # Errors
///
/// 401, 403, 404 for nobody of this id.
#[utoipa::path(
    delete, path = "/api/admin/users/{id}/suspension", tag = "admin",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound),
)]
pub async fn lift_suspension(
    State(auth): State<Auth>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    auth.lift_suspension(&admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
