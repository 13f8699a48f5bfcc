/** What lies in deploy/, read for tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { ROLES, type Role } from '../../src/config/schema';
import { environmentOf, readDockerfile, type Stage } from './dockerfile';
import { ROOT } from './process';

export const DEPLOY = join(ROOT, 'deploy');

export function deployText(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** Names of the files of a folder of deploy/ that match. */
export function deployFiles(folder: string, like: RegExp): readonly string[] {
  return readdirSync(join(DEPLOY, folder)).filter((name) => like.test(name));
}

/** The stage of the Dockerfile that becomes the image. */
export function imageStage(): Stage {
  const stage = readDockerfile(deployText('Dockerfile')).at(-1);
  if (stage === undefined) throw new Error('deploy/Dockerfile has no stage');
  return stage;
}

export interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number | boolean>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly [other: string]: unknown;
}

/** The services of a compose file, with what its anchors add. */
export function composeServices(path: string): Readonly<Record<string, ComposeService>> {
  const file = parse(deployText(path), { merge: true }) as {
    readonly services: Readonly<Record<string, ComposeService>>;
  };
  return file.services;
}

/** The role that a Gantry container runs, with its environment. */
export interface GantryContainer {
  readonly role: Role;
  readonly env: Readonly<Record<string, string>>;
}

/** `undefined` for a service of another image. */
export function gantryContainer(service: ComposeService): GantryContainer | undefined {
  if (service.image !== 'gantry') return undefined;
  const own = Object.entries(service.environment ?? {}).map(([name, value]) => [name, `${value}`]);
  const env: Readonly<Record<string, string>> = {
    ...environmentOf(imageStage()),
    ...(Object.fromEntries(own) as Record<string, string>),
  };
  return { role: roleOf(service.command?.[0]), env };
}

export function roleOf(word: string | undefined): Role {
  const role = ROLES.find((known) => known === word);
  if (role === undefined) throw new Error(`${word} is no role`);
  return role;
}
