export { ScriptError, type Script, type ScriptEvent } from './ast.js';
export { DEFAULT_SYSCTLS } from './host-programs.js';
export { parseScript } from './parser.js';
export { PyError, runPython, type PyValue } from './python.js';
export { runScript, type RunScriptOptions, type ScriptResult } from './runner.js';
export { type IpVersion } from './system-calls.js';
