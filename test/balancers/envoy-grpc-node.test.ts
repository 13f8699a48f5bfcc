import { clientSuite } from './support/suites';

clientSuite('envoy-grpc', 'node');
