// What a link in a mail brings its reader here for. The server sends those who have proved their address to
// `/?verified=1` (or 0, for a link that is no good); the token for a new password stands behind the #.

/** `{ notice, token }`: the name of a sentence to show, or the token for a new password; `null` for any other address. */
export function readLink({ search, hash }) {
  const token = new URLSearchParams(hash.slice(1)).get('reset');
  if (token) return { notice: null, token };
  const verified = new URLSearchParams(search).get('verified');
  if (verified === null) return null;
  return { notice: verified === '1' ? 'verified' : 'error_link_invalid', token: null };
}

/** What the view of accounts can ask for: its words, its fields, and what the link below leads to. */
export const MODES = {
  login: { title: 'login', submit: 'login', fields: ['email', 'password'], other: 'signup', otherText: 'to_signup' },
  signup: { title: 'signup', submit: 'signup', fields: ['username', 'email', 'password'], other: 'login', otherText: 'to_login' },
  forgot: { title: 'forgot', submit: 'send_link', fields: ['email'], other: 'login', otherText: 'back_to_login' },
  reset: { title: 'new_password', submit: 'set_password', fields: ['password'], other: 'login', otherText: 'back_to_login' },
};

/** Whether a new password is chosen there. */
export const choosesPassword = (mode) => mode === 'signup' || mode === 'reset';
