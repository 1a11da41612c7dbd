//! Logins: begun with a password, carried on with refresh tokens, ended by logout or theft.

use std::net::IpAddr;

use axum::http::HeaderMap;
use secrecy::SecretString;
use tickroom_storage::{
    ErrorKind, FamilyId,
    token::{NewFamily, Rotation},
    user::{Email, User},
};

use super::{
    Auth, Identity, cookie::LoginCookies, credential::bearers, later, secret, token_expired, token_invalid,
    token_revoked, unauthenticated,
};
use crate::{error::ApiError, middleware::rate_limit::household};

/// What a login or refresh yields.
pub struct Grant {
    /// Whom it is for.
    pub identity: Identity,
    /// Good for [`Auth::access_ttl`].
    pub access_token: String,
    /// The next refresh token; `None` when another request has fetched it a moment ago.
    pub refresh_token: Option<String>,
}

/// Where somebody logs in, for the list of her logins.
pub struct Device {
    /// What the browser says it is.
    pub user_agent: Option<String>,
    /// Its address.
    pub address: IpAddr,
}

impl Auth {
    /// Begins a login. An unknown address and a wrong password get one answer, after the same work; what else stands in
    /// the way is told only to who knows the password.
    ///
    /// # Errors
    ///
    /// 401 `invalid_credentials`, 403 `account_suspended` or `email_not_verified`, 429 for guessing, 503 when too many
    /// hashes wait.
    pub async fn login(
        &self,
        email: &str,
        password: SecretString,
        device: Device,
    ) -> Result<Grant, ApiError> {
        let user = match email.parse::<Email>() {
            Ok(email) => self.0.users.by_email(&email).await?,
            Err(_not_an_address) => None,
        };
        let matches = self.verify_password(email, user.as_ref(), password, device.address).await?;
        let user = user.filter(|_| matches).ok_or_else(invalid_credentials)?;
        if user.suspended_at.is_some() {
            return Err(ApiError::forbidden("account_suspended", "this account is suspended"));
        }
        if self.0.is_verification_required && user.verified_at.is_none() {
            let detail = "follow the link in the mail that was sent to this address first";
            return Err(ApiError::forbidden("email_not_verified", detail));
        }
        self.start_family(&user, device).await
    }

    async fn start_family(&self, user: &User, device: Device) -> Result<Grant, ApiError> {
        let now = self.now();
        let family = self.0.ids.next();
        let refresh_token = secret::generate()?;
        let new_family = NewFamily {
            id: family,
            user_id: user.id,
            proved_against: user.password_hash.clone(),
            user_agent: device.user_agent,
            address: Some(household(device.address).to_string()),
            token_hash: secret::fingerprint(&refresh_token),
            now,
            expires_at: later(now, self.0.cookies.refresh_ttl),
        };
        // Deleted, suspended or given another password while this one was being checked: then it is wrong by now.
        self.0.families.start(new_family).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => invalid_credentials(),
            _ => error.into(),
        })?;
        self.grant(user, family, Some(refresh_token))
    }

    /// Exchanges a refresh token.
    ///
    /// # Errors
    ///
    /// 401 when it is not, or no longer, good; a replaced one that comes back late also ends its family.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Grant, ApiError> {
        let successor = secret::generate()?;
        let (user, family, refresh_token) = match self.rotate(refresh_token, &successor).await? {
            Rotation::Rotated { user, family } => (user, family, Some(successor)),
            Rotation::Replayed { user, family } => (user, family, None),
            Rotation::Reused { .. } | Rotation::Revoked => return Err(token_revoked()),
            Rotation::Expired => return Err(token_expired()),
            Rotation::Unknown => return Err(token_invalid()),
        };
        let user = self.living(user).await?.filter(|user| user.suspended_at.is_none());
        let user = user.ok_or_else(token_revoked)?;
        self.grant(&user, family, refresh_token)
    }

    /// The same with the token that a browser keeps.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh), and 401 when there is no cookie.
    pub async fn refresh_by_cookie(&self, headers: &HeaderMap) -> Result<Grant, ApiError> {
        let token = LoginCookies::read(headers).refresh.ok_or_else(unauthenticated)?;
        self.refresh(&token).await
    }

    async fn rotate(&self, refresh_token: &str, successor: &str) -> Result<Rotation, ApiError> {
        let now = self.now();
        let expires_at = later(now, self.0.cookies.refresh_ttl);
        let (old, new) = (secret::fingerprint(refresh_token), secret::fingerprint(successor));
        self.0.families.rotate(old, new, now, expires_at).await
    }

    fn grant(&self, user: &User, family: FamilyId, refresh_token: Option<String>) -> Result<Grant, ApiError> {
        let now = self.now();
        let identity = self.identity_of(user, Some(family), now);
        let access_token = self.0.access_tokens.issue(&identity, family, now)?;
        Ok(Grant { identity, access_token, refresh_token })
    }

    /// Ends the logins of all tokens in `headers`, Bearers and cookies. What is no token of ours ends nothing.
    ///
    /// # Errors
    ///
    /// Only the server's own.
    pub async fn end_logins_of(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let cookies = LoginCookies::read(headers);
        for token in bearers(headers).chain(cookies.access.as_deref()) {
            // An expired one will do, too: it still says which login it is.
            if let Some((user, family)) = self.0.access_tokens.owner(token) {
                self.0.families.revoke(user, family, self.now()).await?;
            }
        }
        match cookies.refresh {
            Some(token) => self.end_login_of(&token).await,
            None => Ok(()),
        }
    }

    /// Ends the login that a refresh token belongs to, used up or not. What is no token of ours ends nothing.
    ///
    /// # Errors
    ///
    /// Only the server's own.
    pub async fn end_login_of(&self, token: &str) -> Result<(), ApiError> {
        // Using the token is how one learns whose it is; its successor is never handed out.
        match self.rotate(token, &secret::generate()?).await? {
            Rotation::Rotated { user, family }
            | Rotation::Replayed { user, family }
            | Rotation::Reused { user, family } => self.0.families.revoke(user, family, self.now()).await,
            Rotation::Expired | Rotation::Revoked | Rotation::Unknown => Ok(()),
        }
    }
}

fn invalid_credentials() -> ApiError {
    ApiError::unauthorized("invalid_credentials", "the email or the password is wrong")
}
