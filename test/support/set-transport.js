'use strict';

// The transport that a project's tests run on; see test/support/transport.ts.
process.env['GANTRY_RPC_TRANSPORT'] = globalThis.testTransport;
