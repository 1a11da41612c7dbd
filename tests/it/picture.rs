//! Pictures of people, from what they send to what is shown.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use reqwest::Method;
use tickroom_storage::TimestampMs;
use tickroom_storage::engine::Database;
use tickroom_storage::picture::{NewPicture, PictureFormat, PictureName, PictureStore, Pictures};

use crate::harness::{Answer, Bucket, Process, TestServer, User};

const AVATAR: &str = "/api/users/me/avatar";

fn picture(format: ImageFormat, shade: u8) -> Vec<u8> {
    let picture = RgbaImage::from_pixel(300, 200, Rgba([shade, 30, 30, 255]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).into_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The header of a picture of 2.5 billion pixels, and a few of them.
fn bomb() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xc3\x50\0\0\xc3\x50\x01\0\0\0\0".to_vec();
    png.extend([0x63, 0xd4, 0x00, 0x67]);
    png.extend(b"\0\0\x10\0IDAT\x78\xda");
    png.resize(4096, 0);
    png
}

async fn send(user: &User, content: Vec<u8>, kind: &str) -> Answer {
    Answer::of(user.request(Method::PUT, AVATAR).header("content-type", kind).body(content)).await
}

/// Sends a picture and returns where it is.
async fn give(user: &User, content: Vec<u8>) -> String {
    let me = send(user, content, "image/png").await.expect_status(200).json();
    me["profile_url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_picture_is_shown_in_two_sizes_and_may_be_kept_for_ever() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let me = send(&ann, picture(ImageFormat::Png, 200), "image/png").await.expect_status(200).json();
    for (url, side) in [(&me["profile_url"], 256), (&me["thumbnail_url"], 64)] {
        let url = url.as_str().unwrap();
        let shown = server.request(Method::GET, url).send().await.unwrap();
        let header = |name: &str| shown.headers()[name].to_str().unwrap().to_owned();
        assert_eq!((shown.status().as_u16(), header("content-type").as_str()), (200, "image/jpeg"));
        assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let tag = header("etag");
        let bytes = shown.bytes().await.unwrap();
        let shown = image::load_from_memory(&bytes).unwrap();
        assert_eq!((shown.width(), shown.height()), (side, side));
        let again = server.request(Method::GET, url).header("if-none-match", &tag);
        let again = Answer::of(again).await.expect_status(304);
        assert_eq!((again.body.as_str(), again.header("etag")), ("", tag.as_str()));
    }
}

#[tokio::test]
async fn defect_21_pictures_are_known_by_their_content_and_not_by_their_name() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        send(&ann, picture(format, 200), "text/html").await.expect_status(200);
    }
    for other in
        ["", "<svg onload='alert(1)'/>", "<!doctype html><script>alert(1)</script>", "GIF89", "\x7fELF"]
    {
        let refused = send(&ann, other.into(), "image/png").await;
        assert!(matches!(refused.status, 415 | 422), "{refused:?}");
    }
    let svg = send(&ann, "<svg/>".into(), "image/svg+xml").await;
    svg.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn defect_21_pictures_that_are_too_large_are_refused() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let heavy = vec![0xff; 8 * 1024 * 1024 + 1];
    send(&ann, heavy, "image/jpeg").await.expect_problem(413, "body_too_large");
    send(&ann, bomb(), "image/png").await.expect_problem(422, "picture_too_large");
    let png = picture(ImageFormat::Png, 200);
    send(&ann, png[..60].to_vec(), "image/png").await.expect_problem(422, "picture_unreadable");
    assert!(ann.me().await.json()["profile_url"].is_null());
}

#[tokio::test]
async fn a_decompression_bomb_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path());
    let ann = server.user("ann").await;
    give(&ann, picture(ImageFormat::Png, 200)).await;
    let before = server.peak_memory_kib();
    for _ in 0..8 {
        send(&ann, bomb(), "image/png").await.expect_problem(422, "picture_too_large");
    }
    let more = server.peak_memory_kib() - before;
    assert!(more < 16 * 1024, "{more} KiB for pictures of 4 KiB");
}

#[tokio::test]
async fn defect_21_a_replaced_picture_is_deleted_and_a_shared_one_is_not() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let shared = give(&ann, picture(ImageFormat::Png, 10)).await;
    assert_eq!(give(&bob, picture(ImageFormat::Png, 10)).await, shared);
    let own = give(&ann, picture(ImageFormat::Png, 90)).await;
    Answer::of(ann.request(Method::DELETE, AVATAR)).await.expect_status(204);
    Answer::of(ann.request(Method::DELETE, AVATAR)).await.expect_status(204);
    assert!(ann.me().await.json()["profile_url"].is_null());
    let status = async |url: &str| server.request(Method::GET, url).send().await.unwrap().status().as_u16();
    assert_eq!(status(&own).await, 200, "sockets and pages still show it");
    let tomorrow = TimestampMs::now().plus_millis(86_400_000);
    server.inside().app.pictures.sweep(tomorrow).await.unwrap();
    assert_eq!((status(&own).await, status(&shared).await), (404, 200));
}

#[tokio::test]
async fn defect_21_nothing_but_pictures_is_served() {
    let server = TestServer::without_prices(&[]).await;
    let digest = "0".repeat(64);
    for name in [
        "x.jpg",
        "..%2f..%2ftickroom.db",
        "%2e%2e%2ftickroom.db",
        &format!("{digest}-256.jpg"),
        &format!("{digest}-256.html"),
        &format!("{digest}-1.jpg"),
        &format!("..%2fuploads%2f{digest}-256.jpg"),
        "%00",
    ] {
        server.get(&format!("/media/{name}")).await.expect_problem(404, "not_found");
    }
    for path in
        ["/media/../tickroom.db", "/media/..%2f..%2fetc/passwd", "/media//etc/passwd", "/media/", "/media"]
    {
        let answer = server.get_raw(path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_picture_belongs_to_its_sender() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let nobody = server.request(Method::PUT, AVATAR).body(picture(ImageFormat::Png, 1));
    Answer::of(nobody).await.expect_problem(401, "unauthenticated");
    let other = format!("/api/users/{}/avatar", ann.id().await);
    let other = server.user("bob").await.request(Method::PUT, &other).body(picture(ImageFormat::Png, 1));
    Answer::of(other).await.expect_problem(404, "not_found");
    let elsewhere = server.request(Method::PUT, AVATAR).header("cookie", ann.cookie());
    let elsewhere = elsewhere.header("origin", "https://evil.example.com").body(picture(ImageFormat::Png, 1));
    Answer::of(elsewhere).await.expect_problem(403, "origin_forbidden");
}

#[tokio::test]
async fn one_sends_so_many_pictures_in_an_hour() {
    let server = TestServer::without_prices(&[("uploads.pictures_per_hour", "2")]).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    give(&ann, picture(ImageFormat::Png, 1)).await;
    send(&ann, b"no picture".to_vec(), "image/png").await.expect_problem(415, "unsupported_media_type");
    let refused = send(&ann, picture(ImageFormat::Png, 2), "image/png").await;
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 1800);
    refused.expect_problem(429, "rate_limited");
    give(&bob, picture(ImageFormat::Png, 2)).await;
}

#[tokio::test]
async fn defect_22_a_changed_picture_shows_at_the_next_connect() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let url = give(&ann, picture(ImageFormat::Png, 5)).await;
    let mut socket = ann.enter("KRW-BTC").await;
    socket.say("cheese").await;
    assert_eq!(socket.next_message().await["sender"]["profileUrl"], url);
}

#[tokio::test]
async fn pictures_survive_a_restart() {
    let server = TestServer::without_prices(&[]).await;
    let url = give(&server.user("ann").await, picture(ImageFormat::Png, 5)).await;
    let server = server.restart().await;
    let shown = server.request(Method::GET, &url).send().await.unwrap();
    assert_eq!(shown.status().as_u16(), 200);
}

#[tokio::test]
async fn pictures_may_be_kept_in_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/tickroom.db", folder.path().display());
    let bucket = Bucket::start().await;
    let store = PictureStore::Url("s3://bucket/some/folder".to_owned());
    let pictures =
        Pictures::open(Database::connect(&url).await.unwrap(), store, bucket.options()).await.unwrap();
    let (large, small) = (Bytes::from("large"), Bytes::from("small"));
    let picture = NewPicture { format: PictureFormat::Png, large: large.clone(), small: small.clone() };
    let now = TimestampMs::now();
    let url = pictures.put(picture, now).await.unwrap();
    let name = |url: &str| url.strip_prefix("/media/").unwrap().parse::<PictureName>().unwrap();
    let small_name = name(&PictureName::small_url(&url));
    assert!(bucket.keys().iter().all(|key| key.starts_with("/bucket/some/folder/")), "{:?}", bucket.keys());
    assert_eq!(pictures.get(&name(&url)).await.unwrap(), Some(large));
    assert_eq!(pictures.get(&small_name).await.unwrap(), Some(small));
    assert_eq!(pictures.sweep(now.plus_millis(86_400_000)).await.unwrap(), 1);
    assert_eq!(pictures.get(&small_name).await.unwrap(), None);
    assert!(bucket.keys().is_empty());
}
