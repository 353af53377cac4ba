export { BpfProgram, bpfStmt, bpfJump, BPF_MAXINSNS, BPF_MEMWORDS } from './insn.js';
export type { BpfInsn } from './insn.js';
export { bpfRun } from './vm.js';
export type { BpfAux } from './vm.js';
export { bpfCheckClassic } from './check.js';
export { bpfDump, bpfDumpC, bpfDumpDecimal, bpfImage } from './dump.js';
export { compileFilter } from './compile.js';
export type { CompileOptions } from './gen-core.js';
export { FilterError } from './filter-error.js';
