//! How SQLite answers the lists: from an index, in the order asked for, without reading all posts or sorting them.

use sqlx::Row;

use super::list::Source;
use super::timeline::{LATEST, POPULAR};
use super::{PostFilter, Rank};
use crate::engine::Database;
use crate::{TimestampMs, UserId};

async fn plan(database: &Database, text: &str) -> String {
    let explain = database.assembled(format!("explain query plan {text}"));
    let rows = sqlx::query(explain).fetch_all(database.reader()).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
}

#[tokio::test]
async fn lists_are_read_from_an_index_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/plan.db", folder.path().display());
    let database = Database::connect(&url).await.unwrap();
    let tag = PostFilter { tag: Some("a".parse().unwrap()), ..PostFilter::default() };
    let market = PostFilter { market: Some("KRW-BTC".parse().unwrap()), ..PostFilter::default() };
    let author = PostFilter { author: Some(UserId::new(1)), ..PostFilter::default() };
    let search = PostFilter { search: Some("word".parse().unwrap()), ..PostFilter::default() };
    for (filter, index) in [
        (PostFilter::default(), "SEARCH p USING INTEGER PRIMARY KEY (rowid<?)"),
        (author, "SEARCH p USING INDEX post_author_id (author_id=? AND id<?)"),
        (tag, "SEARCH t USING PRIMARY KEY (tag=? AND post_id<?)"),
        (market, "SEARCH m USING PRIMARY KEY (market=? AND post_id<?)"),
        (search, "SCAN s VIRTUAL TABLE INDEX"),
    ] {
        let (text, _) = Source::of(&filter, &database).latest(None, 50);
        let plan = plan(&database, &text).await;
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    let (text, _) = Source::of(&PostFilter::default(), &database).popular(Rank::TOP, TimestampMs::new(0), 50);
    let popular = plan(&database, &text).await;
    let index = "SEARCH p USING INDEX post_score (score>? AND score<?)";
    assert!(popular.contains(index) && !popular.contains("TEMP B-TREE"), "{popular}");

    // What is sorted here are the people of step 2 and the few posts of step 3.
    for (text, index) in [(LATEST, "post_author_id"), (POPULAR, "post_author_score")] {
        let timeline = plan(&database, text).await;
        for (post, times) in [("q", 2), ("r", 1)] {
            let step = format!("SEARCH {post} USING COVERING INDEX {index} (author_id=?");
            assert_eq!(timeline.matches(&step).count(), times, "{timeline}");
        }
        assert!(
            timeline.lines().all(|step| !["SCAN p", "SCAN q", "SCAN r", "SCAN u"].contains(&step)),
            "{timeline}"
        );
    }
}
