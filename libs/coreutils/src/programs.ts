/** Every program of this package, for a host's program table. */
import type { ProgramSpec } from '@netloom/sys';
import { awkProgram } from './awk/awk.js';
import { attributePrograms } from './file/attributes.js';
import { copyPrograms } from './file/copy.js';
import { dd } from './file/dd.js';
import { diskPrograms } from './file/disk.js';
import { find } from './file/find.js';
import { lsPrograms } from './file/ls.js';
import { ln } from './file/ln.js';
import { touch } from './file/touch.js';
import { makePrograms } from './file/make.js';
import { namePrograms } from './file/names.js';
import { dmesg } from './proc/dmesg.js';
import { hostPrograms } from './proc/host.js';
import { psPrograms } from './proc/ps.js';
import { runPrograms } from './proc/run.js';
import { loadPrograms } from './proc/load.js';
import { lookupPrograms } from './proc/lookup.js';
import { nsenter, unshare } from './proc/namespaces.js';
import { terminalPrograms } from './proc/terminal.js';
import { timeout } from './proc/timeout.js';
import { timePrograms } from './proc/time.js';
import { xargs } from './proc/xargs.js';
import { jq } from './jq/jq.js';
import { sedProgram } from './sed/sed.js';
import { catPrograms } from './text/cat.js';
import { column } from './text/column.js';
import { cut } from './text/cut.js';
import { cmp } from './text/cmp.js';
import { diff } from './text/diff.js';
import { digestPrograms } from './text/digests.js';
import { dumpPrograms } from './text/dump.js';
import { encodePrograms } from './text/encode.js';
import { exprPrograms } from './text/expr.js';
import { grepPrograms } from './text/grep.js';
import { head } from './text/head.js';
import { mergeLinesPrograms } from './text/merge-lines.js';
import { numberPrograms } from './text/numbers.js';
import { printfPrograms } from './text/printf.js';
import { shapeLinesPrograms } from './text/shape-lines.js';
import { sort } from './text/sort.js';
import { splitPrograms } from './text/split-shuffle.js';
import { tail } from './text/tail.js';
import { tr } from './text/tr.js';
import { uniq } from './text/uniq.js';
import { wc } from './text/wc.js';

export const coreutilsPrograms: readonly ProgramSpec[] = [
  awkProgram,
  sedProgram,
  ...grepPrograms,
  ...catPrograms,
  head,
  tail,
  wc,
  sort,
  uniq,
  cut,
  tr,
  column,
  ...mergeLinesPrograms,
  ...shapeLinesPrograms,
  ...splitPrograms,
  ...printfPrograms,
  ...numberPrograms,
  ...exprPrograms,
  ...dumpPrograms,
  ...digestPrograms,
  ...encodePrograms,
  diff,
  cmp,
  ...lsPrograms,
  ...copyPrograms,
  ...makePrograms,
  ln,
  touch,
  ...namePrograms,
  ...attributePrograms,
  ...diskPrograms,
  find,
  dd,
  jq,
  ...runPrograms,
  xargs,
  ...psPrograms,
  ...hostPrograms,
  dmesg,
  ...timePrograms,
  ...loadPrograms,
  ...lookupPrograms,
  nsenter,
  unshare,
  ...terminalPrograms,
  timeout,
];
