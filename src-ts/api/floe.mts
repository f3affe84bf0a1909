export * from './floe.js';
