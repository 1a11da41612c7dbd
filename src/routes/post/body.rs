//! Posts as clients send them.

use serde::{Deserialize, Deserializer, Serialize};
use tickroom_storage::limits::TAGS_MAX;
use tickroom_storage::post::{NewPost, PostEdit};
use tickroom_storage::tag::Tag;
use tickroom_storage::{PostId, TimestampMs, UserId};
use utoipa::ToSchema;

use crate::error::{ApiError, Violation, Violations};
use crate::openapi::schema;

/// `POST /api/posts`. A missing field counts as an empty one, so that all of them are told of at once.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct PostBody {
    #[serde(default)]
    #[schema(value_type = schema::PostTitle, required)]
    title: String,
    #[serde(default)]
    #[schema(value_type = schema::PostContent, required)]
    content: String,
    #[serde(default)]
    #[schema(value_type = schema::Tags)]
    tags: Vec<String>,
}

impl PostBody {
    pub(super) fn check(
        &self,
        id: PostId,
        author_id: UserId,
        created_at: TimestampMs,
    ) -> Result<NewPost, ApiError> {
        let mut violations = Violations::default();
        let title = violations.check("title", self.title.parse());
        let content = violations.check("content", self.content.parse());
        let tags = check_tags(&mut violations, &self.tags);
        match (title, content, tags) {
            (Some(title), Some(content), Some(tags)) => {
                Ok(NewPost { id, author_id, title, content, tags, created_at })
            }
            _ => Err(violations.into()),
        }
    }
}

/// A JSON merge patch (RFC 7396). What is absent stays; `null` takes the listed tags away, and
/// is refused for title and content, which no post is without.
#[derive(Deserialize, ToSchema)]
pub struct PostPatchBody {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::PostTitle)]
    title: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::PostContent)]
    content: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Tags>)]
    tags: Option<Option<Vec<String>>>,
}

impl PostPatchBody {
    pub(super) fn check(self) -> Result<PostEdit, ApiError> {
        let mut violations = Violations::default();
        let title = self.title.map(Option::unwrap_or_default);
        let content = self.content.map(Option::unwrap_or_default);
        let edit = PostEdit {
            title: title.and_then(|title| violations.check("title", title.parse())),
            content: content.and_then(|content| violations.check("content", content.parse())),
            tags: self.tags.and_then(|tags| check_tags(&mut violations, &tags.unwrap_or_default())),
        };
        violations.into_result().map(|()| edit)
    }
}

/// Tells `null` from a field that is not there.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(field).map(Some)
}

/// The tags, if none is wrong. The same tag twice counts once when it is stored.
fn check_tags(violations: &mut Violations, texts: &[String]) -> Option<Vec<Tag>> {
    if texts.len() > TAGS_MAX {
        let detail = format!("expected at most {TAGS_MAX}, got {}", texts.len());
        violations.add("tags", Violation { code: "too_many", detail: detail.into() });
        return None;
    }
    let mut tags = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(tag) => tags.push(tag),
            Err(error) => violations.add(format!("tags[{index}]"), error),
        }
    }
    (tags.len() == texts.len()).then_some(tags)
}
