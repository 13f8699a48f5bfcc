import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '../../src/config/config-error';
import { loadConfig, type Inputs } from '../../src/config/load';
import type { Role } from '../../src/config/schema';

export interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** A directory for configuration files. */
export class ConfigFiles {
  readonly directory = mkdtempSync(join(tmpdir(), 'gantry-config-'));

  write(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  inputs({ yaml, env = {}, flags = {} }: Given): Inputs {
    return {
      ...(yaml === undefined ? {} : { file: this.write('gantry.yaml', yaml) }),
      env,
      flags: new Map(Object.entries(flags)),
    };
  }

  /** What is wrong with a configuration, `[]` when nothing is; the directory is `.` */
  faults(role: Role, given: Given): readonly string[] {
    const inputs = this.inputs(given);
    try {
      loadConfig(role, inputs);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.faults.map((fault) => fault.replaceAll(this.directory, '.'));
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
