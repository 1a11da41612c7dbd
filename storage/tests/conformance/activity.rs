//! What follows from events, and that it follows once.

use tickroom_storage::activity::{ActivityLog, Changes, Effects, Planned, SqlActivityLog, Task};
use tickroom_storage::dead_letter::DeadLetters;
use tickroom_storage::engine::Database;
use tickroom_storage::event::Event;
use tickroom_storage::follow::Follows;
use tickroom_storage::limits::JOB_PAGE;
use tickroom_storage::notification::{About, NotificationKind as Kind, NotificationLog, Notifications};
use tickroom_storage::user::Users;
use tickroom_storage::{EventId, FollowId, NotificationId, PostId, TimestampMs, UserId};

use crate::at;
use crate::event::{ANN, BO, CHO, Empty, World};
use crate::user::newcomer;

on_every_engine!(Empty =>
    defect_45_an_event_that_is_delivered_again_changes_nothing,
    a_failed_batch_leaves_nothing_behind,
    nobody_is_told_twice_or_of_herself,
    defect_47_what_was_liked_and_unliked_is_withdrawn_while_unread,
    what_is_liked_again_is_no_news,
    who_does_not_want_to_be_told_is_not,
    all_followers_are_told_page_by_page,
    a_post_that_is_deleted_tells_no_more_and_takes_back_what_it_told,
    what_is_gone_before_its_event_comes_is_told_to_nobody,
    ids_rise_also_when_the_clock_goes_back,
    one_sees_what_one_did_newest_first,
    a_dead_letter_can_be_replayed_once_and_deleted,
    a_person_who_leaves_takes_her_notifications_along,
);

/// An event of its own making, as the bus brings it.
pub(crate) fn event(id: i64, actor: UserId) -> Event {
    Event {
        id: EventId::new(id),
        actor,
        kind: "user_followed".into(),
        version: 1,
        payload: r#"{"user":"1"}"#.into(),
        time: at(id),
    }
}

pub(crate) fn planned(id: i64, actor: UserId, effects: Effects) -> Planned {
    Planned { event: event(id, actor), effects }
}

fn tells(readers: &[(UserId, Kind)]) -> Effects {
    Effects { tell: readers.to_vec(), ..Effects::default() }
}

async fn kinds(database: &Database, reader: UserId) -> Vec<Kind> {
    let page = Notifications::new(database.clone()).page(reader, false, None, 1_000).await.unwrap();
    page.into_iter().map(|notification| notification.kind).collect()
}

async fn work_off(log: &SqlActivityLog) -> (usize, Changes) {
    let (mut steps, mut all) = (0, Changes::default());
    loop {
        let jobs = log.jobs(10).await.unwrap();
        let Some(job) = jobs.first() else { return (steps, all) };
        let changes = log.step(*job).await.unwrap();
        all.told.extend(changes.told);
        all.recount.extend(changes.recount);
        steps += 1;
    }
}

async fn defect_45_an_event_that_is_delivered_again_changes_nothing(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let batch =
        [planned(1, ANN, tells(&[(BO, Kind::Follow)])), planned(2, ANN, tells(&[(CHO, Kind::Mention)]))];
    assert_eq!(log.carry_out(&batch[..1]).await.unwrap().told.len(), 1);
    assert_eq!(log.carry_out(&batch).await.unwrap().told.len(), 1, "only the second is new");
    assert_eq!(log.carry_out(&batch).await.unwrap(), Changes::default());
    assert_eq!(kinds(&world.database, BO).await, [Kind::Follow]);
    assert_eq!(kinds(&world.database, CHO).await, [Kind::Mention]);
    assert_eq!(log.page(ANN, None, 10).await.unwrap().len(), 2);
}

async fn a_failed_batch_leaves_nothing_behind(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    world.database.close().await;
    assert!(log.carry_out(&[planned(1, ANN, tells(&[(BO, Kind::Follow)]))]).await.is_err());
}

async fn nobody_is_told_twice_or_of_herself(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let stranger = UserId::new(99);
    let readers = [
        (BO, Kind::Reply),
        (BO, Kind::Mention),
        (ANN, Kind::Mention),
        (stranger, Kind::Mention),
        (CHO, Kind::Mention),
    ];
    let changes = log.carry_out(&[planned(1, ANN, tells(&readers))]).await.unwrap();
    assert_eq!(changes.told.iter().map(|(reader, _)| *reader).collect::<Vec<_>>(), [BO, CHO]);
    assert_eq!(kinds(&world.database, BO).await, [Kind::Reply], "the first reason counts");
    assert_eq!(kinds(&world.database, ANN).await, []);
}

fn liked(post: PostId) -> Effects {
    let about = About { post: Some(post), ..About::default() };
    Effects { tell: vec![(ANN, Kind::PostLike)], about, ..Effects::default() }
}

fn unliked(post: PostId) -> Effects {
    Effects { withdraw: Some((ANN, Kind::PostLike)), tell: vec![], ..liked(post) }
}

async fn defect_47_what_was_liked_and_unliked_is_withdrawn_while_unread(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let (post, other) = (world.post(ANN, "x").await, world.post(ANN, "y").await);
    let likes = [planned(1, BO, liked(post)), planned(2, CHO, liked(post)), planned(3, BO, liked(other))];
    let told = log.carry_out(&likes).await.unwrap().told;
    let changes = log.carry_out(&[planned(4, BO, unliked(post))]).await.unwrap();
    assert_eq!(changes.recount, [ANN]);
    let notifications = Notifications::new(world.database.clone());
    let left = notifications.page(ANN, false, None, 10).await.unwrap();
    let left: Vec<_> = left.iter().map(|left| (left.actor, left.about.post)).collect();
    assert_eq!(left, [(BO, Some(other)), (CHO, Some(post))]);

    notifications.read(ANN, told[1].1, at(0)).await.unwrap();
    let changes = log.carry_out(&[planned(5, CHO, unliked(post))]).await.unwrap();
    assert_eq!(changes, Changes::default(), "what was read stays");
    assert_eq!(kinds(&world.database, ANN).await.len(), 2);
}

async fn what_is_liked_again_is_no_news(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let post = world.post(ANN, "x").await;
    let told = log.carry_out(&[planned(1, BO, liked(post))]).await.unwrap().told;
    Notifications::new(world.database.clone()).read(ANN, told[0].1, at(0)).await.unwrap();
    let again = [planned(2, BO, unliked(post)), planned(3, BO, liked(post))];
    assert_eq!(log.carry_out(&again).await.unwrap(), Changes::default());
    assert_eq!(kinds(&world.database, ANN).await.len(), 1);
}

async fn who_does_not_want_to_be_told_is_not(empty: Empty) {
    let world = World::new(empty).await;
    let (log, notifications) =
        (SqlActivityLog::new(world.database.clone()), Notifications::new(world.database.clone()));
    notifications.set_wanted(BO, &[(Kind::Follow, false), (Kind::Post, false)]).await.unwrap();
    world.follow(BO, ANN).await;
    world.follow(CHO, ANN).await;
    let post = world.post(ANN, "x").await;
    let effects = Effects {
        about: About { post: Some(post), ..About::default() },
        job: Some(Task::TellFollowers),
        ..tells(&[])
    };
    log.carry_out(&[planned(1, ANN, tells(&[(BO, Kind::Follow)])), planned(2, ANN, effects)]).await.unwrap();
    work_off(&log).await;
    assert_eq!(kinds(&world.database, BO).await, []);
    assert_eq!(kinds(&world.database, CHO).await, [Kind::Post]);
    notifications.set_wanted(BO, &[(Kind::Follow, true)]).await.unwrap();
    log.carry_out(&[planned(3, ANN, tells(&[(BO, Kind::Follow)]))]).await.unwrap();
    assert_eq!(kinds(&world.database, BO).await, [Kind::Follow]);
}

/// Makes so many followers of Ann; returns them.
pub(crate) async fn followers(world: &World, count: i64) -> Vec<UserId> {
    let users = Users::new(world.database.clone());
    let follows = Follows::new(world.database.clone());
    let ids: Vec<UserId> = (1_000..1_000 + count).map(UserId::new).collect();
    for id in &ids {
        users.create(&newcomer(id.get(), &format!("f{id}"))).await.unwrap();
        follows.follow(FollowId::new(id.get()), *id, ANN, at(0)).await.unwrap();
    }
    ids
}

fn posted(post: PostId, mentioned: &[UserId]) -> Effects {
    Effects {
        tell: mentioned.iter().map(|user| (*user, Kind::Mention)).collect(),
        about: About { post: Some(post), ..About::default() },
        job: Some(Task::TellFollowers),
        ..Effects::default()
    }
}

async fn all_followers_are_told_page_by_page(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let followers = followers(&world, i64::from(JOB_PAGE) * 2 + 3).await;
    let post = world.post(ANN, "x").await;
    log.carry_out(&[planned(1, ANN, posted(post, &followers[..1]))]).await.unwrap();
    let (steps, _) = work_off(&log).await;
    assert_eq!(steps, 3);
    for (index, follower) in followers.iter().enumerate() {
        let expected = if index == 0 { Kind::Mention } else { Kind::Post };
        assert_eq!(kinds(&world.database, *follower).await, [expected], "follower {index}");
    }
}

async fn a_post_that_is_deleted_tells_no_more_and_takes_back_what_it_told(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let followers = followers(&world, i64::from(JOB_PAGE) + 5).await;
    let post = world.post(ANN, "x").await;
    log.carry_out(&[planned(1, ANN, posted(post, &[BO]))]).await.unwrap();
    log.step(EventId::new(1)).await.unwrap();
    world.posts().delete(post).await.unwrap();
    let about = About { post: Some(post), ..About::default() };
    let deleted = Effects { about, job: Some(Task::WithdrawPost), ..Effects::default() };
    log.carry_out(&[planned(2, ANN, deleted)]).await.unwrap();
    assert_eq!(log.jobs(10).await.unwrap(), [EventId::new(2)]);
    let (_, changes) = work_off(&log).await;
    assert_eq!(changes.recount.len(), usize::from(JOB_PAGE) + 1);
    for reader in followers.iter().chain([&BO]) {
        assert_eq!(kinds(&world.database, *reader).await, []);
    }
}

async fn what_is_gone_before_its_event_comes_is_told_to_nobody(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let post = world.post(ANN, "x").await;
    let comment = world.comment(BO, post, None, "y").await;
    world.comments().delete(comment, at(0)).await.unwrap();
    let about = About { post: Some(post), comment: Some(comment), message: None };
    let commented = Effects { tell: vec![(ANN, Kind::Comment)], about, ..Effects::default() };
    assert_eq!(log.carry_out(&[planned(1, BO, commented)]).await.unwrap(), Changes::default());
    world.posts().delete(post).await.unwrap();
    assert_eq!(log.carry_out(&[planned(2, ANN, posted(post, &[BO]))]).await.unwrap(), Changes::default());
    assert_eq!(log.jobs(10).await.unwrap(), []);
}

async fn ids_rise_also_when_the_clock_goes_back(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let mut last = NotificationId::new(0);
    for id in 1..50 {
        let event = planned(id, ANN, tells(&[(BO, Kind::Mention), (CHO, Kind::Mention)]));
        for (_, notification) in log.carry_out(&[event]).await.unwrap().told {
            assert!(notification > last);
            last = notification;
        }
    }
}

async fn one_sees_what_one_did_newest_first(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let all: Vec<_> = (1..=5).map(|id| planned(id, if id == 3 { BO } else { ANN }, tells(&[]))).collect();
    log.carry_out(&all).await.unwrap();
    let page = log.page(ANN, None, 3).await.unwrap();
    assert_eq!(page, [&all[4], &all[3], &all[1]].map(|planned| planned.event.clone()));
    assert_eq!(log.page(ANN, Some(page[2].id), 3).await.unwrap(), [all[0].event.clone()]);
    assert_eq!(log.purge(TimestampMs::now()).await.unwrap(), 5, "they are from long ago");
    assert_eq!(log.page(ANN, None, 3).await.unwrap(), []);
}

async fn a_dead_letter_can_be_replayed_once_and_deleted(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    let letters = DeadLetters::new(world.database.clone());
    let poison = [event(1, ANN), event(2, ANN)];
    for event in poison.iter().chain(&poison) {
        log.bury(event, "unreadable", at(9)).await.unwrap();
    }
    let page = letters.page(None, 10).await.unwrap();
    assert_eq!(
        page.iter().map(|letter| letter.event.clone()).collect::<Vec<_>>(),
        [poison[1].clone(), poison[0].clone()]
    );
    assert_eq!((&*page[0].reason, page[0].failed_at), ("unreadable", at(9)));
    letters.replay(EventId::new(1)).await.unwrap();
    assert!(letters.replay(EventId::new(1)).await.is_err());
    assert_eq!(world.take().await, [poison[0].clone()], "under its own id");
    letters.delete(EventId::new(2)).await.unwrap();
    assert!(letters.delete(EventId::new(2)).await.is_err());
    assert_eq!(letters.page(None, 10).await.unwrap(), []);
}

async fn a_person_who_leaves_takes_her_notifications_along(empty: Empty) {
    let world = World::new(empty).await;
    let log = SqlActivityLog::new(world.database.clone());
    log.carry_out(&[
        planned(1, ANN, tells(&[(BO, Kind::Mention)])),
        planned(2, BO, tells(&[(CHO, Kind::Mention)])),
    ])
    .await
    .unwrap();
    tickroom_storage::account::Accounts::new(world.database.clone()).delete(BO, at(9)).await.unwrap();
    assert_eq!(kinds(&world.database, BO).await, []);
    assert_eq!(log.page(BO, None, 10).await.unwrap(), []);
    let left =
        Notifications::new(world.database.clone()).after(CHO, NotificationId::new(0), 10).await.unwrap();
    assert_eq!(left[0].actor_name, None, "what she did for others stays, without her name");
    let changes = log.carry_out(&[planned(3, ANN, tells(&[(BO, Kind::Mention)]))]).await.unwrap();
    assert_eq!(changes, Changes::default());
}
