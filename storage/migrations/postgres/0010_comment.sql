-- What people say about posts, and reply to each other.
create table comment (
    -- made by the application, rising with time
    id bigint not null primary key,
    post_id bigint not null references post (id) on delete cascade,
    author_id bigint not null references users (id),
    -- the comment that this replies to, always one of the same post that is no reply itself; null for a comment
    parent_id bigint references comment (id) on delete cascade,
    -- 1 to 1,000 characters; empty once deleted
    content text not null,
    -- epoch ms
    created_at bigint not null,
    -- the latest edit, epoch ms; null until there is one
    updated_at bigint,
    -- epoch ms; such a row stays for as long as it has replies, so that they can be understood
    deleted_at bigint,
    -- as many as there are rows in comment_like
    like_count bigint not null,
    -- as many as there are rows with this parent_id
    reply_count bigint not null
);

-- the comments of a post, oldest first, without the replies in between
create index comment_post_id on comment (post_id, parent_id, id);
-- the replies to a comment, oldest first
create index comment_parent_id on comment (parent_id, id);

-- Who likes which comment, each person once.
create table comment_like (
    comment_id bigint not null references comment (id) on delete cascade,
    user_id bigint not null references users (id),
    -- epoch ms
    created_at bigint not null,
    primary key (comment_id, user_id)
);
