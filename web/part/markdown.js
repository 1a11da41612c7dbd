// Posts are written in Markdown. Tags in it are words like others, and what comes of the rest is cleaned before it
// touches the page: no scripts, no styles, no pictures from elsewhere, and links only to places that a browser can go to.

import { html, useMemo } from '../html.js';
import { markets } from '../markets.js';
import { href } from '../router.js';
import DOMPurify from '../vendor/dompurify.js';
import { Marked } from '../vendor/marked.js';

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  // The page's own headings stand above those of a post.
  walkTokens: (token) => {
    if (token.type === 'heading') token.depth = Math.min(4, token.depth + 1);
  },
  // The cleaner would drop a tag, but only after the browser has read it and complained about what is forbidden.
  renderer: { html: ({ text }) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;') },
});

const ALLOWED = {
  ALLOWED_TAGS: ['p', 'br', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a', 'h2', 'h3', 'h4', 'hr', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ALLOWED_ATTR: ['href', 'start', 'align'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#\/)/i,
  RETURN_DOM_FRAGMENT: true,
};

/** `$KRW-BTC`, `#tag`; what stands before must not be part of a word or an address. */
const MARKS = /(^|[\s(])(\$([A-Z]{2,5}-[A-Z0-9]{1,20})|#([\p{L}\p{N}_]{1,30}))/gu;

function linkMarks(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) if (!node.parentElement?.closest('a, code, pre')) linkIn(node);
}

function linkIn(node) {
  const words = node.data;
  const parts = [];
  let end = 0;
  for (const match of words.matchAll(MARKS)) {
    const [whole, before, mark, code, tag] = match;
    if (code && !markets.peek()?.some((market) => market.code === code)) continue;
    const link = document.createElement('a');
    link.href = code ? href('market', code) : href('posts', null, { tag });
    link.className = code ? 'chip market' : 'tag';
    link.textContent = code ?? mark;
    parts.push(words.slice(end, match.index) + before, link);
    end = match.index + whole.length;
  }
  if (parts.length > 0) node.replaceWith(...parts, words.slice(end));
}

/** Clean HTML of what somebody wrote. */
export function render(source) {
  const fragment = DOMPurify.sanitize(marked.parse(source), ALLOWED);
  for (const link of fragment.querySelectorAll('a[href]')) {
    if (link.getAttribute('href').startsWith('#/')) continue;
    link.rel = 'noopener nofollow ugc';
    link.target = '_blank';
  }
  linkMarks(fragment);
  const holder = document.createElement('div');
  holder.append(fragment);
  return holder.innerHTML;
}

export function Markdown({ source }) {
  const made = useMemo(() => render(source), [source, markets.value]);
  return html`<div class="prose" dangerouslySetInnerHTML=${{ __html: made }} />`;
}
