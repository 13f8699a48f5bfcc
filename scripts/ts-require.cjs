// Lets Node `require` the TypeScript of test/ without a build: node -r ./scripts/ts-require.cjs FILE.ts
// Types are not checked here; `npm run check` does that.
'use strict';
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, file) => {
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    filename: file,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
  });
  module._compile(code, file);
};
