//! `/api/posts/{id}/comments` and `/api/comments`: what people say about posts. Replies are one level deep.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tickroom_storage::comment::{Comment, NewComment};
use tickroom_storage::{CommentId, PostId, TimestampMs, UserId};
use utoipa::{IntoParams, ToSchema};

use super::page;
use super::post::{AuthorView, LikeView, may_delete, not_author, reader_id};
use crate::app::App;
use crate::auth::{Authenticated, Identity, MaybeAuthenticated};
use crate::error::{ApiError, Violation, Violations};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Creation, RequestKey};
use crate::openapi::{problem, schema};

const FOLDER: &str = "/api/comments";

/// A comment or a reply. One that was deleted while it has replies is shown without author and content.
#[derive(Serialize, ToSchema)]
pub struct CommentView {
    #[schema(value_type = schema::Id)]
    id: CommentId,
    #[schema(value_type = schema::Id)]
    post_id: PostId,
    /// The comment that it replies to.
    #[schema(value_type = Option<schema::Id>)]
    parent_id: Option<CommentId>,
    deleted: bool,
    author: Option<AuthorView>,
    content: Option<String>,
    like_count: u64,
    reply_count: u64,
    liked_by_me: bool,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    /// The latest edit.
    #[schema(value_type = Option<schema::Time>)]
    updated_at: Option<TimestampMs>,
}

impl From<Comment> for CommentView {
    fn from(comment: Comment) -> Self {
        let (author, content) = comment.said.map(|said| (said.author.into(), said.content)).unzip();
        Self {
            id: comment.id,
            post_id: comment.post_id,
            parent_id: comment.parent_id,
            deleted: content.is_none(),
            author,
            content,
            like_count: comment.like_count,
            reply_count: comment.reply_count,
            liked_by_me: comment.is_liked,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
        }
    }
}

/// A page of comments or replies, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct CommentsView {
    comments: Vec<CommentView>,
    /// What to pass as `cursor` to go on; `null` at the end.
    next_cursor: Option<String>,
}

impl CommentsView {
    fn of(mut comments: Vec<Comment>, limit: u16) -> Self {
        let next_cursor = page::cut(&mut comments, limit, |last| last.id.to_string());
        Self { comments: comments.into_iter().map(CommentView::from).collect(), next_cursor }
    }
}

/// The query of both lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CommentsQuery {
    #[param(value_type = Option<schema::Id>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

impl CommentsQuery {
    fn check(&self) -> Result<(Option<CommentId>, u16), ApiError> {
        let mut violations = Violations::default();
        let cursor = page::cursor(&mut violations, self.cursor.as_deref());
        let limit = page::items_limit(&mut violations, self.limit);
        violations.into_result().map(|()| (cursor, limit))
    }
}

/// `POST /api/posts/{id}/comments`. Without `parent_id` a comment, with it a reply.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct CommentBody {
    #[serde(default)]
    #[schema(value_type = schema::CommentContent, required)]
    content: String,
    #[serde(default)]
    #[schema(value_type = Option<schema::Id>)]
    parent_id: Option<CommentId>,
}

impl CommentBody {
    fn check(&self, id: CommentId, post_id: PostId, author_id: UserId) -> Result<NewComment, ApiError> {
        let (parent_id, created_at) = (self.parent_id, TimestampMs::now());
        let content = self.content.parse().map_err(|error| refused("content", error))?;
        Ok(NewComment { id, post_id, parent_id, author_id, content, created_at })
    }
}

/// `PATCH /api/comments/{id}`.
#[derive(Deserialize, ToSchema)]
pub struct CommentPatchBody {
    #[serde(default)]
    #[schema(value_type = schema::CommentContent, required)]
    content: String,
}

/// The comments on a post without their replies, the oldest first.
///
/// # Errors
///
/// 404 for a post that is not there, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/posts/{id}/comments", tag = "comment",
    params(("id" = schema::Id, Path), CommentsQuery),
    responses((status = 200, body = CommentsView), problem::Visitor, problem::NotFound),
)]
pub async fn list(
    State(app): State<App>,
    MaybeAuthenticated(reader): MaybeAuthenticated,
    Path(post): Path<PostId>,
    Query(query): Query<CommentsQuery>,
) -> Result<Json<CommentsView>, ApiError> {
    let (after, limit) = query.check()?;
    let comments = app.comments.of_post(post, after, limit + 1, reader_id(reader.as_ref())).await?;
    if comments.is_empty() {
        app.posts.author(post).await?.ok_or_else(|| ApiError::not_found("post"))?;
    }
    Ok(Json(CommentsView::of(comments, limit)))
}

/// The replies to a comment, the oldest first.
///
/// # Errors
///
/// 404 for a comment that is not there, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/comments/{id}/replies", tag = "comment",
    params(("id" = schema::Id, Path), CommentsQuery),
    responses((status = 200, body = CommentsView), problem::Visitor, problem::NotFound),
)]
pub async fn replies(
    State(app): State<App>,
    MaybeAuthenticated(reader): MaybeAuthenticated,
    Path(id): Path<CommentId>,
    Query(query): Query<CommentsQuery>,
) -> Result<Json<CommentsView>, ApiError> {
    let (after, limit) = query.check()?;
    let replies = app.comments.replies(id, after, limit + 1, reader_id(reader.as_ref())).await?;
    if replies.is_empty() {
        find(&app, id, reader.as_ref()).await?;
    }
    Ok(Json(CommentsView::of(replies, limit)))
}

/// Comments on a post, or replies to a comment on it. 201 with the comment; sent again with the same `Idempotency-Key`,
/// the same answer.
///
/// # Errors
///
/// 401 for nobody, 404 for a post that is not there, 422 for a text that is wrong, a comment that nobody can reply to,
/// or an `Idempotency-Key` that belongs to another request.
#[utoipa::path(
    post, path = "/api/posts/{id}/comments", tag = "comment",
    params(("id" = schema::Id, Path), ("Idempotency-Key" = Option<schema::IdempotencyKey>, Header)),
    request_body = CommentBody,
    responses(
        (status = 201, body = CommentView, headers(("Location" = String), ("Idempotency-Replayed" = bool))),
        problem::LoggedIn, problem::Idempotent, problem::NotFound,
    ),
)]
pub async fn create(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(post): Path<PostId>,
    key: RequestKey,
    Json(body): Json<CommentBody>,
) -> Result<Response, ApiError> {
    let new = body.check(app.ids.next(), post, identity.user_id)?;
    let author = app.users.by_id(identity.user_id).await?.ok_or_else(|| ApiError::not_found("user"))?;
    let view = CommentView::from(new.clone().into_comment(author.into()));
    let path = format!("/api/posts/{post}/comments");
    let creation = Creation::new(key, identity.user_id, &path, &body, &view)?;
    let outcome = app.comments.create(&new, creation.request()).await?;
    creation.answer(outcome.map_err(|error| refused("parent_id", error))?, new.id.get(), FOLDER)
}

/// Changes one's own comment. 200 with the comment as it is now.
///
/// # Errors
///
/// 401 for nobody, 403 for somebody else's, 404 for a comment that is not there, 422 for a text that is wrong.
#[utoipa::path(
    patch, path = "/api/comments/{id}", tag = "comment",
    params(("id" = schema::Id, Path)),
    request_body = CommentPatchBody,
    responses((status = 200, body = CommentView), problem::LoggedIn, problem::NotAuthor, problem::NotFound),
)]
pub async fn edit(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<CommentId>,
    Json(body): Json<CommentPatchBody>,
) -> Result<Json<CommentView>, ApiError> {
    if author(&app, id, &identity).await? != identity.user_id {
        return Err(not_author());
    }
    let content = body.content.parse().map_err(|error| refused("content", error))?;
    app.comments.edit(id, &content, TimestampMs::now()).await?;
    Ok(Json(find(&app, id, Some(&identity)).await?.into()))
}

/// Deletes one's own comment; administrators delete anybody's. 204. One that has replies is shown as deleted until the
/// last of them goes.
///
/// # Errors
///
/// 401 for nobody, 403 for somebody else's, 404 for a comment that is not there.
#[utoipa::path(
    delete, path = "/api/comments/{id}", tag = "comment",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotAuthor, problem::NotFound),
)]
pub async fn delete(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<CommentId>,
) -> Result<StatusCode, ApiError> {
    may_delete(&identity, author(&app, id, &identity).await?)?;
    app.comments.delete(id, TimestampMs::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Likes a comment from now on; again, nothing changes.
///
/// # Errors
///
/// 401 for nobody, 404 for a comment that is not there.
#[utoipa::path(
    put, path = "/api/comments/{id}/like", tag = "comment",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = LikeView), problem::LoggedIn, problem::NotFound),
)]
pub async fn like(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<CommentId>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = app.comments.like(id, identity.user_id, TimestampMs::now()).await?;
    Ok(Json(LikeView::new(true, liked)))
}

/// Likes a comment no more; again, nothing changes.
///
/// # Errors
///
/// 401 for nobody, 404 for a comment that is not there.
#[utoipa::path(
    delete, path = "/api/comments/{id}/like", tag = "comment",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = LikeView), problem::LoggedIn, problem::NotFound),
)]
pub async fn unlike(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(id): Path<CommentId>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = app.comments.unlike(id, identity.user_id).await?;
    Ok(Json(LikeView::new(false, liked)))
}

fn refused(field: &'static str, error: impl Into<Violation>) -> ApiError {
    let mut violations = Violations::default();
    violations.add(field, error);
    violations.into()
}

async fn find(app: &App, id: CommentId, reader: Option<&Identity>) -> Result<Comment, ApiError> {
    let comment = app.comments.get(id, reader_id(reader)).await?;
    comment.ok_or_else(|| ApiError::not_found("comment"))
}

/// Who wrote a comment; nobody wrote one that was deleted.
async fn author(app: &App, id: CommentId, reader: &Identity) -> Result<UserId, ApiError> {
    let comment = find(app, id, Some(reader)).await?;
    comment.said.map(|said| said.author.id).ok_or_else(|| ApiError::not_found("comment"))
}
