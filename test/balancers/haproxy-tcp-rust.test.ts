import { clientSuite } from './support/suites';

clientSuite('haproxy-tcp', 'rust');
