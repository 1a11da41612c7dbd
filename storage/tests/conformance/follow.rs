//! Who follows whom.

use std::convert::identity;

use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::follow::{Follow, Followed, Follows};
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, FollowId, UserId};
use tokio::task::JoinSet;

use crate::at;
use crate::user::newcomer;

on_every_engine!(identity =>
    following_is_counted_on_both_sides,
    following_twice_is_following_once,
    ending_what_never_began_changes_nothing,
    nobody_follows_herself_or_a_stranger,
    lists_come_newest_first_page_by_page,
    lists_are_stable_while_others_arrive,
    a_list_says_whom_the_viewer_follows,
    all_followers_are_walked_by_id,
    counters_are_exact_whatever_happens_at_once,
    two_who_follow_each_other_at_once_both_do,
    nobody_follows_more_than_there_is_room_for,
    a_deleted_account_vanishes_from_lists_and_counters,
);

struct World {
    follows: Follows,
    users: Users,
    accounts: Accounts,
}

/// A database with people 1 to `people`.
async fn world(database: Database, people: i64) -> World {
    let users = Users::new(database.clone());
    for id in 1..=people {
        users.create(&newcomer(id, &format!("user {id}"))).await.unwrap();
    }
    World { follows: Follows::new(database.clone()), users, accounts: Accounts::new(database) }
}

fn user(id: i64) -> UserId {
    UserId::new(id)
}

fn ids(page: &[Follow]) -> Vec<i64> {
    page.iter().map(|follow| follow.profile.id.get()).collect()
}

impl World {
    /// One follows another; the ids of both make that of the follow, so that later ones have greater ids.
    async fn follow(&self, id: i64, follower: i64, followee: i64) -> Followed {
        self.follows.follow(FollowId::new(id), user(follower), user(followee), at(id)).await.unwrap()
    }

    /// How many follow her, and how many she follows.
    async fn counts(&self, id: i64) -> (u64, u64) {
        let profile = self.users.profile(user(id), None).await.unwrap().unwrap();
        (profile.follower_count, profile.following_count)
    }

    async fn followers(&self, of: i64) -> Vec<i64> {
        ids(&self.follows.followers(user(of), None, None, 1000).await.unwrap())
    }

    async fn following(&self, of: i64) -> Vec<i64> {
        ids(&self.follows.following(user(of), None, None, 1000).await.unwrap())
    }

    /// Holds that the counters of everybody are what there are rows.
    async fn expect_exact(&self, people: i64) {
        for id in 1..=people {
            let rows = (self.followers(id).await.len(), self.following(id).await.len());
            let counted = self.counts(id).await;
            assert_eq!(counted, (rows.0.try_into().unwrap(), rows.1.try_into().unwrap()), "of user {id}");
        }
    }
}

async fn following_is_counted_on_both_sides(database: Database) {
    let world = world(database, 3).await;
    assert_eq!(world.follow(1, 1, 2).await, Followed::Begun);
    assert_eq!(world.follow(2, 3, 2).await, Followed::Begun);
    assert_eq!((world.counts(1).await, world.counts(2).await), ((0, 1), (2, 0)));
    assert!(world.follows.unfollow(user(1), user(2)).await.unwrap());
    assert_eq!((world.counts(1).await, world.counts(2).await), ((0, 0), (1, 0)));
}

async fn following_twice_is_following_once(database: Database) {
    let world = world(database, 2).await;
    assert_eq!(world.follow(1, 1, 2).await, Followed::Begun);
    assert_eq!(world.follow(2, 1, 2).await, Followed::Already);
    assert_eq!(world.counts(2).await, (1, 0));
}

async fn ending_what_never_began_changes_nothing(database: Database) {
    let world = world(database, 2).await;
    assert!(!world.follows.unfollow(user(1), user(2)).await.unwrap());
    assert_eq!((world.counts(1).await, world.counts(2).await), ((0, 0), (0, 0)));
}

async fn nobody_follows_herself_or_a_stranger(database: Database) {
    let world = world(database, 1).await;
    let follow = async |follower, followee| {
        let follow = world.follows.follow(FollowId::new(1), user(follower), user(followee), at(0)).await;
        follow.unwrap_err().kind()
    };
    assert_eq!(follow(1, 1).await, ErrorKind::Invalid);
    assert_eq!(follow(1, 9).await, ErrorKind::NotFound);
    assert_eq!(follow(9, 1).await, ErrorKind::NotFound);
    let error = world.follows.unfollow(user(1), user(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = world.follows.followers(user(9), None, None, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    world.expect_exact(1).await;
}

async fn lists_come_newest_first_page_by_page(database: Database) {
    let world = world(database, 7).await;
    for follower in 2..=7 {
        world.follow(10 + follower, follower, 1).await;
    }
    let mut walked = Vec::new();
    let mut before = None;
    loop {
        let page = world.follows.followers(user(1), None, before, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        walked.extend(ids(&page));
    }
    assert_eq!(walked, [7, 6, 5, 4, 3, 2]);
    assert_eq!(world.following(7).await, [1]);
}

async fn lists_are_stable_while_others_arrive(database: Database) {
    let world = world(database, 6).await;
    for follower in 2..=4 {
        world.follow(10 + follower, follower, 1).await;
    }
    let first = world.follows.followers(user(1), None, None, 2).await.unwrap();
    world.follow(20, 5, 1).await;
    world.follow(21, 6, 1).await;
    let second = world.follows.followers(user(1), None, Some(first[1].id), 2).await.unwrap();
    assert_eq!((ids(&first), ids(&second)), (vec![4, 3], vec![2]));
}

async fn a_list_says_whom_the_viewer_follows(database: Database) {
    let world = world(database, 4).await;
    world.follow(10, 2, 1).await;
    world.follow(11, 3, 1).await;
    world.follow(12, 4, 3).await;
    let page = world.follows.followers(user(1), Some(user(4)), None, 10).await.unwrap();
    let followed: Vec<_> = page.iter().map(|f| (f.profile.id.get(), f.profile.is_followed)).collect();
    assert_eq!(followed, [(3, true), (2, false)]);
}

async fn all_followers_are_walked_by_id(database: Database) {
    let world = world(database, 8).await;
    for follower in (2..=8).rev() {
        world.follow(20 - follower, follower, 1).await;
    }
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = world.follows.followers_after(user(1), after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        walked.extend(page.iter().map(|id| id.get()));
    }
    assert_eq!(walked, [2, 3, 4, 5, 6, 7, 8]);
    assert!(world.follows.followers_after(user(99), None, 3).await.unwrap().is_empty());
}

async fn counters_are_exact_whatever_happens_at_once(database: Database) {
    const PEOPLE: i64 = 8;
    let world = world(database, PEOPLE).await;
    let mut race = JoinSet::new();
    for task in 0..64 {
        let follows = world.follows.clone();
        race.spawn(async move {
            let (follower, followee) = (user(1 + task % PEOPLE), user(1 + (task / 8 + task + 1) % PEOPLE));
            for turn in 0..4 {
                if follower == followee {
                    continue;
                }
                let id = FollowId::new(1000 + task * 10 + turn);
                if (task + turn) % 3 == 0 {
                    follows.unfollow(follower, followee).await.unwrap();
                } else {
                    follows.follow(id, follower, followee, at(turn)).await.unwrap();
                }
            }
        });
    }
    race.join_all().await;
    world.expect_exact(PEOPLE).await;
}

async fn two_who_follow_each_other_at_once_both_do(database: Database) {
    let world = world(database, 2).await;
    let (one, other) = tokio::join!(world.follow(1, 1, 2), world.follow(2, 2, 1));
    assert_eq!((one, other), (Followed::Begun, Followed::Begun));
    assert_eq!((world.counts(1).await, world.counts(2).await), ((1, 1), (1, 1)));
}

async fn nobody_follows_more_than_there_is_room_for(database: Database) {
    let mut world = world(database, 4).await;
    world.follows = world.follows.with_room_for(2);
    assert_eq!(world.follow(1, 1, 2).await, Followed::Begun);
    assert_eq!(world.follow(2, 1, 3).await, Followed::Begun);
    assert_eq!(world.follow(3, 1, 4).await, Followed::TooMany);
    assert_eq!(world.follow(4, 1, 3).await, Followed::Already);
    world.expect_exact(4).await;
    assert_eq!(world.following(1).await, [3, 2]);
    world.follows.unfollow(user(1), user(2)).await.unwrap();
    assert_eq!(world.follow(5, 1, 4).await, Followed::Begun);
}

async fn a_deleted_account_vanishes_from_lists_and_counters(database: Database) {
    let world = world(database, 4).await;
    for (id, follower, followee) in [(10, 1, 2), (11, 2, 1), (12, 3, 2), (13, 2, 4), (14, 3, 4)] {
        world.follow(id, follower, followee).await;
    }
    world.accounts.delete(user(2), at(100)).await.unwrap();
    assert_eq!((world.following(1).await, world.following(3).await), (vec![], vec![4]));
    assert_eq!((world.counts(1).await, world.counts(3).await), ((0, 0), (0, 1)));
    assert_eq!((world.counts(4).await, world.followers(4).await), ((1, 0), vec![3]));
    let follow = world.follows.follow(FollowId::new(20), user(1), user(2), at(101)).await;
    assert_eq!(follow.unwrap_err().kind(), ErrorKind::NotFound);
    let followers = world.follows.followers(user(2), None, None, 10).await;
    assert_eq!(followers.unwrap_err().kind(), ErrorKind::NotFound);
}
