-- A login: one person on one device, and the family of all refresh tokens that descend from it.
create table token_family (
    id bigint not null primary key,
    user_id bigint not null references users (id) on delete cascade,
    -- the login itself, epoch ms
    created_at bigint not null,
    -- the latest rotation, epoch ms
    last_used_at bigint not null,
    -- when its newest token expires, epoch ms
    expires_at bigint not null,
    -- what the browser said it is, for the list of one's own logins
    user_agent text,
    -- logout, or theft noticed, epoch ms; null while the login stands
    revoked_at bigint
);

create index token_family_user_id on token_family (user_id);
create index token_family_expires_at on token_family (expires_at);

-- One refresh token. Used ones stay until they expire, so that a second use is recognised as theft.
create table refresh_token (
    -- lower-case hexadecimal SHA-256 of the token; the token itself is never stored
    hash text collate "C" not null primary key,
    family_id bigint not null references token_family (id) on delete cascade,
    -- epoch ms
    issued_at bigint not null,
    -- epoch ms
    expires_at bigint not null,
    -- when it was exchanged for its successor, epoch ms; null for the newest of a family
    rotated_at bigint
);

create index refresh_token_family_id on refresh_token (family_id);
create index refresh_token_expires_at on refresh_token (expires_at);
