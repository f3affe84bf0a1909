// @ts-check
// The matrix as the README shows it.

/**
 * @typedef {object} Gap  Why a runtime can't do something.
 * @property {readonly string[]} runtimes  Their ids.
 * @property {string} capability
 * @property {string} note
 *
 * @typedef {object} Column
 * @property {string} id
 * @property {string} title
 * @property {Record<string, string | undefined>} failures  By capability: what went wrong; nothing where it works.
 */

/**
 * @param {readonly string[]} capabilities
 * @param {readonly Column[]} columns
 * @param {{ gaps: readonly Gap[], remarks: Record<string, string> }} known  Remarks are on whole columns, by their ids.
 * @returns {string} Markdown, without a line break at its end.
 */
export function table(capabilities, columns, { gaps, remarks }) {
  /** @type {string[]} */
  const notes = [];
  const reference = (/** @type {string} */ note) => {
    if (!notes.includes(note)) notes.push(note);
    return superscript(notes.indexOf(note) + 1);
  };
  const head = columns.map(({ id, title }) => {
    const remark = remarks[id];
    return remark === undefined ? title : `${title} ${reference(remark)}`;
  });
  const rows = capabilities.map((capability) => {
    const cells = columns.map(({ id, failures }) => {
      const failure = failures[capability];
      if (failure === undefined) return '✓';
      return `no ${reference(noteOf(gaps, id, capability) ?? failure)}`;
    });
    return line([capability, ...cells]);
  });
  const rule = `|---|${columns.map(() => ':-:|').join('')}`;
  const list = notes.map((note, index) => `${superscript(index + 1)} ${note}`);
  return [line(['', ...head]), rule, ...rows, '', list.join('<br>\n')].join('\n').trimEnd();
}

/**
 * What is not as it is known to be: failures without a reason, and reasons for what works.
 *
 * @param {readonly Column[]} columns
 * @param {readonly Gap[]} gaps
 * @returns {string[]} One line each; none when all is as it should be.
 */
export function surprises(columns, gaps) {
  return columns.flatMap(({ id, title, failures }) => {
    const unexplained = Object.entries(failures)
      .filter(([capability, failure]) => failure !== undefined && noteOf(gaps, id, capability) === undefined)
      .map(([capability, failure]) => `${title}, ${capability}: ${failure}`);
    const mended = gaps
      .filter((gap) => gap.runtimes.includes(id) && failures[gap.capability] === undefined)
      .map(({ capability }) => `${title}, ${capability}: works, and is listed as a gap`);
    return [...unexplained, ...mended];
  });
}

/**
 * A text with its part between the markers replaced.
 *
 * @param {string} text
 * @param {string} part
 * @throws Error where the markers are not there.
 */
export function withTable(text, part) {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${START} and ${END} are not there, in this order`);
  return `${text.slice(0, start + START.length)}\n\n${part}\n\n${text.slice(end)}`;
}

/**
 * @param {readonly Gap[]} gaps
 * @param {string} id
 * @param {string} capability
 */
function noteOf(gaps, id, capability) {
  return gaps.find((gap) => gap.capability === capability && gap.runtimes.includes(id))?.note;
}

/** @param {readonly string[]} cells */
function line(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** @param {number} number */
function superscript(number) {
  return [...String(number)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))).join('');
}

const START = '<!-- matrix -->';
const END = '<!-- /matrix -->';
