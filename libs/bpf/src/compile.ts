/**
 * From filter text to a classic BPF program.
 *
 * Caller: tcpdump, capture services, packet sockets → compileFilter → parse, generate, optimise,
 * emit. Expressions, meaning and error texts are those of libpcap 1.10.3 (`man pcap-filter`), and the
 * code is meant to be the same instruction for instruction.
 */

import { emitProgram } from './filter-emit.js';
import { FilterError } from './filter-error.js';
import { genFilter } from './filter-gen.js';
import { optimise } from './filter-opt.js';
import { parseFilter } from './filter-parser.js';
import { GenContext } from './gen-core.js';
import type { CompileOptions } from './gen-core.js';
import { BPF_RET, BpfProgram } from './insn.js';

/**
 * Compiles a filter for packets that begin with a header of `linkType` (a LINKTYPE_ number:
 * Ethernet 1, raw IP 101, SLL 113, SLL2 276, BSD loopback 0, PPP 9). An empty text matches all.
 *
 * @throws FilterError whose message is what tcpdump prints
 */
export function compileFilter(
  text: string,
  linkType: number,
  options: CompileOptions = {},
): BpfProgram {
  const context = new GenContext(linkType, options);
  const accept = options.snapLen ?? 262144;
  let root = genFilter(context, parseFilter(text), accept);
  if (options.optimize !== false && !context.noOptimize) {
    root = optimise(root);
    if (root.s.code === BPF_RET && root.s.k === 0) {
      throw new FilterError('expression rejects all packets');
    }
  }
  return new BpfProgram(emitProgram(root));
}
