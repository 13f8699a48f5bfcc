import type { BrokerRegistration, RegistrationLease, RouteApi } from '../../../src/api/route-api';
import { BrokerBench } from '../../support/broker-bench';
import { deferred } from '../../support/deferred';

test('a topic that is made while name servers take the registration becomes known', async () => {
  const bench = await new BrokerBench().open();
  const told: BrokerRegistration[] = [];
  const lease: RegistrationLease = {
    update: (registration) => {
      told.push(registration);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const taken = deferred<RegistrationLease>();
  const routes: RouteApi = {
    register: (registration) => {
      told.push(registration);
      return taken.promise;
    },
    watch: () => ({ close: () => undefined }),
  };
  const registered = bench.broker.register(routes, 'host:1');
  await bench.topic('t');
  taken.resolve(lease);
  await bench.drive(registered);
  expect(told.map(({ topics }) => topics.map(({ name }) => name))).toEqual([[], ['t']]);
  expect(told.map(({ version }) => version)).toEqual([0, 1]);
});
