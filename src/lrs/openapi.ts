import { servedVersions } from '../xapi/versions.ts';
import { documentKinds } from './resource-documents.ts';
import { filterParams, singleParams } from './statement-params.ts';
import { scopes } from './store.ts';

const descriptions: Record<string, string> = {
  statementId: 'UUID of one Statement.',
  voidedStatementId: 'UUID of one voided Statement.',
  agent: 'An Agent or identified Group as JSON.',
  verb: 'IRI of the verb.',
  activity: 'IRI of an Activity.',
  registration: 'UUID of the registration.',
  related_activities: 'Activities in the context and in SubStatements too.',
  related_agents: 'Agents in authority, context and SubStatements too.',
  since: 'Stored after this instant (exclusive).',
  until: 'Stored up to this instant (inclusive).',
  limit: 'Statements on a page; 0: the most that the server gives (500).',
  format: 'exact (as stored), ids, or canonical (one language, by Accept-Language).',
  attachments: 'true: a multipart/mixed answer with the attachments.',
  ascending: 'true: oldest first.',
  activityId: 'IRI of the Activity.',
  stateId: 'Id of the document; without it, GET lists ids and DELETE deletes all.',
  profileId: 'Id of the document; without it, GET lists ids.',
};
const schemas: Record<string, object> = {
  statementId: { type: 'string', format: 'uuid' },
  voidedStatementId: { type: 'string', format: 'uuid' },
  registration: { type: 'string', format: 'uuid' },
  since: { type: 'string', format: 'date-time' },
  until: { type: 'string', format: 'date-time' },
  limit: { type: 'integer', minimum: 0, default: 0 },
  format: { enum: ['exact', 'ids', 'canonical'], default: 'exact' },
  related_activities: { type: 'boolean', default: false },
  related_agents: { type: 'boolean', default: false },
  attachments: { type: 'boolean', default: false },
  ascending: { type: 'boolean', default: false },
  verb: { type: 'string', format: 'iri' },
  activity: { type: 'string', format: 'iri' },
  activityId: { type: 'string', format: 'iri' },
};

const parameters = (names: readonly string[], required: readonly string[] = []): object[] => [
  { $ref: '#/components/parameters/version' },
  ...names.map((name) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description: descriptions[name] ?? name,
    schema: schemas[name] ?? { type: 'string' },
  })),
];
const error = { $ref: '#/components/responses/error' };
const refusals = { '400': error, '401': error, '403': error, '429': error };
const anyBody = { content: { '*/*': { schema: {} } } };
const statementBody = {
  required: true,
  content: {
    'application/json': {
      schema: { oneOf: [{ type: 'object' }, { type: 'array', items: { type: 'object' } }] },
    },
    'multipart/mixed': { schema: { type: 'string', format: 'binary' } },
  },
};
const etags = ['If-Match', 'If-None-Match'].map((name) => ({
  name,
  in: 'header',
  schema: { type: 'string' },
}));

function documentPath(resource: string): object {
  const { params, idParam } = documentKinds[resource] ?? { params: [], idParam: 'stateId' };
  const required = params.filter((name) => name === 'activityId' || name === 'agent');
  const own = params.filter((name) => name !== 'since');
  const writing = { '204': { description: 'Done.' }, '409': error, '412': error, '413': error, ...refusals };
  const write = (summary: string) => ({
    summary,
    parameters: [...parameters(own, [...required, idParam]), ...etags],
    requestBody: anyBody,
    responses: writing,
  });
  return {
    get: {
      summary: 'One document, or the ids of all of them.',
      parameters: parameters(params, required),
      responses: {
        '200': { description: 'The document, or a JSON array of ids.', ...anyBody },
        '404': error,
        ...refusals,
      },
    },
    put: write('Replaces a document.'),
    post: write('Merges a JSON object into a document.'),
    delete: {
      summary: 'Deletes a document.',
      parameters: [...parameters(own, required), ...etags],
      responses: { '204': { description: 'Done.' }, '412': error, ...refusals },
    },
  };
}

/** The LRS as an OpenAPI 3.1 document; parameters come from the lists by which requests are checked. */
export function openApi(endpoint: string): object {
  const json = (schema: object, description: string) => ({
    description,
    content: { 'application/json': { schema } },
  });
  const ids = { type: 'array', items: { type: 'string', format: 'uuid' } };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Zhixing Learning Record Store',
      version: '1.0.0',
      description: `xAPI ${servedVersions.join(' and ')} on one endpoint; the header X-Experience-API-Version says which.`,
    },
    servers: [{ url: endpoint }],
    security: [{ basic: [] }, { oauth: [] }],
    paths: {
      '/about': {
        get: {
          summary: 'Which versions are served.',
          security: [],
          responses: {
            '200': json({ type: 'object', properties: { version: { type: 'array' } } }, 'The versions.'),
          },
        },
      },
      '/openapi.json': {
        get: {
          summary: 'This document.',
          security: [],
          responses: { '200': json({ type: 'object' }, 'OpenAPI 3.1.') },
        },
      },
      '/oauth/token': {
        post: {
          summary: 'A bearer token by client credentials (RFC 6749 §4.4).',
          security: [{ basic: [] }],
          requestBody: {
            content: {
              'application/x-www-form-urlencoded': {
                schema: {
                  type: 'object',
                  required: ['grant_type'],
                  properties: { grant_type: { const: 'client_credentials' }, scope: { type: 'string' } },
                },
              },
            },
          },
          responses: {
            '200': json({ type: 'object' }, 'The token, good for an hour.'),
            '400': json({ type: 'object' }, 'RFC 6749 §5.2.'),
            '401': json({ type: 'object' }, 'RFC 6749 §5.2.'),
          },
        },
      },
      '/statements': {
        get: {
          summary: 'One Statement, or a page of those that match.',
          parameters: parameters([...new Set([...singleParams.slice(0, 2), ...filterParams])]),
          responses: {
            '200': json({ type: 'object' }, 'A Statement, or a StatementResult.'),
            '404': error,
            ...refusals,
          },
        },
        put: {
          summary: 'Stores one Statement under its id.',
          parameters: parameters(['statementId'], ['statementId']),
          requestBody: statementBody,
          responses: { '204': { description: 'Stored.' }, '409': error, '413': error, ...refusals },
        },
        post: {
          summary: 'Stores a Statement or a batch, whole or not at all.',
          parameters: parameters([]),
          requestBody: statementBody,
          responses: { '200': json(ids, 'The ids, in order.'), '409': error, '413': error, ...refusals },
        },
      },
      ...Object.fromEntries(
        Object.keys(documentKinds).map((resource) => [`/${resource}`, documentPath(resource)]),
      ),
      '/activities': {
        get: {
          summary: 'An Activity with the definition that the LRS has learnt.',
          parameters: parameters(['activityId'], ['activityId']),
          responses: { '200': json({ type: 'object' }, 'The Activity.'), ...refusals },
        },
      },
      '/agents': {
        get: {
          summary: 'The Person of an Agent.',
          parameters: parameters(['agent'], ['agent']),
          responses: { '200': json({ type: 'object' }, 'The Person.'), ...refusals },
        },
      },
    },
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        oauth: {
          type: 'oauth2',
          flows: {
            clientCredentials: {
              tokenUrl: `${endpoint}/oauth/token`,
              scopes: Object.fromEntries(scopes.map((scope) => [scope, scope])),
            },
          },
        },
      },
      parameters: {
        version: {
          name: 'X-Experience-API-Version',
          in: 'header',
          required: true,
          schema: { type: 'string', pattern: '^(1\\.0(\\.\\d+)?|2\\.0(\\.\\d+)?)$' },
        },
      },
      responses: {
        error: json(
          {
            type: 'object',
            properties: {
              error: {
                type: 'object',
                properties: {
                  kind: { type: 'string' },
                  code: { type: ['string', 'null'] },
                  message: { type: 'string' },
                  problems: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { path: { type: 'string' }, message: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
          'What is wrong, where, and by which section of the standard.',
        ),
      },
    },
  };
}
