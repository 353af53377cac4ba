/** Parameter, brace, tilde and pathname expansion, splitting. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const expansion: readonly BashCase[] = [
  { line: 'x=abc; echo ${#x} ${x:1} ${x:1:1} ${x: -2} ${x:0:-1}', out: '3 bc b bc ab\n' },
  {
    line: 'echo ${x:-def} ${x-def} ${x:=set} $x ${x:+alt} ${x+alt}',
    out: 'def def set set alt alt\n',
  },
  { line: 'x=; echo "[${x:-def}] [${x-def}] [${x:+alt}] [${x+alt}]"', out: '[def] [] [] [alt]\n' },
  {
    line: 'unset x; echo "${x:-a b}" ${x:-a  b} "${x:-"q r"}" "${x:-\'s t\'}"',
    out: "a b a b q r 's t'\n",
  },
  {
    line: 'f=/usr/lib/foo.tar.gz; echo ${f##*/} ${f#*/} ${f%.*} ${f%%.*} ${f%/*}',
    out: 'foo.tar.gz usr/lib/foo.tar.gz /usr/lib/foo.tar /usr/lib/foo /usr/lib\n',
  },
  {
    line: 'f=/usr/lib/foo.tar.gz; echo ${f/lib/LIB} ${f//o/0} ${f/#\\/usr/U} ${f/%gz/GZ} ${f//\\//-}',
    out: '/usr/LIB/foo.tar.gz /usr/lib/f00.tar.gz U/lib/foo.tar.gz /usr/lib/foo.tar.GZ -usr-lib-foo.tar.gz\n',
  },
  {
    line: 'x=hello; echo ${x^} ${x^^} ${x^^[el]} ${x/l/L} ${x//l}; X=HeLLo; echo ${X,} ${X,,} ${X,,L}',
    out: 'Hello HELLO hELLo heLlo heo\nheLLo hello Hello\n',
  },
  {
    line: 'set -- a b c; echo "$*" "${*:2}" "${@:2:1}" ${@: -1} $#; IFS=-; echo "$*"; shift; echo "$*"',
    out: 'a b c b c b c 3\na-b-c\nb-c\n',
  },
  { line: 'set -- 1 2 3 4 5 6 7 8 9 10 11; echo $10 ${10} ${11} ${#}', out: '10 10 11 11\n' },
  { line: 'IFS=:; x=a:b::c; for i in $x; do echo "[$i]"; done', out: '[a]\n[b]\n[]\n[c]\n' },
  {
    line: "IFS=' :'; x='a : b:c  d'; for i in $x; do echo \"[$i]\"; done",
    out: '[a]\n[b]\n[c]\n[d]\n',
  },
  { line: 'abc1=1 abc2=2; echo ${!abc*} "${!abc@}"', out: 'abc1 abc2 abc1 abc2\n' },
  {
    line: 'x="it\'s"; echo ${x@Q} "${x@Q}"; y=\'a$b"c\'; echo "${y@Q}"; z=$\'a\\nb\'; echo "${z@Q}"',
    out: "'it'\\''s' 'it'\\''s'\n'a$b\"c'\n$'a\\nb'\n",
  },
  {
    line: 'x=hello; echo ${x@U} ${x@u} ${x@L}; y=\'a\\tb\'; echo "${y@E}"',
    out: 'HELLO Hello hello\na\tb\n',
  },
  {
    line: 'echo {a,b,c} {1..5} {5..1} {1..10..3} {a..e} x{a,b}y {01..03} a{b,{c,d}}e',
    out: 'a b c 1 2 3 4 5 5 4 3 2 1 1 4 7 10 a b c d e xay xby 01 02 03 abe ace ade\n',
  },
  {
    line: 'echo {a} {a,} {} a{1,2}b{3,4} "{a,b}" {a..c}{1..2} \\{a,b}',
    out: '{a} a {} a1b3 a1b4 a2b3 a2b4 {a,b} a1 a2 b1 b2 c1 c2 {a,b}\n',
  },
  {
    line: 'case abc in a*) echo 1;; *) echo 2;; esac; case x in y|x) echo yx;; esac; case "" in "") echo empty;; esac',
    out: '1\nyx\nempty\n',
  },
  {
    line: 'case a in a) echo 1;& b) echo 2;; c) echo 3;; esac; case ab in a*) echo 1;;& *b) echo 2;;& x) echo 3;; esac',
    out: '1\n2\n1\n2\n',
  },
  {
    line: "case '*' in '*') echo star;; esac; case a in \\*) echo no;; [a-c]) echo yes;; esac; x='a*'; case abc in $x) echo pat;; esac; case abc in \"$x\") echo no;; *) echo quoted;; esac",
    out: 'star\nyes\npat\nquoted\n',
  },
  {
    line: 'touch a1 a2 b1 .h; echo *; echo a*; echo ?1; echo [ab]1; echo [!a]*; echo x*; echo "a*"; echo .*; rm -f a1 a2 b1 .h',
    out: 'a1 a2 b1\na1 a2\na1 b1\na1 b1\nb1\nx*\na*\n.h\n',
  },
  {
    line: 'mkdir -p d/e; touch d/f d/e/g; echo d/*; echo */e; echo d/*/; echo */*/g; set -f; echo *; set +f; rm -r d',
    out: 'd/e d/f\nd/e\nd/e/\nd/e/g\n*\n',
  },
  {
    line: 'f() { echo "$x"; }; x=1; x=2 f; echo $x; export -n x; env | grep ^x=; unset x; echo ${x-unset}',
    out: '2\n1\nunset\n',
  },
  {
    line: 'echo ${x!y}; echo no',
    out: '',
    err: 'bash: line 1: ${x!y}: bad substitution\n',
    status: 1,
  },
  {
    line: 'echo $0 $#; echo $-; echo ${0##*/}; echo ${BASH_VERSINFO[0]} $BASH_VERSION; echo $LINENO',
    out: 'bash 0\nhBc\nbash\n5 5.2.15(1)-release\n1\n',
  },
  {
    line: 'IFS=; x="a b"; set -- $x; echo $#; unset IFS; set -- $x; echo $#; x=\'a:b\'; IFS=:; set -- $x; echo "$1|$2"; echo $x; echo "$x"',
    out: '1\n2\na|b\na b\na:b\n',
  },
  {
    line: 'x=$\'a\\nb\'; echo $x; echo "$x"; echo ${#x}; y="é"; echo ${#y}',
    out: 'a b\na\nb\n3\n1\n',
  },
  {
    line: 'echo "${x:-${y:-deep}}" ${x:-$(echo cmd)} "${x:+$(echo no)}" "${y:=assigned}" $y',
    out: 'deep cmd  assigned assigned\n',
  },
  {
    line: 'set -- a b; echo "${@/a/X}" "${@#a}" "${*^}" "x$@y" x"$@"y; set --; echo "$@" | cat; echo [$@] ["$@"] ; for i in "$@"; do echo never; done; echo "a$*b"',
    out: 'X b  b A B xa by xa by\n\n[] []\nab\n',
  },
  {
    line: 'func() { echo ${1:-none} "${@:2}"; }; func; func a b c; func "" x',
    out: 'none\na b c\nnone x\n',
  },
  {
    line: 'echo ${x:-a}b${y:-c}; echo "$x$y"; echo ${x}text; echo "${x}"text; echo $x.y; a_b=1; echo $a_b; echo $a-b',
    out: 'abc\n\ntext\ntext\n.y\n1\n-b\n',
  },
  {
    line: 'echo ${#@} ${#*} ${#1}; set -- abc; echo ${#1} ${1:1:1} ${1^}; echo ${!#} ${@:0:1}; set -- "x y"; echo ${@}; echo "${1// /_}"',
    out: '0 0 0\n3 b Abc\nabc bash\nx y\nx_y\n',
  },
  {
    line: 'x=foo; echo ${x:+"$x bar"} "${x:+\'q\'}" ${x:+\'q\'}; echo "${x#f}" "${x%o}" ${x#"fo"} ${x/o/"a b"} "${x/o/&&}"; y=\'*\'; echo "${y}" ; z=\'a*b\'; echo "${z%\\**}" "${z#*\\*}"',
    out: "foo bar 'q' q\noo fo o fa bo fooo\n*\na b\n",
  },
  {
    line: 'echo ${q:?custom message}; echo no',
    out: '',
    err: 'bash: line 1: q: custom message\n',
    status: 127,
  },
  {
    line: 'x=1; echo ${x:?fine}; unset x; (echo ${x?}); echo $?',
    out: '1\n1\n',
    err: 'bash: line 1: x: parameter not set\n',
  },
  {
    line: 'echo ${x:-$\'a\\tb\'} "${x:-$\'q\'}"; echo "${x:-\\$y}" ${x:-\\$y} "${x:-`echo bt`}"; x="q"; echo "${x:+"$x"}"',
    out: 'a\tb q\n$y $y bt\nq\n',
  },
  {
    line: 'x="1 2 3"; for i in $x; do echo $i; done; for i in "$x"; do echo $i; done; for i in ${x// /,}; do echo $i; done; echo ${x#* } ${x%% *}',
    out: '1\n2\n3\n1 2 3\n1,2,3\n2 3 1\n',
  },
  {
    line: 'echo ${a?}; echo x',
    out: '',
    err: 'bash: line 1: a: parameter not set\n',
    status: 127,
  },
  {
    line: 'unset -v x; unset x y z; echo $?; f() { unset x; echo ${x-gone}; }; x=1; f; echo ${x-gone}; x=1; f2() { local x=2; unset x; echo ${x-l}; }; f2; echo $x',
    out: '0\ngone\ngone\nl\n1\n',
  },
  {
    line: ': ${V:=default}; echo $V; : "${W:=a b}"; echo "$W"; echo ${V/def/DEF} ${V:3:2} ${#V}; V2=${V}x; echo $V2',
    out: 'default\na b\nDEFault au 7\ndefaultx\n',
  },
  {
    line: 'set -- "a b" c; f() { echo "$#:$1"; }; f "$@"; f $*; f "$*"; f "${@}"; f "${@:1:1}"; f ${1+"$@"}',
    out: '2:a b\n3:a\n1:a b c\n2:a b\n1:a b\n2:a b\n',
  },
  {
    line: 'echo ${a:-{x,y}} {1,2}${a:-z} "{1,2}"; b=\'{1,2}\'; echo $b; echo {$b,c}; echo {a..c}$b',
    out: '{x,y} 1z 2z {1,2}\n{1,2}\n{1,2} c\na{1,2} b{1,2} c{1,2}\n',
  },
  {
    line: 'x=\'a b\'; case "$x" in "a b") echo q;; esac; case $x in a\\ b) echo e;; esac; case $x in \'a \'*) echo s;; esac; case $x in (a*|z) echo paren;; esac',
    out: 'q\ne\ns\nparen\n',
  },
  {
    line: 'echo "${x//[0-9]/N}" "${x:0:1}${x:1}" "${x: -1}" ${x/%[0-9]/L}; x="hello world"; echo "${x^^[aeiou]}" "${x/ */}" "${x#* }" "${x%% *}"',
    out: '  \nhEllO wOrld hello world hello\n',
  },
  { line: 'echo a#b # c; echo no\necho "#" \'#\' \\# ${#}', out: 'a#b\n# # # 0\n' },
  {
    line: 'greet() { echo "Hello, ${1:-world}${2:+ and $2}!"; }; greet; greet Bob; greet Bob Al; greet "" Al',
    out: 'Hello, world!\nHello, Bob!\nHello, Bob and Al!\nHello, world and Al!\n',
  },
  {
    line: 'x=abcabc; echo ${x#*b} ${x##*b} ${x%b*} ${x%%b*} ${x/b/X} ${x//b/X} ${x/#a/X} ${x/%c/X} ${x//[ac]/-} ${x/b} ${x//b}; y=/a/b/c; echo ${y%/*} ${y##*/} ${y#/} ${y//\\// } ${y/\\//} "${y%%/*}"; z=a.b.c; echo ${z%.*} ${z##*.} ${z//./\\\\.} ${z/./\'*\'}',
    out: 'cabc c abca a aXcabc aXcaXc Xbcabc abcabX -b--b- acabc acac\n/a/b c a/b/c a b c a/b/c \na.b c a\\.b\\.c a*b.c\n',
  },
  {
    line: "x='a/b/c'; IFS=/; set -- $x; echo $# $3; IFS=$' \\t\\n'; p=/usr/local/bin/tool-1.2.tar.gz; b=${p##*/}; echo $b ${b%%-*} ${b#*-}; v=${b#*-}; v=${v%.tar.gz}; echo $v ${v%.*} ${v#*.}; echo ${p//[^\\/]/} ; n=${p//[^\\/]/}; echo ${#n}",
    out: '3 c\ntool-1.2.tar.gz tool 1.2.tar.gz\n1.2 1 2\n////\n4\n',
  },
];
