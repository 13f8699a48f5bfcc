'use strict';

// Required before a process's own code: its wall clock is two seconds behind.
const { now } = Date;
Date.now = () => now() - 2000;
