// @ts-check
// Generated parts of documents, between the markers `<!-- NAME -->` and `<!-- /NAME -->`.

/**
 * Replaces the section between two markers.
 *
 * @param {string} text
 * @param {string} name  The markers' name.
 * @param {string} content
 * @returns {string}
 * @throws Error if the markers are missing or in the wrong order.
 */
export function replaceSection(text, name, content) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start)
    throw new Error(`the markers ${open} and ${close} are missing or in the wrong order`);
  return `${text.slice(0, start + open.length)}\n\n${content === '' ? '' : `${content}\n\n`}${text.slice(end)}`;
}
