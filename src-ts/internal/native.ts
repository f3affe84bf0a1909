// Finds and loads the addon: a local build in a clone, else the platform package that npm installed beside this one.

import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type * as binding from '../../native/binding';

/** What the addon exports; the types are generated from the Rust source. */
export type Native = typeof binding;

/**
 * Loads the addon; a second call gives the same one.
 *
 * @throws Error when there is no binary for this platform, or when it cannot be loaded. The message says what to do,
 *   and `cause` is the loader's own error.
 */
export function loadNative(): Native {
  const platform = platformName();
  const local = join(__dirname, '..', '..', 'native', `sealstream.${platform}.node`);
  const target = existsSync(local) ? local : `@sealstream/${platform}`;
  try {
    return createRequire(__filename)(target) as Native;
  } catch (cause) {
    throw new Error(explanation(platform, target, cause), { cause });
  }
}

function explanation(platform: string, target: string, cause: unknown): string {
  const failed = `sealstream cannot load its native code for ${platform} (Node ${process.version})`;
  if (!PLATFORMS.includes(platform)) {
    return `${failed}: there is no binary for this platform. It runs on ${PLATFORMS.join(', ')}.`;
  }
  if (cause instanceof Error && cause.name === 'NotCapable') {
    return `${failed}: Deno runs no native code unless it is allowed to. Run it with --allow-ffi.`;
  }
  if (!target.startsWith('@')) {
    return `${failed} from the local build ${target}. Build it again: npm run build:native`;
  }
  return (
    `${failed}: the package ${target} is missing or unusable. It is an optional dependency: delete node_modules and ` +
    `install again on this platform, without --omit=optional. If the lock file was made on another platform by an ` +
    `older npm, delete it too (https://github.com/npm/cli/issues/4828).`
  );
}

/** The name that Node, npm and napi-rs use together: linux-x64-musl, darwin-arm64, win32-x64-msvc. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${usesMusl() ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/**
 * Whether this very process runs on musl: its executable names the dynamic loader in its first bytes. Exact where both
 * C libraries are installed, and thirty times as fast as `process.report`.
 */
function usesMusl(): boolean {
  const start = Buffer.alloc(4096);
  try {
    const file = openSync(process.execPath, 'r');
    readSync(file, start, 0, start.length, 0);
    closeSync(file);
  } catch {
    // An executable that may be run but not read: glibc is the likelier.
  }
  return start.includes('/ld-musl-');
}

const PLATFORMS = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
];
