// Finds, loads and checks the native addon: a local build in a clone, else the platform package that npm installed.

import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type * as binding from '../../native/binding';

/**
 * Loads the addon and checks its version.
 *
 * @throws Error when this platform has no binary, when the binary cannot be loaded, or when it belongs to another release. The
 *   message says what to do; `cause` is the loader's own error.
 */
function loadNative(): typeof binding {
  const require = createRequire(__filename);
  const platform = platformName();
  const local = join(__dirname, '..', '..', 'native', `sealstream.${platform}.node`);
  const target = existsSync(local) ? local : `@sealstream/${platform}`;
  let addon: typeof binding;
  try {
    addon = require(target) as typeof binding;
  } catch (cause) {
    throw new Error(loadAdvice(platform, target, cause), { cause });
  }
  const { version } = require('../../package.json') as { version: string };
  // A binary of an early release may lack the function.
  const found = (addon.version as (() => string) | undefined)?.();
  if (found === version) return addon;
  throw new Error(
    `sealstream ${version} found native code of version ${found ?? 'unknown'}: delete node_modules and ` +
      'install again, so that both come from one release (in a clone: npm run build).',
  );
}

function loadAdvice(platform: string, target: string, cause: unknown): string {
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

/** The platform's name as Node, npm and napi-rs form it: linux-x64-musl, darwin-arm64, win32-x64-msvc. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${usesMusl() ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/**
 * Whether this process runs on musl: its executable names the dynamic loader in its first bytes. This is exact where both C
 * libraries are installed, and thirty times as fast as `process.report`.
 */
function usesMusl(): boolean {
  const start = Buffer.alloc(4096);
  try {
    const file = openSync(process.execPath, 'r');
    readSync(file, start, 0, start.length, 0);
    closeSync(file);
  } catch {
    // The executable may be run but not read. glibc is more likely.
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

/** The addon. Its types are generated from the Rust source. */
export const native: typeof binding = loadNative();

/** What the format and the engine allow. */
export const limits: binding.Limits = native.limits();
