// Files of keys that the library refuses: one table over the reason.

import type { KeyFileReason } from '../../../native/binding';
import type { SealFailure } from '../../index';

import { CommandError } from './command-error';
import type { Explanation } from './explanation';

/** The library's refusal of a file of keys. */
export type KeyFileRefusal = Extract<SealFailure, { kind: 'KeyFileRefused' }>;

/** What a file was read as, and how the options are written that take keys. */
export interface KeyFileUse {
  /** `key file`, `identity file` or `recipients file`. */
  readonly name: string;
  /** The option that named it. */
  readonly option: string;
  /** The option of a public key. */
  readonly recipient: string;
  /** The option of a file of public keys. */
  readonly recipientsFile: string;
}

/** The refusal as an error of the command. */
export function refusedKeyFile({ path, reason, line }: KeyFileRefusal, use: KeyFileUse): CommandError {
  const place = line === undefined ? 'it' : `line ${line}`;
  const { kind, problem, advice } = RULES[reason]({ path, place, use });
  const message = problem.startsWith('others ')
    ? `${problem} the ${use.name} ${path}`
    : use.name === 'key file'
      ? `the key file ${path} ${problem}`
      : `${path} is not ${use.name === 'identity file' ? 'an' : 'a'} ${use.name}: ${problem}`;
  return new CommandError(kind, message, advice);
}

/** Explains a refusal that no option of the command led to. */
export function explainKeyFile(failure: KeyFileRefusal): Explanation {
  const use = { name: 'key file', option: '-k', recipient: '-r', recipientsFile: '-R' };
  const { exitCode, code, kind, message, advice } = refusedKeyFile(failure, use);
  return { exitCode, code, kind, message, advice };
}

interface Given {
  readonly path: string;
  /** The line, or the file. */
  readonly place: string;
  readonly use: KeyFileUse;
}

interface Rule {
  readonly kind: 'Refused' | 'KeyFileUnreadable' | 'NotAKeyFile' | 'NotARecipient';
  readonly problem: string;
  readonly advice: string;
}

const KEY_FORM =
  'a key file has 32 bytes, 64 hexadecimal digits or 44 Base64 characters; sealstream keygen makes one';
const IDENTITY_FORM =
  'each line must be AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1…, empty, or a comment after #';
const RECIPIENT_FORM = 'each line must be age1…, age1pq1…, empty, or a comment after #';

const SENDER_KEY_FORM = 'sealstream keygen --sender makes one, and so does ssh-keygen -t ed25519';
const SENDER_FORM =
  'each line must be ssh-ed25519 AAAA…, sk-ssh-ed25519@openssh.com AAAA…, or a line of authorized_keys or allowed_signers with one';

const FORMS: Readonly<Partial<Record<string, string>>> = {
  'identity file': IDENTITY_FORM,
  'recipients file': RECIPIENT_FORM,
  'sender key file': SENDER_KEY_FORM,
  'senders file': SENDER_FORM,
};

/** A file with something else than was expected. */
function wrong({ use: { name } }: Given, problem: string, advice = FORMS[name] ?? KEY_FORM): Rule {
  return { kind: name === 'recipients file' ? 'NotARecipient' : 'NotAKeyFile', problem, advice };
}

const RULES: Readonly<Record<KeyFileReason, (given: Given) => Rule>> = {
  'readable-by-others': () => ({
    kind: 'Refused',
    problem: 'others can read',
    advice: 'make it readable only by you with chmod 600, or use --allow-readable-key',
  }),
  'not-a-regular-file': ({ use: { name } }) => ({
    kind: 'KeyFileUnreadable',
    problem: name === 'key file' ? 'is not a regular file' : 'it is not a regular file',
    advice:
      name === 'recipients file'
        ? 'name a file with one public key a line'
        : 'save the key in a file that only you can read, and name that',
  }),
  'too-large': (given) =>
    wrong(given, given.use.name === 'key file' ? 'holds no key: it is too large' : 'it is too large'),
  'no-key': (given) => wrong(given, 'holds no key'),
  'several-keys': (given) => wrong(given, 'holds more than one key', 'name one file for each key'),
  'no-secret-key': (given) => wrong(given, `${given.place} holds no secret key`),
  'no-public-key': (given) => wrong(given, `${given.place} holds no public key`),
  'holds-key': (given) =>
    wrong(given, `${given.place} holds a key`, `it is a key file: name it with -k ${given.path}`),
  'holds-key-pair': (given) =>
    given.use.name === 'key file'
      ? wrong(
          given,
          'holds no key',
          `it holds a key pair: decrypt with -i ${given.path}, and encrypt for its public key with ${given.use.recipient}`,
        )
      : wrong(
          given,
          `${given.place} is a secret key`,
          `use its public key: sealstream keygen -y ${given.path}`,
        ),
  'holds-public-key': (given) => {
    const { path, use } = given;
    if (use.name === 'key file') {
      const advice = `it holds a public key: encrypt for it with ${use.recipientsFile} ${path}; decrypting takes the file of its secret key`;
      return wrong(given, 'holds no key', advice);
    }
    const advice =
      use.option === '-y'
        ? 'this is a file that -y prints'
        : `decrypting takes the file of its secret key; encrypt for the public key with -R ${path}`;
    return wrong(given, 'it holds a public key', advice);
  },
  encrypted: (given) =>
    wrong(
      given,
      given.use.name === 'key file' ? 'is encrypted' : 'it is encrypted',
      'decrypt it first with the program that encrypted it, such as age -d',
    ),
  'unsupported-key': (given) =>
    wrong(
      given,
      given.use.name === 'key file' ? 'holds no key' : `${given.place} holds a key of another program`,
      'keys of SSH, of OpenPGP and of age plugins do not work here: sealstream keygen makes keys that do',
    ),
  'no-sender-key': (given) =>
    wrong(given, 'it holds no private key of OpenSSH of the type ed25519', SENDER_KEY_FORM),
  'passphrase-needed': (given) =>
    wrong(
      given,
      'it is protected by a passphrase',
      `add it to an SSH agent with ssh-add ${given.path}, and name the agent: --sender-key agent:`,
    ),
  'wrong-passphrase': (given) => wrong(given, 'the passphrase does not open it', 'type it again'),
  'security-key': (given) =>
    wrong(
      given,
      'its secret is on a security key',
      `add it to an SSH agent with ssh-add ${given.path}, and name the agent: --sender-key agent:`,
    ),
  'no-sender': (given) => wrong(given, `${given.place} holds no public key of a sender`, SENDER_FORM),
  'cert-authority': (given) =>
    wrong(
      given,
      `${given.place} trusts a certificate authority`,
      'certificates are not checked: name the keys themselves',
    ),
  'validity-limit': (given) =>
    wrong(
      given,
      `${given.place} limits how long the key is valid`,
      'a stream does not prove when it was signed: leave out the key or the limit',
    ),
};
