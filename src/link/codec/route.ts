/** Brokers' registrations on the wire. */
import type { BrokerRegistration } from '../../api/route-api';
import type {
  BrokerRegistration as Wire,
  BrokerRegistration__Output,
} from '../../rpc/generated/gantry/v1/BrokerRegistration';
import { topicFromWire, topicToWire } from './topic';

export function registrationToWire(registration: BrokerRegistration): Wire {
  return {
    cluster: registration.cluster,
    broker_name: registration.brokerName,
    broker_id: registration.brokerId,
    address: registration.address,
    epoch: registration.epoch,
    version: registration.version,
    topics: registration.topics.map(topicToWire),
    draining: registration.draining ?? false,
    ...(registration.standIn && {
      stand_in: { confirmed_position: registration.standIn.confirmedPosition },
    }),
  };
}

/** @throws RangeError when a topic's type is not known. */
export function registrationFromWire(wire: BrokerRegistration__Output): BrokerRegistration {
  return {
    cluster: wire.cluster,
    brokerName: wire.broker_name,
    brokerId: wire.broker_id,
    address: wire.address,
    epoch: wire.epoch,
    version: wire.version,
    topics: wire.topics.map(topicFromWire),
    ...(wire.draining ? { draining: true } : {}),
    ...(wire.stand_in && { standIn: { confirmedPosition: wire.stand_in.confirmed_position } }),
  };
}
