// Open readers of sealed files, so that not every request opens its file anew.

import { stat } from 'node:fs/promises';

import { open } from 'sealstream';

/** Keeps the readers that were used last. A file that is replaced gets a new one. */
export class Readers {
  #key;
  #most;
  /** By file and version, the least recently used first. */
  #entries = new Map();

  constructor(key, most = 64) {
    this.#key = key;
    this.#most = most;
  }

  /** Calls `work` with the reader of a file, which stays open at least until that is done. */
  async use(path, work) {
    const { ino, size, mtimeMs } = await stat(path);
    const id = `${path} ${ino} ${size} ${mtimeMs}`;
    const entry = this.#entries.get(id) ?? { opening: open(path, { key: this.#key }), users: 0 };
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
      // By now another request may have opened it.
      if (failed && this.#entries.get(id) === entry) this.#entries.delete(id);
      await this.#closeAllBut(this.#most);
    }
  }

  /** Closes all of them, those in use when that is done. */
  async close() {
    this.#most = 0;
    await this.#closeAllBut(0);
  }

  async #closeAllBut(most) {
    for (const [id, { opening, users }] of this.#entries) {
      if (this.#entries.size <= most) return;
      if (users > 0) continue;
      this.#entries.delete(id);
      // What became of another file is no affair of this request.
      await opening.then((reader) => reader.close()).catch(console.error);
    }
  }
}
