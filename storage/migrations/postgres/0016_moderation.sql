-- What an entry of the log takes back: the id of a message of its room. Null for what somebody said. The content of such an
-- entry is empty, and so is that of the message from then on; nothing that is said is empty.
alter table message add column deletes bigint;

-- Seconds that everybody waits between two messages; 0 for as fast as they like.
alter table room add column slow_mode_s bigint not null default 0;

-- Who keeps order in which room. Administrators do everywhere.
create table room_moderator (
    room text collate "C" not null references room (name),
    user_id bigint not null references users (id) on delete cascade,
    -- epoch ms
    created_at bigint not null,
    primary key (room, user_id)
);

-- Who may not be in a room, or not speak there.
create table room_sanction (
    room text collate "C" not null references room (name),
    -- ban or mute
    kind text collate "C" not null check (kind in ('ban', 'mute')),
    user_id bigint not null references users (id) on delete cascade,
    -- the entry of moderation by which it was imposed; lists go by it
    id bigint not null,
    -- epoch ms; null for good
    ends_at bigint,
    reason text,
    primary key (room, kind, user_id)
);

create index room_sanction_id on room_sanction (room, kind, id);

-- Who did what to keep order.
create table moderation (
    -- made by the application, rising with time
    id bigint not null primary key,
    room text collate "C" not null references room (name),
    -- who did it
    actor_id bigint not null references users (id),
    -- ban, unban, mute, unmute, slow_mode, appoint, dismiss or delete_message
    action text collate "C" not null,
    -- to whom; for a message, who had said it
    target_id bigint,
    -- the message. No reference: it may be in another database
    message_id bigint,
    -- when a ban or mute ends, epoch ms
    ends_at bigint,
    -- of the slow mode
    seconds bigint,
    reason text,
    -- epoch ms
    created_at bigint not null
);

create index moderation_room on moderation (room, id);
