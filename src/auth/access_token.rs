//! Access tokens: JWTs (RFC 7519) that any server with the key can check without asking anyone.
//!
//! Every claim is checked, so that nothing else signed with this key, now or later, can pass for one: algorithm,
//! issuer, audience, `typ`, and both times.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tickroom_storage::{FamilyId, TimestampMs, UserId, user::Role};

use super::{Identity, Scopes, secret};
use crate::{
    error::ApiError,
    limits::{ACCESS_TOKEN_BYTES_MAX, CLOCK_SKEW},
};

const AUDIENCE: &str = "tickroom";
const TYPE: &str = "access";

/// The claims, in the registry's names where it has them.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    iat: i64,
    exp: i64,
    jti: String,
    typ: String,
    sid: FamilyId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    role: Role,
    scope: Scopes,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    /// It was good once.
    Expired,
    /// It was never good.
    Invalid,
}

/// Issues and verifies access tokens.
pub(super) struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    issuer: String,
}

impl AccessTokens {
    pub(super) fn new(key: &SecretString, issuer: String) -> Self {
        let key = key.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked in `verify`, against a clock that tests can wind.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
            issuer,
        }
    }

    /// A token for `identity`, good until that expires.
    pub(super) fn issue(
        &self,
        identity: &Identity,
        family: FamilyId,
        now: TimestampMs,
    ) -> Result<String, ApiError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: identity.user_id,
            iat: seconds(now),
            exp: seconds(identity.expires_at),
            jti: secret::generate()?,
            typ: TYPE.to_owned(),
            sid: family,
            name: identity.name.as_ref().to_owned(),
            picture: identity.profile_url.as_deref().map(str::to_owned),
            role: identity.role,
            scope: identity.scopes,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(ApiError::internal)
    }

    /// Whom the token stands for, if it is ours and its time is now.
    pub(super) fn verify(&self, token: &str, now: TimestampMs) -> Result<Identity, TokenError> {
        let claims = self.decode(token)?;
        let (now, skew) = (seconds(now), skew_seconds());
        if claims.iat > now.saturating_add(skew) {
            return Err(TokenError::Invalid);
        }
        // No allowance here: a socket that ends with its token must not be let in with it again.
        if now >= claims.exp {
            return Err(TokenError::Expired);
        }
        Ok(claims.into())
    }

    /// Whose token it is and of which login, even if it has expired: enough to log out with.
    pub(super) fn owner(&self, token: &str) -> Option<(UserId, FamilyId)> {
        self.decode(token).ok().map(|claims| (claims.sub, claims.sid))
    }

    fn decode(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > ACCESS_TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let decoded = decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.map_err(|_refused| TokenError::Invalid)?.claims;
        if claims.typ == TYPE { Ok(claims) } else { Err(TokenError::Invalid) }
    }
}

impl From<Claims> for Identity {
    fn from(claims: Claims) -> Self {
        Self {
            user_id: claims.sub,
            name: claims.name.into(),
            profile_url: claims.picture.map(Into::into),
            role: claims.role,
            scopes: claims.scope,
            family: Some(claims.sid),
            expires_at: TimestampMs::new(claims.exp.saturating_mul(1000)),
        }
    }
}

/// JWTs count in whole seconds.
fn seconds(time: TimestampMs) -> i64 {
    time.as_millis().div_euclid(1000)
}

fn skew_seconds() -> i64 {
    i64::try_from(Duration::as_secs(&CLOCK_SKEW)).unwrap_or_default()
}
