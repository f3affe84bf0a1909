// What checking files found, for people and for programs.

import type { Problem, Verification } from '../../index';

import { printable } from '../terminal/console';
import { exitCodes } from '../errors/exit-codes';
import { type Failed, failedObject, failedText, lines, Tally } from './file-outcomes';
import { bytesText, counted, formatCount, formatDuration, formatSize } from '../../damage-page/units';

/** What came of one file: what was found, or why it could not be checked. */
export type Outcome = { readonly path: string; readonly found: Verification } | Failed;

/** How a file fared. */
export type Status = 'ok' | 'damaged' | 'failed';

/** How a file fared. One that is no sealed stream, or whose header is beyond reading, is damaged. */
export function statusOf(outcome: Outcome): Status {
  if ('found' in outcome) return outcome.found.sound ? 'ok' : 'damaged';
  return outcome.failure.exitCode === exitCodes.damaged ? 'damaged' : 'failed';
}

/** A line about a file, and what is wrong with it in lines below. */
export function outcomeText(outcome: Outcome): string {
  const status = statusOf(outcome);
  const head = (status === 'ok' ? 'ok' : status.toUpperCase()).padEnd(STATUS_WIDTH);
  if ('failure' in outcome) return failedText(head, outcome);
  const name = printable(outcome.path);
  const { found } = outcome;
  if (found.sound) return lines(`${head}${name}: ${soundText(found)}`, []);
  const told = found.problems.slice(0, TOLD).map((problem) => problemText(problem, found));
  const more = found.problemCount - told.length;
  if (more > 0) told.push(`and ${counted(more, 'more problem')}: see --json`);
  const problems = counted(found.problemCount, 'problem');
  return lines(`${head}${name}: ${problems}; checked ${checkedText(found)}`, told);
}

/** The same as an object. */
export function outcomeObject(outcome: Outcome): object {
  const status = statusOf(outcome);
  return 'found' in outcome
    ? { file: outcome.path, status, ...outcome.found }
    : failedObject(status, outcome);
}

/** Sums over all files. */
export class Summary {
  readonly #tally = new Tally();
  readonly #counts: Record<Status, number> = { ok: 0, damaged: 0, failed: 0 };
  #bytesChecked = 0;
  #structureOnly = 0;
  #onlyHeader = 0;

  constructor(
    readonly how: {
      hasKey: boolean;
      sample: number | undefined;
      seed: number | undefined;
      /** The file of the header that was given. */
      header?: string | undefined;
    },
  ) {}

  /** Adds a file. */
  add(outcome: Outcome): void {
    this.#counts[statusOf(outcome)] += 1;
    if ('failure' in outcome) {
      this.#tally.add(outcome.failure.exitCode);
      return;
    }
    const { found } = outcome;
    if (!found.sound) {
      this.#tally.add(exitCodes.damaged);
      if (isOnlyHeader(found)) this.#onlyHeader += 1;
    } else if (!found.contentsChecked) this.#structureOnly += 1;
    this.#bytesChecked += found.bytesChecked;
  }

  /** The exit code of it all: that of the worst. */
  get exitCode(): number {
    return this.#tally.exitCode;
  }

  /** One line, and more where something is to be mended. */
  text(): string {
    const { ok, damaged, failed } = this.#counts;
    const { hasKey, sample, seed } = this.how;
    const files = counted(ok + damaged + failed, 'file');
    const time = formatDuration(this.#tally.elapsedMs);
    const share =
      sample === undefined ? '' : `; a sample of ${percent(sample)}, again with --seed ${String(seed)}`;
    const results = `${formatCount(ok)} ok, ${formatCount(damaged)} damaged, ${formatCount(failed)} failed`;
    const structure =
      this.#structureOnly === 0 ? '' : `; ${formatCount(this.#structureOnly)} of the ok by structure only`;
    const limits = hasKey ? '' : '; without a key, which shows damage but not tampering';
    return `checked ${files}, ${formatSize(this.#bytesChecked)} in ${time}: ${results}${structure}${share}${limits}\n${this.#advice()}`;
  }

  #advice(): string {
    const others = this.#counts.damaged - this.#onlyHeader;
    if (this.how.header !== undefined && others > 0) return ofGivenHeader(this.how.header);
    return `${this.#onlyHeader === 0 ? '' : HOW_TO_MEND_HEADER}${others === 0 ? '' : HOW_TO_MEND}`;
  }

  /** The same as an object. */
  object(): object {
    const { ok, damaged, failed } = this.#counts;
    const { hasKey, sample, seed } = this.how;
    return {
      summary: {
        files: ok + damaged + failed,
        ok,
        damaged,
        failed,
        structureOnly: this.#structureOnly,
        bytesChecked: this.#bytesChecked,
        withKey: hasKey,
        ...(sample === undefined ? {} : { sample, seed }),
        elapsedMs: this.#tally.elapsedMs,
        exitCode: this.exitCode,
      },
    };
  }
}

function soundText(found: Verification): string {
  if (found.contentsChecked) return checkedText(found);
  return `${checkedText(found)}; STRUCTURE ONLY: it has no digests, so only a key shows whether its contents are sound`;
}

function checkedText({ segments, segmentsChecked, bytesChecked }: Verification): string {
  const of = segments === undefined || segments === segmentsChecked ? '' : ` of ${formatCount(segments)}`;
  const noun = (segments ?? segmentsChecked) === 1 ? 'segment' : 'segments';
  return `${formatCount(segmentsChecked)}${of} ${noun}, ${formatSize(bytesChecked)}`;
}

function problemText(problem: Problem, found: Verification): string {
  const { failure, message, index, plaintextRange } = problem;
  if (HEADER_KINDS.has(failure.kind) && found.headerFromCopy) {
    const isAll = found.problemCount === 1 && found.contentsChecked && found.sample === undefined;
    return `header: damaged; its copy at the end served${isAll ? ', and the contents are whole' : ''}`;
  }
  const said =
    failure.kind === 'Truncated'
      ? `it is cut short at byte ${failure.offset}${index === undefined ? '' : `: what follows from segment ${index} on is missing`}`
      : message.replace(SAID_AS_ADVICE, '');
  const place = index === undefined || said.includes(`segment ${index}`) ? '' : `segment ${index}: `;
  const lost = plaintextRange === undefined ? '' : ` (plaintext ${bytesText(plaintextRange)})`;
  return printable(`${place}${said}${lost}`);
}

/** Whether nothing is wrong but what a rewrap writes again from what is left. */
function isOnlyHeader({ problems, problemCount, headerFromCopy }: Verification): boolean {
  return (
    problems.length === problemCount &&
    problems.every(
      ({ failure: { kind } }) => HEADER_OR_COPY.has(kind) || (headerFromCopy && HEADER_KINDS.has(kind)),
    )
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

// Problems of a file that are told one by one to people; --json tells more.
const TOLD = 5;
const STATUS_WIDTH = 9;
const HEADER_KINDS: ReadonlySet<string> = new Set<Problem['failure']['kind']>([
  'HeaderError',
  'HeaderDamaged',
]);
// Of these, the header or its copy is sound.
const HEADER_OR_COPY: ReadonlySet<string> = new Set<Problem['failure']['kind']>([
  'HeaderCopyDamaged',
  'RewrapInterrupted',
]);
/** Another header is likelier than damage everywhere, and looks the same. */
function ofGivenHeader(header: string): string {
  return printable(
    `${header} may be the header of another stream: check first that both belong together; then see what sealstream salvage makes of it`,
  ).concat('\n');
}

const HOW_TO_MEND_HEADER =
  'to write a header and its copy again where only they are concerned: ' +
  'sealstream rewrap --mend -k KEY FILE\n';
const HOW_TO_MEND =
  'to mend a damaged file with another copy of it: sealstream heal FILE COPY -o OUT; ' +
  'to get what is left of it: sealstream salvage -k KEY FILE -o OUT\n';
// The same for every damage; it is told once, below all.
const SAID_AS_ADVICE = /[;:,] restore it from another copy(?=\)?$)/;
