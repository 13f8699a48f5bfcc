import type {
  GroupQueueRef,
  OffsetApi,
  PullRequest,
  PullResult,
  QueryOffsetRequest,
  QueueReset,
  ResetRequest,
  UpdateOffsetRequest,
} from '../../src/api/offset-api';

/** Offsets of a broker of a few lines: what it was asked, and the same answer to all. */
export class ModelOffsets implements OffsetApi {
  readonly asked: (GroupQueueRef | QueryOffsetRequest | UpdateOffsetRequest | ResetRequest)[] = [];
  pulled: PullResult = { records: [], nextOffset: 0, illegal: '' };
  offset = 0;
  resets: readonly QueueReset[] = [];

  /** @param check throws what calls fail with */
  constructor(private readonly check: () => void) {}

  async pull(request: PullRequest): Promise<PullResult> {
    this.check();
    this.asked.push(request);
    return this.pulled;
  }

  async get(request: GroupQueueRef): Promise<number> {
    this.check();
    this.asked.push(request);
    return this.offset;
  }

  async update(request: UpdateOffsetRequest): Promise<void> {
    this.check();
    this.asked.push(request);
  }

  async query(request: QueryOffsetRequest): Promise<number> {
    this.check();
    this.asked.push(request);
    return this.offset;
  }

  async reset(request: ResetRequest): Promise<readonly QueueReset[]> {
    this.check();
    this.asked.push(request);
    return this.resets;
  }
}
