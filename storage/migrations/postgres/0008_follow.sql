-- Who follows whom. Nobody follows anybody twice, whatever happens at once.
create table follow (
    -- made by the application, rising with time: lists are read by it, newest first
    id bigint not null primary key,
    -- the one who reads
    follower_id bigint not null references users (id) on delete cascade,
    -- the one who is read
    followee_id bigint not null references users (id) on delete cascade,
    -- epoch ms
    created_at bigint not null,
    unique (follower_id, followee_id)
);

-- the list of those whom one follows
create index follow_follower_id on follow (follower_id, id);
-- the list of one's followers
create index follow_followee_id on follow (followee_id, id);
-- the walk through all followers, which reads nothing but this index
create index follow_followee_follower on follow (followee_id, follower_id);

-- How many rows there are for this person. They change with the rows, in the same transaction.
alter table users add column follower_count bigint not null default 0;
alter table users add column following_count bigint not null default 0;
