/** Lists, loops, functions, substitution. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const commands: readonly BashCase[] = [
  { line: 'echo hello world', out: 'hello world\n' },
  { line: 'echo -n a; echo b', out: 'ab\n' },
  { line: "echo -e 'a\\tb\\nc\\x41\\0101'", out: 'a\tb\ncAA\n' },
  { line: "echo -e 'a\\cb'; echo x", out: 'ax\n' },
  { line: 'echo "a  b" \'c  d\' e\\ f', out: 'a  b c  d e f\n' },
  {
    line: 'x="a b c"; set -- $x; echo $# $1 $3; set -- "$x"; echo $# "$1"',
    out: '3 a c\n1 a b c\n',
  },
  {
    line: 'x=\' a  b \'; echo [$x]; echo "[$x]"; y=$x; echo "[$y]"',
    out: '[ a b ]\n[ a  b ]\n[ a  b ]\n',
  },
  {
    line: 'echo $(echo hi) `echo there` "$(echo "a  b")" $(echo "a  b")',
    out: 'hi there a  b a b\n',
  },
  { line: 'echo "$(echo "$(echo "nested")")" `echo \\`echo x\\``', out: 'nested x\n' },
  { line: 'x=$(false); echo $?; x=$(exit 3); echo $?; echo $(exit 4) $?', out: '1\n3\n4\n' },
  {
    line: 'if true; then echo y; else echo n; fi; if false; then echo y; elif true; then echo e; fi; if false; then :; fi; echo $?',
    out: 'y\ne\n0\n',
  },
  {
    line: 'for i in 1 2; do for j in a b; do break 2; done; echo no; done; echo $i$j',
    out: '1a\n',
  },
  {
    line: 'f() { echo "$1 $#"; return 3; }; f a b; echo $?; function g { local x=1; echo $x; }; x=0; g; echo $x',
    out: 'a 2\n3\n1\n0\n',
  },
  {
    line: 'f() { local a=1 b; b=2; echo $a $b; g; }; g() { echo "g:$a"; a=9; }; f; echo "[$a]"',
    out: '1 2\ng:1\n[]\n',
  },
  {
    line: '(echo a; exit 5; echo b); echo $?; { echo c; }; ( x=1 ); echo [$x]',
    out: 'a\n5\nc\n[]\n',
  },
  {
    line: 'true && echo a || echo b; false && echo a || echo b; true || echo c; false; echo $?',
    out: 'a\nb\n1\n',
  },
  {
    line: '! true; echo $?; ! false; echo $?; true | false; echo $?; ! true | false; echo $?',
    out: '1\n0\n1\n0\n',
  },
  {
    line: 'echo ~ ~/x "~" a~; HOME=/h; echo ~; x=~/y; echo $x; echo x=~',
    out: '/root /root/x ~ a~\n/h\n/h/y\nx=/h\n',
  },
  {
    line: "echo 'a'\\''b' \"a\\\"b\" \"a\\$b\" 'a\\b' \"a\\b\" a\\b $'a\\tb' $'\\x41' $'it\\'s' \"a\\\nb\"",
    out: "a'b a\"b a$b a\\b a\\b ab a\tb A it's ab\n",
  },
  {
    line: 'readonly r=1; r=2; echo no',
    out: '',
    err: 'bash: line 1: r: readonly variable\n',
    status: 1,
  },
  { line: 'exit 42', out: '', status: 42 },
  { line: '(exit 300); echo $?; exit 256', out: '44\n' },
  {
    line: 'nosuchcommand; echo $?',
    out: '127\n',
    err: 'bash: line 1: nosuchcommand: command not found\n',
  },
  {
    line: './nope; echo $?; /tmp; echo $?; /nope/x; echo $?',
    out: '127\n126\n127\n',
    err: 'bash: line 1: ./nope: No such file or directory\nbash: line 1: /tmp: Is a directory\nbash: line 1: /nope/x: No such file or directory\n',
  },
  {
    line: 'echo a\nif true; then echo',
    out: 'a\n',
    err: 'bash: -c: line 3: syntax error: unexpected end of file\n',
    status: 2,
  },
  {
    line: 'break; continue; echo $?; return 3; echo $?; local x; echo $?; shift 3; echo $?',
    out: '0\n2\n1\n1\n',
    err: "bash: line 1: break: only meaningful in a `for', `while', or `until' loop\nbash: line 1: continue: only meaningful in a `for', `while', or `until' loop\nbash: line 1: return: can only `return' from a function or sourced script\nbash: line 1: local: can only be used in a function\n",
  },
  {
    line: 'exit abc',
    out: '',
    err: 'bash: line 1: exit: abc: numeric argument required\n',
    status: 2,
  },
  {
    line: ': ; true; false; echo $?; : a b; echo $? $_; echo last arg; echo $_',
    out: '1\n0 b\nlast arg\narg\n',
  },
  {
    line: 'while :; do break; done; echo $?; while false; do :; done; echo $?; for i in; do :; done; echo $?; until true; do :; done; echo $?',
    out: '0\n0\n0\n0\n',
  },
  {
    line: 'echo "a;b" a\\;b \'a&b\'; echo "#no comment" # comment',
    out: 'a;b a;b a&b\n#no comment\n',
  },
  {
    line: 'outer() { inner; echo "after"; }; inner() { return 2; echo no; }; outer; (outer; exit 9); echo $?; f() { exit 4; }; (f; echo no); echo $?',
    out: 'after\nafter\n9\n4\n',
  },
  {
    line: 'echo "\\$x \\`x\\` \\\\ \\" \\a"; echo \'single \\n\'; echo "tab\ttab"; echo $"locale"; echo "multi\nline"',
    out: '$x `x` \\ " \\a\nsingle \\n\ntab\ttab\nlocale\nmulti\nline\n',
  },
  {
    line: 'echo a\necho b\n)\necho c',
    out: 'a\nb\n',
    err: "bash: -c: line 3: syntax error near unexpected token `)'\nbash: -c: line 3: `)'\n",
    status: 2,
  },
  { line: 'for x in 1 2\ndo echo $x\ndone | cat', out: '1\n2\n' },
  { line: 'f()\n{\n  echo multi\n}\nf', out: 'multi\n' },
  {
    line: 'echo $LINENO\necho $LINENO\n\necho $LINENO; nope',
    out: '1\n2\n4\n',
    err: 'bash: line 4: nope: command not found\n',
    status: 127,
  },
  { line: 'echo a \\\n  b \\\n  c', out: 'a b c\n' },
  { line: 'x=\'multi\nline\'; echo "$x"; echo $x', out: 'multi\nline\nmulti line\n' },
  {
    line: 'true &&\necho and-newline; false ||\necho or-newline; echo a |\ncat',
    out: 'and-newline\nor-newline\na\n',
  },
  { line: 'case x in\n  a) echo a ;;\n  x)\n    echo x\n    echo y\n    ;;\nesac', out: 'x\ny\n' },
  { line: 'echo $(\necho in\necho sub\n)', out: 'in sub\n' },
  {
    line: 'readonly x=1\nx=2\necho after',
    out: 'after\n',
    err: 'bash: line 2: x: readonly variable\n',
  },
  {
    line: 'nope1\necho $?\nnope2',
    out: '127\n',
    err: 'bash: line 1: nope1: command not found\nbash: line 3: nope2: command not found\n',
    status: 127,
  },
  {
    line: 'RANDOM=42; echo $RANDOM $RANDOM $RANDOM; RANDOM=1; echo $RANDOM',
    out: '17772 26794 1435\n16807\n',
  },
  {
    line: 'x=1 y=2; echo $x$y; x=$y y=$x; echo $x $y; a=b=c; echo $a; x= ; echo "[$x]"; x="" y=\'\' z; echo $?',
    out: '12\n2 2\nb=c\n[]\n127\n',
    err: 'bash: line 1: z: command not found\n',
  },
  {
    line: 'x=outer; f() { echo $x; x=inner; }; (f); echo $x; f | cat; echo $x; f; echo $x; y=$(f); echo $x $y',
    out: 'outer\nouter\nouter\nouter\nouter\ninner\ninner inner\n',
  },
  {
    line: 'echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL); (echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL)); echo a | echo $BASH_SUBSHELL',
    out: '0 1\n1\n2\n0\n',
  },
  {
    line: 'for i in "$(echo a b)" $(echo c d); do echo "[$i]"; done; for i in a\\ b "c d"; do echo "[$i]"; done; for i in; do echo no; done',
    out: '[a b]\n[c]\n[d]\n[a b]\n[c d]\n',
  },
  {
    line: 'false; echo "$? $?"; (exit 3); x=$?; echo $x; if (exit 2); then :; else echo "else $?"; fi; while (exit 1); do :; done; echo $?',
    out: '1 1\n3\nelse 2\n0\n',
  },
  {
    line: 'a=\'x y\' b="$a" c=$a; echo "$b|$c"; d=$(echo \'p   q\'); echo "$d"; e=`echo "r   s"`; echo "$e"; f="$(echo "t   u")"; echo "$f"; g=$a$b; echo "$g"',
    out: 'x y|x y\np   q\nr   s\nt   u\nx yx y\n',
  },
  {
    line: "readonly A=1 B=2; readonly -p | grep -c ' [AB]='; A=3 true; echo $?; echo $A; f() { local A=5; }; f; echo $?",
    out: '2\n0\n1\n1\n',
    err: 'bash: line 1: A: readonly variable\nenvironment: line 1: local: A: readonly variable\n',
  },
  {
    line: 'echo "a\\',
    out: '',
    err: 'bash: -c: line 1: unexpected EOF while looking for matching `"\'\n',
    status: 2,
  },
  {
    line: 'b" \'c\\',
    out: '',
    err: 'bash: -c: line 1: unexpected EOF while looking for matching `"\'\n',
    status: 2,
  },
  {
    line: 'x=$(case a in a) echo yes;; esac); echo $x; y=$(if true; then echo "in if"; fi); echo "$y"; z=$(for i in 1 2; do echo $i; done); echo $z',
    out: 'yes\nin if\n1 2\n',
  },
  {
    line: 'echo "$(echo ")" \'(\' "\\"")" ; echo "$(echo "a\'b")" \'c"d\'; echo "`echo "x y"`" "$(echo `echo nested`)"',
    out: ') ( "\na\'b c"d\nx y nested\n',
  },
  { line: 'if true; then # comment\n  echo a # another\nfi # end\n# last comment', out: 'a\n' },
  {
    line: "echo -e \"a\\tb\\n\"; echo -E 'a\\tb'; echo -n; echo -en 'x\\n'; echo - -- -n; echo -x; echo \"-n\"; echo -nn a; echo; echo -ne 'q\\c'; echo; echo -e '\\0101\\x42\\u43'",
    out: 'a\tb\n\na\\tb\nx\n- -- -n\n-x\na\nq\nABC\n',
  },
  {
    line: 'foo() { echo foo; }\nbar() {\nfoo\n}\nbar; echo {\necho }\necho if then else',
    out: 'foo\n{\n}\nif then else\n',
  },
];
