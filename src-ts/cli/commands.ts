// The commands. The help is made from these, and so is the reading of arguments.

import type { CommandSpec } from './command-spec';
import { decrypt } from './decrypt';
import { encrypt } from './encrypt';
import { inspect } from './inspect';
import { keygen } from './keygen';
import { salvage } from './salvage';

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [keygen, encrypt, decrypt, inspect, salvage];
