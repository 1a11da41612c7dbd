//! `/api-docs` and `/docs`: the description of the API, for programs and for people.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::ui;
use crate::error::ApiError;
use crate::openapi;

/// With its hash: it never changes while the server runs. None of its parts can fail to become JSON.
static DOCUMENT: LazyLock<(Bytes, [u8; 32])> = LazyLock::new(|| {
    let json = serde_json::to_vec(&openapi::document()).unwrap_or_default();
    let hash = Sha256::digest(&json).into();
    (json.into(), hash)
});

/// This document: OpenAPI 3.1.
#[utoipa::path(
    get, path = "/api-docs/openapi.json", tag = "page",
    responses((status = 200, body = serde_json::Value), (status = 304)),
)]
pub async fn document(headers: HeaderMap) -> Response {
    let (json, hash) = &*DOCUMENT;
    ui::answer("openapi.json", json.clone(), *hash, &headers)
}

/// A browser for this document.
///
/// # Errors
///
/// 404 if it was left out of the build.
#[utoipa::path(
    get, path = "/docs", tag = "page",
    responses((status = 200, body = String, content_type = "text/html; charset=utf-8"), (status = 304)),
)]
pub async fn browser(headers: HeaderMap) -> Result<Response, ApiError> {
    ui::serve("docs.html", &headers)
}
