import { clientSuite } from './support/suites';

clientSuite('nginx-tcp', 'python');
