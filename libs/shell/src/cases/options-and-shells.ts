/** Options of set, shells within shells, exec. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const optionsAndShells: readonly BashCase[] = [
  {
    line: 'set -o pipefail; true | false | true; echo $?; false | true; echo ${PIPESTATUS[@]}',
    out: '1\n1 0\n',
  },
  { line: '(exit 2) | (exit 3) | true; echo ${PIPESTATUS[@]} $?', out: '2 3 0 0\n' },
  {
    line: 'exec 3>f; echo hi >&3; exec 3>&-; cat f; exec 4<f; read x <&4; echo $x; exec 4<&-; rm f',
    out: 'hi\nhi\n',
  },
  { line: 'set -e; echo a; false; echo b', out: 'a\n', status: 1 },
  {
    line: 'set -e; false || echo c; if false; then :; fi; ! true; while false; do :; done; true && false || true; echo end; (false); echo no',
    out: 'c\nend\n',
    status: 1,
  },
  {
    line: 'set -e; f() { false; echo in; }; f && echo x; x=$(false; echo y); echo $x; echo $(false); false | true; echo z; x=$(false); echo never',
    out: 'in\nx\ny\n\nz\n',
    status: 1,
  },
  {
    line: 'set -u; echo ${x:-ok}; echo $x; echo no',
    out: 'ok\n',
    err: 'bash: line 1: x: unbound variable\n',
    status: 127,
  },
  {
    line: 'set -x; echo a \'b c\'; x=1; y="$x 2"; for i in 1 2; do :; done; [ a = b ]; if true; then echo "$y"; fi; set +x; echo end',
    out: 'a b c\n1 2\nend\n',
    err: "+ echo a 'b c'\n+ x=1\n+ y='1 2'\n+ for i in 1 2\n+ :\n+ for i in 1 2\n+ :\n+ '[' a = b ']'\n+ true\n+ echo '1 2'\n+ set +x\n",
  },
  {
    line: 'set -x; x=$(echo hi); echo "$x" | cat; [[ $x == h* ]]; ((1+1)); case $x in hi) ;; esac; a=(1 "2 3")',
    out: 'hi\n',
    err: '++ echo hi\n+ x=hi\n+ echo hi\n+ cat\n+ [[ hi == h* ]]\n+ (( 1+1 ))\n+ case $x in\n+ a=(1 "2 3")\n',
  },
  {
    line: 'shopt -s nullglob; shopt nullglob; shopt -q extglob; echo $?; set -o | grep pipefail; set -o noclobber; echo a >c1; echo b >c1; echo $?; echo d >|c1; cat c1; rm c1',
    out: 'nullglob       \ton\n1\npipefail       \toff\n1\nd\n',
    err: 'bash: line 1: c1: cannot overwrite existing file\n',
  },
  {
    line: "export FOO=bar; bash -c 'echo $FOO $0 $1 $#' name arg1; bash -c 'exit 5'; echo $?; echo 'echo script $1' > t.sh; bash t.sh x; chmod +x t.sh; ./t.sh y; rm t.sh",
    out: 'bar name arg1 1\n5\nscript x\nscript y\n',
  },
  {
    line: "printf '#!/bin/bash\\necho \"$0 $@\"\\nexit 3\\n' > t.sh; chmod +x t.sh; ./t.sh a b; echo $?; rm t.sh; printf 'nope\\necho ok\\n' > e.sh; bash e.sh; echo $?; rm e.sh",
    out: './t.sh a b\n3\nok\n0\n',
    err: 'e.sh: line 1: nope: command not found\n',
  },
  {
    line: "bash -s a b <<< 'echo $1 $2 $#'; bash -n -c 'echo no'; echo $?; bash -e -c 'false; echo no'; echo $?; bash -u -c 'echo $zz'; echo $?",
    out: 'a b 2\n0\n1\n127\n',
    err: 'bash: line 1: zz: unbound variable\n',
  },
  { line: 'exec echo replaced; echo never', out: 'replaced\n' },
  {
    line: 'exec nosuch; echo never',
    out: '',
    err: 'bash: line 1: exec: nosuch: not found\n',
    status: 127,
  },
  {
    line: '(exec 2>/dev/null; echo x >&2; nosuch); echo $?; exec 5>&1; echo five >&5; exec 5>&-; echo x >&5; echo $?',
    out: '127\nfive\n1\n',
    err: 'bash: line 1: 5: Bad file descriptor\n',
  },
  {
    line: 'exec {fd}>ff; echo $((fd>=10)); echo hi >&$fd; exec {fd}>&-; cat ff; rm ff; echo a 3>&1 >&3; cat 0<<<zero',
    out: '1\nhi\na\nzero\n',
  },
  { line: 'set -e\necho a\nfalse\necho b', out: 'a\n', status: 1 },
  {
    line: 'cat /nope; echo $?; cat < /nope; echo $?; echo x > /; echo $?; . /nope; echo $?; bash nope.sh; echo $?; cd /etc/passwd; echo $?',
    out: '1\n1\n1\n1\n127\n1\n',
    err: 'cat: /nope: No such file or directory\nbash: line 1: /nope: No such file or directory\nbash: line 1: /: Is a directory\nbash: line 1: /nope: No such file or directory\nbash: nope.sh: No such file or directory\nbash: line 1: cd: /etc/passwd: Not a directory\n',
  },
  {
    line: 'set a b c; echo $# $2; set --; echo $#; set -- -x; echo $1; set x; echo $1; set +x -- q; echo $1; set -o nosuch; echo $?; set -Z; echo $?',
    out: '3 b\n0\n-x\nx\nq\n2\n2\n',
    err: 'bash: line 1: set: nosuch: invalid option name\nbash: line 1: set: -Z: invalid option\nset: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n',
  },
  {
    line: 'exec >out.tmp; echo to file; exec >&2; echo to err; cat out.tmp; rm out.tmp',
    out: '',
    err: 'to err\nto file\n',
  },
  {
    line: "sh -c 'echo $0 $1' a b; sh -c 'nosuch'; echo $?; sh -c 'echo -e \"x\\ty\"'; sh -c 'exit 3'; echo $?",
    out: 'a b\n127\n-e x\ty\n3\n',
    err: 'sh: 1: nosuch: not found\n',
  },
  {
    line: 'set -o pipefail; false | true || echo pf; set +o pipefail; false | true && echo nopf; set -e -o pipefail; true | false | cat; echo never',
    out: 'pf\nnopf\n',
    status: 1,
  },
  {
    line: 'exec 9>&1; (echo to9 >&9) >/dev/null; x=$(echo cap; echo dir >&9); echo "[$x]"; exec 9>&-',
    out: 'to9\ndir\n[cap]\n',
  },
  {
    line: "export V=1; f() { export V=2; bash -c 'echo $V'; }; f; echo $V; V=3 bash -c 'echo $V'; env V=4 2>/dev/null | grep -c V; echo $V",
    out: '2\n2\n3\n2\n2\n',
  },
  {
    line: '( set -e; false; echo no ); echo $?; ( set -e; false | true; echo yes ); set -e; x=`false` || echo caught; y=$(true); echo fine; if ! false; then echo neg; fi; false && true; echo here; f() { return 1; }; f || true; [ 1 = 2 ] || echo or',
    out: '1\nyes\ncaught\nfine\nneg\nhere\nor\n',
  },
  {
    line: 'set -eu; echo ${1:-default}; arr=(); echo "${#arr[@]}"; x=; echo "[$x]"; : ${y:=5}; echo $y; echo $undefined_var',
    out: 'default\n0\n[]\n5\n',
    err: 'bash: line 1: undefined_var: unbound variable\n',
    status: 1,
  },
  {
    line: 'set -e; for i in 1 2; do echo $i; [ $i = 1 ]; done; echo no',
    out: '1\n2\n',
    status: 1,
  },
  { line: 'set -e; while true; do false; echo no; done', out: '', status: 1 },
  {
    line: 'set -e; f() { if [ "$1" = x ]; then false; fi; echo "f $1"; }; f y; f x; echo no',
    out: 'f y\n',
    status: 1,
  },
  {
    line: 'echo \'x() { echo from lib; }; Y=lib\' > lib.sh; . ./lib.sh; x; echo $Y; rm lib.sh; cat > main.sh <<\'E\'\necho "$0 $1 $#"\nf() { echo "${BASH_SOURCE[0]} $LINENO ${FUNCNAME[*]}"; }\nf\nnosuch\nexit 4\nE\nbash main.sh arg; echo $?; rm main.sh',
    out: 'from lib\nlib\nmain.sh arg 1\nmain.sh 2 f main\n4\n',
    err: 'main.sh: line 4: nosuch: command not found\n',
  },
  {
    line: "cat > s.sh <<'E'\nx=$1\nwhile [ $x -gt 0 ]; do\n  echo $x\n  x=$((x-1))\ndone\nif [\nE\nbash s.sh 2; echo $?; rm s.sh",
    out: '2\n1\n2\n',
    err: 's.sh: line 7: syntax error: unexpected end of file\n',
  },
  {
    line: "printf 'echo a\\necho \"b\\n' > q.sh; bash q.sh; echo $?; printf 'echo a\\nfi\\necho b\\n' > q.sh; bash q.sh; echo $?; printf 'echo ${x:?gone}\\necho b\\n' > q.sh; bash q.sh; echo $?; printf 'cat <<X\\nabc\\n' > q.sh; bash q.sh; echo $?; rm q.sh",
    out: 'a\n2\na\n2\n1\nabc\n0\n',
    err: "q.sh: line 2: unexpected EOF while looking for matching `\"'\nq.sh: line 2: syntax error near unexpected token `fi'\nq.sh: line 2: `fi'\nq.sh: line 1: x: gone\nq.sh: line 2: warning: here-document at line 1 delimited by end-of-file (wanted `X')\n",
  },
  {
    line: "echo \"echo line; exit 3\" | bash; echo $?; echo 'nosuch' | bash; echo 'if' | bash; echo $?; bash <<< 'echo here $0'; bash -s x <<< 'echo $1'; echo 'echo )' | bash; echo $?",
    out: 'line\n3\n2\nhere bash\nx\n2\n',
    err: "bash: line 1: nosuch: command not found\nbash: line 2: syntax error: unexpected end of file\nbash: line 1: syntax error near unexpected token `)'\nbash: line 1: `echo )'\n",
  },
  {
    line: 'exec 3<<< "line a"; read -u 3 l; echo $l; exec 3<&-; exec 4< <(printf \'1\\n2\\n\'); read a <&4; read b <&4; echo $a $b; exec 4<&-; { read x; read y; } < <(seq 2); echo $x $y',
    out: 'line a\n1 2\n1 2\n',
  },
  {
    line: "PS4='+ $LINENO: '; set -x\necho one\necho two",
    out: 'one\ntwo\n',
    err: '+ 2: echo one\n+ 3: echo two\n',
  },
  {
    line: 'echo x | while read a; do exit 3; done; echo $?; (exit 5) | cat; echo $? ${PIPESTATUS[0]}; { false; } | true; echo ${PIPESTATUS[@]}; f() { return 7; }; f | cat; echo "${PIPESTATUS[@]}"; x=$(exit 9) ; echo "${PIPESTATUS[@]}"',
    out: '3\n0 5\n1 0\n7 0\n9\n',
  },
];
