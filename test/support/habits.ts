/**
 * What this repository does not do, as checks over one file each. A check takes a file's path and text and
 * returns what it found, one line a finding: `path:line: what is wrong`. TypeScript and JavaScript are read
 * through the compiler's syntax tree, so that comments and strings never count as code.
 */
import { posix } from 'node:path';
import ts from 'typescript';

export interface SourceText {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export type Check = (file: SourceText) => readonly string[];

/** Most files are shorter; a longer one says why in its first lines: `// long: reason`. */
export const LINES_WITHOUT_REASON = 300;

const CODE = /\.(ts|js|cjs|mjs)$/;
const trees = new WeakMap<SourceText, ts.SourceFile>();

function treeOf(file: SourceText): ts.SourceFile {
  let tree = trees.get(file);
  if (tree === undefined) {
    tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
    trees.set(file, tree);
  }
  return tree;
}

/** Asks `judge` about each node of the file; it answers what is wrong with it, or nothing. */
function findings(file: SourceText, judge: (node: ts.Node) => string | undefined): string[] {
  const tree = treeOf(file);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const wrong = judge(node);
    if (wrong !== undefined) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
      found.push(`${file.path}:${line + 1}: ${wrong}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The same for the lines of a file that need not be code. */
function lineFindings(
  file: SourceText,
  judge: (line: string) => string | undefined,
): readonly string[] {
  return file.text.split('\n').flatMap((line, index) => {
    const wrong = judge(line);
    return wrong === undefined ? [] : [`${file.path}:${index + 1}: ${wrong}`];
  });
}

/** A name that is used as a value of its own: no property's name, no declaration's, no label. */
function isFreeName(node: ts.Node): node is ts.Identifier {
  if (!ts.isIdentifier(node)) return false;
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  const declared = parent as ts.Node & { readonly name?: ts.Node };
  return declared.name !== node && !ts.isTypeNode(parent) && !ts.isQualifiedName(parent);
}

/** The module that an import, a re-export, `require()` or `import()` loads; nothing for type imports. */
function loadedModule(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node)) {
    if (node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return undefined;
    return ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : undefined;
  }
  if (ts.isExportDeclaration(node)) {
    const from = node.moduleSpecifier;
    return !node.isTypeOnly && from !== undefined && ts.isStringLiteral(from)
      ? from.text
      : undefined;
  }
  if (ts.isCallExpression(node)) {
    const loads =
      node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require');
    const name = node.arguments[0];
    return loads && name !== undefined && ts.isStringLiteralLike(name) ? name.text : undefined;
  }
  return undefined;
}

const MAY_TOUCH_THE_WORLD = /^src\/(platform\/|cli\/|config\/|main\.ts$)/;
const WORLD_MODULES =
  /^(node:)?(fs|fs\/promises|net|tls|dgram|http|https|http2|dns|dns\/promises|child_process|timers|timers\/promises|perf_hooks)$/;
const WORLD_PROPERTIES = new Set(['Date.now', 'Math.random', 'process.hrtime', 'process.uptime']);
const WORLD_NAMES = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch', 'WebSocket'],
]);
const CHANCE = new Set([
  ...['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'getRandomValues'],
]);

/** Clock, timers, chance, files and sockets come in as `Platform`: only src/platform and the command line name them. */
export const platformBypass: Check = (file) => {
  if (!file.path.startsWith('src/') || MAY_TOUCH_THE_WORLD.test(file.path)) return [];
  return findings(file, (node) => {
    const module = loadedModule(node);
    if (module !== undefined && WORLD_MODULES.test(module)) {
      return `${module} is for src/platform`;
    }
    if (ts.isPropertyAccessExpression(node)) {
      const name = `${node.expression.getText()}.${node.name.text}`.replace(/^globalThis\./, '');
      if (WORLD_PROPERTIES.has(name) || WORLD_NAMES.has(name)) return `${name} is for src/platform`;
    }
    if (ts.isIdentifier(node) && CHANCE.has(node.text)) return `${node.text} is for src/platform`;
    if (isFreeName(node) && WORLD_NAMES.has(node.text)) return `${node.text} is for src/platform`;
    const makesDate = ts.isNewExpression(node) || ts.isCallExpression(node);
    if (makesDate && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) {
      return 'the current date is for src/platform';
    }
    return undefined;
  });
};

/** No `any`: what is not known is `unknown`. */
export const anyTypes: Check = (file) =>
  /\.ts$/.test(file.path)
    ? findings(file, (node) =>
        node.kind === ts.SyntaxKind.AnyKeyword ? 'any hides what is not known: unknown' : undefined,
      )
    : [];

const RUNNERS = new Set(['it', 'test', 'describe']);
const NOT_RUN = new Set(['skip', 'only', 'todo', 'failing']);
const NOT_RUN_NAMES = new Set(['xit', 'xtest', 'xdescribe', 'fit', 'fdescribe']);

/** A test runs always, or it is not there. */
export const skippedTests: Check = (file) => {
  if (!file.path.startsWith('test/') || !CODE.test(file.path)) return [];
  return findings(file, (node) => {
    if (isFreeName(node) && NOT_RUN_NAMES.has(node.text)) return `${node.text} leaves tests out`;
    if (!ts.isPropertyAccessExpression(node) || !NOT_RUN.has(node.name.text)) return undefined;
    const runner = node.expression.getText().split('.')[0] ?? '';
    return RUNNERS.has(runner) ? `${runner}.${node.name.text} leaves tests out` : undefined;
  });
};

const SLEEPS = new Set(['setTimeout', 'setInterval', 'Atomics.wait', 'AbortSignal.timeout']);

/** A test waits for the thing itself. Only test/support, which offers such waits, benchmarks, and
 * the clients and attackers of test/transport may name a timer. */
export const sleepsInTests: Check = (file) => {
  const waits =
    /^test\/((unit|integration|smoke|interop|crash|faults|sim|fuzz)\/|transport\/(?!stacks\/|attackers\/))/.test(
      file.path,
    );
  if (!waits || !CODE.test(file.path)) return [];
  return findings(file, (node) => {
    const module = loadedModule(node);
    if (module !== undefined && /^(node:)?timers(\/promises)?$/.test(module)) {
      return `${module}: wait for the thing (test/support)`;
    }
    const name =
      isFreeName(node) || ts.isPropertyAccessExpression(node)
        ? node.getText().replace(/^globalThis\./, '')
        : '';
    return SLEEPS.has(name) ? `${name}: wait for the thing (test/support)` : undefined;
  });
};

/** Every name has one spelling: the one it is exported with. */
export const defaultExports: Check = (file) => {
  if (!file.path.startsWith('src/') || !CODE.test(file.path)) return [];
  return findings(file, (node) => {
    const assigned = ts.isExportAssignment(node);
    const marked = node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent);
    const renamed = ts.isExportSpecifier(node) && node.name.text === 'default';
    return assigned || marked || renamed ? 'a default export: name it' : undefined;
  });
};

/** A file is one read long, or says in its first five lines why it is not: `// long: reason`. */
export const longFiles: Check = (file) => {
  if (!CODE.test(file.path)) return [];
  const lines = file.text.replace(/\n$/, '').split('\n');
  const reason = lines.slice(0, 5).some((line) => /^\s*(\/\/|\*)\s*long: \S+ \S+/.test(line));
  if (lines.length <= LINES_WITHOUT_REASON || reason) return [];
  return [
    `${file.path}:1: ${lines.length} lines, over ${LINES_WITHOUT_REASON} without "// long: reason"`,
  ];
};

/** File names in kebab case, so that they are the same on every disk. */
export const fileNames: Check = (file) => {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const ours = CODE.test(name) || /\.(proto|sh)$/.test(name) || file.path.startsWith('docs/');
  const kebab = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/.test(name);
  return ours && !kebab && name !== 'README.md'
    ? [`${file.path}:1: the name is not in kebab case`]
    : [];
};

// Put together here so that this file does not hold what it forbids.
const MACHINE_PATHS = new RegExp(
  `(^|[\\s"'\`(=:,])((/(${['work', 'root', 'Users'].join('|')})/|/home/[a-z])|[A-Z]:\\\\Users|\\.\\./${'shared'}/)`,
);
const REGISTRIES = new RegExp(
  [
    'registry\\.(npm' + 'js\\.org|yarn' + 'pkg\\.com|npm' + 'mirror\\.com)',
    'files\\.python' + 'hosted\\.org|pypi\\.org/' + 'simple',
    'repo1?\\.maven\\.(apache\\.)?org|repo\\.maven\\.' + 'apache\\.org',
    'proxy\\.go' + 'lang\\.org',
    '(index|static)\\.cra' + 'tes\\.io',
    'deb\\.deb' + 'ian\\.org',
  ].join('|'),
);

/** Nothing depends on where one machine keeps its files, nor on the place that one network gets its packages from. */
export const machinePaths: Check = (file) =>
  lineFindings(file, (line) => {
    if (MACHINE_PATHS.test(line)) return 'a path of one machine';
    return REGISTRIES.test(line)
      ? "a registry's host: the machine's own setting names it"
      : undefined;
  });

/** A page's links to other files of the repository lead somewhere. `exists` takes a path from the root. */
export const deadLinks =
  (exists: (path: string) => boolean): Check =>
  (file) => {
    if (!file.path.endsWith('.md')) return [];
    return lineFindings(file, (line) => {
      const targets = Array.from(
        line.matchAll(/\]\(([^)\s#]+)[^)]*\)/g),
        (match) => match[1] ?? '',
      );
      const dead = targets
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !exists(posix.join(posix.dirname(file.path), target)));
      return dead.length > 0 ? `a link to nothing: ${dead.join(', ')}` : undefined;
    });
  };

/** All checks that need only the file itself, each with the name that its test has. */
export const habits: Readonly<Record<string, Check>> = {
  'clock, timers, chance, files and sockets come in as Platform': platformBypass,
  'no any': anyTypes,
  'no skipped and no focused tests': skippedTests,
  'tests wait for the thing, not for time': sleepsInTests,
  'named exports only': defaultExports,
  'files are one read long, or say why not': longFiles,
  'file names are in kebab case': fileNames,
  'no paths of one machine, no registry hosts': machinePaths,
};
