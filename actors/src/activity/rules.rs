//! Who is told of what. Pure.
//!
//! Nobody is told of an edit, and nobody that something ended: what said the opposite is withdrawn instead. That the
//! actor is never told, and nobody twice, is seen to where it is carried out.

use tickroom_storage::activity::{Effects, Task};
use tickroom_storage::event::Activity;
use tickroom_storage::notification::{About, NotificationKind as Kind};
use tickroom_storage::{CommentId, PostId, UserId};

/// What follows from something that was done.
pub fn plan(activity: Activity) -> Effects {
    match activity {
        Activity::UserFollowed { user } => Effects { tell: vec![(user, Kind::Follow)], ..Effects::default() },
        Activity::UserUnfollowed { user } => {
            Effects { withdraw: Some((user, Kind::Follow)), ..Effects::default() }
        }
        Activity::PostCreated { post, mentioned } => Effects {
            tell: mentions(&mentioned).collect(),
            about: about(post, None),
            job: Some(Task::TellFollowers),
            ..Effects::default()
        },
        Activity::PostDeleted { post } => {
            Effects { about: about(post, None), job: Some(Task::WithdrawPost), ..Effects::default() }
        }
        Activity::CommentCreated { comment, post, post_author, reply_to, mentioned } => {
            let asked = match reply_to {
                Some(reply_to) => (reply_to.author, Kind::Reply),
                None => (post_author, Kind::Comment),
            };
            Effects {
                tell: std::iter::once(asked).chain(mentions(&mentioned)).collect(),
                about: about(post, Some(comment)),
                ..Effects::default()
            }
        }
        Activity::CommentDeleted { comment, post } => Effects {
            about: about(post, Some(comment)),
            job: Some(Task::WithdrawComment),
            ..Effects::default()
        },
        Activity::PostLiked { post, author } => {
            Effects { tell: vec![(author, Kind::PostLike)], about: about(post, None), ..Effects::default() }
        }
        Activity::PostUnliked { post, author } => Effects {
            withdraw: Some((author, Kind::PostLike)),
            about: about(post, None),
            ..Effects::default()
        },
        Activity::CommentLiked { comment, post, author } => Effects {
            tell: vec![(author, Kind::CommentLike)],
            about: about(post, Some(comment)),
            ..Effects::default()
        },
        Activity::CommentUnliked { comment, post, author } => Effects {
            withdraw: Some((author, Kind::CommentLike)),
            about: about(post, Some(comment)),
            ..Effects::default()
        },
        Activity::MessageMentioned { room, offset, mentioned, .. } => Effects {
            tell: mentions(&mentioned).collect(),
            about: About { message: Some((room, offset)), ..About::default() },
            ..Effects::default()
        },
    }
}

fn mentions(mentioned: &[UserId]) -> impl Iterator<Item = (UserId, Kind)> {
    mentioned.iter().map(|user| (*user, Kind::Mention))
}

fn about(post: PostId, comment: Option<CommentId>) -> About {
    About { post: Some(post), comment, message: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickroom_storage::event::ReplyTo;

    const ANN: UserId = UserId::new(1);
    const BO: UserId = UserId::new(2);
    const CHO: UserId = UserId::new(3);
    const POST: PostId = PostId::new(10);
    const COMMENT: CommentId = CommentId::new(20);

    fn told(activity: Activity) -> Vec<(UserId, Kind)> {
        plan(activity).tell
    }

    fn commented(reply_to: Option<ReplyTo>, mentioned: Vec<UserId>) -> Activity {
        Activity::CommentCreated { comment: COMMENT, post: POST, post_author: ANN, reply_to, mentioned }
    }

    #[test]
    fn defect_41_those_whom_it_concerns_are_told_and_not_the_actors_followers() {
        assert_eq!(told(Activity::UserFollowed { user: ANN }), [(ANN, Kind::Follow)]);
        assert_eq!(told(commented(None, vec![])), [(ANN, Kind::Comment)]);
        let reply_to = Some(ReplyTo { comment: CommentId::new(19), author: BO });
        assert_eq!(told(commented(reply_to, vec![CHO])), [(BO, Kind::Reply), (CHO, Kind::Mention)]);
        assert_eq!(told(Activity::PostLiked { post: POST, author: ANN }), [(ANN, Kind::PostLike)]);
        let liked = Activity::CommentLiked { comment: COMMENT, post: POST, author: BO };
        assert_eq!(told(liked), [(BO, Kind::CommentLike)]);
    }

    #[test]
    fn a_post_is_for_the_followers_and_a_mention_for_whom_it_names() {
        let effects = plan(Activity::PostCreated { post: POST, mentioned: vec![BO] });
        assert_eq!((effects.tell, effects.job), (vec![(BO, Kind::Mention)], Some(Task::TellFollowers)));
    }

    #[test]
    fn defect_42_the_end_of_something_is_told_to_nobody() {
        let ends = [
            Activity::UserUnfollowed { user: ANN },
            Activity::PostUnliked { post: POST, author: ANN },
            Activity::CommentUnliked { comment: COMMENT, post: POST, author: ANN },
            Activity::PostDeleted { post: POST },
            Activity::CommentDeleted { comment: COMMENT, post: POST },
        ];
        for end in ends {
            let effects = plan(end);
            assert!(effects.tell.is_empty());
            assert!(effects.withdraw.is_some() || effects.job.is_some());
        }
    }
}
