// @ts-check
// The matrix as docs/RUNTIMES.md shows it.

/**
 * @typedef {object} Gap  Why a runtime lacks a capability.
 * @property {readonly string[]} runtimes  Their ids.
 * @property {string} capability
 * @property {string} note
 *
 * @typedef {object} Column
 * @property {string} id
 * @property {string} title
 * @property {Record<string, string | undefined>} failures  By capability: what went wrong, or `undefined`.
 */

/**
 * @param {readonly string[]} capabilities
 * @param {readonly Column[]} columns
 * @param {{ gaps: readonly Gap[], remarks: Record<string, string> }} known  `remarks` holds footnotes of whole columns, by their ids.
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
 * The differences from what is expected: failures without a known reason, and known reasons without a failure.
 *
 * @param {readonly Column[]} columns
 * @param {readonly Gap[]} gaps
 * @returns {string[]} One line each; empty if everything is as expected.
 */
export function surprises(columns, gaps) {
  return columns.flatMap(({ id, title, failures }) => {
    const unexplained = Object.entries(failures)
      .filter(([capability, failure]) => failure !== undefined && noteOf(gaps, id, capability) === undefined)
      .map(([capability, failure]) => `${title}, ${capability}: ${failure}`);
    const closed = gaps
      .filter((gap) => gap.runtimes.includes(id) && failures[gap.capability] === undefined)
      .map(({ capability }) => `${title}, ${capability}: works, and is listed as a gap`);
    return [...unexplained, ...closed];
  });
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
