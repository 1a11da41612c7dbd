// Icons, drawn with one pen.

import { html } from '../html.js';

const PATHS = {
  markets: 'M4 19V9M10 19V5M16 19v-7M22 19H2',
  posts: 'M5 4h14v16H5zM8.5 9h7M8.5 13h7M8.5 17h4',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5c2.2.8 3.5 2.8 3.5 5.5',
  bell: 'M6 9a6 6 0 0 1 12 0c0 6 2 7 2 7H4s2-1 2-7M10 20a2 2 0 0 0 4 0',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.500a2.5 2.5 0 1 0 0-5 2.500 2.500 0 0 0 0 5z',
  admin: 'M12 3l8 3v6c0 5-3.500 8-8 9.500C7.500 20 4 17 4 12V6z',
  star: 'M12 3.500l2.600 5.400 5.900.800-4.300 4.100 1 5.900L12 16.900l-5.200 2.800 1-5.900L3.500 9.700l5.900-.8z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  heart: 'M12 20s-7.500-4.600-7.500-10A4.300 4.300 0 0 1 12 7.400 4.300 4.300 0 0 1 19.500 10c0 5.400-7.500 10-7.500 10z',
  comment: 'M4 5h16v11H11l-5 4v-4H4z',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  back: 'M15 5l-7 7 7 7',
  down: 'M12 5v13M6 12.500l6 6 6-6',
  reply: 'M9 7L4 12l5 5M4.500 12H14c4 0 6 2 6 6',
  pen: 'M4 20l1-4.500L16 4.500a1.500 1.500 0 0 1 2 0L19.500 6a1.500 1.500 0 0 1 0 2L8.500 19z',
  close: 'M6 6l12 12M18 6L6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  offline: 'M3 3l18 18M5 12.500a10 10 0 0 1 4-2.400M15 10.200a10 10 0 0 1 4 2.300M8.500 16a5 5 0 0 1 7 0M12 19.500h.01',
  chart: 'M6 4v3M6 14v4M4 7h4v7H4zM13 3v5M13 16v4M11 8h4v8h-4zM20 7v3M20 15v3M18 10h4v5h-4z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5',
};

export function Icon({ name, size = 20, filled = false }) {
  return html`<svg class="icon" viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true" focusable="false"
    fill=${filled ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"
    ><path d=${PATHS[name]} /></svg>`;
}
