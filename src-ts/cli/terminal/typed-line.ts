// Edits a line that is typed on a terminal in raw mode. The bytes never become a string, which could not be overwritten.

/** How a line ended. */
export type LineEnd = 'line' | 'interrupt' | 'end';

/** A line that is being typed. */
export class TypedLine {
  // Never grows: that would leave copies behind.
  readonly #bytes = Buffer.alloc(LONGEST_LINE);
  #length = 0;
  #escape: 'none' | 'begun' | 'sequence' | 'letter' = 'none';
  #overflow = false;

  /** Whether the line is longer than LONGEST_LINE. */
  get isTooLong(): boolean {
    return this.#overflow;
  }

  /**
   * Takes typed bytes up to the end of the line.
   *
   * @returns How the line ended and how many bytes were taken; `undefined` if it goes on.
   */
  take(typed: Uint8Array): { end: LineEnd; used: number } | undefined {
    for (const [index, byte] of typed.entries()) {
      const end = this.#isInEscape(byte) ? undefined : this.#key(byte);
      if (end !== undefined) return { end, used: index + 1 };
    }
    return undefined;
  }

  /** A copy of the line, for the caller to overwrite. */
  bytes(): Uint8Array {
    const line = new Uint8Array(this.#length);
    line.set(this.#bytes.subarray(0, this.#length));
    return line;
  }

  /** Overwrites the line. */
  dispose(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  #key(byte: number): LineEnd | undefined {
    switch (byte) {
      case KEYS.enter:
      case KEYS.lineFeed:
        return 'line';
      case KEYS.ctrlC:
        return 'interrupt';
      case KEYS.ctrlD:
        return this.#length === 0 ? 'end' : 'line';
      case KEYS.backspace:
      case KEYS.delete:
        this.#deleteCharacter();
        return undefined;
      case KEYS.ctrlU:
        this.dispose();
        this.#overflow = false;
        return undefined;
      case KEYS.escape:
        this.#escape = 'begun';
        return undefined;
      default:
        // Other control characters are ignored: they could not be typed in other programs.
        if (byte >= FIRST_PRINTABLE || byte === KEYS.tab) this.#add(byte);
        return undefined;
    }
  }

  /** Whether the byte belongs to an escape sequence, such as that of an arrow key. */
  #isInEscape(byte: number): boolean {
    const state = this.#escape;
    if (state === 'none') return false;
    this.#escape = 'none';
    // Enter or Ctrl-C after a lone Escape keep their meaning.
    if (byte < FIRST_PRINTABLE) return false;
    if (state === 'begun')
      this.#escape = byte === BRACKET ? 'sequence' : byte === LETTER_O ? 'letter' : 'none';
    if (state === 'sequence' && byte < FIRST_FINAL) this.#escape = 'sequence';
    return true;
  }

  #add(byte: number): void {
    if (this.#length === this.#bytes.length) {
      this.#overflow = true;
      return;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  #deleteCharacter(): void {
    while (this.#length > 0) {
      this.#length -= 1;
      const byte = this.#bytes[this.#length] ?? 0;
      this.#bytes[this.#length] = 0;
      // In UTF-8, all bytes of a character but the first are 10xxxxxx.
      if ((byte & 0b1100_0000) !== 0b1000_0000) return;
    }
  }
}

/** Bytes of the longest line. */
export const LONGEST_LINE: number = 64 * 1024;

const KEYS = {
  ctrlC: 0x03,
  ctrlD: 0x04,
  backspace: 0x08,
  tab: 0x09,
  lineFeed: 0x0a,
  enter: 0x0d,
  ctrlU: 0x15,
  escape: 0x1b,
  delete: 0x7f,
} as const;
const FIRST_PRINTABLE = 0x20;
const FIRST_FINAL = 0x40;
const BRACKET = 0x5b;
const LETTER_O = 0x4f;
