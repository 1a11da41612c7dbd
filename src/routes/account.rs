//! `/api/users/me` where the account itself changes: its password, and its end.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    auth::{Auth, Authenticated, password::Password},
    error::{ApiError, Violations},
    extract::Json,
    middleware::client_ip::ClientIp,
    openapi::{problem, schema},
};

/// `PUT /api/users/me/password`.
#[derive(Deserialize, ToSchema)]
pub struct PasswordBody {
    #[serde(default)]
    #[schema(value_type = schema::Password, required)]
    current_password: SecretString,
    #[serde(default)]
    #[schema(value_type = schema::NewPassword, required)]
    new_password: SecretString,
}

/// `DELETE /api/users/me`.
#[derive(Deserialize, ToSchema)]
pub struct DeleteBody {
    #[serde(default)]
    #[schema(value_type = schema::Password, required)]
    password: SecretString,
}

/// Replaces one's own password, and ends all one's other logins. 204.
///
/// # Errors
///
/// 401 for nobody, 403 `wrong_password`, 422 for a new one that will not do, 429 for guessing.
#[utoipa::path(
    put, path = "/api/users/me/password", tag = "user",
    request_body = PasswordBody,
    responses((status = 204), problem::LoggedIn, problem::WrongPassword, problem::NotFound),
)]
pub async fn change_password(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
    ClientIp(client): ClientIp,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, ApiError> {
    let mut violations = Violations::default();
    let new = violations.check("new_password", Password::try_from(body.new_password));
    let new = new.ok_or_else(|| ApiError::from(violations))?;
    auth.change_password(&identity, body.current_password, new, client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one's own account. 204. What is personal goes: name, address, password, what one says about oneself, logins,
/// with their sockets. Posts and comments stay as those of a deleted user, and what was said in rooms stays as it was
/// said. Name and address are free again.
///
/// # Errors
///
/// 401 for nobody, 403 `wrong_password`, 429 for guessing.
#[utoipa::path(
    delete, path = "/api/users/me", tag = "user",
    request_body = DeleteBody,
    responses((status = 204), problem::LoggedIn, problem::WrongPassword, problem::NotFound),
)]
pub async fn delete(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
    ClientIp(client): ClientIp,
    Json(body): Json<DeleteBody>,
) -> Result<impl IntoResponse, ApiError> {
    auth.delete_account(&identity, body.password, client).await?;
    Ok((auth.clear_cookies()?, StatusCode::NO_CONTENT))
}
