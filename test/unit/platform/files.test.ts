/** What every kind of Files does alike: those of the system and those in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryFiles } from '../../../src/platform/memory-files';
import { nodeFiles } from '../../../src/platform/node-files';
import type { FileHandle, Files } from '../../../src/platform/platform';

interface Kind {
  readonly files: Files;
  readonly root: string;
  end(): Promise<void>;
}

const kinds: readonly [string, () => Promise<Kind>][] = [
  [
    'the system',
    async () => {
      const root = await mkdtemp(join(tmpdir(), 'gantry-files-'));
      return { files: nodeFiles(), root, end: () => rm(root, { recursive: true }) };
    },
  ],
  [
    'memory',
    async () => {
      const files = memoryFiles();
      await files.makeDirectory('/root');
      return { files, root: '/root', end: () => Promise.resolve() };
    },
  ],
];

type Write = (file: FileHandle, buffers: readonly Buffer[], position: number) => Promise<void>;

const WAYS: readonly [string, Write][] = [
  ['in the background', (file, buffers, position) => file.write(buffers, position)],
  [
    'at once',
    async (file, buffers, position) => {
      if (file.writeNow === undefined) throw new Error('cannot write at once');
      file.writeNow(buffers, position);
    },
  ],
];

describe.each(kinds)('files of %s', (_name, make) => {
  let kind: Kind;
  let files: Files;
  const at = (...names: string[]): string => join(kind.root, ...names);

  beforeEach(async () => {
    kind = await make();
    files = kind.files;
  });
  afterEach(() => kind.end());

  test.each(WAYS)(
    'bytes written %s in several buffers are read back from any position',
    async (_, write) => {
      const file = await files.open(at('a'), 'create');
      await write(file, [Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')], 3);
      await file.datasync();
      const read = Buffer.alloc(7);
      expect(await file.read(read, 5)).toBe(7);
      expect(read.toString()).toBe('llo wor');
      expect(await file.size()).toBe(14);
      expect(await file.read(Buffer.alloc(10), 10)).toBe(4);
      expect(await file.read(Buffer.alloc(10), 14)).toBe(0);
      await file.close();
    },
  );

  test.each(WAYS)(
    'a write %s of more buffers than a system call takes goes on to the end',
    async (_, write) => {
      const file = await files.open(at('a'), 'create');
      const buffers = Array.from({ length: 5000 }, (_, i) => Buffer.alloc(1 + (i % 7), i % 251));
      await write(file, buffers, 0);
      await file.close();
      expect((await files.readFile(at('a')))?.equals(Buffer.concat(buffers))).toBe(true);
    },
  );

  test('a file made longer is zeros, one made shorter forgets what was behind', async () => {
    const file = await files.open(at('a'), 'create');
    await file.write([Buffer.alloc(50_000, 7)], 0);
    await file.truncate(20_000);
    await file.truncate(60_000);
    const bytes = (await files.readFile(at('a'))) ?? Buffer.alloc(0);
    expect(bytes.length).toBe(60_000);
    expect(bytes.subarray(0, 20_000).every((byte) => byte === 7)).toBe(true);
    expect(bytes.subarray(20_000).every((byte) => byte === 0)).toBe(true);
    await file.close();
  });

  test('a file of 1 GiB takes as good as no space', async () => {
    const file = await files.open(at('a'), 'create');
    await file.truncate(1024 ** 3);
    await file.write([Buffer.from('end')], 1024 ** 3 - 3);
    const read = Buffer.alloc(6);
    expect(await file.read(read, 1024 ** 3 - 6)).toBe(6);
    expect(read.toString('latin1')).toBe('\0\0\0end');
    await file.close();
  });

  test('opening says what is missing', async () => {
    await expect(files.open(at('no'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.open(at('no'), 'write')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.open(at('no', 'file'), 'create')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.open(at(), 'create')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(files.syncDirectory(at('no'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.rename(at('no'), at('b'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a file open for reading cannot be written, a closed one not be used', async () => {
    await files.writeFile(at('a'), 'text');
    const file = await files.open(at('a'), 'read');
    await expect(file.write([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
    await file.close();
    await file.close();
    await expect(file.read(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'EBADF' });
    const byte = [Buffer.from('x')];
    expect(() => file.writeNow?.(byte, 0)).toThrow('closed');
  });

  test('closing waits for what runs on the file', async () => {
    const file = await files.open(at('a'), 'create');
    const order: string[] = [];
    const write = file.write([Buffer.alloc(64_000_000, 1)], 0).then(() => order.push('written'));
    await file.close();
    order.push('closed');
    await write;
    expect(order).toEqual(['written', 'closed']);
  });

  test('names are listed in order; what is absent is nothing', async () => {
    await files.makeDirectory(at('deep', 'er'));
    await files.makeDirectory(at('deep', 'er'));
    await files.writeFile(at('deep', 'b'), '1');
    await files.writeFile(at('deep', 'a'), Buffer.from('22'));
    expect(await files.list(at('deep'))).toEqual(['a', 'b', 'er']);
    expect(await files.list(at('no'))).toEqual([]);
    expect(await files.stat(at('no'))).toBeUndefined();
    expect(await files.stat(at('deep', 'a'))).toMatchObject({ bytes: 2, directory: false });
    expect(await files.stat(at('deep'))).toMatchObject({ directory: true });
    expect(await files.readFile(at('no'))).toBeUndefined();
    await files.syncDirectory(at('deep'));
  });

  test('directories with parents in common can be made at once', async () => {
    const names = Array.from({ length: 50 }, (_, i) => [`topic-${i >> 2}`, String(i & 3)] as const);
    await Promise.all(names.map(([topic, queue]) => files.makeDirectory(at('new', topic, queue))));
    for (const [topic, queue] of names) {
      expect(await files.stat(at('new', topic, queue))).toMatchObject({ directory: true });
    }
  });

  test('a rename replaces what had the name, a removal takes it away', async () => {
    await files.writeFile(at('a'), 'new');
    await files.writeFile(at('b'), 'old, and longer');
    await files.rename(at('a'), at('b'));
    expect(await files.list(at())).toEqual(['b']);
    expect((await files.readFile(at('b')))?.toString()).toBe('new');
    await files.remove(at('b'));
    await files.remove(at('b'));
    expect(await files.list(at())).toEqual([]);
  });

  test('a directory goes with all in it', async () => {
    await files.makeDirectory(at('x', 'y', 'z'));
    await files.writeFile(at('x', 'y', 'f'), '1');
    await files.removeTree(at('x'));
    await files.removeTree(at('x'));
    expect(await files.list(at())).toEqual([]);
    await expect(files.open(at('x', 'y', 'f'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a file written anew has nothing of the old one', async () => {
    await files.writeFile(at('a'), 'a long text');
    await files.writeFile(at('a'), 'short');
    expect((await files.readFile(at('a')))?.toString()).toBe('short');
  });

  test('a lock is held by one until it is released', async () => {
    const lock = await files.lock(at('lock'));
    await expect(files.lock(at('lock'))).rejects.toMatchObject({ code: 'ELOCKED' });
    await lock.release();
    const again = await files.lock(at('lock'));
    await again.release();
    await again.release();
  });
});

test('memory that is used up is ENOSPC, and comes back with what is removed', async () => {
  const files = memoryFiles({ capacityBytes: 100_000 });
  await files.writeFile('/a', Buffer.alloc(60_000));
  await expect(files.writeFile('/b', Buffer.alloc(60_000))).rejects.toMatchObject({
    code: 'ENOSPC',
  });
  await files.remove('/b');
  await files.remove('/a');
  await files.writeFile('/b', Buffer.alloc(90_000));
  const file = await files.open('/b', 'write');
  await file.truncate(0);
  await files.writeFile('/a', Buffer.alloc(90_000));
});
