// A CommonJS program of a user, which is compiled with several compilers; it never runs.

// eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS
import seal = require('sealstream');

const { encryptSync, SecretKey } = seal;

export const sealed: ReturnType<typeof Buffer.alloc> = encryptSync(Buffer.from('text'), {
  key: SecretKey.generate(),
});
export const report: Promise<seal.EncryptReport> = seal.encryptFile('a', 'a.seal', {
  key: SecretKey.generate(),
});
// @ts-expect-error -- FLOE is imported by itself
export const { floe } = seal;
