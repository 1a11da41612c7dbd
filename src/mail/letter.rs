//! What is written to people, in their language, as plain text and as HTML that says the same.

use tickroom_storage::user::{Email, UserName};

use crate::language::Language;

/// A mail with a link in it, ready to be sent.
#[derive(Debug, Clone)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// The subject.
    pub subject: &'static str,
    /// What it is all about.
    pub link: String,
    /// The whole of it for programs that show text.
    pub text: String,
    /// The same for those that show HTML.
    pub html: String,
}

/// The sentences of one letter in one language.
struct Wording {
    subject: &'static str,
    greeting: fn(&str) -> String,
    request: &'static str,
    action: &'static str,
    /// What the reader should know who did not expect this.
    note: &'static str,
}

impl Letter {
    /// Asks somebody who has registered to prove the address.
    #[must_use]
    pub fn verification(to: Email, name: &UserName, link: String, language: Language) -> Self {
        Self::new(
            to,
            name,
            link,
            match language {
                Language::Korean => Wording {
                    subject: "Tickroom 이메일 주소를 확인해 주세요",
                    greeting: |name| format!("{name}님, 안녕하세요."),
                    request: "아래 링크를 눌러 이메일 주소를 확인하면 가입이 완료됩니다. 링크는 24시간 동안 유효합니다.",
                    action: "이메일 주소 확인",
                    note: "가입한 적이 없다면 이 메일을 무시해 주세요.",
                },
                Language::English => Wording {
                    subject: "Confirm your mail address for Tickroom",
                    greeting: |name| format!("Hello {name},"),
                    request: "follow this link to confirm your mail address. It is good for 24 hours.",
                    action: "Confirm the address",
                    note: "If you have not signed up, ignore this mail.",
                },
            },
        )
    }

    /// Lets somebody choose a new password.
    #[must_use]
    pub fn password_reset(to: Email, name: &UserName, link: String, language: Language) -> Self {
        Self::new(
            to,
            name,
            link,
            match language {
                Language::Korean => Wording {
                    subject: "Tickroom 비밀번호 재설정",
                    greeting: |name| format!("{name}님, 안녕하세요."),
                    request: "아래 링크에서 새 비밀번호를 정할 수 있습니다. 링크는 1시간 동안 한 번만 사용할 수 있습니다.",
                    action: "비밀번호 재설정",
                    note: "요청한 적이 없다면 이 메일을 무시해 주세요. 비밀번호는 바뀌지 않습니다.",
                },
                Language::English => Wording {
                    subject: "Choose a new password for Tickroom",
                    greeting: |name| format!("Hello {name},"),
                    request: "follow this link to choose a new password. It is good once, for one hour.",
                    action: "Choose a new password",
                    note: "If you have not asked for this, ignore this mail: your password stays as it is.",
                },
            },
        )
    }

    fn new(to: Email, name: &UserName, link: String, wording: Wording) -> Self {
        let Wording { subject, greeting, request, action, note } = wording;
        let text = format!("{}\n\n{request}\n\n{link}\n\n{note}\n", greeting(name.as_str()));
        let greeting = greeting(&escape(name.as_str()));
        let html = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>{subject}</title>\n<p>{greeting}</p>\n<p>{request}</p>\n\
             <p><a href=\"{link}\">{action}</a></p>\n<p>{link}</p>\n<p>{note}</p>\n",
            link = escape(&link)
        );
        Self { to, subject, link, text, html }
    }
}

/// Any text as HTML text or attribute value: people choose their names.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_link_in_both_languages() {
        let (to, name): (Email, UserName) = ("ann@example.com".parse().unwrap(), "앤나".parse().unwrap());
        let link = || "https://tickroom.example/x?y=z".to_owned();
        for language in [Language::Korean, Language::English] {
            let letters = [
                Letter::verification(to.clone(), &name, link(), language),
                Letter::password_reset(to.clone(), &name, link(), language),
            ];
            for letter in letters {
                assert!(letter.text.contains(&format!("\n{}\n", link())), "{letter:?}");
                assert!(letter.html.contains(&format!("href=\"{}\"", link())), "{letter:?}");
                assert!(letter.text.contains("앤나") && letter.html.contains("앤나"), "{letter:?}");
            }
        }
    }

    #[test]
    fn a_name_is_text_in_html_whatever_is_in_it() {
        let name = "<b>\"&Ann".parse().unwrap();
        let letter =
            Letter::verification("ann@example.com".parse().unwrap(), &name, "x".into(), Language::English);
        assert!(letter.html.contains("&lt;b&gt;&quot;&amp;Ann"), "{}", letter.html);
        assert!(letter.text.contains("<b>\"&Ann"), "{}", letter.text);
    }
}
