import type { EtcdCluster } from './etcd-process';

/** Makes the users root, whose password is root, and gantry, who may use what is below /gantry/; calls need one then. */
export async function askForUsers(etcd: EtcdCluster, gantryPassword: string): Promise<void> {
  const ctl = (...args: string[]): Promise<string> => etcd.ctl(args);
  await ctl('user', 'add', 'root:root');
  await ctl('user', 'grant-role', 'root', 'root');
  await ctl('user', 'add', `gantry:${gantryPassword}`);
  await ctl('role', 'add', 'gantry');
  await ctl('role', 'grant-permission', 'gantry', '--prefix=true', 'readwrite', '/gantry/');
  await ctl('user', 'grant-role', 'gantry', 'gantry');
  await ctl('auth', 'enable');
}
