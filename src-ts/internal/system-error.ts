// Errors of the system as Node makes them.

import { constants } from 'node:os';
import * as util from 'node:util';

/** What the engine tells of a system call that failed. */
export interface SystemFailure {
  /** The system's name for the error; absent if it is not the system's. */
  readonly code?: string;
  readonly message: string;
  readonly syscall: string;
  readonly path?: string;
}

/** The error that Node's own functions would have thrown: with `errno`, `code`, `syscall` and `path`, and the message made of them. */
export function systemError({ code, message, syscall, path }: SystemFailure): NodeJS.ErrnoException {
  const place = path === undefined ? syscall : `${syscall} '${path}'`;
  if (code === undefined) {
    return Object.assign(new Error(`${message}, ${place}`), { syscall, ...(path !== undefined && { path }) });
  }
  const { errno, text = message } = known(code);
  const error = new Error(`${code}: ${text}, ${place}`);
  return Object.assign(error, {
    ...(errno !== undefined && { errno }),
    code,
    syscall,
    ...(path !== undefined && { path }),
  });
}

/** The number and the text of an error by its name. */
function known(code: string): { errno?: number; text?: string } {
  // Bun has no such map. On Windows its numbers are libuv's, as in Node's own errors.
  const names = (util as { getSystemErrorMap?: typeof util.getSystemErrorMap }).getSystemErrorMap?.() ?? [];
  for (const [errno, [name, text]] of names) {
    if (name === code) return { errno, text };
  }
  const number = (constants.errno as Readonly<Partial<Record<string, number>>>)[code];
  return number === undefined ? {} : { errno: -number };
}
