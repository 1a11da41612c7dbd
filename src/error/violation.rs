//! What is wrong with an input, field by field.

use std::borrow::Cow;

use tickroom_storage::{
    SymbolError,
    comment::NoParent,
    limits::USER_NAME_CHARS,
    prose::ProseError,
    search::SearchTermsError,
    tag::TagError,
    user::{DetailError, EmailError, UserNameError},
};

use super::{ApiError, FieldError};

/// Collects what is wrong with an input, so that all of it is told at once.
///
/// ```text
/// let mut violations = Violations::default();
/// let name = violations.check("username", body.username.parse::<UserName>());
/// let email = violations.check("email", body.email.parse::<Email>());
/// let (Some(name), Some(email)) = (name, email) else { return Err(violations.into()) };
/// ```
#[derive(Debug, Default)]
pub struct Violations(Vec<FieldError>);

impl Violations {
    /// The value, or `None` and one more violation.
    pub fn check<T, E: Into<Violation>>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Notes that `field` breaks a rule.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, violation: impl Into<Violation>) {
        let Violation { code, detail } = violation.into();
        self.0.push(FieldError { field: field.into(), code, detail });
    }

    /// Passes if nothing is wrong.
    ///
    /// # Errors
    ///
    /// 422 with everything that is.
    pub fn into_result(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Violations> for ApiError {
    fn from(violations: Violations) -> Self {
        Self::validation(violations.0)
    }
}

/// A rule that a value broke, without the field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub detail: Cow<'static, str>,
}

/// The storage crate's own words, with a code for programs.
impl From<UserNameError> for Violation {
    fn from(error: UserNameError) -> Self {
        let code = match error {
            UserNameError::Length { got } if got < *USER_NAME_CHARS.start() => "too_short",
            UserNameError::Length { .. } => "too_long",
            UserNameError::Spaces => "spaces",
            UserNameError::Invisible { .. } => "invisible_character",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<EmailError> for Violation {
    fn from(error: EmailError) -> Self {
        let code = match error {
            EmailError::Length { .. } => "too_long",
            EmailError::Spaces | EmailError::Shape => "invalid",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<DetailError> for Violation {
    fn from(error: DetailError) -> Self {
        let code = match error {
            DetailError::Empty => "too_short",
            DetailError::TooLong { .. } => "too_long",
            DetailError::Invisible { .. } => "invisible_character",
            DetailError::Region => "invalid",
            DetailError::Year { .. } => "out_of_range",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<ProseError> for Violation {
    fn from(error: ProseError) -> Self {
        let code = match error {
            ProseError::Blank => "required",
            ProseError::Length { .. } => "too_long",
            ProseError::Control { .. } => "control_character",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<TagError> for Violation {
    fn from(error: TagError) -> Self {
        let code = match error {
            TagError::Length { got: 0 } => "too_short",
            TagError::Length { .. } => "too_long",
            TagError::Character { .. } => "invalid",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<SearchTermsError> for Violation {
    fn from(error: SearchTermsError) -> Self {
        let code = match error {
            SearchTermsError::Empty => "required",
            SearchTermsError::Length { .. } => "too_long",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl From<SymbolError> for Violation {
    fn from(error: SymbolError) -> Self {
        Self { code: "invalid", detail: error.to_string().into() }
    }
}

impl From<NoParent> for Violation {
    fn from(error: NoParent) -> Self {
        let code = match error {
            NoParent::Missing => "not_found",
            NoParent::Reply => "is_reply",
            NoParent::Deleted => "deleted",
        };
        Self { code, detail: error.to_string().into() }
    }
}
