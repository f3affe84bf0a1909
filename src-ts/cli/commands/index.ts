// The commands. The help is made from these, and so is the reading of arguments.

import type { CommandSpec } from '../runner/command-spec';
import { decrypt } from './decrypt';
import { encrypt } from './encrypt';
import { headerExport } from './header';
import { headerAttach, headerDetach } from './header-files';
import { heal } from './heal';
import { inspect } from './inspect';
import { keygen } from './keygen';
import { rewrap } from './rewrap';
import { salvage } from './salvage';
import { verify } from './verify';

/** Every command, in the order of the help. A name of two words is one of several of its first word. */
export const commands: readonly CommandSpec[] = [
  keygen,
  encrypt,
  decrypt,
  inspect,
  rewrap,
  verify,
  salvage,
  heal,
  headerExport,
  headerAttach,
  headerDetach,
];
