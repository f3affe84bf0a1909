// Objects that stand for secrets. They print as a label, and can be disposed of.

import { inspect } from 'node:util';

import { type Held, overwrite, register, type Use } from './registry';

/** Marks recipients, in types only. */
export declare const recipientBrand: unique symbol;
/** Marks identities, in types only. */
export declare const identityBrand: unique symbol;

/** Stands for a key or a secret. Prints as a label in brackets, and never as what it holds. */
export abstract class Redacted {
  readonly #label: string;

  /** @internal */
  constructor(label: string, use: Use, held: Held) {
    this.#label = `[${label}]`;
    register(this, use, held);
  }

  /** The type in brackets, without any secret. */
  toString(): string {
    return this.#label;
  }

  /** The same as `toString`. */
  toJSON(): string {
    return this.#label;
  }

  /** The same as `toString`. */
  [Symbol.toPrimitive](): string {
    return this.#label;
  }
}

// Apart from the class: declarations have no name for this symbol without `node:util`.
Object.defineProperty(Redacted.prototype, inspect.custom, {
  value(this: Redacted): string {
    return this.toString();
  },
});

/** A secret in the addon's memory. */
export abstract class Secret extends Redacted implements Disposable {
  /**
   * Overwrites the secret. Later use throws a TypeError; running operations continue with their own copy.
   */
  dispose(): void {
    overwrite(this);
  }

  /** The same as `dispose`, for `using`. */
  [Symbol.dispose](): void {
    overwrite(this);
  }
}

/** A secret that is a recipient and an identity. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the marks exist in types only
export abstract class SecretRecipient extends Secret {}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- see above
export interface SecretRecipient {
  readonly [recipientBrand]: true;
  readonly [identityBrand]: true;
}
