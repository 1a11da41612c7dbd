//! `/` and `/assets`: the page, embedded in the binary.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::ApiError;
use crate::extract::Path;
use crate::openapi::problem;

/// Everything in `web/` that the page is made of. Debug builds read it from disk at each request.
#[derive(RustEmbed)]
#[folder = "web/"]
#[include = "*.html"]
#[include = "*.css"]
#[include = "*.js"]
#[include = "*.svg"]
#[exclude = "tests/*"]
struct Web;

/// Nothing from elsewhere, nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page.
///
/// # Errors
///
/// 404 if the page was left out of the build.
#[utoipa::path(
    get, path = "/", tag = "page",
    responses((status = 200, body = String, content_type = "text/html; charset=utf-8"), (status = 304)),
)]
pub async fn index(headers: HeaderMap) -> Result<Response, ApiError> {
    serve("index.html", &headers)
}

/// What the page is made of.
///
/// # Errors
///
/// 404 for what is not part of the page.
#[utoipa::path(
    get, path = "/assets/{path}", tag = "page",
    params(("path" = String, Path)),
    responses(
        (status = 200, content((String = "text/javascript; charset=utf-8"), (String = "text/css; charset=utf-8"), (String = "text/html; charset=utf-8"), (String = "image/svg+xml"))),
        (status = 304),
        problem::NotFound,
    ),
)]
pub async fn asset(headers: HeaderMap, Path(path): Path<String>) -> Result<Response, ApiError> {
    serve(&path, &headers)
}

/// One file of the page.
pub(super) fn serve(path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let file = Web::get(path).ok_or_else(|| ApiError::not_found("page"))?;
    Ok(answer(path, file.data, file.metadata.sha256_hash(), headers))
}

/// Content with a name that says its type, unless the browser has it already.
pub(super) fn answer(
    path: &str,
    content: impl IntoResponse,
    sha256: [u8; 32],
    headers: &HeaderMap,
) -> Response {
    let tag = tag(sha256);
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    // A browser puts the headers of a 304 over those that it has, so both answers say the same.
    let told = [
        // Names carry no version, so a browser asks each time; the tag makes that cheap.
        (CACHE_CONTROL, "no-cache".to_owned()),
        (ETAG, tag),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    ([(CONTENT_TYPE, media_type(path))], told, content).into_response()
}

fn tag(sha256: [u8; 32]) -> String {
    let hex: String = sha256.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
