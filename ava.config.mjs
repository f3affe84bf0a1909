export default {
  // The tests in __test__/age need age's commands. scripts/age.mjs builds them and sets AGE_COMMANDS.
  files: ['__test__/**/*.test.mts', ...(process.env.AGE_COMMANDS === undefined ? ['!__test__/age/**'] : [])],

  // Tests are .mts because they are ES modules in a CommonJS package. tsx compiles them on loading.
  extensions: { mts: 'module' },
  nodeArguments: ['--import=tsx'],

  // One child process for each file, so that a crash in native code fails only that file.
  workerThreads: false,

  // The time without any progress, not the time of the whole run.
  timeout: '2m',

  environmentVariables: {
    RUST_BACKTRACE: '1',
  },
};
