import type { FollowerStream, ReplicaAck } from '../../api/replication-api';
import type { Platform } from '../../platform/platform';
import type { ReplicatedLog } from '../../store/replicated-log';

interface AckParts {
  readonly stream: Pick<FollowerStream, 'write'>;
  readonly log: ReplicatedLog;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  /** What the newest heartbeat is answered with. */
  readonly answer: () => Pick<ReplicaAck, 'heartbeatMs' | 'promiseMs'>;
}

/** Tells a master how far its follower is, on one stream: at the end of a turn, together for all that happens in it. */
export class AckSender {
  private state: 'waits' | 'sends' | 'over' = 'waits';
  private due = false;

  constructor(private readonly parts: AckParts) {}

  /** The master sends its log from now on. */
  begin(): void {
    this.state = 'sends';
    this.soon();
  }

  end(): void {
    this.state = 'over';
  }

  soon(): void {
    if (this.due || this.state !== 'sends') return;
    this.due = true;
    const { stream, log, platform, answer } = this.parts;
    platform.timers.nextTurn(() => {
      this.due = false;
      if (this.state !== 'sends') return;
      stream.write({
        kind: 'ack',
        ack: {
          writtenPosition: log.writtenPosition,
          syncedPosition: log.syncedPosition,
          minPosition: log.minPosition,
          wallMs: platform.clock.wallMs(),
          ...answer(),
        },
      });
    });
  }
}
