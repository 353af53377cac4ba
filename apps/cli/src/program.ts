/** The command line's shape: which sub-commands and options there are, and which function each runs. */
import { parseDurationNs } from '@netloom/base';
import { EmulatorBackend, VERSION } from '@netloom/lab';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadBindFiles } from './bind-files.js';
import { captureCommand, type CaptureOptions } from './command-capture.js';
import { execCommand, type Console, type ExecOptions } from './command-exec.js';
import {
  deployCommand,
  destroyCommand,
  inspectCommand,
  type DeployOptions,
  type DestroyOptions,
  type InspectOptions,
} from './command-labs.js';
import { IP_VERSIONS, packetdrillCommand, type PacketdrillOptions } from './command-packetdrill.js';
import { runCommand, type RunOptions } from './command-run.js';
import { serveCommand, type ServeOptions } from './command-serve.js';
import { BACKENDS, testCommand, type Output, type TestOptions } from './command-test.js';
import { ServerClient } from './server-client.js';
import { nodeWallClock } from './wall-clock.js';

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

function duration(text: string): number {
  const ns = parseDurationNs(text);
  if (ns === undefined) throw new InvalidArgumentError('not a time such as 10s or 200ms');
  return ns;
}

/** `-D NAME=value`, given again and again. */
function definition(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^\w+=/.test(text)) throw new InvalidArgumentError('not NAME=value');
  return [...before, text];
}

interface ServerOption {
  readonly server?: string;
}

/** Runs an action; its answer is the exit code, and an error is told on standard error. */
function action<A extends unknown[]>(
  output: Output,
  run: (...args: A) => Promise<number>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = await run(...args);
    } catch (error) {
      output.err(`netloom: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  };
}

/** A sub-command that speaks to a server. */
function remote(program: Command, nameAndArgs: string): Command {
  return program
    .command(nameAndArgs)
    .option('--server <url>', 'the server (default: NETLOOM_URL, else http://127.0.0.1:3000)')
    .option('--json', 'print JSON');
}

export function buildProgram(output: Output, console: Console = process): Command {
  const program = new Command('netloom')
    .description(
      'Emulates networks of Linux hosts, switches and links, and tests what happens on them.',
    )
    .version(VERSION)
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) })
    .showHelpAfterError('(--help says more)');
  const client = ({ server }: ServerOption): ServerClient => new ServerClient(server, process.env);

  addLocalCommands(program, output);
  remote(program, 'deploy')
    .description('deploy a topology file to a server')
    .requiredOption('-t, --topo <file>', 'topology file (*.clab.yml)')
    .option('--seed <number>', 'the seed of every random draw', wholeNumber)
    .addOption(
      new Option('--clock <mode>', 'how virtual time runs').choices(['realtime', 'fast', 'paused']),
    )
    .option('-c, --reconfigure', 'destroy a lab of the same name first')
    .action(
      action(output, (options: DeployOptions & ServerOption) =>
        deployCommand(client(options), options, output),
      ),
    );

  remote(program, 'destroy')
    .description('destroy labs on a server')
    .argument('[lab...]', 'names or ids')
    .option('-t, --topo <file>', 'the lab of this topology file')
    .option('-a, --all', 'all labs')
    .action(
      action(output, (labs: string[], options: DestroyOptions & ServerOption) =>
        destroyCommand(client(options), labs, options, output),
      ),
    );

  remote(program, 'inspect')
    .description('show labs on a server and their nodes')
    .argument('[lab]', 'name or id; all labs without it')
    .addOption(
      new Option('-f, --format <format>', 'as containerlab prints it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .option('--details', 'everything the server says, as JSON')
    .action(
      action(output, (lab: string | undefined, options: InspectOptions & ServerOption) =>
        inspectCommand(client(options), lab, options, output),
      ),
    );

  remote(program, 'exec')
    .description("run a command in a node; exits with the command's exit code")
    .argument('<lab>', 'name or id')
    .argument('<node>', 'name')
    .argument(
      '[command...]',
      'the command, after --; several words are passed as they are, one is a line for the shell',
    )
    .option('-i, --interactive', 'pass standard input on')
    .option('-t, --tty', 'attach a terminal; without a command, to a shell')
    .addHelpText(
      'after',
      '\nExamples:\n  netloom exec two-subnets client -- ping -c 3 10.2.0.2\n  netloom exec two-subnets router -- "ip route | wc -l"\n  netloom exec -it two-subnets router',
    )
    .action(
      action(
        output,
        (lab: string, node: string, words: string[], options: ExecOptions & ServerOption) =>
          execCommand(client(options), lab, node, words, options, output, console),
      ),
    );

  remote(program, 'capture')
    .description('capture live on an interface of a node, as pcapng')
    .argument('<lab>', 'name or id')
    .argument('<node>', 'name')
    .argument('<interface>', 'name, or any')
    .argument('[filter...]', 'pcap-filter(7) expression')
    .option('-w, --write <file>', 'where to; - is standard output, for `| wireshark -k -i -`', '-')
    .option('-s, --snaplen <bytes>', 'bytes kept of each packet', wholeNumber)
    .action(
      action(
        output,
        (
          lab: string,
          node: string,
          name: string,
          filter: string[],
          options: CaptureOptions & ServerOption,
        ) =>
          captureCommand(client(options), lab, node, name, filter, options, output, console.stdout),
      ),
    );
  return program;
}

function addLocalCommands(program: Command, output: Output): void {
  program
    .command('serve')
    .description(
      'run the server: REST and WebSockets under /api, labs in worker threads, SQLite in --data',
    )
    .option('-p, --port <number>', 'port to listen on (default: 3000)', wholeNumber)
    .option(
      '--host <address>',
      'address to listen on (default: 127.0.0.1); any other needs a token',
    )
    .option('--data <folder>', 'where the database and captures are (default: ./data)')
    .option(
      '--token <text>',
      'what callers must send as "Authorization: Bearer …" (default: NETLOOM_TOKEN)',
    )
    .option('--json', 'print JSON')
    .action(action(output, (options: ServeOptions) => serveCommand(options, output)));

  program
    .command('test')
    .description('run scenario files; prints a line a step and last "N passed, N failed"')
    .argument('<file...>', 'scenario files (YAML)')
    .addOption(
      new Option('--backend <name>', 'where to run them; both also compares')
        .choices(BACKENDS)
        .default('emulator'),
    )
    .option('--junit <file>', 'also write the results as JUnit XML')
    .option('--json', 'print the results as JSON instead of lines')
    .option(
      '--seed <number>',
      "the seed of every random draw, instead of the files' own",
      wholeNumber,
    )
    .option('-v, --verbose', 'print the output of every step')
    .addHelpText(
      'after',
      '\nThe linux backend needs root, iproute2, util-linux and tcpdump; it skips files that say "linux: false".',
    )
    .action(
      action(output, (files: string[], options: TestOptions) =>
        testCommand(files, options, output, async ({ baseDir }) => {
          return new EmulatorBackend({
            wall: nodeWallClock,
            loadFiles: (topology) => loadBindFiles(topology, baseDir),
          });
        }),
      ),
    );

  program
    .command('run')
    .description(
      'run a topology or a scenario in this process, in virtual time as fast as it goes; prints its fingerprint',
    )
    .argument('<file>', 'topology or scenario file (YAML)')
    .option('--for <time>', 'virtual time to run a topology for (default: 10s)', duration)
    .option('--seed <number>', 'the seed of every random draw', wholeNumber)
    .option('--pcap <folder>', 'write a pcapng file a node there')
    .option('--json', 'print JSON')
    .option('-v, --verbose', 'print the output of every command')
    .action(
      action(output, (file: string, options: RunOptions) => runCommand(file, options, output)),
    );

  program
    .command('packetdrill')
    .description(
      'run packetdrill scripts against an emulated host; prints a line a script and last "N passed, N failed"',
    )
    .argument('<file...>', 'scripts (*.pkt)')
    .addOption(
      new Option('--ip-version <version>', 'unless the script says it')
        .choices(IP_VERSIONS)
        .default('ipv4'),
    )
    .option(
      '--defaults <file>',
      'what ./defaults.sh sets, "name = value" a line (default: defaults.sysctl beside the script or one folder up)',
    )
    .option('-D, --define <name=value>', 'a word of the scripts', definition)
    .option('--json', 'print the results as JSON instead of lines')
    .option('-v, --verbose', 'print what code of the scripts prints')
    .action(
      action(output, (files: string[], options: PacketdrillOptions) =>
        packetdrillCommand(files, options, output),
      ),
    );
}
