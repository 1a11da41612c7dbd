// Comments below a post, and the replies below a comment.

import * as api from '../api.js';
import { html, useState } from '../html.js';
import { loginHref } from '../router.js';
import { isAdmin, me } from '../session.js';
import { drafts } from '../store.js';
import { text } from '../text.js';
import { useAction, useGrowth, usePages } from '../use.js';
import { makeId } from './chat.js';
import { Confirm, Empty, Menu, Pages, Refusal } from './piece.js';
import { Byline, Like } from './post-card.js';
import { sayFailed } from './toast.js';
import { ChatText } from './chat-text.js';

const CHARS_MAX = 1_000;

/** Where a comment is written or changed. The key of a try stays the same until it has worked. */
function CommentForm({ place, label, initial = '', onSend, onCancel, autofocus }) {
  const [words, setWords] = useState(() => drafts.get(place) || initial);
  const [key, setKey] = useState(makeId);
  const field = useGrowth(words, 240);
  const left = CHARS_MAX - [...words.trim()].length;
  const write = (value) => {
    setWords(value);
    drafts.set(place, value);
  };
  const [run, isBusy, error] = useAction(async () => {
    await onSend(words.trim(), key);
    write('');
    setKey(makeId());
  });
  return html`<form class="comment-form" onSubmit=${(event) => { event.preventDefault(); run(); }}>
    <textarea ref=${field} rows="2" aria-label=${label} placeholder=${label} value=${words} autofocus=${autofocus} onInput=${(event) => write(event.target.value)} />
    <${Refusal} error=${error && { ...error, errors: [] }} />
    <div class="row end">${left < 100 && html`<span class=${left < 0 ? 'mistake' : 'faint'}>${left < 0 ? text('too_long', { over: -left }) : text('left', { left })}</span>`}
      ${onCancel && html`<button type="button" class="quiet small" onClick=${onCancel}>${text('cancel')}</button>`}
      <button type="submit" class="small" disabled=${isBusy || words.trim() === '' || left < 0}>${text('say')}</button></div></form>`;
}

function Comment({ comment, post, onChange, onCount }) {
  const [mode, setMode] = useState(null);
  const [showsReplies, setShowsReplies] = useState(false);
  const [fresh, setFresh] = useState([]);
  const isMine = comment.author?.id === me.value?.id && Boolean(me.value);
  const isReply = comment.parent_id !== null && comment.parent_id !== undefined;
  const remove = async () => {
    try {
      await api.deleteComment(comment.id);
      onChange({ ...comment, deleted: true, content: null });
      onCount(-1);
    } catch (error) {
      sayFailed(error);
    }
  };
  const sendReply = async (content, key) => {
    const made = await api.createComment(post.id, { content, parent_id: comment.id }, key);
    setMode(null);
    setFresh([...fresh, made]);
    setShowsReplies(true);
    onChange({ ...comment, reply_count: comment.reply_count + 1 });
    onCount(1);
  };
  const sendEdit = async (content) => {
    onChange({ ...comment, ...await api.editComment(comment.id, content) });
    setMode(null);
  };
  const deeds = [isMine && { label: text('edit'), onChoose: () => setMode('edit') }, { label: text('delete'), isDangerous: true, onChoose: () => setMode('delete') }];
  const body = comment.deleted ? html`<p class="faint">${text('comment_deleted')}</p>`
    : html`<div class="row between"><${Byline} user=${comment.author} at=${comment.created_at} edited=${comment.updated_at} />
        ${(isMine || isAdmin()) && html`<${Menu} label=${text('more')} deeds=${deeds} />`}</div>
      ${mode === 'edit' ? html`<${CommentForm} place="edit:${comment.id}" label=${text('edit')} initial=${comment.content} onSend=${sendEdit} onCancel=${() => setMode(null)} />`
        : html`<${ChatText} content=${comment.content} me=${me.value?.username} />`}
      <p class="deeds"><${Like} thing=${comment} send=${api.likeComment} onChange=${(like) => onChange({ ...comment, ...like })} />
        ${me.value && !isReply && html`<button type="button" class="link" onClick=${() => setMode('reply')}>${text('reply')}</button>`}</p>`;
  return html`<li class="comment" id="comment-${comment.id}">${body}
    ${mode === 'reply' && html`<${CommentForm} place="reply:${comment.id}" label=${text('reply_to', { name: comment.author.username ?? '' })} autofocus onSend=${sendReply} onCancel=${() => setMode(null)} />`}
    ${comment.reply_count > 0 && !showsReplies && html`<button type="button" class="link" onClick=${() => setShowsReplies(true)}>${text('show_replies', { count: comment.reply_count })}</button>`}
    ${showsReplies && html`<${Replies} comment=${comment} post=${post} fresh=${fresh} onCount=${onCount} />`}
    ${mode === 'delete' && html`<${Confirm} question=${text('delete_comment')} action=${text('delete')} onYes=${remove} onNo=${() => setMode(null)} />`}</li>`;
}

function Replies({ comment, post, fresh, onCount }) {
  const pages = usePages(async (cursor) => {
    const page = await api.replies(comment.id, { cursor });
    return { items: page.comments, cursor: page.next_cursor };
  }, [comment.id, fresh.length]);
  const change = (changed) => pages.update((items) => items.map((one) => (one.id === changed.id ? changed : one)));
  return html`<div class="replies"><${Pages} pages=${pages} kind="line" each=${(one) => html`<${Comment} key=${one.id} comment=${one} post=${post} onChange=${change} onCount=${onCount} />`} /></div>`;
}

export function Comments({ post, onCount }) {
  const pages = usePages(async (cursor) => {
    const page = await api.comments(post.id, { cursor });
    return { items: page.comments, cursor: page.next_cursor };
  }, [post.id, me.value?.id]);
  const change = (changed) => pages.update((items) => items.map((one) => (one.id === changed.id ? changed : one)));
  const send = async (content, key) => {
    const made = await api.createComment(post.id, { content }, key);
    pages.update((items) => [...items, made]);
    onCount(1);
  };
  return html`<section class="comments" aria-label=${text('comments')}><h2>${text('comments_count', { count: post.comment_count })}</h2>
    ${me.value ? html`<${CommentForm} place="comment:${post.id}" label=${text('comment_hint')} onSend=${send} />`
      : html`<p class="gate"><a href=${loginHref()}>${text('login')}</a> ${text('login_to_comment')}</p>`}
    <${Pages} pages=${pages} kind="line" listClass="comment-list" empty=${html`<${Empty} icon="comment" title=${text('no_comments')} />`}
      each=${(one) => html`<${Comment} key=${one.id} comment=${one} post=${post} onChange=${change} onCount=${onCount} />`} /></section>`;
}
