/** JSON schemas of Kubernetes' own kinds, one file each as kubeconform looks for them, from the API's own description. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A part of the API's description (Swagger 2): what we read of it. */
interface Definition {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly items?: Definition;
  readonly additionalProperties?: Definition;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Swagger {
  readonly definitions: Readonly<Record<string, Definition>>;
}

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const TEXT_OR_NUMBER = { oneOf: [{ type: 'string' }, { type: 'number' }] };

/**
 * Writes `KIND-GROUP-VERSION.json` for each kind that has one name only, in small letters, the group without its domain.
 * Unlike the API's description they refuse fields that a kind does not have.
 * @returns how many
 */
export function writeKubernetesSchemas({ definitions }: Swagger, directory: string): number {
  mkdirSync(directory, { recursive: true });
  let written = 0;
  for (const [name, definition] of Object.entries(definitions)) {
    const [gvk, ...more] = definition['x-kubernetes-group-version-kind'] ?? [];
    if (gvk === undefined || more.length > 0) continue;
    const used = new Map<string, object>();
    collect(name, definitions, used);
    const parts = [gvk.kind, ...(gvk.group === '' ? [] : [gvk.group.split('.')[0]]), gvk.version];
    writeFileSync(
      join(directory, `${parts.join('-').toLowerCase()}.json`),
      JSON.stringify({ $ref: `#/definitions/${name}`, definitions: Object.fromEntries(used) }),
    );
    written++;
  }
  return written;
}

/** A CustomResourceDefinition: what we read of it. */
export interface CustomResource {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Definition };
    }[];
  };
}

/** The same for a kind that is not of Kubernetes itself, in each of its versions. */
export function writeCustomSchema({ spec }: CustomResource, directory: string): void {
  for (const { name, schema } of spec.versions) {
    const parts = [spec.names.kind, spec.group.split('.')[0], name];
    writeFileSync(
      join(directory, `${parts.join('-').toLowerCase()}.json`),
      JSON.stringify(strict(schema.openAPIV3Schema)),
    );
  }
}

/** Adds a definition and all that it refers to. */
function collect(name: string, all: Swagger['definitions'], used: Map<string, object>): void {
  const definition = all[name];
  if (definition === undefined) throw new Error(`${name} is not described`);
  if (used.has(name)) return;
  used.set(name, name === QUANTITY ? TEXT_OR_NUMBER : strict(definition));
  for (const reference of JSON.stringify(definition).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    collect(reference[1] ?? '', all, used);
  }
}

function strict(definition: Definition): object {
  const { format, properties, items, additionalProperties, ...rest } = definition;
  if (format === 'int-or-string') return TEXT_OR_NUMBER;
  const { 'x-kubernetes-group-version-kind': _kinds, ...plain } = rest;
  return {
    ...plain,
    ...(items && { items: strict(items) }),
    ...(additionalProperties && { additionalProperties: strict(additionalProperties) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, strict(property)]),
      ),
      additionalProperties: false,
    }),
  };
}
