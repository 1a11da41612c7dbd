//! The languages in which people are written to: Korean unless they prefer English.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::ACCEPT_LANGUAGE, request::Parts},
};

/// A language that we can write. As an argument of a handler it is the one of `Accept-Language`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// 한국어.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// The one that a browser prefers (RFC 9110 section 12.5.4). Korean where it says nothing, or likes both.
    #[must_use]
    pub fn preferred(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|list| list.to_str().ok());
        let ranges = lists.flat_map(|list| list.split(',')).filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            Some((Self::of_tag(tag.trim())?, weight_of(weight)))
        });
        // The first of those with the greatest weight: that is how browsers list them, too.
        let none = (Self::default(), 0.0);
        ranges.fold(none, |best, next| if next.1 > best.1 { next } else { best }).0
    }

    fn of_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "ko" => Some(Self::Korean),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

/// `q=0.7`, or 1 if nothing is said. What cannot be read weighs nothing.
fn weight_of(parameters: &str) -> f32 {
    let weight = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0))
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::preferred(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_unless_english_is_preferred() {
        use Language::{English, Korean};
        for (accepted, language) in [
            ("", Korean),
            ("*", Korean),
            ("fr-FR, de;q=0.5", Korean),
            ("en", English),
            ("en-US,en;q=0.9,ko;q=0.8", English),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Korean),
            ("en;q=0.1, ko;q=0.2", Korean),
            ("fr, EN-gb;q=0.3", English),
            ("en;q=0", Korean),
            ("en;q=much, ko;q=", Korean),
        ] {
            let headers = [(ACCEPT_LANGUAGE, accepted.parse().unwrap())].into_iter().collect();
            assert_eq!(Language::preferred(&headers), language, "{accepted:?}");
        }
        assert_eq!(Language::preferred(&HeaderMap::new()), Korean);
    }
}
