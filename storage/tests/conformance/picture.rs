//! Pictures and their files.

use std::convert::identity;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::limits::UNUSED_PICTURE_KEPT;
use tickroom_storage::picture::{NewPicture, PictureFormat, PictureName, PictureStore, Pictures};
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, TimestampMs, UserId};

use crate::at;
use crate::user::newcomer;

on_every_engine!(identity =>
    a_picture_comes_back_in_both_sizes,
    what_nobody_put_is_not_there,
    defect_21_a_replaced_picture_goes_when_the_hour_is_over,
    a_picture_that_is_taken_away_goes,
    a_picture_of_two_stays_until_both_have_another,
    a_picture_that_nobody_got_goes,
    a_picture_that_comes_back_just_before_it_goes_stays,
    whoever_has_a_picture_has_its_files_whatever_happens_at_once,
    the_picture_of_a_deleted_account_goes,
    clouds_are_known_by_their_urls,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);

/// Ann and Bob, and a folder for their pictures.
struct World {
    database: Database,
    users: Users,
    pictures: Pictures,
    folder: TempDir,
}

impl World {
    async fn new(database: Database) -> Self {
        let users = Users::new(database.clone());
        users.create(&newcomer(1, "ann")).await.unwrap();
        users.create(&newcomer(2, "bob")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = PictureStore::Folder(pictures_in(&folder));
        let pictures = Pictures::open(database.clone(), store, []).await.unwrap();
        Self { database, users, pictures, folder }
    }

    async fn put(&self, content: &'static str, now: TimestampMs) -> String {
        self.pictures.put(picture(content), now).await.unwrap()
    }

    async fn give(&self, user: UserId, content: &'static str, now: TimestampMs) -> String {
        let url = self.put(content, now).await;
        self.users.set_avatar(user, Some(&url), now).await.unwrap();
        url
    }

    async fn sweep(&self, now: TimestampMs) -> usize {
        self.pictures.sweep(now).await.unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(pictures_in(&self.folder)).unwrap().count()
    }
}

fn pictures_in(folder: &TempDir) -> PathBuf {
    folder.path().join("made/on demand")
}

fn picture(content: &'static str) -> NewPicture {
    let small = Bytes::from(format!("small {content}"));
    NewPicture { format: PictureFormat::Png, large: Bytes::from(content), small }
}

fn name(url: &str) -> PictureName {
    url.strip_prefix("/media/").unwrap().parse().unwrap()
}

/// So long after the test began that what is unused since then may go.
fn later() -> TimestampMs {
    at(i64::try_from(UNUSED_PICTURE_KEPT.as_millis()).unwrap())
}

async fn a_picture_comes_back_in_both_sizes(database: Database) {
    let world = World::new(database).await;
    let url = world.put("a face", at(0)).await;
    let digest = "f9efa24f2ca158725bb5072d194ffdfc63bd45cd4a74aec96e849ab4adb09bbb";
    assert_eq!(url, format!("/media/{digest}-256.png"), "SHA-256 of the content");
    let large = world.pictures.get(&name(&url)).await.unwrap().unwrap();
    let small = world.pictures.get(&name(&PictureName::small_url(&url))).await.unwrap().unwrap();
    assert_eq!((&*large, &*small), (&b"a face"[..], &b"small a face"[..]));
    assert_eq!(world.put("a face", at(1)).await, url, "the same content, the same name");
    assert_ne!(world.put("another", at(1)).await, url);
}

async fn what_nobody_put_is_not_there(database: Database) {
    let world = World::new(database).await;
    let name: PictureName = format!("{}-64.jpg", "0".repeat(64)).parse().unwrap();
    assert_eq!(world.pictures.get(&name).await.unwrap(), None);
}

#[test]
fn defect_21_no_name_leads_out_of_the_folder() {
    let digest = "0123456789abcdef".repeat(4);
    assert!(format!("{digest}-256.jpg").parse::<PictureName>().is_ok());
    let others = [
        String::new(),
        "../tickroom.db".to_owned(),
        format!("../{digest}-256.jpg"),
        format!("{digest}-256.jpg/../../x"),
        format!("{digest}-257.jpg"),
        format!("{digest}-256.svg"),
        format!("{digest}-256.jpg#1"),
        format!("{}-256.jpg", digest.to_uppercase()),
        format!("{}-256.jpg", &digest[1..]),
        format!("{digest}-0256.jpg"),
    ];
    for other in others {
        assert!(other.parse::<PictureName>().is_err(), "{other:?}");
    }
}

async fn defect_21_a_replaced_picture_goes_when_the_hour_is_over(database: Database) {
    let world = World::new(database).await;
    world.give(ANN, "old", at(0)).await;
    let new = world.give(ANN, "new", at(1)).await;
    assert_eq!((world.sweep(at(2)).await, world.files()), (0, 4));
    assert_eq!((world.sweep(later().plus_millis(1)).await, world.files()), (1, 2));
    assert!(world.pictures.get(&name(&new)).await.unwrap().is_some());
    assert_eq!(world.sweep(later().plus_millis(2)).await, 0);
}

async fn a_picture_that_is_taken_away_goes(database: Database) {
    let world = World::new(database).await;
    world.give(ANN, "face", at(0)).await;
    world.users.set_avatar(ANN, None, at(0)).await.unwrap();
    assert_eq!((world.sweep(later()).await, world.files()), (1, 0));
}

async fn a_picture_of_two_stays_until_both_have_another(database: Database) {
    let world = World::new(database).await;
    world.give(ANN, "face", at(0)).await;
    world.give(BOB, "face", at(0)).await;
    world.users.set_avatar(ANN, None, at(0)).await.unwrap();
    assert_eq!((world.sweep(later()).await, world.files()), (0, 2));
    world.users.set_avatar(BOB, None, at(1)).await.unwrap();
    assert_eq!((world.sweep(later().plus_millis(1)).await, world.files()), (1, 0));
}

async fn a_picture_that_nobody_got_goes(database: Database) {
    let world = World::new(database).await;
    world.put("never given", at(0)).await;
    assert_eq!((world.sweep(later()).await, world.files()), (1, 0));
}

async fn a_picture_that_comes_back_just_before_it_goes_stays(database: Database) {
    let world = World::new(database).await;
    world.give(ANN, "face", at(0)).await;
    world.users.set_avatar(ANN, None, at(0)).await.unwrap();
    let url = world.put("face", later()).await;
    assert_eq!(world.sweep(later()).await, 0);
    world.users.set_avatar(BOB, Some(&url), later()).await.unwrap();
    assert_eq!((world.sweep(later().plus_millis(i64::MAX / 4)).await, world.files()), (0, 2));
}

async fn whoever_has_a_picture_has_its_files_whatever_happens_at_once(database: Database) {
    let world = Arc::new(World::new(database).await);
    let hour = later().get() - at(0).get();
    let sweeper = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            for turn in 0..60 {
                world.pictures.sweep(at(turn * hour * 2)).await.unwrap();
            }
        }
    });
    for turn in 0..40 {
        let now = at(turn * hour * 2 + 5);
        let url = world.give(ANN, "face", now).await;
        world.users.set_avatar(ANN, None, now).await.unwrap();
        let url_again = world.give(BOB, "face", now).await;
        assert_eq!(url, url_again);
        world.users.set_avatar(BOB, None, now).await.unwrap();
    }
    sweeper.await.unwrap();
    let url = world.give(BOB, "face", at(120 * hour)).await;
    world.sweep(at(1000 * hour)).await;
    assert!(world.pictures.get(&name(&url)).await.unwrap().is_some());
}

async fn the_picture_of_a_deleted_account_goes(database: Database) {
    let world = World::new(database).await;
    world.give(ANN, "face", at(0)).await;
    Accounts::new(world.database.clone()).delete(ANN, at(0)).await.unwrap();
    assert_eq!((world.sweep(later()).await, world.files()), (1, 0));
}

async fn clouds_are_known_by_their_urls(database: Database) {
    let open = async |url: &str, options: &[(&str, &str)]| {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Pictures::open(database.clone(), PictureStore::Url(url.to_owned()), options).await
    };
    let aws = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "ap-northeast-2")];
    open("s3://bucket/pictures", &aws).await.unwrap();
    open("az://container", &[("AZURE_STORAGE_ACCOUNT_NAME", "a"), ("AZURE_STORAGE_ACCOUNT_KEY", "YQ==")])
        .await
        .unwrap();
    open("gs://bucket", &[("GOOGLE_SERVICE_ACCOUNT_KEY", "{}")]).await.unwrap_err();
    for wrong in ["no url", "ftp://host/x", "s3:bucket"] {
        assert_eq!(open(wrong, &[]).await.unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
}
