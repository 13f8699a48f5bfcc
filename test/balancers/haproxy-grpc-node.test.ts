import { clientSuite } from './support/suites';

clientSuite('haproxy-grpc', 'node');
