import { interopSuite } from './support/suite';

interopSuite('one name server, two brokers, two proxies', 'rust');
