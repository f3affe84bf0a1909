/// <reference types="node" preserve="true" />

/**
 * The page that shows a damage map.
 *
 * @packageDocumentation
 */

export type { DamageMap } from '../../native/binding';
export { damagePage } from './page';

// As in `index.ts`.
Object.freeze(module.exports);
