//! axum's extractors for bodies, queries and paths, with rejections that are problem documents.
//!
//! A body that is not JSON is 400, one that does not arrive in time 408; JSON of the wrong shape is 422 and names the
//! field, as validation does. A path parameter of the wrong shape is 400.

use std::{borrow::Cow, error::Error};

use axum::{
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, Unexpected},
};

use crate::{
    error::{ApiError, FieldError},
    limits::BODY_RECEIVE_TIMEOUT,
};

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
        let body = in_time(<axum::Json<T> as FromRequest<S>>::from_request(request, state)).await?;
        body.map(|axum::Json(value)| Self(value)).map_err(|rejection| json_problem(&rejection))
    }
}

/// `Option<Json<T>>` is `None` for a request without a `Content-Type`, which is to say without a body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let body = in_time(<axum::Json<T> as OptionalFromRequest<S>>::from_request(request, state)).await?;
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

/// A whole number in a JSON body. JSON does not tell `60.0` from `60`, and JSON Schema calls both integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeNumber(pub i64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        // The text of a number without a fraction has none, either; adding zero takes the sign from zero.
        let whole = (number + 0.0).to_string().parse();
        whole.map(Self).map_err(|_| D::Error::invalid_value(Unexpected::Float(number), &"a whole number"))
    }
}

/// Waits for a body to arrive, and no longer than it may take: a client that sends a byte now and then is never silent.
///
/// # Errors
///
/// 408 when time is up.
pub(crate) async fn in_time<T>(arrival: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(BODY_RECEIVE_TIMEOUT, arrival).await.map_err(|_elapsed| ApiError::body_too_slow())
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

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use axum::{
        Router,
        body::{Body, Bytes},
        http::{Request, header::CONTENT_TYPE},
        routing::post,
    };
    use futures_util::stream;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    /// A body of so many bytes, each a pause after the one before it.
    fn trickle(bytes: u32, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(pause).await;
            let byte = if sent + 1 == bytes { "1" } else { " " };
            (sent < bytes).then_some((Ok::<_, Infallible>(Bytes::from(byte)), sent + 1))
        }))
    }

    /// What a handler answers to it that needs a body, and one that may have none.
    async fn answers(bytes: u32, pause: Duration) -> [StatusCode; 2] {
        let routes = Router::new()
            .route("/needed", post(async |Json(_): Json<Value>| {}))
            .route("/optional", post(async |_: Option<Json<Value>>| {}));
        let answer = async |path: &str| {
            let request = Request::post(path).header(CONTENT_TYPE, "application/json");
            let request = request.body(trickle(bytes, pause)).unwrap();
            routes.clone().oneshot(request).await.unwrap().status()
        };
        [answer("/needed").await, answer("/optional").await]
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let read =
            |text: &str| serde_json::from_str::<WholeNumber>(text).ok().map(|WholeNumber(number)| number);
        for (text, number) in [("60", 60), ("60.0", 60), ("6e1", 60), ("-3", -3), ("0", 0), ("-0.0", 0)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["1.5", "-0.1", "1e300", "\"60\"", "true", "null", "[60]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_in_too_slowly_is_408() {
        assert_eq!(answers(10, Duration::from_secs(2)).await, [StatusCode::OK; 2]);
        assert_eq!(answers(10, Duration::from_secs(4)).await, [StatusCode::REQUEST_TIMEOUT; 2]);
        assert_eq!(answers(1, Duration::from_secs(3600)).await, [StatusCode::REQUEST_TIMEOUT; 2]);
    }
}
