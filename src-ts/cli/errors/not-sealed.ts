// Inputs that are no sealed streams, by what they look like.

import type { LookAlike } from '../../../native/binding';

import type { FailureContext } from './failure-context';
import { giveHeader } from './header-advice';

/** What to say of an input that is no sealed stream, and what to do about it. */
export function notSealed(
  looksLike: LookAlike | undefined,
  context: FailureContext,
): { message: string; advice: string } {
  const { input, isNamed } = context;
  const name = isNamed ? 'check the name' : 'check the input';
  switch (looksLike) {
    case undefined:
      return {
        message: `${input} is not a sealed stream`,
        advice: isNamed
          ? 'check the name: the file may never have been sealed'
          : 'check the input: it may never have been sealed',
      };
    case 'empty':
      return {
        message: `${input} is empty, not a sealed stream`,
        advice: isNamed
          ? 'check the name, and whether the file was ever written'
          : 'check the program that writes to the pipe: it wrote nothing',
      };
    case 'detached-body':
      return {
        message: `${input} is the body of a sealed stream, without its header`,
        advice: giveHeader(context),
      };
    case 'zeros':
      return {
        message: `${input} is not a sealed stream: it starts with zeros`,
        advice: 'its data was lost or never written: restore it from another copy',
      };
    case 'damaged-magic':
      return {
        message: `${input} is damaged in its first bytes, or not a sealed stream`,
        advice: 'restore it from another copy, or try sealstream salvage',
      };
    case 'text-mode':
      return {
        message: `${input} was a sealed stream, until a transfer or a program took it for text and changed its bytes`,
        advice:
          'transfer it again as binary data; text mode of FTP, git and mail, and > in PowerShell change bytes',
      };
    case 'base64':
      return {
        message: `${input} is a sealed stream as Base64 text`,
        advice: 'decode it first: base64 -d FILE | sealstream decrypt -k FILE -',
      };
    case 'other-release':
      return {
        message: `${input} was encrypted by another release of sealstream`,
        advice: 'use that release, or a newer one',
      };
    case 'journal':
      return {
        message: `${input} is the journal of an interrupted operation, not a sealed stream`,
        advice: 'run the interrupted command again with --resume, or name the sealed file',
      };
    case 'key':
      return {
        message: `${input} is a file of keys, not a sealed stream`,
        advice: `${name}: a key is given with -k or -i`,
      };
    default: {
      const { what, how } = FORMATS[looksLike];
      return { message: `${input} is ${what}, not a sealed stream`, advice: how };
    }
  }
}

const DECOMPRESS = 'decompress it first, if a sealed stream is in it';
const EXTRACT = 'extract it first, if a sealed stream is in it';

type Format = Exclude<
  LookAlike,
  | ('empty' | 'detached-body' | 'zeros' | 'damaged-magic' | 'text-mode')
  | ('base64' | 'other-release' | 'journal' | 'key')
>;

const FORMATS: Readonly<Record<Format, { readonly what: string; readonly how: string }>> = {
  age: { what: 'a file that age encrypted', how: 'decrypt it with age' },
  pgp: { what: 'a file that OpenPGP encrypted', how: 'decrypt it with gpg' },
  openssl: { what: 'a file that openssl encrypted', how: 'decrypt it with openssl enc -d' },
  gzip: { what: 'a gzip file', how: DECOMPRESS },
  zstd: { what: 'a Zstandard file', how: DECOMPRESS },
  xz: { what: 'an xz file', how: DECOMPRESS },
  bzip2: { what: 'a bzip2 file', how: DECOMPRESS },
  zip: { what: 'a zip archive', how: EXTRACT },
  'seven-zip': { what: 'a 7z archive', how: EXTRACT },
  'git-lfs-pointer': { what: 'a pointer of Git LFS', how: 'fetch the file itself with git lfs pull' },
  'web-page': {
    what: 'a web page or the answer of a server',
    how: 'look into it for an error, and download the file again',
  },
};
