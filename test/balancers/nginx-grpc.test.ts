import { balancerSuite } from './support/suites';

balancerSuite('nginx-grpc');
