/** How one method of `BrokerApi` becomes a call on a link. */
import type { MethodDefinition } from '@grpc/proto-loader';
import type { BrokerApi } from '../api/broker-api';
import type { Forms } from './forms';

/** What takes back what nobody has received. */
export type GivenBackTo = Pick<BrokerApi, 'release' | 'transactions'>;

/** A call that may wait long at the broker, and whose caller may go away meanwhile. */
export interface Parking<Q, A> {
  /** What the caller gets who has stopped the wait. */
  readonly stopped: A;
  /** Whether an answer of a wait that was ended says nothing: the caller may as well wait somewhere else. */
  isNothing(answer: A): boolean;
  /** Undoes an answer that nobody has received. */
  giveBack(api: GivenBackTo, request: Q, answer: A): Promise<void>;
}

/** What of a method turns its messages into bytes and back. */
export type MethodCodecs<WQ, WA, WQO, WAO> = Pick<
  MethodDefinition<WQ, WA, WQO, WAO>,
  'requestSerialize' | 'requestDeserialize' | 'responseSerialize' | 'responseDeserialize'
>;

export interface BrokerMethod<Q, A> {
  readonly name: string;
  /** How long the caller waits beside what the request itself asks to wait, milliseconds. */
  readonly patienceMs: number;
  readonly parking?: Parking<Q, A>;
  encodeRequest(request: Q): Buffer;
  decodeAnswer(payload: Buffer): A;
  /** Decodes, calls, encodes. Rejects with what decoding or the call throws. */
  serve(api: BrokerApi, payload: Buffer, signal: AbortSignal): Promise<ServedAnswer>;
}

export interface ServedAnswer {
  readonly payload: Buffer;
  /** Undoes the call when its answer could not be delivered. */
  readonly giveBack?: () => Promise<void>;
  /** See `Parking.isNothing`. */
  readonly isNothing?: boolean;
}

/** The broker's side of a method, its types forgotten. */
export type ServedMethod = Pick<BrokerMethod<never, unknown>, 'name' | 'serve'> & {
  readonly parks: boolean;
};

const PATIENCE_MS = 3_000;
export const POP_PATIENCE_MS = 5_000;
/** Writing configuration waits for the log and for all watchers of all name servers. */
export const CONFIG_PATIENCE_MS = 10_000;
/** A search may go through much of the log. */
export const SEARCH_PATIENCE_MS = 20_000;

export function method<Q, A, WQ extends object, WA extends object, WQO, WAO>(
  name: string,
  definition: MethodCodecs<WQ, WA, WQO, WAO>,
  how: {
    readonly request: Forms<Q, WQ, WQO>;
    readonly answer: Forms<A, WA, WAO>;
    readonly call: (api: BrokerApi, request: Q, signal: AbortSignal) => Promise<A>;
    readonly patienceMs?: number;
    readonly parking?: Parking<Q, A>;
  },
): BrokerMethod<Q, A> {
  const [requestToWire, requestFromWire] = how.request;
  const [answerToWire, answerFromWire] = how.answer;
  const { call, parking, patienceMs = PATIENCE_MS } = how;
  return {
    name,
    patienceMs,
    ...(parking === undefined ? {} : { parking }),
    encodeRequest: (request) => definition.requestSerialize(requestToWire(request)),
    decodeAnswer: (payload) => answerFromWire(definition.responseDeserialize(payload)),
    serve: async (api, payload, signal) => {
      const request = requestFromWire(definition.requestDeserialize(payload));
      const answer = await call(api, request, signal);
      const encoded = definition.responseSerialize(answerToWire(answer));
      if (parking === undefined) return { payload: encoded };
      const giveBack = (): Promise<void> => parking.giveBack(api, request, answer);
      return { payload: encoded, giveBack, isNothing: parking.isNothing(answer) };
    },
  };
}
