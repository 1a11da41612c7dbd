//! `/connection/websocket`: the Centrifuge protocol, for the SDKs that speak it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tickroom_actors::session::{Authority, Dialect, Identity, Terms, Unproven};
use tickroom_actors::wire::centrifuge::Format;
use utoipa::IntoParams;

use super::open_socket;
use crate::app::App;
use crate::auth::{Auth, MaybeSocketIdentity};
use crate::error::ApiError;
use crate::extract::Query;
use crate::openapi::problem;
use crate::socket::Handshake;

/// The names of the two spellings in `Sec-WebSocket-Protocol`.
const PROTOBUF: &str = "centrifuge-protobuf";
const JSON: &str = "centrifuge-json";

/// The query of `GET /connection/websocket`, by which clients choose that cannot name a subprotocol.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConnectQuery {
    format: Option<String>,
    cf_protocol: Option<String>,
    cf_ws_frame_ping_pong: Option<String>,
}

impl ConnectQuery {
    fn wants_protobuf(&self) -> bool {
        [&self.format, &self.cf_protocol].into_iter().any(|name| name.as_deref() == Some("protobuf"))
    }
}

/// A socket for any number of channels, in the Centrifuge protocol. Whoever the handshake does not prove may send a
/// token in `connect`, or be nobody in particular and watch prices.
///
/// # Errors
///
/// As problem documents before the upgrade: 400, 401, 403, 429 and 503. After it as replies and close codes.
#[utoipa::path(
    get, path = "/connection/websocket", tag = "room",
    params(ConnectQuery),
    security((), ("bearer" = []), ("cookie" = []), ("ticket" = [])),
    responses((status = 101), problem::Visitor, problem::Socket, problem::OriginForbidden),
)]
pub async fn connect(
    State(app): State<App>,
    handshake: Result<Handshake, Response>,
    identity: Result<MaybeSocketIdentity, ApiError>,
    Query(query): Query<ConnectQuery>,
) -> Result<Response, Response> {
    let mut handshake = handshake?;
    let chosen = handshake.choose(&[PROTOBUF, JSON]);
    let is_protobuf = chosen.map_or_else(|| query.wants_protobuf(), |chosen| chosen == PROTOBUF);
    let terms = Terms {
        format: if is_protobuf { Format::Protobuf } else { Format::Json },
        frame_pings: query.cf_ws_frame_ping_pong.as_deref() == Some("true"),
        authority: Arc::new(AccessTokens(app.auth.clone())),
    };
    let open = |MaybeSocketIdentity(identity)| open_socket(&app, identity, Dialect::Centrifuge(terms));
    let session = identity.and_then(open).map_err(ApiError::into_response)?;
    Ok(handshake.accept(session))
}

/// What sessions know of authentication.
struct AccessTokens(Auth);

#[async_trait]
impl Authority for AccessTokens {
    async fn identify(&self, token: &str) -> Result<Identity, Unproven> {
        let identified = self.0.by_access_token(token).await;
        identified.map(Into::into).map_err(|refused| match (refused.status(), refused.code()) {
            (StatusCode::UNAUTHORIZED, "token_expired") => Unproven::Expired,
            (StatusCode::UNAUTHORIZED, _) => Unproven::Invalid,
            _ => Unproven::Unavailable,
        })
    }
}
