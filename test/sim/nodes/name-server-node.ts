import { RegisterStream } from '../../../src/link/route-register-server';
import { WatchStream } from '../../../src/link/route-watch-server';
import { nameServerDefinition } from '../../../src/link/services';
import { OpenStreams } from '../../../src/link/stream-service';
import { RouteTable } from '../../../src/namesrv/route-table';
import { codecPipe } from '../world/wire';
import { type NodeSurroundings, REGISTER, type RunningNode, WATCH } from './surroundings';

const GRACE_MS = 5000;

/** A name server as `gantry namesrv` puts it together, on the simulated network. */
export function startNameServer({ process, logger }: NodeSurroundings): Promise<RunningNode> {
  const { platform } = process;
  const table = new RouteTable(platform);
  const streams = new OpenStreams();
  const { Register, Watch } = nameServerDefinition();
  process.services.set(REGISTER, (end) => {
    const pipe = codecPipe(end, Register.responseSerialize, Register.requestDeserialize);
    streams.add(new RegisterStream(table, pipe, logger, streams.remove));
  });
  process.services.set(WATCH, (end) => {
    const pipe = codecPipe(end, Watch.responseSerialize, Watch.requestDeserialize);
    streams.add(new WatchStream(table, pipe, streams.remove));
  });
  return Promise.resolve({
    stop: async () => {
      await streams.close(platform.timers, GRACE_MS);
      table.close();
    },
  });
}
