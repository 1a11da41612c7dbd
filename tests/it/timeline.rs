//! The timeline over REST.

use serde_json::Value;

use crate::harness::{TestServer, User};

async fn titles(user: &User, query: &str) -> (Vec<String>, Option<String>) {
    let page = user.get(&format!("/api/timeline?{query}")).await.expect_status(200).json();
    let posts = page["posts"].as_array().unwrap().iter();
    let titles = posts.map(|post| post["title"].as_str().unwrap().to_owned()).collect();
    (titles, page["next_cursor"].as_str().map(str::to_owned))
}

async fn like(user: &User, post: &Value) {
    user.put(&format!("/api/posts/{}/like", post["id"].as_str().unwrap())).await.expect_status(200);
}

#[tokio::test]
async fn it_has_the_posts_of_those_one_follows_and_ones_own_and_stays_in_place_while_posts_arrive() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo, cho) = (server.user("ann").await, server.user("bo").await, server.user("cho").await);
    ann.follow(&bo).await;
    for (user, title) in [(&ann, "1"), (&bo, "2"), (&cho, "3"), (&bo, "4"), (&ann, "5")] {
        user.post(title, "text").await;
    }
    let (first, cursor) = titles(&ann, "limit=2").await;
    assert_eq!(first, ["5", "4"]);
    bo.post("6", "text").await;
    let (second, end) = titles(&ann, &format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((second, end), (vec!["2".to_owned(), "1".to_owned()], None));
    assert_eq!(titles(&ann, "").await.0, ["6", "5", "4", "2", "1"]);
    assert_eq!(titles(&cho, "").await.0, ["3"]);
}

#[tokio::test]
async fn it_can_be_sorted_by_what_is_popular() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    ann.follow(&bo).await;
    let liked = bo.post("liked", "text").await;
    bo.post("newer", "text").await;
    like(&ann, &liked).await;
    assert_eq!(titles(&ann, "sort=popular").await.0, ["liked", "newer"]);
    let (first, cursor) = titles(&ann, "sort=popular&limit=1").await;
    let (second, end) = titles(&ann, &format!("sort=popular&cursor={}", cursor.unwrap())).await;
    assert_eq!((first, second, end), (vec!["liked".to_owned()], vec!["newer".to_owned()], None));
}

#[tokio::test]
async fn nobody_has_no_timeline_and_nonsense_is_refused() {
    let server = TestServer::without_prices(&[]).await;
    server.get("/api/timeline").await.expect_problem(401, "unauthenticated");
    let ann = server.user("ann").await;
    ann.get("/api/timeline?cursor=1.x&limit=0")
        .await
        .expect_violations(&[("cursor", "invalid"), ("limit", "out_of_range")]);
    ann.get("/api/timeline?sort=popular&cursor=1").await.expect_violations(&[("cursor", "invalid")]);
}
