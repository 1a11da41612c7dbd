//! `/api/users`: who is who.

use axum::extract::State;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tickroom_storage::{
    StorageError, TimestampMs, UserId,
    limits::USER_NAME_CHARS,
    picture::PictureName,
    user::{DetailVisibility, Profile, Role, SearchPlace, User, Users, Visibility},
};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::{
    auth::{Auth, Authenticated, MaybeAuthenticated},
    error::{ApiError, Violation, Violations},
    extract::{Json, Path, Query},
    openapi::{problem, schema},
};

mod patch;

/// What everybody may know of somebody.
#[derive(Serialize, ToSchema)]
pub struct PublicView {
    #[schema(value_type = schema::Id)]
    id: UserId,
    /// `null` for a deleted account: what one calls its owner is for each language to say.
    username: Option<String>,
    /// Whether the account was deleted.
    deleted: bool,
    /// 256 pixels square, relative to the server.
    profile_url: Option<String>,
    /// The same, 64 pixels square.
    thumbnail_url: Option<String>,
    intro: Option<String>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    /// Null for what is unknown or private, as with the two after it.
    #[schema(value_type = Option<schema::BirthYear>)]
    birth_year: Option<u16>,
    region: Option<String>,
    interests: Option<Vec<String>>,
    follower_count: u64,
    following_count: u64,
    /// Absent when nobody is logged in, and in the view of oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_by_me: Option<bool>,
}

/// What one may know of oneself.
#[derive(Serialize, ToSchema)]
pub struct OwnView {
    #[serde(flatten)]
    public: PublicView,
    email: String,
    /// When the address was proved.
    #[schema(value_type = Option<schema::Time>)]
    verified_at: Option<TimestampMs>,
    #[schema(value_type = schema::Role)]
    role: Role,
    #[schema(value_type = schema::DetailVisibility)]
    visibility: DetailVisibility,
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub struct UsersView {
    pub(super) users: Vec<PublicView>,
    /// What to pass as `cursor` to go on; absent at the end.
    pub(super) next_cursor: Option<String>,
}

impl PublicView {
    /// What somebody, or nobody in particular, may see.
    pub(super) fn seen_by(viewer: Option<UserId>, profile: Profile) -> Self {
        let DetailVisibility { birth_year, region, interests } = profile.visibility;
        let is_followed = profile.is_followed;
        let all = Self::all(profile);
        Self {
            birth_year: shown(birth_year, all.birth_year),
            region: shown(region, all.region),
            interests: shown(interests, all.interests),
            followed_by_me: viewer.map(|_| is_followed),
            ..all
        }
    }

    fn all(profile: Profile) -> Self {
        Self {
            id: profile.id,
            username: profile.deleted_at.is_none().then(|| profile.name.to_string()),
            deleted: profile.deleted_at.is_some(),
            thumbnail_url: profile.avatar_url.as_deref().map(PictureName::small_url),
            profile_url: profile.avatar_url,
            intro: profile.intro.map(|intro| intro.to_string()),
            created_at: profile.created_at,
            birth_year: profile.birth_year.map(|year| year.get()),
            region: profile.region.map(|region| region.to_string()),
            interests: Some(profile.interests.iter().map(ToString::to_string).collect()),
            follower_count: profile.follower_count,
            following_count: profile.following_count,
            followed_by_me: None,
        }
    }
}

fn shown<T>(visibility: Visibility, detail: Option<T>) -> Option<T> {
    detail.filter(|_| visibility == Visibility::Public)
}

impl OwnView {
    fn new(user: &User, profile: Profile) -> Self {
        let visibility = profile.visibility;
        let (email, verified_at, role) = (user.email.to_string(), user.verified_at, user.role);
        Self { public: PublicView::all(profile), email, verified_at, role, visibility }
    }
}

/// Whoever has just registered has told nothing more yet.
impl From<User> for OwnView {
    fn from(user: User) -> Self {
        Self::new(&user, Profile::of_newcomer(&user))
    }
}

/// Oneself.
///
/// # Errors
///
/// 401 for nobody, 404 for somebody whose account is gone.
#[utoipa::path(
    get, path = "/api/users/me", tag = "user",
    responses((status = 200, body = OwnView), problem::LoggedIn, problem::NotFound),
)]
pub async fn me(
    State(users): State<Users>,
    Authenticated(identity): Authenticated,
) -> Result<Json<OwnView>, ApiError> {
    own(&users, identity.user_id).await.map(Json)
}

/// Changes what the body names and leaves the rest (RFC 7396). Null empties a field.
///
/// # Errors
///
/// 401 for nobody, 409 for a name that is taken, 422 naming all fields that are wrong.
#[utoipa::path(
    patch, path = "/api/users/me", tag = "user",
    request_body = patch::ProfilePatchBody,
    responses((status = 200, body = OwnView), problem::LoggedIn, problem::NotFound, problem::Taken),
)]
pub async fn update(
    State(auth): State<Auth>,
    State(users): State<Users>,
    Authenticated(identity): Authenticated,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<OwnView>, ApiError> {
    let change = patch::check(&body, TimestampMs::now())?;
    let is_renamed = change.name.is_some();
    users.change_profile(identity.user_id, change).await.map_err(|error| match error {
        StorageError::Taken { field: "name" } => ApiError::taken("username"),
        other => other.into(),
    })?;
    if is_renamed {
        auth.profile_changed(identity.user_id);
    }
    own(&users, identity.user_id).await.map(Json)
}

/// Somebody. Of a deleted account there is not more than that it was.
///
/// # Errors
///
/// 404 for nobody.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "user",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = PublicView), problem::Visitor, problem::NotFound),
)]
pub async fn show(
    State(users): State<Users>,
    MaybeAuthenticated(viewer): MaybeAuthenticated,
    Path(id): Path<UserId>,
) -> Result<Json<PublicView>, ApiError> {
    let viewer = viewer.map(|viewer| viewer.user_id);
    let profile = users.profile(id, viewer).await?.ok_or_else(|| ApiError::not_found("user"))?;
    Ok(Json(PublicView::seen_by(viewer, profile)))
}

/// The query of `GET /api/users`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindQuery {
    #[param(value_type = schema::NamePart, required)]
    q: Option<String>,
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::UsersLimit>)]
    limit: Option<u16>,
}

impl FindQuery {
    fn check(&self) -> Result<(&str, Option<SearchPlace>, u16), ApiError> {
        let mut violations = Violations::default();
        let text = self.q.as_deref().unwrap_or_default().trim();
        let longest = *USER_NAME_CHARS.end();
        if text.is_empty() {
            let detail = "expected a part of a name";
            violations.add("q", Violation { code: "required", detail: detail.into() });
        } else if text.chars().nth(longest).is_some() {
            let detail = format!("expected at most {longest} characters: no name has more");
            violations.add("q", Violation { code: "too_long", detail: detail.into() });
        }
        let limit = page::users_limit(&mut violations, self.limit);
        let place = page::cursor_read_by(&mut violations, self.cursor.as_deref(), place_of_cursor);
        violations.into_result().map(|()| (text, place, limit))
    }
}

/// People in whose name the text occurs, in any letter case; first those whose name begins with it.
///
/// # Errors
///
/// 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/users", tag = "user",
    params(FindQuery),
    responses((status = 200, body = UsersView), problem::Visitor),
)]
pub async fn find(
    State(users): State<Users>,
    MaybeAuthenticated(viewer): MaybeAuthenticated,
    Query(query): Query<FindQuery>,
) -> Result<Json<UsersView>, ApiError> {
    let (text, place, limit) = query.check()?;
    let viewer = viewer.map(|viewer| viewer.user_id);
    let mut hits = users.find_by_name(text, viewer, place, limit + 1).await?;
    let next_cursor = page::cut(&mut hits, limit, |last| cursor_of_place(&last.place));
    let users = hits.into_iter().map(|hit| PublicView::seen_by(viewer, hit.profile)).collect();
    Ok(Json(UsersView { users, next_cursor }))
}

/// In base64, for it holds a part of a name.
fn cursor_of_place(place: &SearchPlace) -> String {
    let SearchPlace { is_whole, user, part } = place;
    BASE64_URL_SAFE_NO_PAD.encode(format!("{}.{user}.{part}", u8::from(*is_whole)))
}

fn place_of_cursor(cursor: &str) -> Option<SearchPlace> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (is_whole, rest) = text.split_once('.')?;
    let (user, part) = rest.split_once('.')?;
    Some(SearchPlace { is_whole: is_whole == "1", user: user.parse().ok()?, part: part.to_owned() })
}

/// Oneself, with everything.
pub(super) async fn own(users: &Users, id: UserId) -> Result<OwnView, ApiError> {
    let user = users.by_id(id).await?.filter(|user| user.deleted_at.is_none());
    let profile = users.profile(id, None).await?;
    let (user, profile) = user.zip(profile).ok_or_else(|| ApiError::not_found("user"))?;
    Ok(OwnView::new(&user, profile))
}
