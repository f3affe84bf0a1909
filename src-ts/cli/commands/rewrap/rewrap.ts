// `sealstream rewrap`: changes who can open sealed files, without encrypting the data again.

import { rewrap as rewrapFile, type RewrapOptions } from '../../../index';

import type { Arguments } from '../../runner/arguments';
import type { Command } from '../../runner/command';
import { LogFile } from '../../files/log-file';
import { checkOutputs } from '../../files/outputs';
import { namedPaths, sealedFiles } from '../../files/sealed-files';
import { disposeAll } from '../../keys/dispose';
import { type Opener, openingIdentities, openingOptions } from '../../keys/identities';
import { addedPassphrases } from '../../keys/passphrase';
import { addedRecipients, askFor, type NamedRecipients } from '../../keys/recipients';
import { type Rewrapped, RewrapFilesReport } from '../../reports/rewrap-report';
import { processFiles } from '../../runner/many-files';
import * as common from '../../runner/options';
import { changeFor, checkChange, fingerprintOf, selectorOf } from './change';
import { isLogLine, RewrapLog } from './log';

/** `sealstream rewrap`. */
export const rewrap: Command = {
  name: 'rewrap',
  summary: 'change who can open sealed files, in milliseconds',
  usage: '[options] PATH...',
  description: `
    Changes every PATH that is a file, and with --recursive all files in a PATH that is a folder. Only the header is written:
    the encrypted data stays as it is, whatever its size. A file that encrypt wrote is changed in place. If
    that is interrupted, the old keys or the new ones open the file. If the header needs more room than it has, a new file
    replaces the old one.

    After an interruption, --mend completes the change of a file. The same command may add a recipient twice, unless it has a
    --log, which knows what was done.

    Removing a key does not revoke it: anyone who kept the file's own key, an old header or another copy can still open the
    file. Only encrypting the data again revokes a key.

    If a file fails, the others go on. The exit code is 0 only if all are done, else that of the worst failure.

    ${common.keySources}`,
  options: [
    ...common.openingKeys,
    [
      '--add-recipient TEXT...',
      'add a public key, age1pq1… or age1…: its secret key decrypts the files too; repeatable',
    ],
    [
      '--add-recipients-file FILE...',
      'add public keys from a file, one a line; # begins a comment; repeatable',
    ],
    ['--add-key FILE...', 'add a key file; repeatable'],
    ['--key-id TEXT', 'a name for the added key, which anyone can read'],
    ['--add-passphrase', 'ask for a passphrase and add it'],
    [
      '--add-passphrase-fd N',
      `add the passphrase in the first line of file descriptor N; in the second line if the first is that of
      --passphrase-fd N`,
    ],
    ...common.passphraseStrength,
    [
      '--remove SELECTOR...',
      `remove key slots: id:NAME, type:TYPE (key, passphrase, x25519, hybrid, provider), or slot:N with the slot index that
      inspect shows, from 0; repeatable`,
    ],
    [
      '--replace',
      'remove all key slots but those that are added. Slots of types that are newer than this release stay, and are reported',
    ],
    ['--mend', 'change no key slot: write the header and its copy again, after an interruption or damage'],
    common.recursive,
    [
      '--log FILE',
      'add a line to FILE for each file that is done. The same command with the same log skips these files',
    ],
    common.jobs,
    [common.noFlush[0], 'do not wait for the disk if a new file is written'],
    common.allowReadableKey,
    [common.quiet[0], 'print only failures'],
    common.jsonLines,
  ],
  examples: [
    ['sealstream rewrap -k my.key --add-recipient age1… a.seal', 'add a recipient'],
    ['sealstream rewrap -k my.key --remove type:x25519 a.seal', 'remove it'],
    [
      'sealstream rewrap -k old.key --add-key new.key --replace --log done --recursive /backup',
      'replace the key of all files in a folder; run it again to continue after an interruption',
    ],
  ],
  run: rewrapCommand,
};

async function rewrapCommand(args: Arguments): Promise<number> {
  const paths = namedPaths(args);
  const remove = args.values('remove').map(selectorOf);
  checkChange(args);
  const file = openLog(args);
  let added: NamedRecipients | undefined;
  let identities: Opener[] = [];
  try {
    added = await addedRecipients(args);
    const log = file && new RewrapLog(file, fingerprintOf(args, added.fingerprints));
    identities = await openingIdentities(args, args.operands[0]);
    await askFor(added, () => addedPassphrases(args));
    const { flush } = common.outputOptions(args);
    const { maxSegmentSize: _, ...opening } = openingOptions(args);
    const options = { ...opening, identities, flush, ...changeFor(args, added.recipients, remove) };
    return await processFiles<Rewrapped>(args, {
      files: sealedFiles(paths),
      concurrency: common.jobCount(args),
      report: new RewrapFilesReport(),
      process: (path, { signal }) => rewrapLogged(path, { ...options, signal }, log),
      // After it is printed: the file is changed even if the log can't be written.
      afterFile: (result) => {
        if ('report' in result && result.report !== 'skipped') log?.done(result.path, result.report);
      },
      adviceAfterSignal: log === undefined ? WITHOUT_LOG : WITH_LOG,
    });
  } finally {
    file?.close();
    disposeAll([...(added?.recipients ?? []), ...identities]);
  }
}

async function rewrapLogged(
  path: string,
  options: RewrapOptions,
  log: RewrapLog | undefined,
): Promise<Rewrapped> {
  const state = await log?.stateOf(path);
  if (state === 'done') return 'skipped';
  // The header's copy already has the change: making it again would add every recipient twice.
  if (state === 'interrupted') {
    return rewrapFile(path, {
      ...options,
      add: undefined,
      remove: undefined,
      replace: undefined,
      mend: true,
    });
  }
  await log?.begin(path);
  try {
    return await rewrapFile(path, options);
  } catch (error) {
    log?.failed(path);
    throw error;
  }
}

/** Opens the log, before a passphrase is typed. */
function openLog(args: Arguments): LogFile | undefined {
  const path = args.value('log');
  if (path === undefined) return undefined;
  const sealed = args.operands.map((operand) => ({ path: operand, role: `the sealed file ${operand}` }));
  checkOutputs(args, [{ path, option: '--log' }], sealed);
  return new LogFile(path, '--log', isLogLine);
}

const WITH_LOG = 'the same command with the same --log continues after the files that are done';
const WITHOUT_LOG =
  'the files that are done stay so, and the same command would change them again: name the other files, and use --log next time';
