// The list of rooms beside (on a phone: before) the conversation, and the search in it.

import { element, oncePerFrame, reconcile, setText } from './dom.js';
import { language, text } from './text.js';

export class RoomList {
  /** Whether the list could not be loaded the last time. */
  hasFailed = false;
  #nodes;
  #rooms = null;
  #names = new Map();
  #current = null;
  #draw = oncePerFrame(() => this.#render());

  constructor(root) {
    const find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#nodes = { search: find('search'), list: find('list'), note: find('note') };
    this.#nodes.search.addEventListener('input', this.#draw);
    // Enter opens the first match.
    this.#nodes.search.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#nodes.list.querySelector('a')?.click();
    });
  }

  /** `rooms` and `markets` as the API gives them; `null` when they could not be loaded. */
  update(rooms, markets) {
    this.hasFailed = rooms === null;
    this.#rooms = rooms ?? this.#rooms;
    if (markets) this.#names = new Map(markets.map((market) => [market.code, market]));
    this.#draw();
  }

  /** Marks the room that is open. */
  select(room) {
    this.#current = room;
    this.#draw();
  }

  /** What a room is called here. */
  nameOf(room) {
    const market = this.#names.get(room);
    return (language === 'ko' ? market?.korean_name : market?.english_name) || room;
  }

  hasWarning(room) {
    return this.#names.get(room)?.warning === true;
  }

  find(room) {
    return this.#rooms?.find(({ name }) => name === room);
  }

  /** The room to open when none was asked for. */
  get first() {
    return (this.find('KRW-BTC') ?? this.#rooms?.[0])?.name ?? null;
  }

  #render() {
    const { list, note, search } = this.#nodes;
    const wanted = normal(search.value);
    const rooms = (this.#rooms ?? []).filter(({ name }) => this.#matches(name, wanted));
    rooms.sort((a, b) => b.members - a.members || (a.name < b.name ? -1 : 1));
    reconcile(list, rooms.map((room) => this.#row(room)));
    setText(note, this.hasFailed ? text('rooms_failed')
      : this.#rooms === null ? text('loading')
        : rooms.length === 0 ? text('no_match') : '');
  }

  #matches(room, wanted) {
    const market = this.#names.get(room);
    return [room, market?.korean_name, market?.english_name].some((name) => name && normal(name).includes(wanted));
  }

  #row({ name, members }) {
    const isCurrent = name === this.#current;
    const title = this.nameOf(name);
    const warning = this.hasWarning(name);
    return {
      key: name,
      version: JSON.stringify([isCurrent, title, members, warning]),
      make: () => element('li', {},
        element('a', { href: `#${encodeURIComponent(name)}`, 'aria-current': isCurrent && 'page' },
          element('span', { class: 'name' }, title),
          element('span', { class: 'code' }, name),
          warning ? element('span', { class: 'badge', title: text('warning_hint') }, text('warning')) : null,
          members > 0 ? element('span', { class: 'members' }, text('here', { count: members })) : null,
        )),
    };
  }
}

/** So that `btc`, `BTC` and composed or decomposed Hangul find the same. */
function normal(value) {
  return value.normalize('NFC').trim().toLowerCase();
}
