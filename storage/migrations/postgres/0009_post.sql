-- What people post.
create table post (
    -- made by the application, rising with time, so that the newest have the highest
    id bigint not null primary key,
    -- accounts are never deleted, only emptied, so that what was written keeps an author
    author_id bigint not null references users (id),
    -- 1 to 200 characters
    title text not null,
    -- epoch ms
    created_at bigint not null,
    -- the latest edit, epoch ms; null until there is one
    updated_at bigint,
    -- as many as there are rows in post_like
    like_count bigint not null,
    -- as many as there are comments and replies that can be read
    comment_count bigint not null,
    -- how often it was looked at, each viewer counted once in a day
    view_count bigint not null,
    -- its place among the popular ones, kept with every count: created_at, plus half a day for each doubling of its
    -- points (post/score.rs)
    score bigint not null,
    -- Markdown, 1 to 20,000 characters
    content text not null
);

-- the posts of a person, newest first; the timeline looks here once per person followed
create index post_author_id on post (author_id, id);
-- the popular ones
create index post_score on post (score, id);

-- Who likes what. The key counts each person once, and answers whether somebody likes a post.
create table post_like (
    post_id bigint not null references post (id) on delete cascade,
    user_id bigint not null references users (id),
    -- epoch ms
    created_at bigint not null,
    primary key (post_id, user_id)
);

-- What posts are about: every tag that was ever used.
create table tag (
    -- folded: lower case, one spelling for what looks alike
    name text collate "C" not null primary key,
    -- posts that have it now; may be 0
    post_count bigint not null
);

-- the most used ones
create index tag_post_count on tag (post_count, name);

-- Which post has which tags. The key is also the index by which posts of a tag are read, newest first.
create table post_tag (
    tag text collate "C" not null references tag (name),
    post_id bigint not null references post (id) on delete cascade,
    -- the order in which they are shown
    place smallint not null,
    -- 1 when the author listed it, 0 when it was found in the text: an edit of the text takes only the latter away
    listed smallint not null check (listed in (0, 1)),
    primary key (tag, post_id)
);

-- the tags of a post
create index post_tag_post_id on post_tag (post_id);

-- Which post mentions which market. Any code is kept, whether the exchange knows it or not.
create table post_market (
    market text collate "C" not null,
    post_id bigint not null references post (id) on delete cascade,
    -- the order in which they are mentioned
    place smallint not null,
    primary key (market, post_id)
);

-- the markets of a post
create index post_market_post_id on post_market (post_id);

-- Who looked at what lately. Rows go when they are a day old.
create table post_view (
    post_id bigint not null references post (id) on delete cascade,
    -- u and a user's id, or a and a hash that means nothing on another day; never an address
    viewer text collate "C" not null,
    -- the view that was counted last, epoch ms
    seen_at bigint not null,
    primary key (post_id, viewer)
);

-- what is to be purged
create index post_view_seen_at on post_view (seen_at);

-- The words of each post's title, text and tags, for the search. The application cuts words into pairs of letters
-- (search.rs), so that parts of Korean words are found, too; all that is left to do here is to split at spaces.
create table post_search (
    post_id bigint not null primary key references post (id) on delete cascade,
    words text collate "C" not null
);

-- which posts have a pair; in which order they stand is looked up in the words
create index post_search_pairs on post_search using gin (string_to_array(words, ' '));

-- What was answered to writes that came with an Idempotency-Key, for a day.
create table idempotency_keys (
    user_id bigint not null references users (id),
    -- what the client calls its request
    request_key text collate "C" not null,
    -- a hash of the request: another one under the same key is a mistake
    fingerprint text not null,
    -- the id of what was made
    made_id bigint not null,
    -- the body of the first answer
    answer text not null,
    -- epoch ms
    created_at bigint not null,
    primary key (user_id, request_key)
);

-- what is to be purged
create index idempotency_keys_created_at on idempotency_keys (created_at);
