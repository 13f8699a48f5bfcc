/**
 * Health over HTTP: `GET /live` answers while the process runs, `GET /ready` answers 200 while every
 * part is ready and 503 otherwise, with the parts as JSON. `GET /metrics` answers numbers for Prometheus.
 */
import type { HttpRequest, HttpResponse, Listener, Sockets } from '../platform/platform';
import { Metrics, METRICS_CONTENT_TYPE, type MetricSource, type Sample } from './metrics';

export interface ReadinessView {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, boolean>>;
  readonly reasons?: Readonly<Record<string, string>>;
}

/** Parts of a process and whether each is ready, with the process's numbers. A process without parts is not ready. */
export class Readiness {
  readonly metrics = new Metrics();
  private readonly parts = new Map<string, boolean>();
  private readonly reasons = new Map<string, string>();
  private readonly asked = new Map<string, () => string>();

  constructor() {
    this.metrics.add(readinessSource(this));
  }

  /** @param reason why a part is not ready, or what is wrong with one that is; '' when there is nothing to say */
  set(part: string, ready: boolean, reason = ''): void {
    this.parts.set(part, ready);
    if (reason === '') this.reasons.delete(part);
    else this.reasons.set(part, reason);
  }

  /** @param reason asked each time: why the part is not ready; '' while it is */
  ask(part: string, reason: () => string): void {
    this.asked.set(part, reason);
  }

  get ready(): boolean {
    return this.view().ready;
  }

  /** What readiness answers: the parts by name, and what there is to say of some. */
  view(): ReadinessView {
    const parts = new Map(this.parts);
    const reasons = new Map(this.reasons);
    for (const [part, ask] of this.asked) {
      const reason = ask();
      parts.set(part, reason === '');
      if (reason !== '') reasons.set(part, reason);
    }
    const ready = parts.size > 0 && [...parts.values()].every((is) => is);
    if (reasons.size === 0) return { ready, parts: Object.fromEntries(parts) };
    return { ready, parts: Object.fromEntries(parts), reasons: Object.fromEntries(reasons) };
  }
}

function readinessSource(readiness: Readiness): MetricSource {
  return {
    metrics: [
      { name: 'gantry_ready', type: 'gauge', help: '1 while every part of the process is ready.' },
      { name: 'gantry_part_ready', type: 'gauge', help: '1 while this part is ready.' },
    ],
    read: () => {
      const { ready, parts } = readiness.view();
      return Promise.resolve(
        new Map<string, readonly Sample[]>([
          ['gantry_ready', [{ labels: {}, value: Number(ready) }]],
          [
            'gantry_part_ready',
            Object.entries(parts).map(([part, is]) => ({ labels: { part }, value: Number(is) })),
          ],
        ]),
      );
    },
  };
}

/** @param port 0 takes any free one */
export function listenHealth(
  sockets: Sockets,
  host: string,
  port: number,
  readiness: Readiness,
): Promise<Listener> {
  return sockets.listenHttp(host, port, (request) => answer(request, readiness));
}

async function answer(request: HttpRequest, readiness: Readiness): Promise<HttpResponse> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return json(405, { error: `method ${request.method} is not served, use GET` });
  }
  const path = request.url.split('?', 1)[0] ?? '';
  if (path === '/live') return json(200, { live: true });
  if (path === '/ready') {
    return json(readiness.ready ? 200 : 503, readiness.view());
  }
  if (path === '/metrics') {
    const body = await readiness.metrics.text();
    return { status: 200, contentType: METRICS_CONTENT_TYPE, body };
  }
  return json(404, { error: `nothing is at ${path}; try /ready, /live or /metrics` });
}

function json(status: number, body: unknown): HttpResponse {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}
