-- What happens to an account after it was made: links sent by mail, suspension, and its end.

-- epoch ms; null while the person may log in. An administrator sets and clears it
alter table users add column suspended_at bigint;

-- epoch ms; null while there is a person behind the row. What was personal is gone then, and the row stays as the author
-- of what she wrote: the name is 'deleted user', name_folded and email hold what nobody can register
alter table users add column deleted_at bigint;

-- the client's address at the login, for the list of one's own logins, and to tell a device that has been here before
-- from one that guesses
alter table token_family add column address text;

-- A link in a mail. Whoever has it has the mailbox.
create table mail_token (
    -- lower-case hexadecimal SHA-256 of the token; the token itself is never stored
    hash text collate "C" not null primary key,
    user_id bigint not null references users (id) on delete cascade,
    -- what the link is good for, and nothing else: verify or reset
    purpose text not null check (purpose in ('verify', 'reset')),
    -- epoch ms
    created_at bigint not null,
    -- epoch ms
    expires_at bigint not null
);

create index mail_token_user_id on mail_token (user_id);
create index mail_token_expires_at on mail_token (expires_at);
