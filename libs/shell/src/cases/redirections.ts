/** Redirections, here-documents, process substitution. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const redirections: readonly BashCase[] = [
  {
    line: 'set -- a "b c" d; for i in "$@"; do echo "<$i>"; done; for i in $@; do echo "[$i]"; done; for i in "$*"; do echo "{$i}"; done',
    out: '<a>\n<b c>\n<d>\n[a]\n[b]\n[c]\n[d]\n{a b c d}\n',
  },
  { line: 'echo a > f; echo b >> f; cat f; cat < f; cat 0< f; rm f', out: 'a\nb\na\nb\na\nb\n' },
  {
    line: 'echo out; echo err >&2; (echo o; echo e >&2) 2>&1; (echo o; echo e >&2) 2>/dev/null; { echo x; } > /dev/null',
    out: 'out\no\ne\no\n',
    err: 'err\n',
  },
  {
    line: 'echo a >f 2>&1; cat f; echo e >&2 2>f; ls /nonexistent 2>f; cat f; rm f',
    out: "a\nls: cannot access '/nonexistent': No such file or directory\n",
    err: 'e\n',
  },
  {
    line: '{ echo a; echo b >&2; } >f1 2>f2; cat f1 f2; rm f1 f2; echo x &>f; cat f; echo y &>>f; cat f; rm f',
    out: 'a\nb\nx\nx\ny\n',
  },
  {
    line: "y=1; cat <<'E'; cat <<-F\na $y \\$ `x`\nE\n\t\ttabbed $y\n\tF\necho end",
    out: 'a $y \\$ `x`\ntabbed 1\nend\n',
  },
  {
    line: 'time true 2>/dev/null; TIMEFORMAT=x; time :; { time -p true; } 2>&1 | head -1 | cut -c1-5',
    out: 'real \n',
    err: '\nreal\t0m0.000s\nuser\t0m0.000s\nsys\t0m0.000s\nx\n',
  },
  {
    line: 'select x in a b; do echo "$x $REPLY"; break; done <<< 2',
    out: 'b 2\n',
    err: '1) a\n2) b\n#? ',
  },
  { line: 'var=value; cat <<E | tr a-z A-Z\n$var ${var:0:2}\nE', out: 'VALUE VA\n' },
  { line: 'cat <<E1 > o1; cat o1; rm o1\nto file\nE1', out: 'to file\n' },
  {
    line: 'echo a{1..3} > fa1; cat fa1; rm fa1; echo > g1 x y; cat g1; rm g1; > empty1; wc -c < empty1; rm empty1',
    out: 'a1 a2 a3\nx y\n0\n',
  },
  {
    line: 'echo "a" \'b\'"c"$\'d\'e; echo ""; echo \'\' | wc -c; set -- "" a ""; echo $# "$#"; for i in "$@"; do echo "<$i>"; done; echo $1$2',
    out: 'a bcde\n\n1\n3 3\n<>\n<a>\n<>\na\n',
  },
  {
    line: 'f() { echo out; echo err >&2; }; f 2>/dev/null; f >/dev/null; f >/dev/null 2>&1; f 2>&1 >/dev/null | cat; f |& cat; x=$(f 2>&1); echo "$x"',
    out: 'out\nerr\nout\nerr\nout\nerr\n',
    err: 'err\n',
  },
  {
    line: 'echo "exit: $(exit 3)$?" ; x=$(echo a; exit 2) ; echo $? $x; echo $(echo a >&2) 2>/dev/null; y=`echo "a b" | tr a c`; echo $y',
    out: 'exit: 3\n2 a\n\nc b\n',
    err: 'a\n',
  },
  {
    line: 'IFS=$\'\\n\'; x=$\'a b\\nc d\'; for i in $x; do echo "<$i>"; done; unset IFS; for i in $x; do echo "<$i>"; done',
    out: '<a b>\n<c d>\n<a>\n<b>\n<c>\n<d>\n',
  },
  {
    line: 'no_such_fn 2>/dev/null || echo "rc $?"; ls /nope 2>/dev/null && echo yes || echo no; true; echo "$?$?"; (exit 3) || echo "$?"',
    out: 'rc 127\nno\n00\n3\n',
  },
  { line: 'a="$(cat <<X\nhello\nX\n)"; echo "$a"', out: 'hello\n' },
  { line: 'f() { cat <<E\nin f $1\nE\n}; f x; f y | tr a-z A-Z', out: 'in f x\nIN F Y\n' },
  {
    line: 'echo a > "f g"; cat "f g"; cat < "f g"; f="f g"; cat "$f"; echo b >> "$f"; wc -l < "$f"; rm "f g"',
    out: 'a\na\na\n2\n',
  },
  {
    line: 'echo one; { echo two; echo three >&2; } 2>&1 | cat; ( echo four ); { echo five; } >&2',
    out: 'one\ntwo\nthree\nfour\n',
    err: 'five\n',
  },
  {
    line: 'echo hi | { cat; echo end; } | cat > o.t; cat o.t; rm o.t; echo x | tee a.t b.t > /dev/null; cat a.t b.t; rm a.t b.t; seq 3 | tail -1; seq 100 | head -1; yes | head -2 | wc -l',
    out: 'hi\nend\nx\nx\n3\n1\n2\n',
  },
  { line: 'f() { cat; } <<E\nbody of f\nE\nf; f', out: 'body of f\nbody of f\n' },
  {
    line: 'export -f 2>/dev/null; readonly q=5; (q=6) 2>&1; q=7; echo notreached',
    out: 'bash: line 1: q: readonly variable\n',
    err: 'bash: line 1: q: readonly variable\n',
    status: 1,
  },
];
