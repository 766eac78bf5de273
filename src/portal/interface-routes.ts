import { Router } from 'express';
import { z } from 'zod';
import { openApi as lrsDocument } from '../lrs/openapi.ts';
import { openApi as packagesDocument } from '../player/packages/openapi.ts';
import type { PortalDeps } from './context.ts';

/** What the page reads of an OpenAPI document; parameters that are references are named by their last part. */
const parameter = z.union([
  z
    .object({ $ref: z.string() })
    .transform(({ $ref }) => ({ name: $ref.split('/').at(-1) ?? '', required: false })),
  z.object({ name: z.string(), required: z.boolean().optional() }),
]);
const operation = z.object({
  summary: z.string().default(''),
  parameters: z.array(parameter).default([]),
  responses: z.record(z.string(), z.object({ description: z.string().optional() })).default({}),
});
const openApiDocument = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head']);

function operationsOf(given: unknown, base: string) {
  const { paths } = openApiDocument.parse(given);
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.has(method))
      .map(([method, described]) => {
        const { summary, parameters, responses } = operation.parse(described);
        return {
          method: method.toUpperCase(),
          path: `${base}${path}`,
          summary,
          parameters,
          answers: Object.entries(responses).map(([status, { description }]) => ({
            status,
            description: description ?? '',
          })),
        };
      }),
  );
}

/** 程式介接: the OpenAPI documents as a page. */
export function createInterfaceRoutes({ publicOrigin }: PortalDeps): Router {
  const routes = Router();
  const documents = [
    {
      id: 'lrs',
      title: 'interfaces.lrs',
      href: '/xapi/openapi.json',
      operations: operationsOf(lrsDocument(`${publicOrigin}/xapi`), '/xapi'),
    },
    {
      id: 'packages',
      title: 'interfaces.packages',
      href: '/api/packages/openapi.json',
      operations: operationsOf(packagesDocument, ''),
    },
  ];
  routes.get('/interfaces', (_req, res) => res.render('pages/interfaces', { documents }));
  return routes;
}
