const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const parameter = (
  name: string,
  where: 'path' | 'query',
  description: string,
  required = where === 'path',
) => ({
  name,
  in: where,
  required,
  description,
  schema: { type: 'string' },
});
const form = (field: string) => ({
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: [field],
        properties: { [field]: { type: 'string', format: 'binary' } },
      },
    },
  },
});
const faults = {
  '401': { description: 'No token, or one that is unknown, revoked or expired', ...json(ref('Fault')) },
  '404': { description: 'Not there, or not of your organisation', ...json(ref('Fault')) },
};
const noScope = { '403': { description: 'The token lacks the scope', ...json(ref('Fault')) } };
const code = parameter('code', 'path', 'Code of a course of your organisation');
const malformed = { '400': { description: 'The request is malformed', ...json(ref('Fault')) } };
const noForm = { '415': { description: 'Not multipart/form-data', ...json(ref('Fault')) } };
const text = { type: 'string' };
const localText = { type: 'object', properties: { 'zh-TW': text, en: text } };
const id = parameter('id', 'path', 'Identifier');

/** What programs of vendors may ask for (OpenAPI 3.1); the routes' tests walk it. */
export const openApi = {
  openapi: '3.1.0',
  info: { title: '知行 Zhixing: packages', version: '1', description: 'Upload and manage course packages.' },
  security: [{ token: [] }],
  paths: {
    '/api/packages': {
      get: {
        summary: 'Packages of your organisation, newest first',
        parameters: [parameter('archived', 'query', '`true`: the archived ones instead')],
        responses: {
          '200': {
            description: 'The list',
            ...json({ type: 'object', properties: { packages: { type: 'array', items: ref('Package') } } }),
          },
          '401': faults['401'],
        },
      },
      post: {
        summary: 'Uploads a package; follow the job for the result',
        parameters: [parameter('packageId', 'query', 'Given: a new version of this package')],
        requestBody: form('package'),
        responses: {
          '202': {
            description: 'Received; being checked',
            ...json({ type: 'object', required: ['jobId'], properties: { jobId: text } }),
          },
          '400': { description: 'The form holds no file', ...json(ref('Fault')) },
          '401': faults['401'],
          ...noForm,
        },
      },
    },
    '/api/packages/courses/{code}': {
      get: {
        summary: 'The material of a course',
        parameters: [code],
        responses: { '200': { description: 'The material', ...json(ref('Material')) }, ...faults },
      },
      put: {
        summary: 'Gives a course that has none yet its material; scope publish',
        parameters: [code],
        requestBody: {
          required: true,
          ...json({ type: 'object', required: ['versionId'], properties: { versionId: text } }),
        },
        responses: {
          '200': { description: 'The material', ...json(ref('Material')) },
          '409': { description: 'It has another one already', ...json(ref('Fault')) },
          ...malformed,
          ...noScope,
          ...faults,
        },
      },
    },
    '/api/packages/jobs/{id}': {
      get: {
        summary: 'How far an upload is, and its result',
        parameters: [id],
        responses: { '200': { description: 'The job', ...json(ref('Job')) }, ...faults },
      },
    },
    '/api/packages/jobs/{id}/report.json': {
      get: {
        summary: 'The findings, to keep',
        parameters: [id],
        responses: {
          '200': {
            description: 'The report',
            ...json({
              type: 'object',
              properties: {
                fileName: text,
                accepted: { type: 'boolean' },
                findings: { type: 'array', items: ref('Finding') },
              },
            }),
          },
          ...faults,
        },
      },
    },
    '/api/packages/jobs/{id}/report.txt': {
      get: {
        summary: 'The findings as text',
        parameters: [id, parameter('lang', 'query', '`zh-TW` or `en`')],
        responses: {
          '200': { description: 'The report', content: { 'text/plain': { schema: text } } },
          ...faults,
        },
      },
    },
    '/api/packages/{id}': {
      get: {
        summary: 'A package with its versions, newest first',
        parameters: [id],
        responses: {
          '200': {
            description: 'The package',
            ...json({
              allOf: [
                ref('Package'),
                { type: 'object', properties: { versions: { type: 'array', items: ref('Version') } } },
              ],
            }),
          },
          ...faults,
        },
      },
    },
    '/api/packages/{id}/files': {
      put: {
        summary:
          'A new draft with one file replaced or added in the newest draft, or else in the version in use',
        parameters: [id, parameter('path', 'query', 'Path inside the package', true)],
        requestBody: form('file'),
        responses: {
          '200': {
            description: 'The new version',
            ...json({
              type: 'object',
              properties: { accepted: { const: true }, version: ref('Version') },
            }),
          },
          '422': {
            description: 'Refused; the package stays as it was',
            ...json({
              type: 'object',
              properties: { accepted: { const: false }, findings: { type: 'array', items: ref('Finding') } },
            }),
          },
          ...malformed,
          ...noForm,
          ...faults,
        },
      },
    },
    '/api/packages/{id}/publication': {
      get: {
        summary:
          'What publishing a version would change: courses, learners in progress, the fate of their data',
        parameters: [id, parameter('versionId', 'query', 'The version', true)],
        responses: { '200': { description: 'The plan', ...json(ref('Plan')) }, ...faults },
      },
      post: {
        summary:
          'Makes a version the one in use, in every course with the package (a former version: a roll-back); scope publish',
        parameters: [id],
        requestBody: {
          required: true,
          ...json({
            type: 'object',
            required: ['versionId'],
            properties: {
              versionId: text,
              learners: {
                enum: ['stay', 'move'],
                default: 'stay',
                description: 'Learners in progress go on with their version, or move to this one',
              },
            },
          }),
        },
        responses: {
          '200': {
            description: 'Done',
            ...json({
              type: 'object',
              required: ['versionId', 'at', 'learners', 'courses', 'moved'],
              properties: {
                versionId: text,
                at: { type: 'string', format: 'date-time' },
                learners: { enum: ['stay', 'move'] },
                courses: { type: 'integer', description: 'Courses that took the version' },
                moved: { type: 'integer', description: 'Learners moved to it' },
              },
            }),
          },
          ...malformed,
          ...noScope,
          ...faults,
        },
      },
    },
    '/api/packages/{id}/preview-links': {
      post: {
        summary:
          'A link that opens a version once, without signing in and without a record; good for 15 minutes',
        parameters: [id],
        requestBody: {
          ...json({
            type: 'object',
            properties: { versionId: { ...text, description: 'By default the newest' } },
          }),
        },
        responses: {
          '201': {
            description: 'The link',
            ...json({
              type: 'object',
              required: ['versionId', 'url', 'expiresAt'],
              properties: { versionId: text, url: text, expiresAt: { type: 'string', format: 'date-time' } },
            }),
          },
          ...malformed,
          ...noScope,
          ...faults,
        },
      },
    },
    '/api/packages/{id}/latest': {
      put: {
        summary:
          'Makes a draft, or a former version again, the one that new courses take; courses keep the version that they have',
        parameters: [id],
        requestBody: {
          required: true,
          ...json({ type: 'object', required: ['versionId'], properties: { versionId: text } }),
        },
        responses: {
          '200': { description: 'The package', ...json(ref('Package')) },
          ...malformed,
          ...faults,
        },
      },
    },
    '/api/packages/{id}/archived': {
      put: {
        summary: 'Archives a package or brings it back',
        parameters: [id],
        requestBody: {
          required: true,
          ...json({ type: 'object', required: ['archived'], properties: { archived: { type: 'boolean' } } }),
        },
        responses: {
          '200': { description: 'The package', ...json(ref('Package')) },
          ...malformed,
          ...faults,
        },
      },
    },
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    schemas: {
      Package: {
        type: 'object',
        required: ['id', 'title', 'latestVersionId', 'archivedAt'],
        properties: {
          id: text,
          title: text,
          latestVersionId: text,
          archivedAt: { type: ['string', 'null'], format: 'date-time' },
        },
      },
      Version: {
        type: 'object',
        required: ['id', 'version', 'standard', 'edition', 'title', 'fileCount', 'totalBytes', 'uploadedAt'],
        properties: {
          id: text,
          version: { type: 'integer' },
          standard: { enum: ['scorm-1.2', 'scorm-2004', 'html', 'video', 'pdf', 'epub'] },
          edition: text,
          title: text,
          fileCount: { type: 'integer' },
          totalBytes: { type: 'integer' },
          uploadedAt: { type: 'string', format: 'date-time' },
        },
      },
      Material: {
        type: 'object',
        required: ['code', 'versionId', 'packageId'],
        properties: {
          code: text,
          versionId: { type: ['string', 'null'] },
          packageId: { type: ['string', 'null'] },
        },
      },
      Plan: {
        type: 'object',
        required: ['courses', 'inProgress', 'passed', 'inUse'],
        properties: {
          courses: { type: 'array', items: text, description: 'Codes' },
          inProgress: { type: 'integer' },
          passed: { type: 'integer' },
          inUse: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                versionId: text,
                inProgress: { type: 'integer' },
                passed: { type: 'integer' },
                sequencing: { enum: ['kept', 'restarted'] },
                items: {
                  type: 'array',
                  items: {
                    type: 'object',
                    properties: {
                      identifier: text,
                      title: text,
                      fate: { enum: ['kept', 'restarted', 'removed', 'new'] },
                      learners: { type: 'integer' },
                    },
                  },
                },
              },
            },
          },
        },
      },
      Job: {
        type: 'object',
        required: ['id', 'fileName', 'phase', 'done', 'total', 'packageId', 'versionId', 'findings'],
        properties: {
          id: text,
          fileName: text,
          phase: { enum: ['receiving', 'checking', 'storing', 'accepted', 'refused', 'failed'] },
          done: { type: 'integer' },
          total: { type: 'integer' },
          packageId: { type: ['string', 'null'] },
          versionId: { type: ['string', 'null'] },
          findings: { type: 'array', items: ref('Finding') },
        },
      },
      Finding: {
        type: 'object',
        required: ['severity', 'rule', 'file', 'line', 'message', 'remedy'],
        properties: {
          severity: { enum: ['error', 'warning'] },
          rule: text,
          file: { type: ['string', 'null'] },
          line: { type: ['integer', 'null'] },
          message: localText,
          remedy: localText,
        },
      },
      Fault: { type: 'object', properties: { error: { type: 'object', properties: { message: text } } } },
    },
  },
} as const;
