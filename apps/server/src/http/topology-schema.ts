/** The topology format for the OpenAPI document; its faults are found by the parser of the lab, not by this. */
import type { OpenAPIObject } from '@nestjs/swagger';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type SchemaObject = Exclude<Schemas[string], { $ref: string }>;

export const NODE_SCHEMA: SchemaObject = {
  type: 'object',
  properties: {
    kind: { type: 'string', enum: ['linux', 'bridge'] },
    cpus: { type: 'integer', minimum: 1 },
    exec: { type: 'array', items: { type: 'string' } },
    sysctls: { type: 'object', additionalProperties: true },
    env: { type: 'object', additionalProperties: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    binds: { type: 'array', items: { type: 'string' } },
  },
};

export const NEW_NODE_SCHEMA: SchemaObject = {
  ...NODE_SCHEMA,
  required: ['name'],
  properties: { name: { type: 'string' }, ...NODE_SCHEMA.properties },
};

const NETEM_SCHEMA: SchemaObject = {
  type: 'object',
  description:
    'rate, delay, jitter, loss, duplicate, corrupt, reorder, limit; per direction in `a` and `z`',
  additionalProperties: true,
};

export const LINK_SCHEMA: SchemaObject = {
  type: 'object',
  required: ['endpoints'],
  properties: {
    endpoints: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
    mtu: { type: 'integer' },
    vars: { type: 'object', properties: { netem: NETEM_SCHEMA } },
  },
  example: { endpoints: ['client:eth1', 'router:eth1'], vars: { netem: { delay: '5ms' } } },
};

export const LINK_PATCH_SCHEMA: SchemaObject = {
  type: 'object',
  properties: { up: { type: 'boolean' }, netem: NETEM_SCHEMA },
  example: { netem: { delay: '20ms', a: { loss: '1%' } } },
};

export const TOPOLOGY_SCHEMA: SchemaObject = {
  type: 'object',
  description: "containerlab's topology file with Netloom's additions",
  required: ['name', 'topology'],
  properties: {
    name: { type: 'string' },
    topology: {
      type: 'object',
      required: ['nodes'],
      properties: {
        defaults: NODE_SCHEMA,
        kinds: { type: 'object', additionalProperties: NODE_SCHEMA },
        groups: { type: 'object', additionalProperties: NODE_SCHEMA },
        nodes: { type: 'object', additionalProperties: { ...NODE_SCHEMA, nullable: true } },
        links: { type: 'array', items: LINK_SCHEMA },
      },
    },
    files: {
      type: 'object',
      description: 'Contents of what `binds` name, in base64, by path',
      additionalProperties: { type: 'string', format: 'byte' },
    },
  },
};

export const TOPOLOGY_EXAMPLE = {
  name: 'pair',
  topology: {
    nodes: {
      h1: { exec: ['ip addr add 10.0.0.1/24 dev eth1'] },
      h2: { exec: ['ip addr add 10.0.0.2/24 dev eth1'] },
    },
    links: [{ endpoints: ['h1:eth1', 'h2:eth1'] }],
  },
};
