import { clientSuite } from './support/suites';

clientSuite('nginx-grpc', 'python');
