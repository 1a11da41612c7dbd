// What somebody said, as rows of plain pieces: a quote, words, links, names and markets. No HTML is ever made of it.

import { html } from '../html.js';
import { markets } from '../markets.js';
import { href } from '../router.js';

const QUOTE_CHARS = 90;
const PIECES = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])|(?<![\p{L}\p{N}_$])\$([A-Z]{2,5}-[A-Z0-9]{1,20})|(?<![\p{L}\p{N}_@.])@([\p{L}\p{N}_.-]{2,20})/gu;

/** A reply: the beginning of what it answers above it, and its author named, so that they are told. */
export function replyTo({ sender, content }, words) {
  const { rest } = split(content);
  const line = rest.replace(/\s+/g, ' ').trim();
  const excerpt = [...line].length > QUOTE_CHARS ? `${[...line].slice(0, QUOTE_CHARS).join('')}…` : line;
  return `> ${sender.name}: ${excerpt}\n@${sender.name} ${words}`;
}

/** `{ quote: { name, words } | null, rest }` of what was said. */
export function split(content) {
  const match = /^> ([^\n:]{1,40}): ([^\n]*)\n([\s\S]*)$/.exec(content);
  if (!match) return { quote: null, rest: content };
  const [, name, words, rest] = match;
  return { quote: { name, words }, rest };
}

/** Whether it names this person. */
export const names = (content, name) => Boolean(name) && content.toLowerCase().includes(`@${name.toLowerCase()}`);

function Words({ words, me }) {
  const parts = [];
  let end = 0;
  for (const match of words.matchAll(PIECES)) {
    const [whole, link, code, name] = match;
    parts.push(words.slice(end, match.index));
    end = match.index + whole.length;
    if (link) parts.push(html`<a href=${link} target="_blank" rel="noopener nofollow ugc">${link}</a>`);
    else if (name) parts.push(html`<span class="mention ${me && whole.toLowerCase() === `@${me.toLowerCase()}` ? 'of-me' : ''}">${whole}</span>`);
    else if (markets.value?.some((market) => market.code === code)) parts.push(html`<a class="chip market" href=${href('market', code)}>${code}</a>`);
    else parts.push(whole);
  }
  return html`${parts}${words.slice(end)}`;
}

export function ChatText({ content, me }) {
  const { quote, rest } = split(content);
  return html`${quote && html`<blockquote><b>${quote.name}</b> ${quote.words}</blockquote>`}<p class="words"><${Words} words=${rest} me=${me} /></p>`;
}
