export default {
  // Those of age's commands need them: scripts/age.mjs builds them and says where they are.
  files: ['__test__/**/*.test.mts', ...(process.env.AGE_COMMANDS === undefined ? ['!__test__/age/**'] : [])],

  // The package is CommonJS, so a test is .mts to be an ES module; tsx compiles it as it is loaded.
  extensions: { mts: 'module' },
  nodeArguments: ['--import=tsx'],

  // A child process for each file: a crash in native code fails that file, and the others go on.
  workerThreads: false,

  // Of no progress at all, not of the whole run.
  timeout: '2m',

  environmentVariables: {
    RUST_BACKTRACE: '1',
  },
};
