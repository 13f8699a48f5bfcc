/** What .proto files define, in the form of test/interop/python/extract-descriptors.py. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

type Names<T> = Readonly<Record<string, T>>;

export interface Facts {
  /** By service, then RPC: `request -> response`, each with `stream ` before it where it streams. */
  readonly services: Names<Names<string>>;
  /** By enum, then value. */
  readonly enums: Names<Names<number>>;
  /** By message, then field: `number label type`; no label for what is there once without presence of its own. */
  readonly messages: Names<Names<string>>;
}

/** The part of protobufjs that is used here. */
interface Named {
  readonly name: string;
  readonly fullName: string;
  readonly nestedArray?: readonly Named[];
}
interface Type extends Named {
  readonly fieldsArray: readonly Field[];
}
interface Enum extends Named {
  readonly values: Names<number>;
}
interface Service extends Named {
  readonly methodsArray: readonly Method[];
}
interface Field extends Named {
  readonly id: number;
  readonly type: string;
  readonly keyType?: string;
  readonly repeated: boolean;
  readonly resolvedType: Named | null;
  readonly partOf: { readonly name: string } | null;
}
interface Method extends Named {
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
  readonly resolvedRequestType: Named;
  readonly resolvedResponseType: Named;
}
interface Root extends Named {
  resolvePath: (origin: string, target: string) => string;
  loadSync(files: readonly string[], options: { readonly keepCase: boolean }): Root;
  resolveAll(): Root;
}

// The parser that the loader itself uses at run time.
const { Root: ParserRoot } = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  readonly Root: new () => Root;
};

/**
 * @param root the folder that `files` and their imports are below
 * @param namespace only what is in there counts, such as `apache.rocketmq.v2`
 */
export function factsOfProtos(root: string, files: readonly string[], namespace: string): Facts {
  const parsed = new ParserRoot();
  parsed.resolvePath = (_origin, target) => {
    // Google's own files are built into the parser.
    return target.startsWith('google/protobuf/') ? target : join(root, target);
  };
  parsed.loadSync(files, { keepCase: true }).resolveAll();
  const facts = { services: {}, enums: {}, messages: {} };
  collect(parsed, facts, namespace);
  return facts;
}

type Growing = { -readonly [kind in keyof Facts]: Record<string, Facts[kind][string]> };

function collect(node: Named, facts: Growing, namespace: string): void {
  const name = plain(node);
  if (name.startsWith(`${namespace}.`)) {
    if ('fieldsArray' in node) facts.messages[name] = byName((node as Type).fieldsArray, field);
    else if ('values' in node) facts.enums[name] = { ...(node as Enum).values };
    else if ('methodsArray' in node)
      facts.services[name] = byName((node as Service).methodsArray, rpc);
  }
  for (const nested of node.nestedArray ?? []) collect(nested, facts, namespace);
}

const plain = ({ fullName }: Named): string => fullName.replace(/^\./, '');

function byName<T extends Named>(
  members: readonly T[],
  describe: (member: T) => string,
): Names<string> {
  return Object.fromEntries(members.map((member) => [member.name, describe(member)]));
}

function field({ id, name, type, keyType, repeated, resolvedType, partOf }: Field): string {
  const kind = resolvedType === null ? type : plain(resolvedType);
  if (keyType !== undefined) return `${id} map<${keyType}, ${kind}>`;
  if (repeated) return `${id} repeated ${kind}`;
  if (partOf === null) return `${id} ${kind}`;
  return partOf.name === `_${name}`
    ? `${id} optional ${kind}`
    : `${id} oneof ${partOf.name} ${kind}`;
}

function rpc({ requestStream, responseStream, ...method }: Method): string {
  const side = (streams: boolean | undefined, type: Named): string =>
    `${streams === true ? 'stream ' : ''}${plain(type)}`;
  return `${side(requestStream, method.resolvedRequestType)} -> ${side(responseStream, method.resolvedResponseType)}`;
}
