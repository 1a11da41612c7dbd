-- What somebody is told of. Made from events by the Activity actor.
create table notification (
    -- made by the application inside the inserting transaction, above all others: a stream that has shown one of them
    -- has seen all lower ones of its reader, and can go on from there
    id bigint not null primary key,
    -- who is told
    user_id bigint not null references users (id) on delete cascade,
    -- the event it comes from
    event_id bigint not null,
    -- follow, post, comment, reply, post_like, comment_like or mention
    kind text collate "C" not null,
    -- who did it. No reference: an account that is gone leaves an unnamed actor
    actor_id bigint not null,
    -- what it is about, as far as it applies. No references: what is deleted withdraws its notifications by itself
    post_id bigint,
    comment_id bigint,
    room text collate "C",
    room_offset bigint,
    -- when it was done, epoch ms
    created_at bigint not null,
    -- epoch ms; null while unread
    read_at bigint,
    -- never twice for one event
    unique (user_id, event_id)
);

-- pages and counts; with read_at in it, counting the unread ones reads nothing but this index
create index notification_user_id on notification (user_id, id, read_at);
-- withdrawal
create index notification_post_id on notification (post_id);
create index notification_comment_id on notification (comment_id);

-- Kinds that somebody does not want to be told of.
create table notification_mute (
    user_id bigint not null references users (id) on delete cascade,
    -- as in notification
    kind text collate "C" not null,
    primary key (user_id, kind)
);

-- What an event leaves to do that is too long for one transaction. Done page by page; a crash goes on where it was.
create table notification_job (
    -- the event
    event_id bigint not null primary key,
    -- followers: tell all followers of the actor of the post; post, comment: withdraw what is about it
    task text not null check (task in ('followers', 'post', 'comment')),
    actor_id bigint not null,
    -- as in notification
    post_id bigint,
    comment_id bigint,
    -- when the event happened, epoch ms
    occurred_at bigint not null,
    -- the follower that was told last
    done_up_to bigint not null
);
