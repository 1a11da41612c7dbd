//! The body of `PATCH /api/users/me`: a JSON merge patch (RFC 7396), read field by field so that all mistakes are told
//! at once. A field that is absent stays as it is; null, or a blank text, empties it.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};
use tickroom_storage::{
    TimestampMs,
    limits::INTERESTS_MAX,
    user::{BirthYear, Interest, ProfileChange, UserName, Visibility},
};

use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ApiError, Violation, Violations};
use crate::extract::WholeNumber;

/// The body, for the document: [`check`] reads it field by field.
pub(super) enum ProfilePatchBody {}

impl PartialSchema for ProfilePatchBody {
    fn schema() -> RefOr<Schema> {
        let named = |name: &str| Ref::from_schema_name(name);
        let or_null = |name: &str| OneOfBuilder::new().item(Object::with_type(Type::Null)).item(named(name));
        let all = ["birth_year", "region", "interests"].into_iter();
        let visibility = all.fold(ObjectBuilder::new(), |visibility, detail| {
            visibility.property(detail, or_null("Visibility"))
        });
        let visibility = visibility.schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
        ObjectBuilder::new()
            .property("username", named("Username"))
            .property("intro", or_null("Intro"))
            .property("birth_year", or_null("BirthYear"))
            .property("region", or_null("Region"))
            .property("interests", or_null("Interests"))
            .property("visibility", visibility)
            .into()
    }
}

impl ToSchema for ProfilePatchBody {}

/// What the body wants to change.
pub(super) fn check(body: &Map<String, Value>, now: TimestampMs) -> Result<ProfileChange, ApiError> {
    let mut patch = Patch { body, violations: Violations::default() };
    let change = ProfileChange {
        name: patch.name(),
        intro: patch.text("intro"),
        birth_year: patch.birth_year(now),
        region: patch.text("region"),
        interests: patch.interests(),
        birth_year_visibility: patch.visibility("birth_year", "visibility.birth_year"),
        region_visibility: patch.visibility("region", "visibility.region"),
        interests_visibility: patch.visibility("interests", "visibility.interests"),
    };
    patch.visibility_itself();
    patch.violations.into_result().map(|()| change)
}

struct Patch<'a> {
    body: &'a Map<String, Value>,
    violations: Violations,
}

impl Patch<'_> {
    /// A name can be changed and not given up.
    fn name(&mut self) -> Option<UserName> {
        let value = self.body.get("username")?;
        match value.as_str() {
            Some(text) => self.violations.check("username", text.parse()),
            None => self.wrong("username", "a text"),
        }
    }

    fn text<T: FromStr>(&mut self, field: &'static str) -> Option<Option<T>>
    where
        T::Err: Into<Violation>,
    {
        match self.body.get(field)? {
            Value::Null => Some(None),
            Value::String(text) if text.trim().is_empty() => Some(None),
            Value::String(text) => self.violations.check(field, text.parse()).map(Some),
            _ => self.wrong(field, "a text or null"),
        }
    }

    fn birth_year(&mut self, now: TimestampMs) -> Option<Option<BirthYear>> {
        let value = self.body.get("birth_year")?;
        match WholeNumber::deserialize(value) {
            Ok(WholeNumber(year)) => self.violations.check("birth_year", BirthYear::new(year, now)).map(Some),
            Err(_) if value.is_null() => Some(None),
            Err(_) => self.wrong("birth_year", "a whole number or null"),
        }
    }

    /// The same interest twice counts once.
    fn interests(&mut self) -> Option<Vec<Interest>> {
        let values = match self.body.get("interests")? {
            Value::Null => return Some(Vec::new()),
            Value::Array(values) if values.len() <= INTERESTS_MAX => values,
            Value::Array(values) => {
                let detail = format!("expected at most {INTERESTS_MAX}, got {}", values.len());
                self.violations.add("interests", Violation { code: "too_many", detail: detail.into() });
                return None;
            }
            _ => return self.wrong("interests", "a list of texts or null"),
        };
        let mut interests = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let interest = value.as_str().map(str::parse::<Interest>);
            match interest {
                Some(Ok(interest)) if interests.contains(&interest) => {}
                Some(Ok(interest)) => interests.push(interest),
                Some(Err(error)) => self.violations.add(format!("interests[{index}]"), error),
                None => {
                    let detail = "expected a text".into();
                    self.violations.add(format!("interests[{index}]"), Violation { code: "invalid", detail });
                }
            }
        }
        Some(interests)
    }

    /// Null, for one or for all of them, is what they are at the beginning: private.
    fn visibility(&mut self, detail: &str, field: &'static str) -> Option<Visibility> {
        let all = self.body.get("visibility")?;
        if all.is_null() {
            return Some(Visibility::Private);
        }
        match all.get(detail)? {
            Value::Null => Some(Visibility::Private),
            Value::String(text) if text == "private" => Some(Visibility::Private),
            Value::String(text) if text == "public" => Some(Visibility::Public),
            _ => self.wrong(field, "private, public or null"),
        }
    }

    fn visibility_itself(&mut self) {
        if self.body.get("visibility").is_some_and(|all| !all.is_object() && !all.is_null()) {
            self.wrong::<()>("visibility", "an object or null");
        }
    }

    fn wrong<T>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let detail = format!("expected {expected}").into();
        self.violations.add(field, Violation { code: "invalid", detail });
        None
    }
}
