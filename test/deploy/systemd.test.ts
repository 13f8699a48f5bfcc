import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROLES } from '../../src/config/schema';
import { DEPLOY, deployText } from '../support/deploy-files';
import { run } from '../support/go-program';

const UNIT = 'gantry@.service';
/** Of 100, as `systemd-analyze security` counts: what a unit may reach; a service without hardening has 96. */
const EXPOSURE_MAX = '20';

/** A root of a file system with our unit and a program where the unit names one. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gantry-units-'));
  for (const folder of ['usr/bin', 'etc/systemd/system'])
    mkdirSync(join(root, folder), { recursive: true });
  const program = join(root, 'usr/bin/gantry');
  writeFileSync(program, '#!/bin/sh\n');
  chmodSync(program, 0o755);
  copyFileSync(join(DEPLOY, 'systemd', UNIT), join(root, 'etc/systemd/system', UNIT));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const place = (unit: string): string => join(root, 'etc/systemd/system', unit);

describe('the unit', () => {
  it.each(ROLES)('for the role %s is as systemd wants it', async (role) => {
    const unit = place(`gantry@${role}.service`);
    writeFileSync(unit, unitFor(role));
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr.split('\n').filter((line) => line.includes('gantry'))).toEqual([]);
  });

  it('lets a role reach little', async () => {
    const options = ['--offline=true', `--threshold=${EXPOSURE_MAX}`, '--no-pager'];
    await run('systemd-analyze', ['security', ...options, place(UNIT)]);
  });

  it('would not pass with a setting that does not exist', async () => {
    const unit = place('gantry@start.service');
    writeFileSync(unit, unitFor('start').replace('ProtectHome=', 'ProtectHouse='));
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr).toContain('ProtectHouse');
  });
});

/** The unit of a role; the program is the one in `root`, since the real one is not on this machine. */
function unitFor(role: string): string {
  return deployText(`systemd/${UNIT}`).replaceAll(
    '/usr/bin/gantry %i',
    `${join(root, 'usr/bin/gantry')} ${role}`,
  );
}
