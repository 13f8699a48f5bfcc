/** What every port of ours serves beside its own services: health and reflection. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { Health } from './health';
import { reflectionServices } from './reflection';

/** The part of a server that takes services. */
export interface ServiceHost {
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

/** Puts services on a server, with health and reflection that know of them. */
export class StandardServices {
  private readonly health = new Health();
  private readonly names: string[] = [];

  /** @param reflected files below `proto/` that reflection tells of */
  constructor(
    private readonly host: ServiceHost,
    reflected: readonly string[],
  ) {
    this.addService(this.health.definition, this.health.implementation);
    for (const { definition, implementation } of reflectionServices(reflected, () => this.names)) {
      this.addService(definition, implementation);
    }
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.host.addService(definition, implementation);
    const path = Object.values(definition)[0]?.path;
    if (path === undefined) return;
    // A path is /package.Service/Method.
    const name = path.slice(1, path.lastIndexOf('/'));
    this.names.push(name);
    this.health.addService(name);
  }

  setServing(serving: boolean): void {
    this.health.setServing(serving);
  }

  /** For a server that drains: not serving, and no call of these services holds it up. */
  end(): void {
    this.health.setServing(false);
    this.health.end();
  }
}
