export * from './electron.js';
