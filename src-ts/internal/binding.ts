// The addon, once for all modules, after making sure that it is the one that these modules were written for.

import { createRequire } from 'node:module';

import { loadNative, type Native } from './native';

/** What the addon exports. */
export const native: Native = sameVersion(loadNative());

function sameVersion(addon: Native): Native {
  const { version } = createRequire(__filename)('../../package.json') as { version: string };
  // A binary of long ago may lack the function.
  const found = (addon.version as (() => string) | undefined)?.();
  if (found !== version) {
    throw new Error(
      `sealstream ${version} found native code of version ${found ?? 'unknown'}: delete node_modules and ` +
        'install again, so that both come from one release (in a clone: npm run build).',
    );
  }
  return addon;
}
