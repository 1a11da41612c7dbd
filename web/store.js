// What outlives a reload of the tab. A browser may deny storage altogether; then it outlives nothing, and all else
// works.

export const tabStore = {
  getItem: (key) => attempt(() => sessionStorage.getItem(key)),
  setItem: (key, value) => attempt(() => sessionStorage.setItem(key, value)),
  removeItem: (key) => attempt(() => sessionStorage.removeItem(key)),
};

/** What was being written in each room. */
export const drafts = {
  get: (room) => tabStore.getItem(`draft:${room}`) ?? '',
  set: (room, draft) => (draft === '' ? tabStore.removeItem(`draft:${room}`) : tabStore.setItem(`draft:${room}`, draft)),
};

function attempt(action) {
  try {
    return action() ?? null;
  } catch {
    return null;
  }
}
