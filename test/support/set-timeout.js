'use strict';

// Gives every test of a project the time that jest.config.js grants it.
jest.setTimeout(globalThis.testTimeoutMs);
