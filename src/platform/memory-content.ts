/** What a file in memory holds, and what all of them together may hold. */
import { fileError } from './file-error';
import type { DiskSpace } from './platform';

const PAGE_BYTES = 16 * 1024;

/** The pages that all files together may hold. */
export class Capacity {
  private usedPages = 0;

  constructor(
    private readonly bytes: number,
    readonly wallMs: () => number,
  ) {}

  take(path: string): void {
    if ((this.usedPages + 1) * PAGE_BYTES > this.bytes) {
      throw fileError('ENOSPC', `the ${this.bytes} bytes of memory for files are used up`, path);
    }
    this.usedPages++;
  }

  get space(): DiskSpace {
    const freeBytes = Math.max(0, this.bytes - this.usedPages * PAGE_BYTES);
    return { totalBytes: this.bytes, freeBytes };
  }

  free(pages: number): void {
    this.usedPages -= pages;
  }
}

/** The bytes of one file: a sparse set of pages, zeros between them. */
export class MemoryContent {
  length = 0;
  modifiedMs: number;
  private readonly pages = new Map<number, Buffer>();
  private removed = false;

  constructor(private readonly capacity: Capacity) {
    this.modifiedMs = capacity.wallMs();
  }

  write(source: Uint8Array, position: number, path: string): void {
    for (let done = 0; done < source.length;) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const part = source.subarray(done, done + PAGE_BYTES - inPage);
      this.page(Math.floor(at / PAGE_BYTES), path).set(part, inPage);
      done += part.length;
    }
    this.length = Math.max(this.length, position + source.length);
    this.modifiedMs = this.capacity.wallMs();
  }

  read(target: Uint8Array, position: number): number {
    const bytes = Math.max(0, Math.min(target.length, this.length - position));
    for (let done = 0; done < bytes;) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, bytes - done);
      const page = this.pages.get(Math.floor(at / PAGE_BYTES));
      if (page) target.set(page.subarray(inPage, inPage + count), done);
      else target.fill(0, done, done + count);
      done += count;
    }
    return bytes;
  }

  truncate(length: number): void {
    if (length < this.length) {
      for (const number of [...this.pages.keys()]) {
        if (number * PAGE_BYTES >= length) this.drop(number);
      }
      this.pages.get(Math.floor(length / PAGE_BYTES))?.fill(0, length % PAGE_BYTES);
    }
    this.length = length;
    this.modifiedMs = this.capacity.wallMs();
  }

  remove(): void {
    if (!this.removed) this.capacity.free(this.pages.size);
    this.removed = true;
  }

  private page(number: number, path: string): Buffer {
    let page = this.pages.get(number);
    if (!page) {
      if (!this.removed) this.capacity.take(path);
      page = Buffer.alloc(PAGE_BYTES);
      this.pages.set(number, page);
    }
    return page;
  }

  private drop(number: number): void {
    if (this.pages.delete(number) && !this.removed) this.capacity.free(1);
  }
}
