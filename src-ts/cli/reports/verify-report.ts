// The report of verify.

import type { VerifyProblem, VerifyReport } from '../../index';

import { exitCodes } from '../errors/exit-codes';
import { describe as describeFailure } from '../errors/explain-failure';
import { type FileResult, FilesReport } from './files-report';
import { bytesText, counted, formatCount, formatDuration, formatSize } from '../../damage-page/units';

/** How the files are verified. */
export interface VerifyPlan {
  readonly hasKey: boolean;
  readonly hasSenders: boolean;
  readonly sample: number | undefined;
  readonly seed: number | undefined;
  /** The file of a detached header. */
  readonly header: string | undefined;
}

/** The report of a verification. */
export class VerifyFilesReport extends FilesReport<VerifyReport> {
  #bytesChecked = 0;
  #structureOnly = 0;
  #onlyHeaderDamaged = 0;
  #onlyUnverified = 0;

  constructor(readonly plan: VerifyPlan) {
    super();
  }

  override add(result: FileResult<VerifyReport>): void {
    super.add(result);
    if ('failure' in result) return;
    const { report } = result;
    this.#bytesChecked += report.bytesChecked;
    if (report.sound && !report.contentsChecked) this.#structureOnly += 1;
    if (!report.sound && isOnlyHeader(report)) this.#onlyHeaderDamaged += 1;
    else if (!report.sound && isOnlyUnverified(report)) this.#onlyUnverified += 1;
  }

  protected override exitCodeOf({ sound }: VerifyReport): number | undefined {
    return sound ? undefined : exitCodes.damaged;
  }

  protected override describe(report: VerifyReport): readonly [string, ...string[]] {
    const { sound, contentsChecked, problems, problemCount } = report;
    if (sound) return [`${checkedText(report)}${contentsChecked ? '' : STRUCTURE_ONLY}`];
    const shown = problems.slice(0, SHOWN_PROBLEMS).map((problem) => problemText(problem, report));
    const more = problemCount - shown.length;
    if (more > 0) shown.push(`and ${counted(more, 'more problem')}: see --json`);
    return [`${counted(problemCount, 'problem')}; checked ${checkedText(report)}`, ...shown];
  }

  protected override properties(report: VerifyReport): object {
    return report;
  }

  protected override total(): string[] {
    const { ok, damaged, failed } = this.counts;
    const { hasKey, hasSenders, sample, seed } = this.plan;
    const parts = [
      `checked ${counted(ok + damaged + failed, 'file')}, ${formatSize(this.#bytesChecked)} in ${formatDuration(this.elapsedMs)}: ${formatCount(ok)} ok, ${formatCount(damaged)} damaged, ${formatCount(failed)} failed`,
      ...(this.#structureOnly === 0
        ? []
        : [`${formatCount(this.#structureOnly)} of the ok by structure only`]),
      ...(sample === undefined ? [] : [`a sample of ${percent(sample)}, repeated by --seed ${String(seed)}`]),
      ...(hasKey
        ? []
        : [
            hasSenders
              ? 'by their senders, without a key'
              : 'without a key, which finds damage but not tampering',
          ]),
    ];
    return [parts.join('; '), ...this.#advice()];
  }

  #advice(): string[] {
    const others = this.counts.damaged - this.#onlyHeaderDamaged - this.#onlyUnverified;
    const { header } = this.plan;
    // The header of another stream looks like damage everywhere, and is more likely.
    if (header !== undefined && others > 0) {
      return [
        `${header} may be the header of another stream: check first that it belongs to the file; then try sealstream salvage`,
      ];
    }
    return [
      ...(this.#onlyHeaderDamaged === 0 ? [] : [MEND_HEADER]),
      ...(this.#onlyUnverified === 0 ? [] : [OTHER_SENDER]),
      ...(others === 0 ? [] : [HEAL_OR_SALVAGE]),
    ];
  }

  protected override sums(): object {
    const { ok, damaged, failed } = this.counts;
    const { hasKey, sample, seed } = this.plan;
    return {
      files: ok + damaged + failed,
      ok,
      damaged,
      failed,
      structureOnly: this.#structureOnly,
      bytesChecked: this.#bytesChecked,
      withKey: hasKey,
      ...(sample === undefined ? {} : { sample, seed }),
    };
  }
}

function checkedText({ segments, segmentsChecked, bytesChecked }: VerifyReport): string {
  const of = segments === undefined || segments === segmentsChecked ? '' : ` of ${formatCount(segments)}`;
  const noun = (segments ?? segmentsChecked) === 1 ? 'segment' : 'segments';
  return `${formatCount(segmentsChecked)}${of} ${noun}, ${formatSize(bytesChecked)}`;
}

function problemText(problem: VerifyProblem, report: VerifyReport): string {
  const { failure, message, segment, plaintextRange } = problem;
  if (HEADER_KINDS.has(failure.kind) && isHeaderFromCopy(report)) {
    const isAll = report.problemCount === 1 && report.contentsChecked && report.sample === undefined;
    return `header: damaged; its copy at the end was used${isAll ? ', and the contents are intact' : ''}`;
  }
  const text =
    failure.kind === 'Truncated'
      ? `the file is cut short at byte ${failure.offset}${segment === undefined ? '' : `: everything from segment ${segment} on is missing`}`
      : (describeFailure(failure) ?? message);
  const place = segment === undefined || text.includes(`segment ${segment}`) ? '' : `segment ${segment}: `;
  const lost = plaintextRange === undefined ? '' : ` (plaintext ${bytesText(plaintextRange)})`;
  return `${place}${text}${lost}`;
}

/** Whether rewrap --mend repairs all that is damaged: the header or its copy, of which the other is intact. */
function isOnlyHeader(report: VerifyReport): boolean {
  const { problems, problemCount } = report;
  return (
    problems.length === problemCount &&
    problems.every(
      ({ failure: { kind } }) => COPY_KINDS.has(kind) || (isHeaderFromCopy(report) && HEADER_KINDS.has(kind)),
    )
  );
}

/** Whether the sender is all that is wrong. */
function isOnlyUnverified({ problems, problemCount }: VerifyReport): boolean {
  return (
    problems.length === problemCount && problems.every(({ failure: { kind } }) => kind === 'SenderUnverified')
  );
}

function isHeaderFromCopy({ warnings }: VerifyReport): boolean {
  return warnings.some(({ kind }) => kind === 'HeaderFromCopy');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

const SHOWN_PROBLEMS = 5;
const HEADER_KINDS: ReadonlySet<string> = new Set<VerifyProblem['failure']['kind']>([
  'NotSealed',
  'HeaderError',
  'HeaderDamaged',
]);
const COPY_KINDS: ReadonlySet<string> = new Set<VerifyProblem['failure']['kind']>([
  'HeaderCopyDamaged',
  'RewrapInterrupted',
]);
const STRUCTURE_ONLY =
  '; STRUCTURE ONLY: the file has no digests, so only a key shows whether its contents are intact';
const MEND_HEADER =
  'to write a header and its copy again, if only they are damaged: sealstream rewrap --mend -k KEY FILE';
const OTHER_SENDER =
  'a file whose sender is unverified is intact but may have been replaced: ask the sender for another copy';
const HEAL_OR_SALVAGE =
  'to heal a damaged file with another copy: sealstream heal FILE COPY -o OUT; ' +
  'to recover what is left of it: sealstream salvage -k KEY FILE -o OUT';
