import { Router } from 'express';

/** What is reached at a path: a route with its method, or (`USE`) a handler that takes the whole path below it. */
export interface FoundRoute {
  origin: 'portal' | 'content' | 'both';
  /** `GET`, `POST`, …, or `USE` */
  method: string;
  /** As it was declared, with the paths of the routers around it. */
  path: string;
}

interface Layer {
  handle: { stack?: Layer[]; behind?: Record<'portal' | 'content', { stack: Layer[] }> } & ((
    ...given: unknown[]
  ) => unknown);
  route?: { path: string | RegExp | (string | RegExp)[]; methods: Record<string, boolean>; stack: Layer[] };
}

const mounts = new WeakMap<Layer, (string | RegExp)[]>();
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value.flat(Infinity) : [value]) as T[];

/**
 * A layer keeps no text of the path it was mounted at, so it is noted as it is mounted. Import this file before anything
 * that makes a router.
 */
const prototype = Object.getPrototypeOf(Object.getPrototypeOf(Router())) as {
  use(this: { stack: Layer[] }, ...given: unknown[]): unknown;
};
const { use } = prototype;
prototype.use = function noted(...given) {
  const before = this.stack.length;
  const result: unknown = use.apply(this, given);
  const [first] = list(given[0] as never) as unknown[];
  const paths = typeof first === 'function' ? ['/'] : (list(given[0] as string) as (string | RegExp)[]);
  for (const layer of this.stack.slice(before)) mounts.set(layer, paths);
  return result;
};
const joined = (prefix: string, path: string | RegExp): string =>
  `${prefix}${String(path)}`.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');

/** Every route of an express app, found in the stacks of its routers. */
export function routesOf(app: { router: unknown }): FoundRoute[] {
  const found: FoundRoute[] = [];
  const walk = (stack: Layer[], prefix: string, origin: FoundRoute['origin']): void => {
    for (const layer of stack) {
      if (layer.route) {
        for (const path of list(layer.route.path))
          for (const method of Object.keys(layer.route.methods))
            found.push({ origin, method: method.toUpperCase(), path: joined(prefix, path) });
        continue;
      }
      for (const mount of mounts.get(layer) ?? ['/']) {
        const path = joined(prefix, mount);
        if (layer.handle.stack) walk(layer.handle.stack, path, origin);
        else if (layer.handle.behind)
          for (const side of ['portal', 'content'] as const)
            walk(layer.handle.behind[side].stack, path, side);
        else if (path !== '/') found.push({ origin, method: 'USE', path });
      }
    }
  };
  walk((app.router as { stack: Layer[] }).stack, '/', 'both');
  return found;
}
