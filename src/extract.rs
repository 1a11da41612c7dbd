//! axum's extractors for bodies, queries and paths, with rejections that are problem documents.
//!
//! A body that is not JSON is 400; JSON of the wrong shape is 422 and names the field, as validation does. A path
//! parameter of the wrong shape is 400.

use std::{borrow::Cow, error::Error};

use axum::{
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{ApiError, FieldError};

/// A JSON body, in either direction.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The parameters in the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = <axum::Json<T> as FromRequest<S>>::from_request(request, state).await;
        body.map(|axum::Json(value)| Self(value)).map_err(|rejection| json_problem(&rejection))
    }
}

/// `Option<Json<T>>` is `None` for a request without a `Content-Type`, which is to say without a body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let body = <axum::Json<T> as OptionalFromRequest<S>>::from_request(request, state).await;
        body.map(|body| body.map(|axum::Json(value)| Self(value)))
            .map_err(|rejection| json_problem(&rejection))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| query_problem(&rejection))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(path_problem)
    }
}

fn json_problem(rejection: &JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::JsonDataError(error) => wrong_shape::<serde_json::Error>(error),
        JsonRejection::MissingJsonContentType(_) => ApiError::unsupported_media_type("application/json"),
        JsonRejection::JsonSyntaxError(error) => ApiError::bad_request("malformed_json", syntax(error)),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_large(),
        other => ApiError::bad_request("unreadable_body", other.body_text()),
    }
}

fn query_problem(rejection: &QueryRejection) -> ApiError {
    wrong_shape::<serde::de::value::Error>(rejection)
}

fn path_problem(rejection: PathRejection) -> ApiError {
    // A route without the parameter that its handler asks for is our mistake, not the client's.
    if rejection.status().is_server_error() {
        return ApiError::internal(rejection);
    }
    ApiError::bad_request("invalid_path", rejection.body_text())
}

fn syntax(error: &dyn Error) -> Cow<'static, str> {
    let reason = causes(error).last().map_or_else(String::new, ToString::to_string);
    format!("the body is not JSON: {reason}").into()
}

/// Names the field that did not fit. `E` is the format's own error; axum wraps it, and the path to the field, twice.
fn wrong_shape<E: Error + 'static>(rejection: &dyn Error) -> ApiError {
    let located = causes(rejection).find_map(<dyn Error>::downcast_ref::<serde_path_to_error::Error<E>>);
    let (path, detail) = match located {
        Some(error) => (error.path().to_string(), error.inner().to_string()),
        None => (String::from("."), rejection.to_string()),
    };
    let (field, code) = match missing_field(&detail) {
        Some(name) if path == "." => (name.to_owned(), "required"),
        Some(name) => (format!("{path}.{name}"), "required"),
        None => (path, "invalid"),
    };
    ApiError::validation(vec![FieldError { field: field.into(), code, detail: detail.into() }])
}

fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// serde locates a missing field at the struct that misses it; only its message has the name.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}
