'use strict';

/**
 * The one-way rule between the folders of src, as docs/architecture.md draws it: what each may import besides
 * itself. Proxy, broker and name server know of each other only what src/api says.
 */
const mayImport = {
  platform: [],
  message: ['platform'],
  api: ['message', 'platform'],
  // Leaves that only assembly and cli use. Settings speak of topics, so config knows their names and kinds.
  config: ['api', 'message', 'platform'],
  observe: ['platform'],
  rpc: ['platform'],
  store: ['message', 'platform'],
  broker: ['store', 'api', 'message', 'platform'],
  namesrv: ['api', 'message', 'platform'],
  proxy: ['api', 'message', 'rpc', 'platform'],
  link: ['api', 'message', 'rpc', 'platform'],
  assembly: [
    ...['proxy', 'broker', 'namesrv', 'link', 'store', 'rpc', 'api', 'message', 'platform'],
    ...['config', 'observe'],
  ],
  cli: ['assembly', 'link', 'rpc', 'api', 'message', 'platform', 'config', 'observe'],
};

const folderRules = Object.entries(mayImport).map(([folder, others]) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import ${others.length > 0 ? others.map((other) => `src/${other}`).join(', ') : 'no other folder'}.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...others].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...folderRules,
    {
      name: 'known-folders',
      comment: 'Each folder of src has a line in this file.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(mayImport).join('|')})/` },
    },
    {
      name: 'main-imports',
      comment: 'The command line starts with src/cli and nothing else.',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/cli/' },
    },
    {
      name: 'index-imports',
      comment: 'The library is what src/assembly gives, with the types of config, api and message.',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(assembly|config|api|message)/' },
    },
    {
      name: 'entries-are-not-imported',
      comment: 'src/main.ts and src/index.ts are for the outside.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/(main|index)\\.ts$' },
    },
    {
      name: 'no-circular',
      comment: 'Two modules that need each other are one module, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dev-dependency',
      comment: 'What runs in production is in dependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm'],
      },
    },
    {
      name: 'not-from-outside',
      comment: 'The product does not import its tests or scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|dist)/' },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/rpc/generated/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    // Type imports count: a type is knowledge of another part too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json', '.node'] },
  },
};
