// Writing a post, with what will become of it beside it. What was written stays until it is posted.

import * as api from '../api.js';
import { html, useEffect, useState } from '../html.js';
import { makeId } from '../part/chat.js';
import { Markdown } from '../part/markdown.js';
import { Empty, Failure, Field, Refusal, Tabs, Waiting } from '../part/piece.js';
import { go, href, loginHref } from '../router.js';
import { me } from '../session.js';
import { drafts } from '../store.js';
import { text } from '../text.js';
import { forgetPages, useAction, useGrowth, useLoaded, useTitle } from '../use.js';

const CONTENT_MAX = 20_000;
const HEIGHT_MAX_PX = 900;

const tagsOf = (words) => [...new Set(words.split(/[\s,#]+/).filter(Boolean))];

function readDraft(place) {
  try {
    return JSON.parse(drafts.get(place)) ?? null;
  } catch {
    return null;
  }
}

function Editor({ id, initial }) {
  const place = `post:${id ?? 'new'}`;
  const [draft, setDraft] = useState(() => readDraft(place) ?? initial);
  const [key] = useState(makeId);
  const [shown, setShown] = useState('write');
  const area = useGrowth(draft.content, HEIGHT_MAX_PX);
  const left = CONTENT_MAX - [...draft.content.trim()].length;
  const write = (change) => {
    const next = { ...draft, ...change };
    setDraft(next);
    drafts.set(place, JSON.stringify(next));
  };
  const [run, isBusy, error] = useAction(async () => {
    const body = { title: draft.title.trim(), content: draft.content.trim(), tags: tagsOf(draft.tags) };
    const post = id ? await api.editPost(id, body) : await api.createPost(body, key);
    drafts.set(place, '');
    forgetPages();
    go(href('post', post.id));
  });
  return html`<form class="editor" novalidate onSubmit=${(event) => { event.preventDefault(); run(); }}>
    <${Field} name="title" label=${text('post_title')} value=${draft.title} maxlength="200" error=${error} required onInput=${(event) => write({ title: event.target.value })} />
    <${Tabs} label=${text('show')} options=${[['write', text('write')], ['preview', text('preview')]]} chosen=${shown} onChoose=${setShown} />
    <div class="sides shows-${shown}">
      <${Field} name="content" label=${text('post_content')} hint=${text('post_hint')} error=${error}>
        ${(common) => html`<textarea ...${common} ref=${area} rows="12" value=${draft.content} onInput=${(event) => write({ content: event.target.value })} />`}</${Field}>
      <section class="preview" aria-label=${text('preview')}>${draft.content.trim() === '' ? html`<p class="faint">${text('preview_empty')}</p>` : html`<${Markdown} source=${draft.content} />`}</section>
    </div>
    <${Field} name="tags" label=${text('tags')} hint=${text('tags_hint')} value=${draft.tags} error=${error} onInput=${(event) => write({ tags: event.target.value })} />
    <${Refusal} error=${error} />
    <div class="row end">${left < 1000 && html`<span class=${left < 0 ? 'mistake' : 'faint'}>${left < 0 ? text('too_long', { over: -left }) : text('left', { left })}</span>`}
      <a class="button quiet" href=${id ? href('post', id) : href('posts')}>${text('cancel')}</a>
      <button type="submit" disabled=${isBusy || draft.title.trim() === '' || draft.content.trim() === '' || left < 0}>${text(id ? 'save' : 'publish')}</button></div></form>`;
}

function Loaded({ id }) {
  const { data, error, reload } = useLoaded(() => api.post(id), [id]);
  if (!data) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} />`;
  return html`<${Editor} id=${id} initial=${{ title: data.title, content: data.content, tags: data.tags.join(' ') }} />`;
}

export function Write({ id, market }) {
  useTitle(text('write'));
  useEffect(() => {
    if (me.value === null) go(loginHref(), { replace: true });
  }, [me.value]);
  if (!me.value) return html`<${Empty} icon="pen" title=${text('login_needed')} />`;
  const initial = { title: '', content: market ? `$${market} ` : '', tags: '' };
  return html`<div class="page"><div class="head"><h1>${text(id ? 'edit_post' : 'write_post')}</h1></div>
    ${id ? html`<${Loaded} id=${id} />` : html`<${Editor} initial=${initial} />`}</div>`;
}
