// `sealstream rewrap`: changes who can open sealed files, without touching what is sealed.

import { rewrap as rewrapFile, type RewrapOptions } from '../../index';

import type { Arguments } from '../runner/arguments';
import type { CommandSpec } from '../runner/command-spec';
import { STDOUT, writeAll } from '../terminal/console';
import { disposeAll } from '../keys/dispose';
import { usageError } from '../errors/usage-error';
import { explain } from '../errors/explain';
import { type Scene, WorkFailure } from '../errors/failure-place';
import { sceneOfFailure } from '../errors/header-alone';
import { Interruption, interruptible } from '../terminal/interrupt';
import { type Opener, openingIdentities, openingLimits } from '../keys/identities';
import { keyPlace, openingKeys, passphraseStrength } from '../keys/key-options';
import { isKeyFromEnvironment, kindsNamed } from '../keys/named-keys';
import { inLanes } from '../runner/concurrency';
import { LogFile } from '../files/log-file';
import { allowReadableKey, help, jsonLines, noFlush, openingContext, quiet } from '../runner/options';
import { addedRecipients, type Named } from '../keys/recipients';
import { change, changeOf, checkChange, selectorOf } from './rewrap-change';
import { isLogLine, RewrapLog } from './rewrap-log';
import { type Outcome, outcomeObject, outcomeText, Summary } from '../reports/rewrap-report';
import { checkApart } from '../keys/same-file-check';
import { distinct, type Found, realPath, sealedFiles } from '../files/sealed-files';

/** The most files that are worked on at once. */
const MAX_LANES = 64;
const DEFAULT_LANES = 4;

/** `sealstream rewrap`. */
export const rewrap: CommandSpec = {
  name: 'rewrap',
  summary: 'change who can open sealed files, in milliseconds',
  usage: 'sealstream rewrap [options] FILE... | --recursive FOLDER',
  options: [
    ...openingKeys,
    openingContext,
    {
      name: 'add-recipient',
      value: 'TEXT',
      repeatable: true,
      help: ['a public key, age1pq1… or age1…, whose secret key is to open them too'],
    },
    {
      name: 'add-recipients-file',
      value: 'FILE',
      repeatable: true,
      help: ['public keys, one a line; # begins a comment'],
    },
    { name: 'add-key', value: 'FILE', repeatable: true, help: ['a key file that is to open them too'] },
    { name: 'key-id', value: 'TEXT', help: ['a name for the key that is added, which anyone can read'] },
    { name: 'add-passphrase', help: ['ask for a passphrase that is to open them too'] },
    {
      name: 'add-passphrase-fd',
      value: 'N',
      help: [
        'the same from the first line of descriptor N, or from the second where the first',
        'is that of --passphrase-fd N',
      ],
    },
    ...passphraseStrength,
    {
      name: 'remove',
      value: 'SELECTOR',
      repeatable: true,
      help: [
        'what is not to open them any more: id:NAME, type:TYPE (key, passphrase, x25519,',
        'provider, hybrid), or a number, the position that inspect shows, from 0',
      ],
    },
    {
      name: 'replace',
      help: [
        'whoever is added is to be the only one that opens them; key slots of types that are',
        'newer than this release stay, and are told',
      ],
    },
    {
      name: 'mend',
      help: ['change nobody: write the header and its copy again, after an interruption or', 'damage'],
    },
    {
      name: 'recursive',
      value: 'FOLDER',
      help: ['every file below FOLDER whose name ends in .seal; symbolic links are not followed'],
    },
    {
      name: 'log',
      value: 'FILE',
      help: [
        'add a line to FILE for each file that is done; the same command with the same log',
        'goes on behind them',
      ],
    },
    {
      name: 'threads',
      value: 'N',
      help: [`files at once, 1 to ${MAX_LANES}; ${DEFAULT_LANES} by default`],
    },
    { ...noFlush, help: ['do not wait for the disk where a file has to be written anew'] },
    allowReadableKey,
    { ...quiet, help: ['only what failed'] },
    jsonLines,
    help,
  ],
  details: [
    [
      'Only the header is written: what is sealed stays as it is, whatever its size. A file that',
      'encrypt made is changed in place, and whenever that is interrupted it opens, with the keys',
      'of before or of after. Where the header outgrows its room, a new file takes the place.',
    ],
    [
      'After an interruption --mend ends the change of a file that it was half-way in: the same',
      'command again may add somebody twice, unless it has a --log, by which it knows.',
    ],
    [
      'This takes nothing away from somebody who was prepared. Who had the file’s own key, or kept',
      'an old header or another copy of the file, can still open it. Only sealing anew revokes.',
    ],
    [
      'Files that fail are told and the others go on. The exit code is 0 only if all are done, else',
      'that of the worst failure.',
    ],
    keyPlace,
  ],
  examples: [
    ['sealstream rewrap -k my.key --add-recipient age1… a.seal', 'let somebody else open it'],
    ['sealstream rewrap -k my.key --remove type:x25519 a.seal', 'and no longer'],
    [
      'sealstream rewrap -k old.key --add-key new.key --replace --recursive /backup --log done',
      'change the key of a whole folder; again, if it is interrupted',
    ],
  ],
  run: rewrapCommand,
};

async function rewrapCommand(args: Arguments): Promise<number> {
  const files = filesOf(args);
  const remove = args.values('remove').map(selectorOf);
  checkChange(args);
  const file = logFile(args);
  let added: Named | undefined;
  let identities: Opener[] = [];
  try {
    added = await addedRecipients(args);
    const log = file && new RewrapLog(file, changeOf(args, added.marks));
    identities = await openingIdentities(args, args.operands[0]);
    await added.ask();
    const options = {
      identities,
      context: args.value('context'),
      flush: !args.has('no-flush'),
      ...openingLimits(args),
      ...change(args, added.recipients, remove),
    };
    return await rewrapAll(args, files, options, log);
  } finally {
    file?.close();
    added?.dispose();
    disposeAll(identities);
  }
}

/** Returns the exit code. */
async function rewrapAll(
  args: Arguments,
  files: () => AsyncGenerator<Found, void, undefined>,
  options: RewrapOptions,
  log: RewrapLog | undefined,
): Promise<number> {
  const summary = new Summary();
  const [isQuiet, isJson] = [args.has('quiet'), args.has('json')];
  const stop = new AbortController();
  // Not before all is read and typed: a read that waits could not be interrupted then.
  const interrupt = interruptible();
  const signal = AbortSignal.any([interrupt.signal, stop.signal]);
  const keys = { isKeyFromEnvironment: isKeyFromEnvironment(args), offered: kindsNamed(args) };
  const tellSummary = (exitCode = summary.exitCode): void => {
    if (isJson) writeAll(STDOUT, `${JSON.stringify(summary.object(exitCode))}\n`);
    else if (!isQuiet) writeAll(STDOUT, summary.text());
  };
  const work = async (found: Found): Promise<void> => {
    signal.throwIfAborted();
    const outcome = await outcomeOf(found, { ...options, signal }, log, keys);
    // What was interrupted was not done, and is no failure of the file.
    if ('failure' in outcome) signal.throwIfAborted();
    summary.add(outcome);
    if (!isQuiet || 'failure' in outcome) {
      writeAll(STDOUT, isJson ? `${JSON.stringify(outcomeObject(outcome))}\n` : outcomeText(outcome));
    }
    // Last: the file was changed, whatever becomes of the log.
    if ('report' in outcome) log?.done(outcome.path, outcome.report);
  };
  try {
    await inLanes(files(), args.count('threads', MAX_LANES) ?? DEFAULT_LANES, work, () => {
      stop.abort();
    });
  } catch (error) {
    const { signalName, exitCode } = interrupt.interruption() ?? {};
    if (signalName === undefined) throw error;
    tellSummary(exitCode);
    throw new Interruption(signalName, log === undefined ? GOES_ON : GOES_ON_BY_LOG);
  } finally {
    interrupt.dispose();
  }
  tellSummary();
  return summary.exitCode;
}

async function outcomeOf(
  found: Found,
  options: RewrapOptions,
  log: RewrapLog | undefined,
  keys: Pick<Scene, 'isKeyFromEnvironment' | 'offered'>,
): Promise<Outcome> {
  const { path } = found;
  const failure = async (cause: unknown): Promise<Outcome> => {
    const scene: Scene = {
      command: 'rewrap',
      input: path,
      isNamed: true,
      ...keys,
      toStandardOutput: false,
    };
    return { path, failure: explain(new WorkFailure(cause, await sceneOfFailure(cause, scene))) };
  };
  if ('error' in found) return failure(found.error);
  // What fails with the log is no failure of the file, and ends it all.
  const state = await log?.stateOf(path);
  if (state === 'done') return { path, skipped: true };
  // Where it was changed half-way the new header is there already: the same change again would add everyone twice.
  const how = state === 'interrupted' ? { ...options, ...NO_CHANGE } : options;
  if (state !== 'interrupted') await log?.begin(path);
  try {
    return { path, report: await rewrapFile(path, how) };
  } catch (cause) {
    log?.failed(path);
    return await failure(cause);
  }
}

/** The log, opened before anybody has to type anything. */
function logFile(args: Arguments): LogFile | undefined {
  const path = args.value('log');
  if (path === undefined) return undefined;
  const sealed = args.operands.map((operand) => ({ path: operand, what: `the sealed file ${operand}` }));
  checkApart(args, [{ path, option: '--log' }], sealed);
  return new LogFile(path, '--log', isLogLine);
}

function filesOf(args: Arguments): () => AsyncGenerator<Found, void, undefined> {
  const { operands } = args;
  const folder = args.value('recursive');
  if (operands.length === 0 && folder === undefined) {
    throw usageError('FILE is missing', 'name the sealed files, or a folder with --recursive FOLDER');
  }
  if (operands.includes('-') || operands.includes('')) {
    throw usageError('rewrap needs files that it can write to', 'name them; - is not taken here');
  }
  return async function* () {
    // A folder among them is refused by whoever opens it.
    const named = await distinct(operands);
    for (const path of named.values()) yield { path };
    if (folder === undefined) return;
    for await (const found of sealedFiles([folder])) {
      if ('error' in found || !named.has(await realPath(found.path))) yield found;
    }
  };
}

const NO_CHANGE = { add: undefined, remove: undefined, replace: undefined };
const GOES_ON_BY_LOG = 'the same command, with the same --log, goes on behind what is done';
const GOES_ON =
  'what is done stays, and the same command would do it again: name the rest, and use --log next time';
