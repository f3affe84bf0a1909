export default {
  files: ['__test__/**/*.test.mts'],

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
