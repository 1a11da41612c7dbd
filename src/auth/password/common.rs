//! Passwords that everybody tries first.

use std::{collections::HashSet, sync::LazyLock};

use tickroom_storage::user::{Email, UserName};

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().filter(|line| !line.starts_with('#')).collect());

/// Whether it is among those that leak most often, in any letter case (NIST SP 800-63B section 3.1.1.2).
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(&*password.to_lowercase())
}

/// Whether it is no more than its owner's name or address with some digits and signs.
pub(super) fn is_like_owner(password: &str, name: Option<&UserName>, email: Option<&Email>) -> bool {
    let name = name.map(UserName::as_str);
    let email = email.map(Email::as_str);
    let local = email.and_then(|email| email.split('@').next());
    let (letters_of_password, lower) = (letters(password), password.to_lowercase());
    [name, email, local].into_iter().flatten().any(|known| {
        lower == known.to_lowercase()
            || (!letters_of_password.is_empty() && letters_of_password == letters(known))
    })
}

fn letters(text: &str) -> String {
    text.chars().filter(|sign| sign.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaks_most_is_known_in_any_letter_case() {
        for common in ["password", "PassWord1", "1q2w3e4r", "qlalfqjsgh", "12345678"] {
            assert!(is_common(common), "{common}");
        }
        assert!(COMMON.len() > 4000 && COMMON.iter().all(|line| line.chars().count() >= 8));
        assert!(!is_common("correct horse") && !is_common("#"));
    }

    #[test]
    fn digits_and_signs_make_no_password_of_a_name() {
        let like = |password: &str| {
            let (name, email) = ("Ann Lee".parse().unwrap(), "ann.l@example.com".parse().unwrap());
            is_like_owner(password, Some(&name), Some(&email))
        };
        for bad in ["annlee1234", "Ann-Lee-2024!", "ann.l@example.com", "!!AnnL99", "annl@example.com"] {
            assert!(like(bad), "{bad}");
        }
        for good in ["ann lee and nobody else", "12345678!", "annlees"] {
            assert!(!like(good), "{good}");
        }
        let digits: UserName = "20240501".parse().unwrap();
        assert!(
            is_like_owner("20240501", Some(&digits), None) && !is_like_owner("20240502", Some(&digits), None)
        );
    }
}
