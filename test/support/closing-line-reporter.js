'use strict';

/**
 * Counts a run for its closing line. A suite that could not run (a syntax error, a failed import) counts as
 * one failed test: it would otherwise pass unseen, because none of its tests were reached. The same goes for a run
 * that was broken off, and for one that jest failed for a reason of its own.
 *
 * @param {object} results jest's AggregatedResult, as `onRunComplete` gets it
 * @returns {string} `N passed, N failed`, with `, N skipped` after it when any test was
 */
function closingLine(results) {
  const skipped = results.numPendingTests + results.numTodoTests;
  let failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  if (failed === 0 && (results.wasInterrupted || results.runExecError)) failed = 1;
  const line = `${results.numPassedTests} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

/** Prints the closing line when the process ends, so that it stands after everything else that jest prints. */
class ClosingLineReporter {
  onRunComplete(_testContexts, results) {
    const line = closingLine(results);
    process.once('exit', () => process.stdout.write(`${line}\n`));
  }
}

module.exports = ClosingLineReporter;
module.exports.closingLine = closingLine;
