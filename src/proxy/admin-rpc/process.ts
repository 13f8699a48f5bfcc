/** ChangeLogLevel, GetProxyRuntimeStats: of the process that answers. */
import { status as GrpcStatus } from '@grpc/grpc-js';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import { Code, StatusError, toStatusError } from '../../message/status';
import { OK_STATUS } from '../calls';
import { LOG_LEVELS } from '../process';
import { adminCall, type AdminCallParts } from './admin-call';

type Handlers = Pick<AdminHandlers, 'ChangeLogLevel' | 'GetProxyRuntimeStats'>;

export function processHandlers(shared: AdminCallParts): Handlers {
  return {
    ChangeLogLevel: (call, callback) => {
      try {
        shared.check(call.getPeer());
        callback(null, { remark: changeLogLevel(shared, call.request.level) });
      } catch (error) {
        // The one answer of the API that has no status field.
        const { code: known, message: details } = toStatusError(error);
        const denied = known === Code.FORBIDDEN;
        const code = denied ? GrpcStatus.PERMISSION_DENIED : GrpcStatus.INVALID_ARGUMENT;
        callback({ code, details });
      }
    },
    GetProxyRuntimeStats: adminCall(shared, async () => {
      const stats = await shared.admin.proxyStats();
      return {
        status: OK_STATUS,
        ...{ proxy_name: stats.name, version: stats.version },
        ...{ in_tps: stats.inPerSecond, out_tps: stats.outPerSecond },
        connections: stats.connections,
        producers: stats.producers,
        consumers: stats.consumers,
      };
    }),
  };
}

function changeLogLevel({ parts }: AdminCallParts, number: number): string {
  const level = LOG_LEVELS[number];
  if (level === undefined) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `level is ${number}, it must be 0 .. ${LOG_LEVELS.length - 1}`,
    );
  }
  const before = parts.process.setLogLevel(level);
  return `the log level of this process is ${level}, it was ${before}`;
}
