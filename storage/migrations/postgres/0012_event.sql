-- What was done and has not been published yet. A row is written in the transaction of the change that it tells of, and
-- deleted once the bus has it.
create table event (
    -- made by the application; rises with time, so that the events of one person are in order
    id bigint not null primary key,
    -- who did it. No reference: what was done stays done when the account is gone
    actor_id bigint not null,
    -- post_created, comment_liked, …; a reader may meet kinds that it does not know
    kind text collate "C" not null,
    -- of the payload's shape, per kind
    version smallint not null,
    -- a JSON object with the details of the kind
    payload text not null,
    -- epoch ms
    occurred_at bigint not null
);

-- What was done, for people to look back at. Also what makes a second delivery of an event harmless: its row is
-- inserted in the transaction of the event's effects, so that they happen once.
create table activity (
    -- the event's id
    id bigint not null primary key,
    -- who did it
    user_id bigint not null,
    -- as in event
    kind text collate "C" not null,
    version smallint not null,
    payload text not null,
    -- epoch ms
    occurred_at bigint not null
);

create index activity_user_id on activity (user_id, id);

-- Events that could not be processed, kept for somebody to look at.
create table dead_letter (
    -- the event's id
    id bigint not null primary key,
    -- as in event
    actor_id bigint not null,
    kind text collate "C" not null,
    version smallint not null,
    payload text not null,
    occurred_at bigint not null,
    -- what was wrong, for people
    reason text not null,
    -- epoch ms
    failed_at bigint not null
);
