/** Background jobs, waiting, traps and signals. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const jobsAndSignals: readonly BashCase[] = [
  { line: "trap 'echo bye' EXIT; echo hi", out: 'hi\nbye\n' },
  { line: "trap 'echo bye $?' EXIT; exit 3", out: 'bye 3\n', status: 3 },
  {
    line: "trap 'echo usr' USR1; kill -USR1 $$; echo after; trap - USR1; trap",
    out: 'usr\nafter\n',
  },
  { line: "trap 'echo err' ERR; false; true; (exit 2); echo x", out: 'err\nerr\nx\n' },
  { line: "trap 'echo int' INT; kill -INT $$; echo ok", out: 'int\nok\n' },
  {
    line: "trap '' TERM; kill $$; echo alive; trap -p TERM",
    out: "alive\ntrap -- '' SIGTERM\n",
  },
  {
    line: 'kill -l 9; kill -l TERM; kill -l INT 15; kill -0 $$; echo $?',
    out: 'KILL\n15\n2\nTERM\n0\n',
  },
  {
    line: 'sleep 0.1 & wait; echo $?; (exit 7) & wait $!; echo $?; sleep 5 & kill $!; wait $!; echo $?',
    out: '0\n7\n143\n',
  },
  {
    line: '(sleep 0.1; echo bg) & echo fg; wait; for i in 3 1 2; do (sleep 0.$i; echo $i) & done; wait; echo done',
    out: 'fg\nbg\n1\n2\n3\ndone\n',
  },
  {
    line: 'sleep 0.2 & p1=$!; sleep 0.1 & p2=$!; wait $p2 $p1; echo $?; wait; echo $?; jobs',
    out: '0\n0\n',
  },
  {
    line: 'false & wait %1; echo $?; sleep 0.1 & wait -n; echo $?; wait -n; echo $?',
    out: '1\n0\n127\n',
  },
  {
    line: 'cat <(echo a) <(echo b); while read l; do echo "l=$l"; done < <(seq 3); echo x | tee >(cat >tee.out) ; sleep 0.1; cat tee.out; rm tee.out',
    out: 'a\nb\nl=1\nl=2\nl=3\nx\nx\n',
  },
  {
    line: 'coproc { read x; echo "got $x"; }; echo hi >&${COPROC[1]}; read y <&${COPROC[0]}; echo "$y"',
    out: 'got hi\n',
  },
  {
    line: "bash -c; echo $?; bash --badopt 2>/dev/null; echo $?; bash /nope.sh; echo $?; bash -c 'kill -TERM $$'; echo $?; bash -c 'kill -KILL $$'; echo $?",
    out: '2\n2\n127\n143\n137\n',
    err: "bash: -c: option requires an argument\nbash: /nope.sh: No such file or directory\nTerminated\nbash: line 1: PID Killed                  bash -c 'kill -KILL $$'\n",
  },
  { line: 'trap \'echo t1; trap "echo t2" EXIT; exit 1\' EXIT; exit 0', out: 't1\n', status: 1 },
  {
    line: "f() { trap 'echo ret' RETURN; }; (trap 'echo sub' EXIT; echo in); echo out; trap 'echo $?' EXIT; (exit 3); false",
    out: 'in\nsub\nout\n1\n',
    status: 1,
  },
  {
    line: 'times >/dev/null; echo $?; history; disown; echo $?; fg; echo $?; bg; echo $?; wait 1; echo $?; wait x; echo $?',
    out: '0\n1\n1\n1\n127\n1\n',
    err: "bash: line 1: disown: current: no such job\nbash: line 1: fg: no job control\nbash: line 1: bg: no job control\nbash: line 1: wait: pid 1 is not a child of this shell\nbash: line 1: wait: `x': not a pid or valid job spec\n",
  },
  { line: 'trap \'echo "line $LINENO"\' ERR; false\nfalse', out: 'line 1\nline 2\n', status: 1 },
  { line: "f() { trap 'echo in-f' EXIT; echo f; }; f; echo after", out: 'f\nafter\nin-f\n' },
  {
    line: "(trap 'echo a' EXIT; exit 4); echo $?; bash -c 'trap \"echo b\" EXIT; kill -TERM $$'; echo $?; bash -c 'trap \"exit 9\" TERM; kill -TERM $$; echo no'; echo $?",
    out: 'a\n4\nb\n143\n9\n',
    err: 'Terminated\n',
  },
  {
    line: 'kill -9 99999; echo $?; kill abc; kill %3; kill -FOO 1; kill; echo $?',
    out: '1\n2\n',
    err: 'bash: line 1: kill: (99999) - No such process\nbash: line 1: kill: abc: arguments must be process or job IDs\nbash: line 1: kill: %3: no such job\nbash: line 1: kill: FOO: invalid signal specification\nkill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n',
  },
  {
    line: 'sleep 10 & sleep 0.1; kill -INT $!; wait $!; echo $?; sleep 10 & kill -9 $!; wait $! 2>/dev/null; echo $?',
    out: '0\n137\n',
  },
  {
    line: '{ sleep 0.1; echo late; } & echo early; wait $!; echo $?; x=$( (sleep 0.1; echo sub) & wait; echo main ); echo $x',
    out: 'early\nlate\n0\nsub main\n',
  },
  { line: 'time -p sleep 0; echo $?', out: '0\n', err: 'real 0.00\nuser 0.00\nsys 0.00\n' },
  {
    line: "trap 'echo cleanup; exit 7' TERM; (sleep 0.1; kill -TERM $$) & while :; do sleep 0.05; done",
    out: 'cleanup\n',
    status: 7,
  },
  {
    line: "trap 'echo caught' INT; (sleep 0.1; kill -INT $$) & sleep 0.3; echo after; wait",
    out: 'caught\nafter\n',
  },
  {
    line: 'sleep 1 & pid=$!; kill -0 $pid && echo alive; kill $pid; wait $pid 2>/dev/null; echo $?; kill -0 $pid 2>/dev/null || echo dead',
    out: 'alive\n143\ndead\n',
  },
  {
    line: 'x=5; f() { x=6; }; f | cat; echo $x; f > /dev/null; echo $x; x=5; { f; }; echo $x; x=5; (f); echo $x; x=5; $(f); echo $x; x=5; f & wait; echo $x',
    out: '5\n6\n6\n5\n5\n5\n',
  },
  {
    line: 'timeout_test() { ( sleep 5 ) & p=$!; ( sleep 0.1; kill $p ) & wait $p; echo $?; }; timeout_test 2>/dev/null',
    out: '143\n',
  },
  {
    line: 'set -e; trap \'echo "exit $?"\' EXIT; cd /nope; echo no',
    out: 'exit 1\n',
    err: 'bash: line 1: cd: /nope: No such file or directory\n',
    status: 1,
  },
  {
    line: "bash -c 'sleep 0.1; exit 3' & wait $!; echo $?; bash -c 'echo $PPID' >/dev/null; bash -c 'exit'; echo $?; bash -c ''; echo $?; bash -c 'f() { return 5; }; f'; echo $?; (bash -c 'kill -9 $$') 2>/dev/null; echo $?",
    out: '3\n0\n0\n5\n137\n',
    err: "bash: line 1: PID Killed                  ( bash -c 'kill -9 $$' ) 2> /dev/null\n",
  },
  {
    line: "trap 'echo EXIT' EXIT; trap 'echo TERM; exit 2' TERM; (echo sub; exit 1); echo $?; kill -TERM $$; echo unreached",
    out: 'sub\n1\nTERM\nEXIT\n',
    status: 2,
  },
  {
    line: "trap 'echo got HUP' HUP; kill -HUP $$; trap 'echo 1' USR1; trap 'echo 2' USR1; kill -USR1 $$; trap - USR1 HUP; trap -p; kill -s URG $$; echo alive",
    out: 'got HUP\n2\nalive\n',
  },
  {
    line: 'cleanup() { echo "cleanup $1"; }; trap \'cleanup $?\' EXIT; true; false',
    out: 'cleanup 1\n',
    status: 1,
  },
  {
    line: "(trap 'echo subtrap' EXIT; sleep 0.05) ; (trap 'echo term; exit 0' TERM; sleep 0.3 & wait) & sleep 0.1; kill $!; wait $!; echo \"rc $?\"",
    out: 'subtrap\nterm\nrc 0\n',
  },
  {
    line: 'for s in 1 2 3; do (sleep 0.$s; echo "job $s") & pids[$s]=$!; done; for s in 3 2 1; do wait ${pids[$s]}; echo "waited $s $?"; done',
    out: 'job 1\njob 2\njob 3\nwaited 3 0\nwaited 2 0\nwaited 1 0\n',
  },
  {
    line: '(while :; do echo tick; sleep 0.1; done) & p=$!; sleep 0.25; kill $p; wait $p 2>/dev/null; echo "rc $?"',
    out: 'tick\ntick\ntick\nrc 143\n',
  },
  {
    line: 'mkfifo pp; (echo through fifo > pp) & cat pp; rm pp; mkfifo p2; cat p2 & echo direct > p2; wait; rm p2',
    out: 'through fifo\ndirect\n',
  },
  {
    line: 'coproc CAT { cat; }; echo data >&${CAT[1]}; read -u ${CAT[0]} l; echo "$l"; kill $CAT_PID; wait $CAT_PID 2>/dev/null; echo $?',
    out: 'data\n143\n',
  },
];
