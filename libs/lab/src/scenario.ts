/**
 * Scenario files: a topology and what must be seen on it, checked as strictly as topologies.
 *
 * Caller: `netloom test`, `netloom run` → parseScenario → runScenario. Times are nanoseconds. Every expression and every
 * reference to a background command or capture is checked before anything is started.
 */
import { parseDurationNs } from '@netloom/base';
import { Checker, Place, parseText, suggestion, type Parsed } from './check.js';
import type { Topology } from './port.js';
import { parseInnerTopology, parseTopologyAt } from './topology.js';

/** What a command or file must show; expressions carry flag `m` and are searched, not matched. */
export interface Expectation {
  readonly exit?: number;
  readonly stdout: readonly RegExp[];
  readonly notStdout: readonly RegExp[];
}

/** Names of signals without `SIG`, with their numbers on x86-64 Linux. */
export const SIGNALS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ABRT: 6,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  WINCH: 28,
} as const;

export type SignalName = keyof typeof SIGNALS;

export type Step =
  | {
      readonly kind: 'exec';
      readonly node: string;
      readonly command: string;
      /** Repeat until it holds, this long. */
      readonly eventuallyNs?: number;
      readonly timeoutNs?: number;
      readonly expect: Expectation;
    }
  | {
      readonly kind: 'background';
      readonly node: string;
      readonly command: string;
      readonly name: string;
    }
  | { readonly kind: 'sleep'; readonly ns: number }
  | {
      readonly kind: 'wait';
      readonly name: string;
      readonly timeoutNs: number;
      readonly expect: Expectation;
    }
  | {
      readonly kind: 'kill';
      readonly name: string;
      readonly signal: SignalName;
      readonly timeoutNs: number;
      readonly expect: Expectation;
    }
  | {
      readonly kind: 'capture';
      readonly name: string;
      readonly node: string;
      readonly interface: string;
      readonly filter?: string;
    }
  | { readonly kind: 'stop'; readonly name: string }
  | {
      readonly kind: 'read';
      readonly name: string;
      readonly filter?: string;
      readonly count?: { readonly min: number; readonly max: number };
      readonly expect: Expectation;
    };

export interface Scenario {
  readonly name: string;
  readonly seed: number;
  /** False: only the emulator runs it. */
  readonly linux: boolean;
  readonly topology: Topology;
  readonly steps: readonly Step[];
}

/** A topology that stands in another file, for the caller to load. */
export interface ScenarioOptions {
  /** The text of a file named relative to the scenario, or undefined where there is none. */
  readonly loadFile?: (path: string) => string | undefined;
}

/** `wait` and `kill` without a timeout of their own. */
export const DEFAULT_WAIT_NS = 30e9;

/** True where plain values look like a scenario rather than a topology file. */
export function isScenarioText(text: string): boolean {
  const value = parseText(new Checker(), text);
  return typeof value === 'object' && value !== null && 'steps' in value;
}

/** YAML or JSON text, or plain values, of a scenario file. */
export function parseScenario(
  source: string | object,
  options: ScenarioOptions = {},
): Parsed<Scenario> {
  const checker = new Checker();
  const value = typeof source === 'string' ? parseText(checker, source) : source;
  const file = new Place(checker, value, '');
  if (checker.problems.length > 0 || !file.required() || !file.isMap())
    return checker.result(NOTHING);
  file.onlyKeys(['name', 'seed', 'linux', 'topology', 'steps', 'description']);
  file.key('name').required();
  const name = file.key('name').string() ?? '';
  file.key('description').string();
  const topology = readTopology(file.key('topology'), name, options);
  const steps = file.key('steps');
  steps.required();
  const names: Names = {
    nodes: new Map(topology.nodes.map((n) => [n.name, true])),
    jobs: new Set(),
    captures: new Map(),
  };
  return checker.result({
    name,
    seed: file.key('seed').integer(0, Number.MAX_SAFE_INTEGER) ?? 1,
    linux: file.key('linux').boolean() ?? true,
    topology,
    steps: steps.items().flatMap((at) => readStep(at, names) ?? []),
  });
}

const NOTHING: Scenario = {
  name: '',
  seed: 1,
  linux: true,
  topology: { name: '', nodes: [], links: [], document: {} },
  steps: [],
};

function readTopology(place: Place, name: string, options: ScenarioOptions): Topology {
  const file = place.key('file');
  if (!file.present) {
    return place.key('topology').present
      ? parseTopologyAt(place)
      : parseInnerTopology(place, name, wrapped(place, name));
  }
  place.onlyKeys(['file']);
  const path = file.string();
  const text = path === undefined ? undefined : options.loadFile?.(path);
  if (text === undefined) {
    if (path !== undefined) file.problem(`cannot read "${path.slice(0, 200)}"`);
    return NOTHING.topology;
  }
  return parseTopologyAt(new Place(place.checker, parseText(place.checker, text), ''));
}

function wrapped(place: Place, name: string): unknown {
  return { name, topology: place.value };
}

interface Names {
  readonly nodes: ReadonlyMap<string, true>;
  readonly jobs: Set<string>;
  /** Capture → whether it has been stopped. */
  readonly captures: Map<string, boolean>;
}

const KEYS = {
  exec: ['node', 'exec', 'exit', 'stdout', 'not_stdout', 'background', 'eventually', 'timeout'],
  sleep: ['sleep'],
  wait: ['wait', 'timeout', 'exit', 'stdout', 'not_stdout'],
  kill: ['kill', 'signal', 'timeout', 'exit', 'stdout', 'not_stdout'],
  capture: ['capture', 'node', 'interface', 'filter'],
  stop: ['stop'],
  read: ['read', 'filter', 'count', 'stdout', 'not_stdout'],
} as const;

type StepKind = keyof typeof KEYS;
const STEP_KINDS = Object.keys(KEYS) as StepKind[];

function readStep(place: Place, names: Names): Step | undefined {
  if (!place.present) return place.problem('is required');
  if (!place.isMap()) return undefined;
  const found = STEP_KINDS.filter((kind) => place.key(kind).value !== undefined);
  const kind = found[0];
  if (kind === undefined || found.length > 1) {
    return place.problem(
      `must have exactly one of ${STEP_KINDS.join(', ')}${found.length > 1 ? `, has ${found.join(', ')}` : ''}`,
    );
  }
  place.onlyKeys(KEYS[kind]);
  if (kind === 'sleep') {
    const ns = time(place.key('sleep'));
    if (!place.key('sleep').present) place.key('sleep').problem('is required');
    return ns === undefined ? undefined : { kind, ns };
  }
  const main = place.key(kind);
  if (!main.required()) return undefined;
  const text = main.string();
  if (text === undefined) return undefined;
  switch (kind) {
    case 'exec':
      return readExec(place, text, names);
    case 'wait':
    case 'kill': {
      if (!names.jobs.has(text))
        main.problem(
          `no background command "${text.slice(0, 60)}" before this step${suggestion(text, [...names.jobs])}`,
        );
      const timeoutNs = time(place.key('timeout')) ?? DEFAULT_WAIT_NS;
      const expect = readExpectation(place);
      return kind === 'wait'
        ? { kind, name: text, timeoutNs, expect }
        : { kind, name: text, timeoutNs, expect, signal: readSignal(place.key('signal')) };
    }
    case 'capture': {
      const node = readNodeName(place.key('node'), names);
      place.key('interface').required();
      const name = place.key('interface').string();
      const filter = place.key('filter').string();
      if (names.captures.get(text) === false)
        main.problem(`capture "${text.slice(0, 60)}" is still running`);
      names.captures.set(text, false);
      if (node === undefined || name === undefined) return undefined;
      return {
        kind,
        name: text,
        node,
        interface: name,
        ...(filter === undefined ? {} : { filter }),
      };
    }
    case 'stop':
      if (names.captures.get(text) !== false)
        main.problem(
          `no running capture "${text.slice(0, 60)}"${suggestion(text, [...names.captures.keys()])}`,
        );
      else names.captures.set(text, true);
      return { kind, name: text };
    case 'read': {
      if (!names.captures.has(text))
        main.problem(
          `no capture "${text.slice(0, 60)}" before this step${suggestion(text, [...names.captures.keys()])}`,
        );
      const filter = place.key('filter').string();
      const count = readCount(place.key('count'));
      return {
        kind,
        name: text,
        expect: readExpectation(place),
        ...(filter === undefined ? {} : { filter }),
        ...(count === undefined ? {} : { count }),
      };
    }
  }
}

function readExec(place: Place, command: string, names: Names): Step | undefined {
  const node = readNodeName(place.key('node'), names);
  const background = place.key('background').string();
  if (background !== undefined) {
    names.jobs.add(background);
    for (const key of ['exit', 'stdout', 'not_stdout', 'eventually', 'timeout']) {
      if (place.key(key).present)
        place.key(key).problem('belongs to the step that waits for the background command');
    }
    return node === undefined ? undefined : { kind: 'background', node, command, name: background };
  }
  const eventuallyNs = time(place.key('eventually'));
  const timeoutNs = time(place.key('timeout'));
  const expect = readExpectation(place);
  if (node === undefined) return undefined;
  return {
    kind: 'exec',
    node,
    command,
    expect,
    ...(eventuallyNs === undefined ? {} : { eventuallyNs }),
    ...(timeoutNs === undefined ? {} : { timeoutNs }),
  };
}

function readNodeName(place: Place, names: Names): string | undefined {
  if (!place.required()) return undefined;
  const node = place.string();
  if (node === undefined || names.nodes.has(node)) return node;
  return place.problem(
    `no such node "${node.slice(0, 60)}"${suggestion(node, [...names.nodes.keys()])}`,
  );
}

function readSignal(place: Place): SignalName {
  const text = place.scalar();
  if (text === undefined) return 'INT';
  const bare = text.toUpperCase().replace(/^SIG/, '');
  const name = (Object.keys(SIGNALS) as SignalName[]).find(
    (key) => key === bare || String(SIGNALS[key]) === bare,
  );
  if (name !== undefined) return name;
  place.problem(`unknown signal "${text.slice(0, 60)}"; known: ${Object.keys(SIGNALS).join(', ')}`);
  return 'INT';
}

function time(place: Place): number | undefined {
  return place.quantity((text) => parseDurationNs(text), 'a time such as 200ms or 5s');
}

function readCount(place: Place): { min: number; max: number } | undefined {
  if (!place.present) return undefined;
  if (typeof place.value === 'object') {
    if (!place.isMap()) return undefined;
    place.onlyKeys(['min', 'max']);
    const min = place.key('min').integer(0, Number.MAX_SAFE_INTEGER) ?? 0;
    const max = place.key('max').integer(0, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER;
    if (min > max) place.problem(`min ${min} is above max ${max}`);
    return { min, max };
  }
  const exact = place.integer(0, Number.MAX_SAFE_INTEGER);
  return exact === undefined ? undefined : { min: exact, max: exact };
}

function readExpectation(place: Place): Expectation {
  const exit = place.key('exit').integer(0, 255);
  const expressions = (key: string): RegExp[] =>
    place
      .key(key)
      .items()
      .flatMap((item) => {
        if (!item.present) item.problem('must be a text, is nothing');
        const text = item.string();
        if (text === undefined) return [];
        try {
          return [new RegExp(text, 'm')];
        } catch (error) {
          item.problem(error instanceof Error ? error.message : String(error));
          return [];
        }
      });
  return {
    stdout: expressions('stdout'),
    notStdout: expressions('not_stdout'),
    ...(exit === undefined ? {} : { exit }),
  };
}
