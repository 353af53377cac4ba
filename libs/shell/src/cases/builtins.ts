/** printf, read, getopts, cd and other builtins. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const builtins: readonly BashCase[] = [
  { line: 'x=10; echo $(( x > 5 ? x : 5 )); let y=x*2 z=y+1; echo $y $z', out: '10\n20 21\n' },
  { line: 'let 0; echo $?; let 1; echo $?; ((0)); echo $?; ((1)); echo $?', out: '1\n0\n1\n0\n' },
  { line: "echo $(printf 'a\\nb\\n\\n\\n') \"$(printf 'a\\nb\\n\\n\\n')\"", out: 'a b a\nb\n' },
  {
    line: 'read x y z <<< "a b c d"; echo "$x|$y|$z"; read -r a <<< \'x\\ty\'; echo "$a"; read a <<< \'x\\ty\'; echo "$a"',
    out: 'a|b|c d\nx\\ty\nxty\n',
  },
  {
    line: 'printf \'a b\\nc d\\n\' | while read x y; do echo "$y $x"; done; printf \'no newline\' | { read l; echo "$? $l"; }',
    out: 'b a\nd c\n1 no newline\n',
  },
  {
    line: 'read -n 3 x <<< abcdef; echo $x; read -d : x <<< "ab:cd"; echo $x; read x < /dev/null; echo $?',
    out: 'abc\nab\n1\n',
  },
  {
    line: 'echo abc | { read -N 2 x; echo "$x"; read y; echo "$y"; }; printf \'a\\\\\\nb\\n\' | { read x; echo "$x"; }',
    out: 'ab\nc\nab\n',
  },
  {
    line: "printf '%s-%03d\\n' a 7 b 42; printf '%5s|%-5s|%05d|%+d|%x|%X|%o|%c|%%\\n' ab cd 42 5 255 255 8 xyz",
    out: 'a-007\nb-042\n   ab|cd   |00042|+5|ff|FF|10|x|%\n',
  },
  {
    line: "printf '%s\\n' a b c; printf '%d %s\\n' 1; printf 'x\\n' y z; printf '%b' 'a\\nb\\n'; printf '%q %q\\n' 'a b' \"x'y\"",
    out: "a\nb\nc\n1 \nx\na\nb\na\\ b x\\'y\n",
  },
  {
    line: "printf '%.2f %e %g %G\\n' 3.14159 12345.678 0.0001 1e10; printf '%5.1f|%-8.3f|%08.2f\\n' 2.25 1.5 3.14159; printf '%.3s|%.0f\\n' abcdef 2.5",
    out: '3.14 1.234568e+04 0.0001 1E+10\n  2.2|1.500   |00003.14\nabc|2\n',
  },
  {
    line: "printf '%d\\n' 0x10 010 \"'A\" -5; printf '%u\\n' -1; printf '%*d|%-*d|\\n' 5 42 4 7; printf '%i\\n' 3",
    out: '16\n8\n65\n-5\n18446744073709551615\n   42|7   |\n3\n',
  },
  {
    line: "printf -v x '%03d' 5; echo $x; printf '%s\\n' \"$(printf '\\x41\\u00e9')\"; printf '%#x %#o\\n' 255 8; printf '\\101\\n'",
    out: '005\nAé\n0xff 010\nA\n',
  },
  {
    line: "printf '%(%Y-%m-%d)T\\n' 0; printf '%s %s\\n' a b c; printf '\\n'; printf '%s'; echo; printf -- '-x\\n'",
    out: '1970-01-01\na b\nc \n\n\n-x\n',
  },
  {
    line: "printf '%d\\n' abc; echo $?; printf '%d\\n' 12abc; echo $?; printf '%s %d\\n' a",
    out: '0\n1\n12\n1\na 0\n',
    err: 'bash: line 1: printf: abc: invalid number\nbash: line 1: printf: 12abc: invalid number\n',
  },
  {
    line: "touch 'a b' c; for i in *; do echo \"<$i>\"; done; x='*'; echo $x \"$x\"; rm 'a b' c; shopt -s nullglob; echo none*; echo end",
    out: '<a b>\n<c>\na b c *\n\nend\n',
  },
  {
    line: 'eval \'x=1; echo $x\'; y=\'echo "a b"\'; eval $y; eval "echo \\$((1+1))"; eval; echo $?',
    out: '1\na b\n2\n0\n',
  },
  {
    line: "echo 'echo sourced $1; return 4' > s.sh; . ./s.sh arg; echo $?; source s.sh; echo $?; rm s.sh",
    out: 'sourced arg\n4\nsourced\n4\n',
  },
  {
    line: 'type echo; type -t if cd ls nope; command -v echo; command -v if; command -v nope; echo $?; command echo x; builtin echo y',
    out: 'echo is a shell builtin\nkeyword\nbuiltin\nfile\necho\nif\n1\nx\ny\n',
  },
  {
    line: 'set -- -a -b val -c; while getopts ab:c o; do echo "$o $OPTARG"; done; echo $OPTIND; shift $((OPTIND-1)); echo $#',
    out: 'a \nb val\nc \n5\n0\n',
  },
  {
    line: 'set -- -x; while getopts a: o; do echo "[$o] [$OPTARG]"; done; OPTIND=1; set -- -a; getopts a: o; echo "$o $?"; OPTIND=1; set -- -ab v; while getopts :ab: o; do echo $o$OPTARG; done',
    out: '[?] []\n? 0\na\nbv\n',
    err: 'bash: illegal option -- x\nbash: option requires an argument -- a\n',
  },
  {
    line: 'x=1; { x=2; }; echo $x; echo $x | { read y; x=$y; echo $x; }; x=3 | true; echo $x; (x=4); echo $x',
    out: '2\n2\n2\n2\n',
  },
  {
    line: "x=5 env | grep '^x='; x=6; env | grep '^x=' ; export x; env | grep '^x='; y=1 true; echo \"[$y]\"; IFS=, read a b <<< 1,2; echo $a $b",
    out: 'x=5\nx=6\n[]\n1 2\n',
  },
  {
    line: 'cd /tmp; pwd; cd /usr/lib; echo $PWD $OLDPWD; cd -; cd ..; pwd; cd /nope; echo $?; cd ./usr/../usr/bin/.; pwd',
    out: '/tmp\n/usr/lib /tmp\n/tmp\n/\n1\n/usr/bin\n',
    err: 'bash: line 1: cd: /nope: No such file or directory\n',
  },
  {
    line: '(( 1 / 0 )); echo $?; let "1 +"; echo $?; echo $((a b)); echo x',
    out: '1\n1\n',
    err: 'bash: line 1: ((: 1 / 0 : division by 0 (error token is "0 ")\nbash: line 1: let: 1 +: syntax error: operand expected (error token is "+")\nbash: line 1: a b: syntax error in expression (error token is "b")\n',
    status: 1,
  },
  {
    line: "alias ll='ls -l'; alias; alias ll; unalias ll; alias ll; echo $?",
    out: "alias ll='ls -l'\nalias ll='ls -l'\n1\n",
    err: 'bash: line 1: alias: ll: not found\n',
  },
  {
    line: 'umask; umask 027; umask; umask -S; ulimit -f',
    out: '0022\n0027\nu=rwx,g=rx,o=\nunlimited\n',
  },
  {
    line: 'echo a | cat | cat; yes | head -3; seq 3 | while read i; do echo $((i*2)); done; seq 5 | { head -1; cat; } | tail -1',
    out: 'a\ny\ny\ny\n2\n4\n6\n1\n',
  },
  {
    line: 'echo abc | (read x; echo "got $x"); cat <<A; cat <<B\naa\nA\nbb\nB',
    out: 'got abc\naa\nbb\n',
  },
  {
    line: "A=1 B=2 env | grep -E '^[AB]=' | sort; A=1; A=2 eval 'echo $A'; echo $A",
    out: 'A=1\nB=2\n2\n1\n',
  },
  {
    line: 'echo ${PWD##*/} >/dev/null; hash -r; hash; echo $SHLVL >/dev/null; echo $BASH; echo "$HOSTTYPE"',
    out: 'hash: hash table empty\n/usr/bin/bash\nx86_64\n',
  },
  {
    line: "printf 'echo from stdin; read x; echo \"x=$x\"\\nthe line\\necho end\\n' | bash; printf 'if true\\nthen echo ml\\nfi' | bash",
    out: 'from stdin\nx=the line\nend\nml\n',
  },
  {
    line: '{ echo a; echo b; } | { read x; read y; echo $y$x; }; echo z | tr z y; wc -l < /dev/null; cat < /nope; echo $?; echo > /nope/x; echo $?',
    out: 'ba\ny\n0\n1\n1\n',
    err: 'bash: line 1: /nope: No such file or directory\nbash: line 1: /nope/x: No such file or directory\n',
  },
  { line: 'while read -r a b; do echo "$b:$a"; done <<E\n1 one\n2 two\nE', out: 'one:1\ntwo:2\n' },
  {
    line: "n=5; f=1; while ((n>1)); do ((f*=n--)); done; echo $f; printf '%d\\n' $((f/3)); echo $((f>>2)) $((-1>>1)) $((1<<62))",
    out: '120\n40\n30 -1 4611686018427387904\n',
  },
  {
    line: 'IFS=. read -r a b c d <<< 192.168.1.10; echo "$d.$c.$b.$a"; ip=10.0.0.7; echo ${ip%.*}.0/24 ${ip##*.} $(( ${ip##*.} + 1 ))',
    out: '10.1.168.192\n10.0.0.0/24 7 8\n',
  },
  {
    line: "printf '%s,' {a..c}{1..2}; echo; printf '%2$s' a b 2>/dev/null; echo; printf '%5s|%.2s|%-6.3s|\\n' abc abc abcdef; printf '%x\\n' -1",
    out: 'a1,a2,b1,b2,c1,c2,\n\n  abc|ab|abc   |\nffffffffffffffff\n',
  },
  {
    line: 'echo 1 2 3 | { read a b; echo "$a|$b"; }; echo "  lead  trail  " | { read x; echo "[$x]"; }; echo "  lead  " | { IFS= read -r x; echo "[$x]"; }; echo \'a:b:\' | { IFS=: read x y; echo "[$x][$y]"; }; echo \'a:b:c:\' | { IFS=: read x y; echo "[$x][$y]"; }',
    out: '1|2 3\n[lead  trail]\n[  lead  ]\n[a][b]\n[a][b:c:]\n',
  },
  {
    line: 'command -v ls nope cd; echo $?; command -V cd; type ls cd nope if; echo $?; type -a echo; type -p ls; type -P cd; echo $?',
    out: '/usr/bin/ls\ncd\n0\ncd is a shell builtin\nls is /usr/bin/ls\ncd is a shell builtin\nif is a shell keyword\n1\necho is a shell builtin\necho is /usr/bin/echo\necho is /bin/echo\n/usr/bin/ls\n1\n',
    err: 'bash: line 1: type: nope: not found\n',
  },
  {
    line: 'let; echo $?; let a=1 b=a+1; echo $b; let "a = 5" "b = a * 2"; echo $a $b; let a++; echo $a; let \'a<10\' && echo lt',
    out: '1\n2\n5 10\n6\nlt\n',
    err: 'bash: line 1: let: expression expected\n',
  },
  {
    line: 'getopts; echo $?; history | wc -l; hash nope; echo $?; alias x; echo $?; unalias nope; echo $?; ulimit -Z; echo $?; umask 999; echo $?',
    out: '2\n0\n1\n1\n1\n2\n1\n',
    err: 'getopts: usage: getopts optstring name [arg ...]\nbash: line 1: hash: nope: not found\nbash: line 1: alias: x: not found\nbash: line 1: unalias: nope: not found\nbash: line 1: ulimit: -Z: invalid option\nulimit: usage: ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]\nbash: line 1: umask: 999: octal number out of range\n',
  },
  {
    line: 'for f in a b; do echo $f; done > loop.tmp; cat loop.tmp; while read x; do echo "r$x"; done < loop.tmp > l2.tmp; cat l2.tmp; if true; then echo iff; fi > loop.tmp; cat loop.tmp; (echo sub) >> loop.tmp; wc -l < loop.tmp; rm loop.tmp l2.tmp',
    out: 'a\nb\nra\nrb\niff\n2\n',
  },
  {
    line: "printf 'a\\0b' | { read -d '' x; echo \"$x\"; }; printf 'x y\\0z\\0' | while IFS= read -r -d '' i; do echo \"<$i>\"; done",
    out: 'a\n<x y>\n<z>\n',
  },
  {
    line: 'var=\'$(echo injected)\'; echo "$var"; eval echo "$var"; eval "echo \\"$var\\""; x=\'y=5\'; eval $x; echo $y; eval \'for i in 1 2; do echo $i; done\'',
    out: '$(echo injected)\ninjected\ninjected\n5\n1\n2\n',
  },
  {
    line: "printf '%-10s|%10s|\\n' left right; printf '%3d|%-3d|%03d\\n' 5 5 5; printf '%s %s %s\\n' a b; printf '%d%%\\n' 50; printf '\\x48\\151\\n'; printf '%c%c\\n' abc d",
    out: 'left      |     right|\n  5|5  |005\na b \n50%\nHi\nad\n',
  },
  {
    line: "printf '%.3f\\n' 2.0005 1e3 -0.5 0; printf '%e\\n' 0 123; printf '%g\\n' 0 100000 1000000 1e-5 0.5 123456789; printf '%10.4g|\\n' 3.14159265",
    out: '2.001\n1000.000\n-0.500\n0.000\n0.000000e+00\n1.230000e+02\n0\n100000\n1e+06\n1e-05\n0.5\n1.23457e+08\n     3.142|\n',
  },
  {
    line: "printf '%b\\n' 'a\\tb' 'c\\\\d' '\\0101' '\\x41'; printf \"%q\\n\" \"\" 'a b' '$x' \"it's\" $'a\\nb' 'a\"b' '~x' '#y' 'a=b'; printf '%5q|\\n' ab",
    out: "a\tb\nc\\d\nA\nA\n''\na\\ b\n\\$x\nit\\'s\n$'a\\nb'\na\\\"b\n\\~x\n\\#y\na=b\n   ab|\n",
  },
  {
    line: 'let "x=5+" ; echo $?',
    out: '1\n',
    err: 'bash: line 1: let: x=5+: syntax error: operand expected (error token is "+")\n',
  },
  {
    line: 'lines=$(printf \'1\\n2\\n3\'); echo "$lines" | while read l; do echo "$((l*10))"; done; n=$(echo "$lines" | wc -l); echo $n; for l in $lines; do echo -n "$l "; done; echo',
    out: '10\n20\n30\n3\n1 2 3 \n',
  },
  {
    line: "while read a && read b; do echo \"$a-$b\"; done <<< $'1\\n2\\n3\\n4'; { read x; read y; } <<< $'l1\\nl2'; echo $x $y; IFS= read -r x <<< '  keep  '; echo \"[$x]\"; read -n1 x <<< xyz; echo $x; read -t 1 x <<< quick; echo $? $x",
    out: '1-2\n3-4\nl1 l2\n[  keep  ]\nx\n0 quick\n',
  },
  {
    line: 'unset PATH; ls; echo $?; /bin/echo abs; PATH=/nowhere; ls; echo $?; PATH=/usr/bin:/bin; command -v cat; PATH=; cat; echo $?',
    out: '127\nabs\n127\n/usr/bin/cat\n127\n',
    err: 'bash: line 1: ls: No such file or directory\nbash: line 1: ls: command not found\nbash: line 1: cat: No such file or directory\n',
  },
  {
    line: 'if true; then :; fi > /dev/null; for i in 1; do :; done < /dev/null; f() { cat; } < /etc/hostname > /dev/null; f; echo $?; while read l; do echo "$l"; done < <(echo ps) | cat; cat < <(echo a; echo b)',
    out: '0\nps\na\nb\n',
  },
  {
    line: 'x=$(cat <<E\nheredoc in subst\nE\n); echo "$x"; cat <<E | while read l; do echo "<$l>"; done\nl1\nl2\nE',
    out: 'heredoc in subst\n<l1>\n<l2>\n',
  },
  {
    line: 'shopt -s extglob\ncase foobar in foo+(b|a|r)) echo m;; esac\nx=aaabbb; echo ${x##+(a)} ${x%%+(b)} ${x/+(a)/X}; touch a.c b.h c.o; echo !(*.c); echo *.@(c|h); rm *.[cho]',
    out: 'm\nbbb aaa Xbbb\nb.h c.o\na.c b.h\n',
  },
  {
    line: 'while read -r name value; do\n  case "$name" in\n    \\#*|"") continue ;;\n    *) printf \'%s=%s\\n\' "$name" "$value" ;;\n  esac\ndone <<\'EOF\'\n# a comment\n\nalpha 1\nbeta two words\nEOF',
    out: 'alpha=1\nbeta=two words\n',
  },
  {
    line: 'eval "a=\'x y\'; echo \\"\\$a\\""; cmd="echo"; $cmd hello; args="-n hi"; echo $args; echo; c=\'echo a | cat\'; eval $c; $c',
    out: 'x y\nhello\nhi\na\na | cat\n',
  },
  {
    line: 'echo "a b c" | { read first rest; echo "$rest"; }; echo "k=v" | { IFS== read k v; echo "$k $v"; }; printf \'1 2\\n3 4\\n\' | while read a b; do echo $((a+b)); done | { read s; echo "first $s"; cat; }',
    out: 'b c\nk v\nfirst 3\n7\n',
  },
  {
    line: "n=$(printf '%s\\n' c a b | sort | head -1); echo $n; total=0; for v in $(seq 1 4); do ((total += v)); done; echo $total; printf '%s\\n' {1..3} | while read v; do ((t+=v)); echo $t; done; echo \"[$t]\"",
    out: 'a\n10\n1\n3\n6\n[]\n',
  },
  {
    line: 'printf "%s %s\\n" "a" "b" "c"; printf "%5.2f|%-10s|%+5d|% d\\n" 3.14159 left 42 7; printf "%o %x %X %#x\\n" 8 255 255 255; printf \'%s\\t%s\\n\' a b; printf "%%|%c|%5c|\\n" abc x; printf \'%q\\n\' "a\'b c" ; printf "\\n"; printf "no newline"; echo; printf \'%s\' a b c; echo; printf \'%d %i %u\\n\' -1 +5 7; printf \'%.0f %.1f\\n\' 0.5 0.25 1.5 0.35; printf \'%x\\n\' -1; printf \'%5%|\\n\' 2>&1',
    out: "a b\nc \n 3.14|left      |  +42| 7\n10 ff FF 0xff\na\tb\n%|a|    x|\na\\'b\\ c\n\nno newline\nabc\n-1 5 7\n0 0.2\n2 0.3\nffffffffffffffff\nbash: line 1: printf: `%': invalid format character\n",
    status: 1,
  },
  {
    line: 'type f 2>&1; f() { :; }; type -t f; unset -f f; type -t f; echo $?; command f; echo $?; f() { echo func; }; command -v f; f; unset f; command -v f; echo $?',
    out: 'bash: line 1: type: f: not found\nfunction\n1\n127\nf\nfunc\n1\n',
    err: 'bash: line 1: f: command not found\n',
  },
  {
    line: 'while getopts ":hvo:" opt; do case $opt in h) echo help;; v) echo verbose;; o) echo "out=$OPTARG";; \\?) echo "bad -$OPTARG";; :) echo "need arg -$OPTARG";; esac; done; set -- -v -o file -h -x -o; OPTIND=1; while getopts ":hvo:" opt; do case $opt in h) echo help;; v) echo verbose;; o) echo "out=$OPTARG";; \\?) echo "bad -$OPTARG";; :) echo "need arg -$OPTARG";; esac; done; echo $OPTIND',
    out: 'verbose\nout=file\nhelp\nbad -x\nneed arg -o\n7\n',
  },
  {
    line: 'set -- -ab -c val rest; while getopts abc: o; do echo "$o:$OPTARG"; done; shift $((OPTIND-1)); echo "$@"; set -- -z; OPTIND=1; getopts ab o; echo "$? $o"; OPTERR=0; OPTIND=1; getopts ab o; echo "$? $o"',
    out: 'a:\nb:\nc:val\nrest\n0 ?\n0 ?\n',
    err: 'bash: illegal option -- z\n',
  },
  {
    line: "alias foo='echo aliased'; foo; shopt -s expand_aliases\nalias foo='echo aliased'\nfoo bar\nunalias foo\nfoo",
    out: 'aliased bar\n',
    err: 'bash: line 1: foo: command not found\nbash: line 5: foo: command not found\n',
    status: 127,
  },
];
