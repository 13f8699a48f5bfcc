import { clientSuite } from './support/suites';

clientSuite('envoy-tcp', 'node');
