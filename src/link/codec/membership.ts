/** Brokers that join and leave, on the wire. */
import type {
  DrainRequest,
  ForgetRequest,
  LeaveReport,
  LeaveRequest,
  RebalanceRequest,
  TopicMove,
  UnfinishedKind,
} from '../../api/membership-api';
import type { DrainCall, DrainCall__Output } from '../../rpc/generated/gantry/v1/DrainCall';
import type { ForgetCall, ForgetCall__Output } from '../../rpc/generated/gantry/v1/ForgetCall';
import type { LeaveCall, LeaveCall__Output } from '../../rpc/generated/gantry/v1/LeaveCall';
import type {
  LeaveReport as WireReport,
  LeaveReport__Output,
} from '../../rpc/generated/gantry/v1/LeaveReport';
import type {
  RebalanceCall,
  RebalanceCall__Output,
} from '../../rpc/generated/gantry/v1/RebalanceCall';
import type { TopicMoves, TopicMoves__Output } from '../../rpc/generated/gantry/v1/TopicMoves';
import type { Forms } from '../forms';
import { typeFromWire, typeToWire } from './topic';

export const rebalanceForms: Forms<RebalanceRequest, RebalanceCall, RebalanceCall__Output> = [
  ({ topics, brokers, dryRun }) => ({
    ...{ topics: [...topics], brokers: [...brokers], dry_run: dryRun },
  }),
  ({ topics, brokers, dry_run: dryRun }) => ({ topics, brokers, dryRun }),
];

export const drainForms: Forms<DrainRequest, DrainCall, DrainCall__Output> = [
  ({ broker, undo, dryRun }) => ({ broker, undo, dry_run: dryRun }),
  ({ broker, undo, dry_run: dryRun }) => ({ broker, undo, dryRun }),
];

export const leaveForms: Forms<LeaveRequest, LeaveCall, LeaveCall__Output> = [
  ({ broker, force, dryRun }) => ({ broker, force, dry_run: dryRun }),
  ({ broker, force, dry_run: dryRun }) => ({ broker, force, dryRun }),
];

export const forgetForms: Forms<ForgetRequest, ForgetCall, ForgetCall__Output> = [
  ({ broker, dryRun }) => ({ broker, dry_run: dryRun }),
  ({ broker, dry_run: dryRun }) => ({ broker, dryRun }),
];

export const movesForms: Forms<readonly TopicMove[], TopicMoves, TopicMoves__Output> = [
  (moves) => ({
    moves: moves.map(({ topic, type, brokers }) => ({
      ...{ topic, type: typeToWire(type), brokers: [...brokers] },
    })),
  }),
  ({ moves }) =>
    moves.map(({ topic, type, brokers }) => ({
      ...{ topic, type: typeFromWire({ name: topic, type }) },
      brokers: brokers.map(({ broker, before, after }) => ({ broker, before, after })),
    })),
];

const kinds: readonly UnfinishedKind[] = [
  'ready',
  'in-flight',
  'unread',
  'delayed',
  'transactions',
];

export const leftForms: Forms<LeaveReport, WireReport, LeaveReport__Output> = [
  ({ left, unfinished }) => ({ left, unfinished: [...unfinished] }),
  ({ left, unfinished }) => ({
    left,
    unfinished: unfinished.map(({ topic, group, kind: name, messages }) => {
      const kind = kinds.find((one) => one === name);
      if (kind === undefined) throw new RangeError(`messages of an unknown kind, ${name}`);
      return { topic, group, kind, messages };
    }),
  }),
];
