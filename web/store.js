// What outlives a reload. A browser may deny storage altogether; then it outlives nothing, and all else works.

const over = (storage) => ({
  getItem: (key) => attempt(() => storage().getItem(key)),
  setItem: (key, value) => attempt(() => storage().setItem(key, value)),
  removeItem: (key) => attempt(() => storage().removeItem(key)),
});

/** As long as the tab. */
export const tabStore = over(() => sessionStorage);
/** As long as the browser keeps it. */
export const keptStore = over(() => localStorage);

/** What was being written, by where. */
export const drafts = {
  get: (place) => keptStore.getItem(`draft:${place}`) ?? '',
  set: (place, draft) => (draft === '' ? keptStore.removeItem(`draft:${place}`) : keptStore.setItem(`draft:${place}`, draft)),
};

function attempt(action) {
  try {
    return action() ?? null;
  } catch {
    return null;
  }
}
