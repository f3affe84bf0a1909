// A new file as the target of a conversion.

import type { FileOutput, PlacementSettings } from '../../native/binding';
import { native } from '../internal/binding';
import type { NodeBuffer } from '../internal/bytes';
import type { Outlet } from './conversion';

/** A file that appears complete or not at all. */
export class FileOutlet implements Outlet {
  #opening: Promise<FileOutput> | undefined;

  /**
   * @param beforeCommit Called when the file is complete: from then on the operation can't be cancelled.
   */
  constructor(
    readonly path: string,
    readonly placement: PlacementSettings,
    readonly beforeCommit: () => void,
  ) {}

  async open(): Promise<void> {
    this.#opening = native.createFileOutput(this.path, this.placement);
    unfinished.add(await this.#opening);
    removeAllAtExit();
  }

  async push(bytes: NodeBuffer): Promise<void> {
    await (await this.#opening)?.write(bytes);
  }

  async complete(): Promise<void> {
    this.beforeCommit();
    await (await this.#opening)?.commit();
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // The file has its name.
  }

  fail(): void {
    // The conversion's report tells why, and `close` removes the file.
  }

  /** Removes the file unless it is complete. */
  async close(): Promise<void> {
    const file = await this.#opening?.catch(() => undefined);
    if (!file) return;
    await file.discard();
    unfinished.delete(file);
  }
}

/** The files that a process that exits must remove. */
const unfinished = new Set<FileOutput>();
let removesAtExit = false;

function removeAllAtExit(): void {
  if (removesAtExit) return;
  removesAtExit = true;
  process.once('exit', () => {
    for (const file of unfinished) file.discardNow();
  });
}
