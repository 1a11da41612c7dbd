-- a person's popular posts; the timeline of popular posts looks here once per person followed
create index post_author_score on post (author_id, score, id);

-- accounts whose address was never proved, the oldest first, to be purged
create index users_verified_at on users (verified_at, created_at);

-- Behind the words of each post now stands each of its letters, so that a search for one finds it in the index. What was
-- indexed before is read back from there: every letter begins a pair, or is the last one of a word.
create virtual table post_search_term using fts5vocab(post_search, instance);

create virtual table post_search_new using fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'ascii'
);

insert into post_search_new (rowid, words)
select post_id, group_concat(term, ' ' order by place) from (
    select doc as post_id, term, "offset" as place from post_search_term
    union all
    -- no post has so many words
    select distinct doc, substr(term, 1, 1), 1000000 from post_search_term
) as token group by post_id;

drop table post_search_term;
drop table post_search;
alter table post_search_new rename to post_search;
