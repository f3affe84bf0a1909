/**
 * The page that shows a damage map.
 *
 * @packageDocumentation
 */

export type { DamageMap } from '../../native/binding';
export { damagePage } from './page';
