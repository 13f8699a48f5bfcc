import { interopSuite } from './support/suite';

interopSuite('one process', 'rust');
