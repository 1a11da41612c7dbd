//! `Idempotency-Key`: a write that a client sends again because it did not hear the answer is done once
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! The same key with the same request within a day gets the first answer again, with `Idempotency-Replayed: true`; one
//! that comes while the first is still under way waits for it. The same key with another request is a mistake, 422.
//! Keys of different people never meet. What was refused is not remembered: it can be corrected under the same key.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tickroom_storage::{
    UserId,
    idempotency::{Idempotency, IdempotencyKey, Outcome},
};

use crate::error::ApiError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request, if it has one. In the draft it is a string in quotation marks; most clients leave them out.
#[derive(Debug)]
pub struct RequestKey(pub Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for RequestKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default();
        let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let key = unquoted.unwrap_or(text).parse();
        key.map(|key| Self(Some(key)))
            .map_err(|error| ApiError::bad_request("invalid_idempotency_key", format!("{error}")))
    }
}

/// Something that is about to be made, and what will be answered then.
pub struct Creation {
    answer: String,
    request: Option<Idempotency>,
}

impl Creation {
    /// Of what `view` shows, because `user` asked for it at `path` with `body`.
    ///
    /// # Errors
    ///
    /// 500 for what cannot be written as JSON, which all views can.
    pub fn new(
        RequestKey(key): RequestKey,
        user: UserId,
        path: &str,
        body: &impl Serialize,
        view: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let answer = serde_json::to_string(view).map_err(ApiError::internal)?;
        let request = match key {
            None => None,
            Some(key) => {
                let body = serde_json::to_vec(body).map_err(ApiError::internal)?;
                // No path has a line feed, so no two pairs of path and body are written alike.
                let hash = Sha256::new().chain_update(path).chain_update("\n").chain_update(body);
                let fingerprint = format!("{:x}", hash.finalize());
                Some(Idempotency { user_id: user, key, fingerprint, answer: answer.clone() })
            }
        };
        Ok(Self { answer, request })
    }

    /// What the store has to know of it.
    #[must_use]
    pub fn request(&self) -> Option<&Idempotency> {
        self.request.as_ref()
    }

    /// 201 with what was made now, as `made_id`, or with what was answered when it was made.
    ///
    /// # Errors
    ///
    /// 422 `idempotency_key_reused`.
    pub fn answer(self, outcome: Outcome, made_id: i64, folder: &str) -> Result<Response, ApiError> {
        let (made_id, answer, is_replayed) = match outcome {
            Outcome::Done => (made_id, self.answer, false),
            Outcome::Repeated { made_id, answer } => (made_id, answer, true),
            Outcome::KeyReused => {
                let detail = "this Idempotency-Key belongs to another request; take a new one";
                return Err(ApiError::unprocessable("idempotency_key_reused", detail));
            }
        };
        let location = format!("{folder}/{made_id}");
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::LOCATION, location)];
        let mut response = (StatusCode::CREATED, headers, answer).into_response();
        if is_replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }
}
