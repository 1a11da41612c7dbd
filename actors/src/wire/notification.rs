//! What a notification says, in words. Rendered when it is read, with the names as they are now.

use tickroom_storage::notification::{Notification, NotificationKind as Kind};

/// A language that notifications speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// 한국어
    #[default]
    Korean,
    /// English
    English,
}

impl Language {
    /// The one of the two that an `Accept-Language` header (RFC 9110, section 12.5.4) prefers; Korean where it
    /// prefers neither.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::Korean, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some("ko" | "*") => Self::Korean,
                Some("en") => Self::English,
                _ => continue,
            };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }
}

/// What a notification says.
pub fn text(notification: &Notification, language: Language) -> String {
    match language {
        Language::Korean => korean(notification),
        Language::English => english(notification),
    }
}

fn korean(notification: &Notification) -> String {
    let who = match &notification.actor_name {
        Some(name) => format!("{name}님이"),
        None => "탈퇴한 회원이".to_owned(),
    };
    let post = quoted(notification);
    let in_comment = notification.about.comment.is_some();
    match (notification.kind, &notification.about.message) {
        (Kind::Follow, _) => format!("{who} 회원님을 팔로우했습니다."),
        (Kind::Post, _) => format!("{who} 새 글{post}을 올렸습니다."),
        (Kind::Comment, _) => format!("{who} 회원님의 글{post}에 댓글을 남겼습니다."),
        (Kind::Reply, _) => format!("{who} 회원님의 댓글에 답글을 남겼습니다."),
        (Kind::PostLike, _) => format!("{who} 회원님의 글{post}에 좋아요를 눌렀습니다."),
        (Kind::CommentLike, _) => format!("{who} 회원님의 댓글에 좋아요를 눌렀습니다."),
        (Kind::Mention, Some((room, _))) => format!("{who} {room} 방에서 회원님을 언급했습니다."),
        (Kind::Mention, None) if in_comment => format!("{who} 댓글에서 회원님을 언급했습니다."),
        (Kind::Mention, None) => format!("{who} 글{post}에서 회원님을 언급했습니다."),
    }
}

fn english(notification: &Notification) -> String {
    let who = notification.actor_name.as_deref().unwrap_or("Somebody who has left");
    let post = quoted(notification);
    let in_comment = notification.about.comment.is_some();
    match (notification.kind, &notification.about.message) {
        (Kind::Follow, _) => format!("{who} follows you."),
        (Kind::Post, _) => format!("{who} wrote a post{post}."),
        (Kind::Comment, _) => format!("{who} commented on your post{post}."),
        (Kind::Reply, _) => format!("{who} replied to your comment."),
        (Kind::PostLike, _) => format!("{who} likes your post{post}."),
        (Kind::CommentLike, _) => format!("{who} likes your comment."),
        (Kind::Mention, Some((room, _))) => format!("{who} mentioned you in {room}."),
        (Kind::Mention, None) if in_comment => format!("{who} mentioned you in a comment."),
        (Kind::Mention, None) => format!("{who} mentioned you in a post{post}."),
    }
}

/// The title of the post, with the space before it.
fn quoted(notification: &Notification) -> String {
    notification.post_title.as_ref().map_or_else(String::new, |title| format!(" “{title}”"))
}

/// Where to look at what it is about: a path of this server.
pub fn link(notification: &Notification) -> String {
    let about = &notification.about;
    match (&about.message, about.post, about.comment) {
        (Some((room, _)), ..) => format!("/#{room}"),
        (None, Some(post), Some(comment)) => format!("/api/posts/{post}#comment-{comment}"),
        (None, Some(post), None) => format!("/api/posts/{post}"),
        (None, None, _) => format!("/api/users/{}", notification.actor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::notification;
    use tickroom_storage::notification::About;
    use tickroom_storage::{CommentId, Offset, PostId};

    #[test]
    fn defect_42_every_kind_says_something_in_both_languages() {
        let abouts = [
            About::default(),
            About { post: Some(PostId::new(5)), ..About::default() },
            About { post: Some(PostId::new(5)), comment: Some(CommentId::new(6)), message: None },
            About { message: Some(("KRW-BTC".parse().unwrap(), Offset::new(7))), ..About::default() },
        ];
        for (kind, about) in
            Kind::ALL.into_iter().flat_map(|kind| abouts.iter().map(move |about| (kind, about)))
        {
            let said = Notification { kind, about: about.clone(), ..notification(1, 1) };
            assert!(text(&said, Language::Korean).starts_with("bo님이 "));
            assert!(text(&said, Language::English).starts_with("bo "));
            assert!(link(&said).starts_with('/'));
            let left = Notification { actor_name: None, ..said };
            assert!(text(&left, Language::Korean).starts_with("탈퇴한 회원이 "));
        }
    }

    #[test]
    fn a_post_is_called_by_its_title() {
        let liked =
            Notification { kind: Kind::PostLike, post_title: Some("떡상?".into()), ..notification(1, 1) };
        assert_eq!(text(&liked, Language::Korean), "bo님이 회원님의 글 “떡상?”에 좋아요를 눌렀습니다.");
        assert_eq!(text(&liked, Language::English), "bo likes your post “떡상?”.");
    }

    #[test]
    fn the_language_is_the_preferred_one_of_two() {
        for (header, language) in [
            ("", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Korean),
            ("fr, en;q=0.2", Language::English),
            ("en;q=0.2, *;q=0.5", Language::Korean),
            ("fr;q=0.9, de", Language::Korean),
            ("en;q=x", Language::Korean),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
