// The commands. Their descriptions make the help, and their options the parser.

import type { Command } from '../runner/command';
import { cat } from './convert/cat';
import { decrypt } from './convert/decrypt';
import { encrypt } from './convert/encrypt';
import { headerAttach, headerDetach, headerExport } from './header';
import { heal } from './heal';
import { inspect } from './inspect';
import { keygen } from './keygen';
import { rewrap } from './rewrap/rewrap';
import { salvage } from './salvage';
import { verify } from './verify';

/** Every command, in the order of the help. `header` has three commands of two words. */
export const commands: readonly Command[] = [
  keygen,
  encrypt,
  decrypt,
  cat,
  inspect,
  rewrap,
  verify,
  salvage,
  heal,
  headerExport,
  headerAttach,
  headerDetach,
];
