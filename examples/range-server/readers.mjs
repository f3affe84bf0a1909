// Keeps readers of sealed files open, so that most requests need not open their file.

import { stat } from 'node:fs/promises';

import { openReader } from 'sealstream';

/** Keeps the most recently used readers. A replaced file gets a new reader. */
export class Readers {
  #key;
  #most;
  /** By path and version of the file, the least recently used first. */
  #entries = new Map();

  constructor(key, most = 64) {
    this.#key = key;
    this.#most = most;
  }

  /** Calls `work` with the reader of a file. The reader stays open at least until `work` is done. */
  async use(path, work) {
    const { ino, size, mtimeMs } = await stat(path);
    const id = `${path} ${ino} ${size} ${mtimeMs}`;
    const entry = this.#entries.get(id) ?? { opening: openReader(path, { key: this.#key }), users: 0 };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    entry.users += 1;
    try {
      return await work(await entry.opening);
    } finally {
      entry.users -= 1;
      const failed = await entry.opening.then(
        () => false,
        () => true,
      );
      // Another request may have opened the file meanwhile.
      if (failed && this.#entries.get(id) === entry) this.#entries.delete(id);
      await this.#closeAllBut(this.#most);
    }
  }

  /** Closes all readers; those in use are closed when their work is done. */
  async close() {
    this.#most = 0;
    await this.#closeAllBut(0);
  }

  async #closeAllBut(most) {
    for (const [id, { opening, users }] of this.#entries) {
      if (this.#entries.size <= most) return;
      if (users > 0) continue;
      this.#entries.delete(id);
      // A failure of another file must not fail this request.
      await opening.then((reader) => reader.close()).catch(console.error);
    }
  }
}
