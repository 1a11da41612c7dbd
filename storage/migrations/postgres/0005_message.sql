-- What was said, in all rooms. It refers to no other table: a message keeps the sender's name and picture as they were,
-- and this log can be served by another database than the rest.
create table message (
    -- made by the application, rising with time; a retry bears the same id
    id bigint not null primary key,
    room text collate "C" not null,
    -- the place in the room, rising by one. A row may be missing where a duplicate was turned away
    room_offset bigint not null,
    sender_id bigint not null,
    sender_name text not null,
    sender_profile_url text,
    content text not null,
    -- what the sender calls the message: sending it again stores nothing; nulls never collide
    client_id text collate "C",
    -- epoch ms
    created_at bigint not null,
    -- also the index that pages are read by
    unique (room, room_offset),
    unique (room, sender_id, client_id)
);
