// What a list shows of a post. It stands alone, so that lists need not wait for the Markdown library.

/** The words alone, for a preview. */
export function plain(source) {
  return source.replace(/```[\s\S]*?```/g, ' ').replace(/^#{1,6}\s+|^>\s?/gm, '').replace(/[*_`~]{1,3}(\S[^*_`~]*)[*_`~]{1,3}/g, '$1')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\s+/g, ' ').trim();
}
