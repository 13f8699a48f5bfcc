import { balancerSuite } from './support/suites';

balancerSuite('haproxy-tcp');
