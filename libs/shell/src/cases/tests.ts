/** test, [ and [[. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const tests: readonly BashCase[] = [
  {
    line: 'i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i',
    out: '0\n1\n2\n0\n',
  },
  {
    line: 'for i in a b c; do [ $i = b ] && continue; echo $i; done; for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done',
    out: 'a\nc\n1\n',
  },
  {
    line: 'for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done',
    out: '1a\n2a\n',
  },
  {
    line: 'f() { [ $1 -le 1 ] && echo 1 && return; echo $(( $1 * $(f $(($1-1))) )); }; f 5',
    out: '120\n',
  },
  {
    line: '[ 1 -eq 1 ]; echo $?; [ a = b ]; echo $?; [ -z "" ]; echo $?; [ -n "" ]; echo $?; [ 1 -lt 2 -a 3 -gt 2 ]; echo $?; [ ! 1 = 1 ]; echo $?; [ \\( 1 = 1 \\) ]; echo $?',
    out: '0\n1\n0\n1\n0\n1\n0\n',
  },
  {
    line: 'test -d / ; echo $?; test -f /etc/passwd; echo $?; test -e /nope; echo $?; [ -x / ] && echo x; test; echo $?; test a; echo $?; [ a \\< b ]; echo $?',
    out: '0\n0\n1\nx\n1\n0\n0\n',
  },
  {
    line: '[[ a == a* ]]; echo $?; [[ abc == "a*" ]]; echo $?; [[ abc =~ ^a(b)c$ ]]; echo $? ${BASH_REMATCH[0]} ${BASH_REMATCH[1]}; [[ 5 -gt 3 && 2 -lt 1 ]]; echo $?',
    out: '0\n1\n0 abc b\n1\n',
  },
  {
    line: '[[ -z $nope && -n x ]]; echo $?; [[ ! -e /nope || a = b ]]; echo $?; [[ a < b ]]; echo $?; x="a b"; [[ $x == "a b" ]]; echo $?; [[ $x = a* ]]; echo $?',
    out: '0\n0\n0\n0\n0\n',
  },
  {
    line: '[[ "10.0.0.1" =~ ^([0-9]+)\\.([0-9]+)\\.([0-9]+)\\.([0-9]+)$ ]] && echo "${BASH_REMATCH[@]:1}"; re=\'^[a-z]+$\'; [[ abc =~ $re ]]; echo $?; [[ aBc =~ $re ]]; echo $?',
    out: '10 0 0 1\n0\n1\n',
  },
  {
    line: '[[ "a.b" =~ a\\.b ]]; echo $?; [[ axb =~ a\\.b ]]; echo $?; [[ axb =~ "a.b" ]]; echo $?; [[ foo123 =~ [[:digit:]]+ ]] && echo ${BASH_REMATCH}; [[ x =~ (y)? ]]; echo $?',
    out: '0\n1\n1\n123\n0\n',
  },
  {
    line: 'x=3; [[ x -eq 3 ]]; echo $?; [[ -v x ]]; echo $?; [[ -v nope ]]; echo $?; [[ 010 -eq 8 ]]; echo $?; [ 010 -eq 10 ]; echo $?',
    out: '0\n0\n1\n0\n0\n',
  },
  {
    line: 'i=0; while true; do i=$((i+1)); if [ $i -gt 100 ]; then break; fi; done; echo $i',
    out: '101\n',
  },
  {
    line: "x=a; case $x in [[:alpha:]]) echo alpha;; esac; case 5 in [0-9]) echo digit;; esac; case - in [a-]) echo dash;; esac; case ']' in []]) echo br;; esac; case ^ in [^x]) echo neg;; esac",
    out: 'alpha\ndigit\ndash\nbr\nneg\n',
  },
  {
    line: 'f() { g; echo f; }; g() { return 1; }; f; echo $?; f() { echo $1; shift; [ $# -gt 0 ] && f "$@"; }; f a b c; unset -f f; f; echo $?',
    out: 'f\n0\na\nb\nc\n127\n',
    err: 'bash: line 1: f: command not found\n',
  },
  {
    line: 'f() { if [ "$1" = a ]; then echo x; else for i in 1 2; do echo $i; done; fi; while read l; do :; done < /dev/null; case $1 in a|b) echo ab;; esac; }; declare -f f',
    out: 'f () \n{ \n    if [ "$1" = a ]; then\n        echo x;\n    else\n        for i in 1 2;\n        do\n            echo $i;\n        done;\n    fi;\n    while read l; do\n        :;\n    done < /dev/null;\n    case $1 in \n        a | b)\n            echo ab\n        ;;\n    esac\n}\n',
  },
  {
    line: 'x=5; if ((x>3)) && [[ $x != 4 ]]; then echo big; fi; ((x==5)) || echo no; ((y=x+1)); echo $y; (( x = x == 5 ? 1 : 2 )); echo $x',
    out: 'big\n6\n1\n',
  },
  {
    line: 'echo $((RANDOM >= 0 && RANDOM < 32768)) $((SECONDS)) ; [ -n "$EPOCHSECONDS" ] && echo t; [ $$ -eq $BASHPID ] && echo same; (  [ $$ -ne $BASHPID ] && echo diff )',
    out: '1 0\nt\nsame\ndiff\n',
  },
  {
    line: 'test 1 -eq 1 -a 2 -eq 2 && echo ok; [ 1 = 1 -o 1 = 2 ] && echo ok; [ "a" = "a" ] && [ ! "a" = "b" ] && echo ok; [ a b ]; echo $?; [ 1 -eq x ]; echo $?; [ ; echo $?',
    out: 'ok\nok\nok\n2\n2\n2\n',
    err: "bash: line 1: [: a: unary operator expected\nbash: line 1: [: x: integer expression expected\nbash: line 1: [: missing `]'\n",
  },
  {
    line: '[[ abc == [a-c]* ]] && echo 1; [[ abc == ?b? ]] && echo 2; [[ abc != x* ]] && echo 3; [[ a/b == a*b ]] && echo 4; [[ -n "" || ( -z "" && a == a ) ]] && echo 5; [[ ! ( a == b ) ]] && echo 6',
    out: '1\n2\n3\n4\n5\n6\n',
  },
  {
    line: 'echo 1 >a.tmp; if [ -s a.tmp -a -f a.tmp -a -r a.tmp -a ! -d a.tmp ]; then echo props; fi; chmod 644 a.tmp; [ -x a.tmp ] || echo nox; ln -s a.tmp l.tmp; [ -L l.tmp ] && echo link; [ a.tmp -ef l.tmp ] && echo same; [ a.tmp -nt /nope ] && echo newer; rm a.tmp l.tmp',
    out: 'props\nnox\nlink\nsame\nnewer\n',
  },
  {
    line: 'set -- {a..e}; echo ${@:2:3}; echo "${@: -2}"; echo ${*: -1:1}; shift 2; echo $*; shift; echo $# ; while [ $# -gt 0 ]; do echo -n "$1,"; shift; done; echo',
    out: 'b c d\nd e\ne\nc d e\n2\nd,e,\n',
  },
  {
    line: 'x="a*b?c[d]"; echo "$x"; y=\'[x]\'; [[ \'[x]\' == "$y" ]] && echo q; [[ x == $y ]] && echo p; echo ${x//\\*/S} ${x//[?]/Q} ${x//"*"/T}',
    out: 'a*b?c[d]\nq\np\naSb?c[d] a*bQc[d] aTb?c[d]\n',
  },
  {
    line: 'while read -r line; do [[ $line =~ ^#.* ]] && continue; echo "$line"; done <<\'EOF\'\n# comment\ndata 1\ndata 2\nEOF',
    out: 'data 1\ndata 2\n',
  },
  {
    line: 'if [ -f /etc/passwd ] && [ -r /etc/passwd ]; then echo ok; fi; [ -d /tmp -a -w /tmp ] && echo w',
    out: 'ok\nw\n',
  },
  {
    line: 'x=1; while [ $x -le 3 ]; do y=1; while [ $y -le $x ]; do echo -n "*"; y=$((y+1)); done; echo; x=$((x+1)); done',
    out: '*\n**\n***\n',
  },
  {
    line: 'mkdir dd; cd dd; touch x y; ls_() { for f in *; do echo "$f"; done; }; ls_; cd ..; [ -e dd/x ] && echo exists; rm -r dd; [ -e dd ] || echo gone',
    out: 'x\ny\nexists\ngone\n',
  },
  {
    line: 'n=0; while true; do ((n++ >= 5)) && break; done; echo $n; until [ $n = 0 ]; do n=$((n - 1)); done; echo $n',
    out: '6\n0\n',
  },
  {
    line: 'declare -A h; h[a]=1; h[b]=2; for k in "${!h[@]}"; do echo "$k"; done | sort; [[ -v h[a] ]] && echo set; [[ -v h[z] ]] || echo unset; unset \'h[a]\'; echo ${#h[@]}',
    out: 'a\nb\nset\nunset\n1\n',
  },
  {
    line: '[ "$(echo a)" = a ] && echo y; [ x"$1" = x ] && echo empty; [ $# -eq 0 ] && echo none; test "abc" != "abd" && echo diff; [ -z ] && echo z1; [ -n ] && echo n1',
    out: 'y\nempty\nnone\ndiff\nz1\nn1\n',
  },
  {
    line: '[[ 1 -eq a+ ]]; echo $?',
    out: '1\n',
    err: 'bash: line 1: [[: a+: syntax error: operand expected (error token is "+")\n',
  },
  {
    line: '[ 1 -gt ]; echo $?; [ a -eq 1 ]; echo $?; [ 1 2 3 4 5 ]; echo $?; [[ a =~ [ ]]; echo $?',
    out: '2\n2\n2\n2\n',
    err: 'bash: line 1: [: 1: unary operator expected\nbash: line 1: [: a: integer expression expected\nbash: line 1: [: too many arguments\n',
  },
  {
    line: 'for x in 1 2 3; do if [ $x = 2 ]; then continue; fi; echo $x; done | while read y; do echo "y$y"; done; echo ${y-none}',
    out: 'y1\ny3\nnone\n',
  },
  {
    line: 'if [[ "abc" == *b* && "abc" != *z* ]]; then echo m; fi; [[ "file.txt" == *.@(txt|md) ]] && echo ext; [[ abc == a?c ]] && echo q; [[ "a b" == a\\ b ]] && echo esc; [[ $\'a\\nb\' == *$\'\\n\'* ]] && echo nl',
    out: 'm\next\nq\nesc\nnl\n',
  },
  {
    line: '[[ abc =~ b ]] && echo "${BASH_REMATCH[0]}"; [[ "key=val" =~ ^([^=]+)=(.*)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"; [[ abc =~ ^[a-c]{3}$ ]] && echo rep; [[ a.c =~ ^a\\.c$ ]] && echo dot; r=\'(a|b)c\'; [[ bc =~ $r ]] && echo "${BASH_REMATCH[1]}"',
    out: 'b\nkey val\nrep\ndot\nb\n',
  },
  {
    line: "ip=192.168.1.10; if [[ $ip =~ ^([0-9]{1,3}\\.){3}[0-9]{1,3}$ ]]; then echo valid; fi; IFS=. read a b c d <<< $ip; echo $((a<<24|b<<16|c<<8|d)); printf '%02x' $a $b $c $d; echo",
    out: 'valid\n3232235786\nc0a8010a\n',
  },
  {
    line: ': > t1; [ -s t1 ] || echo empty; echo x > t1; [ -s t1 ] && echo full; [ t1 -nt t2 ] && echo nt; [ -f t1 -a ! -f t2 ] && echo and; mkdir t3; [ -d t3 ] && echo dir; rm -r t1 t3; [ -e t1 ]; echo $?',
    out: 'empty\nfull\nnt\nand\ndir\n1\n',
  },
  {
    line: '[[ a == a &&\n b == b ]] && echo multi; [[ (a == b || c == c) && ! d == e ]] && echo group',
    out: 'multi\ngroup\n',
  },
  {
    line: 'pid=$$; [ "$pid" = "$$" ] && echo same; (echo $$ ) | { read p; [ $p = $$ ] && echo samesub; }; echo $! | wc -c',
    out: 'same\nsamesub\n1\n',
  },
  {
    line: 'count=0; for f in /etc/passwd /etc/hostname /nope; do [ -f "$f" ] && count=$((count+1)); done; echo $count; ok=true; $ok && echo ok; $ok || echo no',
    out: '2\nok\n',
  },
  {
    line: 'false || { echo "failed"; true; } && echo "then"; true && { false || echo inner; }; false && echo no || echo yes; [ 1 = 1 ] && [ 2 = 2 ] && echo both; [ 1 = 2 ] || [ 2 = 2 ] && echo either',
    out: 'failed\nthen\ninner\nyes\nboth\neither\n',
  },
  {
    line: 'x=; [ -z "$x" ] && echo empty; [ -n "$x" ] || echo notn; [ "$x" ] || echo false; x=" "; [ -z "$x" ] || echo space; [ -z $x ] && echo unquoted; [[ -z $x ]] || echo dbl; [ $x = a ] 2>/dev/null || echo "rc $?"',
    out: 'empty\nnotn\nfalse\nspace\nunquoted\ndbl\nrc 2\n',
  },
  {
    line: 'i=0; while [ $((i+=1)) -le 3 ]; do echo $i; done; until ! ((i-- > 1)); do echo "u$i"; done; while true; do ((i+=2)); ((i>6)) && break; [ $((i%4)) -eq 0 ] && continue; echo $i; done',
    out: '1\n2\n3\nu3\nu2\nu1\n2\n6\n',
  },
  {
    line: "echo $'\\u00e9\\U1F600' \"${#x}\"; x=héllo; echo ${#x} ${x:1:1} ${x^^} ${x/é/e}; printf '%-7s|\\n' $x; printf '%c\\n' $x; echo ${x:1}; [[ $x == h?llo ]] && echo q; case é in [é]) echo br;; esac",
    out: 'é😀 0\n5 é HÉLLO hello\nhéllo |\nh\néllo\nq\nbr\n',
  },
  {
    line: '[ -t 0 ] || echo notty; [ -p /dev/stdin ] && echo pipe; echo | { [ -p /dev/stdin ] && echo pipe2; }; [ -c /dev/null ] && echo char; [ -w /dev/null ] && echo w; [ -h /dev/stdin ] && echo lnk; [ -S /nope ]; echo $?; [ -O / ] && echo own; [ / -ef /. ] && echo ef; [ -d / ] && [ ! -f / ] && echo d',
    out: 'notty\npipe2\nchar\nw\nlnk\n1\nown\nef\nd\n',
  },
  {
    line: 'test -n "a" -a -z ""; echo $?; test ! -e /nope; echo $?; test "(" = "("; echo $?; test 5 -ge 5 -o 1 = 2; echo $?; [ "a" \'<\' "b" ]; echo $?; [ ! ]; echo $?; [ ! a ]; echo $?; [ -a /etc ]; echo $?; [ -o errexit ]; echo $?; [ ! a = a -o b = b ]; echo $?',
    out: '0\n0\n0\n0\n0\n0\n1\n0\n1\n0\n',
  },
  {
    line: 'select x in one two; do echo "[$x]"; [ "$x" ] && break; done <<< $\'9\\n\\n2\' 2>/dev/null; PS3=\'pick: \'; select y in a b; do break; done <<< 1 2>&1',
    out: '[]\n[two]\n1) a\n2) b\npick: ',
  },
];
