import { balancerSuite } from './support/suites';

balancerSuite('envoy-grpc');
