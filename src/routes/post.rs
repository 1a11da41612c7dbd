//! `/api/posts`: what people post, who likes it, and how often it was looked at.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tickroom_storage::post::{PostFilter, PostOrder};
use tickroom_storage::{PostId, TimestampMs, UserId};
use utoipa::IntoParams;

use super::page;
use crate::app::App;
use crate::auth::{Authenticated, Identity, MaybeAuthenticated, Scope};
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Creation, RequestKey};
use crate::middleware::client_ip::ClientIp;
use crate::openapi::{problem, schema};

mod body;
mod view;

pub use body::{PostBody, PostPatchBody};
pub use view::{AuthorView, LikeView, PostView, PostsView};

const FOLDER: &str = "/api/posts";

/// In which order posts are listed.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The newest first.
    #[default]
    Latest,
    /// The most popular of the last seven days first.
    Popular,
}

/// The query of `GET /api/posts`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostsQuery {
    #[param(value_type = Option<schema::Id>)]
    author: Option<UserId>,
    #[param(value_type = Option<schema::Tag>)]
    tag: Option<String>,
    #[param(value_type = Option<schema::MarketCode>)]
    market: Option<String>,
    #[param(value_type = Option<schema::Words>)]
    q: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<schema::Sort>)]
    sort: Sort,
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

impl PostsQuery {
    fn check(&self, now: TimestampMs) -> Result<(PostFilter, PostOrder, u16), ApiError> {
        let mut violations = Violations::default();
        let filter = PostFilter {
            author: self.author,
            tag: self.tag.as_deref().and_then(|tag| violations.check("tag", tag.parse())),
            market: self.market.as_deref().and_then(|code| violations.check("market", code.parse())),
            search: self.q.as_deref().and_then(|words| violations.check("q", words.parse())),
        };
        let order = order(&mut violations, self.sort, self.cursor.as_deref(), now);
        let limit = page::items_limit(&mut violations, self.limit);
        violations.into_result().map(|()| (filter, order, limit))
    }
}

/// The order, from where an earlier page ended.
pub(super) fn order(
    violations: &mut Violations,
    sort: Sort,
    cursor: Option<&str>,
    now: TimestampMs,
) -> PostOrder {
    match sort {
        Sort::Latest => PostOrder::Latest { before: page::cursor(violations, cursor) },
        Sort::Popular => PostOrder::Popular { after: page::cursor(violations, cursor), now },
    }
}

/// The newest posts first, or the most popular of the last seven days; of what is set, all must hold. `q` finds parts
/// of words in title, text and tags.
///
/// # Errors
///
/// 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/posts", tag = "post",
    params(PostsQuery),
    responses((status = 200, body = PostsView), problem::Visitor),
)]
pub async fn list(
    State(app): State<App>,
    MaybeAuthenticated(reader): MaybeAuthenticated,
    Query(query): Query<PostsQuery>,
) -> Result<Json<PostsView>, ApiError> {
    let (filter, order, limit) = query.check(TimestampMs::now())?;
    let posts = app.posts.list(&filter, order, limit + 1, reader_id(reader.as_ref())).await?;
    Ok(Json(PostsView::of(posts, query.sort, limit)))
}

/// Posts something. 201 with the post; sent again with the same `Idempotency-Key`, the same answer.
///
/// # Errors
///
/// 401 for nobody, 413 for more than anybody may post, 422 naming all fields that are wrong, or for an
/// `Idempotency-Key` that belongs to another request.
#[utoipa::path(
    post, path = "/api/posts", tag = "post",
    params(("Idempotency-Key" = Option<schema::IdempotencyKey>, Header)),
    request_body = PostBody,
    responses(
        (status = 201, body = PostView, headers(("Location" = String), ("Idempotency-Replayed" = bool))),
        problem::LoggedIn, problem::Idempotent, problem::NotFound,
    ),
)]
pub async fn create(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    key: RequestKey,
    Json(body): Json<PostBody>,
) -> Result<Response, ApiError> {
    let new = body.check(app.ids.next(), identity.user_id, TimestampMs::now())?;
    let author = app.users.by_id(identity.user_id).await?.ok_or_else(|| ApiError::not_found("user"))?;
    let view = PostView::from(new.clone().into_post(author.into()));
    let creation = Creation::new(key, identity.user_id, FOLDER, &body, &view)?;
    let outcome = app.posts.create(&new, creation.request()).await?;
    creation.answer(outcome, new.id.get(), FOLDER)
}

/// One post, whole.
///
/// # Errors
///
/// 404 for a post that is not there.
#[utoipa::path(
    get, path = "/api/posts/{id}", tag = "post",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = PostView), problem::Visitor, problem::NotFound),
)]
pub async fn show(
    State(app): State<App>,
    MaybeAuthenticated(reader): MaybeAuthenticated,
    Path(id): Path<PostId>,
) -> Result<Json<PostView>, ApiError> {
    find(&app, id, reader.as_ref()).await
}

/// Changes one's own post. 200 with the post as it is now.
///
/// # Errors
///
/// 401 for nobody, 403 for somebody else's, 404 for a post that is not there, 422 naming all fields that are wrong.
#[utoipa::path(
    patch, path = "/api/posts/{id}", tag = "post",
    params(("id" = schema::Id, Path)),
    request_body = PostPatchBody,
    responses((status = 200, body = PostView), problem::LoggedIn, problem::NotAuthor, problem::NotFound),
)]
pub async fn edit(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<PostId>,
    Json(body): Json<PostPatchBody>,
) -> Result<Json<PostView>, ApiError> {
    if author(&app, id).await? != identity.user_id {
        return Err(not_author());
    }
    app.posts.edit(id, body.check()?, TimestampMs::now()).await?;
    find(&app, id, Some(&identity)).await
}

/// Deletes one's own post, with all comments on it; administrators delete anybody's. 204.
///
/// # Errors
///
/// 401 for nobody, 403 for somebody else's, 404 for a post that is not there.
#[utoipa::path(
    delete, path = "/api/posts/{id}", tag = "post",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotAuthor, problem::NotFound),
)]
pub async fn delete(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<PostId>,
) -> Result<StatusCode, ApiError> {
    may_delete(&identity, author(&app, id).await?)?;
    app.posts.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Likes a post from now on; again, nothing changes.
///
/// # Errors
///
/// 401 for nobody, 404 for a post that is not there.
#[utoipa::path(
    put, path = "/api/posts/{id}/like", tag = "post",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = LikeView), problem::LoggedIn, problem::NotFound),
)]
pub async fn like(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<PostId>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = app.posts.like(id, identity.user_id, TimestampMs::now()).await?;
    Ok(Json(LikeView::new(true, liked)))
}

/// Likes a post no more; again, nothing changes.
///
/// # Errors
///
/// 401 for nobody, 404 for a post that is not there.
#[utoipa::path(
    delete, path = "/api/posts/{id}/like", tag = "post",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = LikeView), problem::LoggedIn, problem::NotFound),
)]
pub async fn unlike(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<PostId>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = app.posts.unlike(id, identity.user_id).await?;
    Ok(Json(LikeView::new(false, liked)))
}

/// Tells that somebody looks at a post. Each viewer counts once in a day: people with an account by that, others by
/// their address. 204, whether it counted or not.
///
/// # Errors
///
/// 404 for a post that is not there, 429 for too many from one address or account.
#[utoipa::path(
    post, path = "/api/posts/{id}/view", tag = "post",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Visitor, problem::NotFound),
)]
pub async fn view(
    State(app): State<App>,
    MaybeAuthenticated(identity): MaybeAuthenticated,
    ClientIp(client): ClientIp,
    Path(id): Path<PostId>,
) -> Result<StatusCode, ApiError> {
    if identity.is_none() {
        app.view_limit.take(client)?;
    }
    let now = TimestampMs::now();
    let viewer = app.viewers.name(identity.as_ref(), client, now)?;
    app.posts.view(id, &viewer, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn reader_id(reader: Option<&Identity>) -> Option<UserId> {
    reader.map(|reader| reader.user_id)
}

/// Passes for the author, and for whoever runs the place.
pub(super) fn may_delete(identity: &Identity, author: UserId) -> Result<(), ApiError> {
    let may = author == identity.user_id || identity.require(Scope::Admin).is_ok();
    if may { Ok(()) } else { Err(not_author()) }
}

pub(super) fn not_author() -> ApiError {
    ApiError::forbidden("not_author", "only who wrote this may change it")
}

async fn author(app: &App, id: PostId) -> Result<UserId, ApiError> {
    app.posts.author(id).await?.ok_or_else(|| ApiError::not_found("post"))
}

async fn find(app: &App, id: PostId, reader: Option<&Identity>) -> Result<Json<PostView>, ApiError> {
    let post = app.posts.get(id, reader_id(reader)).await?;
    post.map(|post| Json(post.into())).ok_or_else(|| ApiError::not_found("post"))
}
