/**
 * `netloom run`: a topology or a scenario in this process, in virtual time as fast as it goes.
 *
 * A topology runs its commands and then for `--for` of virtual time; a scenario runs its steps. `--pcap` writes a pcapng
 * a node with all its links' interfaces. The fingerprint at the end is the same for the same file, seed and version.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  EmulatorBackend,
  formatProblems,
  isScenarioText,
  parseTopology,
  runScenario,
  type Capture,
  type Scenario,
  type Topology,
} from '@netloom/lab';
import { loadBindFiles } from './bind-files.js';
import { loadScenario, type Output } from './command-test.js';
import { stepText, shortenLine, timeText } from './report.js';
import { nodeWallClock } from './wall-clock.js';

export interface RunOptions {
  /** Virtual nanoseconds after deployment. */
  readonly for?: number;
  readonly seed?: number;
  readonly pcap?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const DEFAULT_FOR_NS = 10e9;

export async function runCommand(
  file: string,
  options: RunOptions,
  output: Output,
): Promise<number> {
  const say = (text: string): void => (options.json === true ? undefined : output.out(`${text}\n`));
  const loaded = load(file, output);
  if (loaded === undefined) return 1;
  const baseDir = dirname(resolve(file));
  const recorder = new Recorder(options.pcap);
  const backend = new RecordingBackend(
    { wall: nodeWallClock, loadFiles: (topology) => loadBindFiles(topology, baseDir) },
    recorder,
  );
  const started = performance.now();
  const seed = options.seed ?? ('steps' in loaded ? loaded.seed : 1);
  const scenario: Scenario =
    'steps' in loaded
      ? { ...loaded, seed }
      : {
          name: loaded.name,
          seed,
          linux: false,
          topology: loaded,
          steps: [{ kind: 'sleep', ns: options.for ?? DEFAULT_FOR_NS }],
        };
  const result = await runScenario(scenario, backend, {
    warning: (text) => output.err(`netloom: ${shortenLine(text, 300)}\n`),
    step: (step) => {
      if ('steps' in loaded) say(stepText(step, options.verbose === true));
    },
  });
  const wallMs = performance.now() - started;
  if (result.failure !== undefined) output.err(`netloom: ${result.failure}\n`);
  const { fingerprint, virtualNs, deploy } = backend;
  if (options.json === true) {
    output.out(
      `${JSON.stringify(
        {
          name: result.name,
          seed,
          ok: result.ok,
          fingerprint,
          virtualTimeNs: virtualNs,
          wallMs: Math.round(wallMs),
          deploy,
          warnings: result.warnings,
          files: recorder.files,
          ...(result.failure === undefined ? {} : { failure: result.failure }),
        },
        null,
        2,
      )}\n`,
    );
  } else {
    if (options.verbose === true && !('steps' in loaded)) {
      for (const { node, command, exitCode, stdout, stderr } of deploy) {
        say(`${node}: ${command} (exit code ${exitCode})`);
        for (const line of `${stdout}${stderr}`.replace(/\n$/, '').split('\n'))
          if (line !== '') say(`  | ${line}`);
      }
    }
    for (const path of recorder.files) say(`wrote ${path}`);
    say(`${timeText(virtualNs)} of virtual time in ${timeText(wallMs * 1e6)}`);
    say(`fingerprint ${fingerprint}`);
  }
  return result.ok ? 0 : 1;
}

function load(file: string, output: Output): Scenario | Topology | undefined {
  const text = readFileSync(file, 'utf8');
  if (isScenarioText(text)) {
    const loaded = loadScenario(file);
    if (typeof loaded !== 'string') {
      for (const warning of loaded.warnings) output.err(`netloom: ${warning}\n`);
      return loaded.scenario;
    }
    output.err(`netloom: ${file} is no valid scenario\n${loaded.replace(/^/gm, '  ')}\n`);
    return undefined;
  }
  const parsed = parseTopology(text);
  if (parsed.ok) {
    for (const warning of parsed.warnings) output.err(`netloom: ${warning}\n`);
    return parsed.value;
  }
  output.err(
    `netloom: ${file} is no valid topology\n${formatProblems(parsed.problems).replace(/^/gm, '  ')}\n`,
  );
  return undefined;
}

/** A pcapng a node, written as it goes. */
class Recorder {
  readonly files: string[] = [];
  private readonly captures: Capture[] = [];
  private readonly descriptors: number[] = [];

  constructor(private readonly dir: string | undefined) {}

  begin(backend: EmulatorBackend, topology: Topology): void {
    if (this.dir === undefined) return;
    mkdirSync(this.dir, { recursive: true });
    for (const { name } of topology.nodes) {
      const sources = topology.links
        .flatMap((link) => [link.a, link.z])
        .filter((end) => end.node === name)
        .map((end) => ({ node: name, interface: end.interface }));
      if (sources.length === 0) continue;
      const path = join(this.dir, `${name}.pcapng`);
      const descriptor = openSync(path, 'w');
      this.files.push(path);
      this.descriptors.push(descriptor);
      this.captures.push(
        backend.lab.startCapture(
          { id: `pcap-${name}`, sources, lend: true },
          (chunk) => void writeSync(descriptor, chunk),
        ),
      );
    }
  }

  end(): void {
    for (const capture of this.captures) capture.stop();
    for (const descriptor of this.descriptors) closeSync(descriptor);
    this.captures.length = this.descriptors.length = 0;
  }
}

/** The emulator with captures around it, and what is to be told afterwards. */
class RecordingBackend extends EmulatorBackend {
  virtualNs = 0;
  deploy: EmulatorBackend['lab']['deployResults'] = [];

  constructor(
    options: ConstructorParameters<typeof EmulatorBackend>[0],
    private readonly recorder: Recorder,
  ) {
    super(options);
  }

  protected override built(topology: Topology): void {
    this.recorder.begin(this, topology);
  }

  override async down(): Promise<void> {
    if (this.isUp) {
      this.virtualNs = this.now();
      this.deploy = this.lab.deployResults;
    }
    this.recorder.end();
    await super.down();
  }
}
