/** Arithmetic. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const arithmetic: readonly BashCase[] = [
  {
    line: 'echo $((1+2*3)) $((2**10)) $((7/2)) $((-7/2)) $((-7%3)) $((1<<40))',
    out: '7 1024 3 -3 -1 1099511627776\n',
  },
  { line: 'echo $((0x1f)) $((010)) $((2#101)) $((36#zz)) $((16#ff))', out: '31 8 5 1295 255\n' },
  { line: 'x=5; echo $((x++)) $x $((++x)) $x $((x--)) $((--x))', out: '5 6 7 7 7 5\n' },
  {
    line: 'x=5; ((x+=3)); echo $x; ((x*=2)); echo $x; ((x<<=1)); echo $x; ((x%=7)); echo $x',
    out: '8\n16\n32\n4\n',
  },
  {
    line: 'echo $((1>2)) $((1<2)) $((1==1)) $((1!=1)) $((3>=3)) $((5&3)) $((5|3)) $((5^3)) $((~5)) $((!5)) $((!0))',
    out: '0 1 1 0 1 1 7 6 -6 0 1\n',
  },
  { line: 'echo $((1?2:3)) $((0?2:3)) $((1&&0)) $((1||0)) $((1,2,3))', out: '2 3 0 1 3\n' },
  {
    line: 'echo $((9223372036854775807+1)) $((-9223372036854775808-1))',
    out: '-9223372036854775808 9223372036854775807\n',
  },
  { line: 'a=3 b=a; echo $((b+1)) $((b*b))', out: '4 9\n' },
  { line: 'echo $(( (1+2)*3 )) $(( 1 + ( 2 * 3 ) ))', out: '9 7\n' },
  { line: 'for ((i=0;i<3;i++)); do echo $i; done', out: '0\n1\n2\n' },
  { line: 'for ((i=0,j=10;i<j;i+=3,j-=2)); do echo $i $j; done', out: '0 10\n3 8\n' },
  {
    line: 'f() { return; }; false; f; echo $?; f() { true; return $((1+1)); }; f; echo $?',
    out: '1\n2\n',
  },
  {
    line: 'cat <<< "here string $((1+1))"; cat <<E; echo after\nx $((1+2)) `echo b` \\$y "q" \'s\' \\\\ \\n\nE',
    out: 'here string 2\nx 3 b $y "q" \'s\' \\ \\n\nafter\n',
  },
  { line: 'echo "$(cat <<E\nin $((1+1))\nE\n)" after', out: 'in 2 after\n' },
  {
    line: 'echo $((1+)); echo no',
    out: '',
    err: 'bash: line 1: 1+: syntax error: operand expected (error token is "+")\n',
    status: 1,
  },
  {
    line: 'echo $((1/0)); echo no',
    out: '',
    err: 'bash: line 1: 1/0: division by 0 (error token is "0")\n',
    status: 1,
  },
  {
    line: 'x=08; echo $((x))',
    out: '',
    err: 'bash: line 1: 08: value too great for base (error token is "08")\n',
    status: 1,
  },
  {
    line: 's=hello; for ((i=0;i<${#s};i++)); do echo -n "${s:i:1} "; done; echo; r=; for ((i=${#s}-1;i>=0;i--)); do r+=${s:$i:1}; done; echo $r',
    out: 'h e l l o \nolleh\n',
  },
  { line: 'echo "$(( 1 +\n2 ))"; (( x = 1 ,\n y = 2 )); echo $x$y', out: '3\n12\n' },
  {
    line: 'echo "${x-}" "${x+}" ${x-}; echo ${1-} "${@-}"; echo ${x:=5}; ((x += ${#x})); echo $x',
    out: ' \n\n5\n6\n',
  },
  {
    line: 'echo $((1 ? 2 : 3 ? 4 : 5)) $((2**3**2)) $((-2**2)) $((5%3*2)) $((1+2<<1)) $((!1+1)) $((~0)) $((-5/2)) $((5- -2)) $((+3))',
    out: '2 512 4 4 6 1 -1 -2 7 3\n',
  },
  {
    line: 'x=5; echo $((x+=2,x*2)) $x $((x=x==7?1:0)) $((x||y++)) ${y-unset}; y=; echo $((y+1)) $((nope)) $((z=3)) $z',
    out: '14 7 1 1 unset\n1 0 3 3\n',
  },
  {
    line: 'i=0; until ((i>=3)); do echo -n $i; ((++i)); done; echo; for i in 1 2 3; do case $i in 2) continue;; esac; echo $i; done; while true; do while true; do break 2; done; done; echo out',
    out: '012\n1\n3\nout\n',
  },
  {
    line: 'x=5; echo "${x}abc" "$x"abc; echo $x$x "$((x))$x"; unset x y; echo "a${x}b${y}c"',
    out: '5abc 5abc\n55 55\nabc\n',
  },
  {
    line: 'echo $(( $(echo 5) + `echo 3` )) $(( "2" + \'3\' )) ; a=5; echo $(( ${a} * $a )) $(( a * -a ))',
    out: '',
    err: "bash: line 1: 2 + '3' : syntax error: operand expected (error token is \"'3' \")\n",
    status: 1,
  },
  {
    line: 'x=10; x=$x$x; echo $x; x+=1; echo $x; ((x/=3)); echo $x; ((x%=1000)); echo $x; ((x&=0xff)); echo $x; ((x|=1)); ((x^=2)); echo $x',
    out: '1010\n10101\n3367\n367\n111\n109\n',
  },
  {
    line: 'a=1; b=2; echo $((a<b ? a : b)) $((a==1 && b==2)) $(((a+b)*2)) $((a=b, a+1)); echo $a; : $((a++)); echo $a; echo $((a > 2))',
    out: '1 1 6 3\n2\n3\n1\n',
  },
  {
    line: "x='3 + 4'; echo $((x)); y=x; echo $((y * 2)); z='z+1'; (echo $((z))) 2>/dev/null; echo $?; echo $((16#FF + 8#17 + 2#11)) $((0xAbC)) $((1e3)) 2>&1",
    out: '7\n14\n1\n',
    err: 'bash: line 1: 1e3: value too great for base (error token is "1e3")\n',
    status: 1,
  },
  {
    line: 'echo $((5 +)); echo after',
    out: '',
    err: 'bash: line 1: 5 +: syntax error: operand expected (error token is "+")\n',
    status: 1,
  },
  {
    line: 'echo $((5 5))',
    out: '',
    err: 'bash: line 1: 5 5: syntax error in expression (error token is "5")\n',
    status: 1,
  },
  {
    line: 'echo $((0x)) $((08))',
    out: '',
    err: 'bash: line 1: 08: value too great for base (error token is "08")\n',
    status: 1,
  },
  {
    line: '((x = )); echo $?',
    out: '1\n',
    err: 'bash: line 1: ((: x = : syntax error: operand expected (error token is "= ")\n',
  },
  {
    line: 'x=$(( 1 << 62 )); echo $x $((x*2)) $((x*4)) $((-x*2-1)); echo $((9223372036854775807)) $((-9223372036854775808)) $((0x7fffffffffffffff)) $((2**63)) $((2**64)); echo $((5/-2)) $((5%-2)) $((-5%2)) $((7&~2))',
    out: '4611686018427387904 -9223372036854775808 0 9223372036854775807\n9223372036854775807 -9223372036854775808 9223372036854775807 -9223372036854775808 0\n-2 1 -1 5\n',
  },
  {
    line: 'for i in 1 2 3; do\n  if (( i == 2 )); then\n    continue\n  fi\n  echo "i=$i"\ndone',
    out: 'i=1\ni=3\n',
  },
  {
    line: 'a=1; ((a)) && echo true; ((a==2)) || echo false; ((!a)) || echo notnot; if ((a > 0 && a < 5)); then echo in; fi; ((b=a<<3, c=b|1)); echo $b $c',
    out: 'true\nfalse\nnotnot\nin\n8 9\n',
  },
  {
    line: 'set -- one two three; echo "$1" "${2}" "${@:3}" "$#"; set -- "${@:2}"; echo "$@"; set -- x "$@" y; echo $*; echo "${*: -1}"; for ((i=1;i<=$#;i++)); do echo -n "${!i} "; done; echo',
    out: 'one two three 3\ntwo three\nx two three y\ny\nx two three y \n',
  },
  {
    line: 'x=5; y=$((x > 3 ? x * 2 : 0)); echo $y; s=abc; echo "${s:$((1)):1}" "${s:x-4}" "${s:0:$((x-4))}"; echo $((x--)) $((--x)) $x; echo $((x = x == 3 ? 7 : 8)) $x',
    out: '10\nb bc a\n5 3 3\n7 7\n',
  },
  {
    line: '{ { echo deep; } 2>&1; } | cat; ( ( echo sub ) ); { ( { echo mix; } ) }; (( (1+2)*3 == 9 )) && echo arith; ! { false; } && echo neg; ! ( true ) || echo n2',
    out: 'deep\nsub\nmix\narith\nneg\nn2\n',
  },
  {
    line: 'a=$(echo 1)$(echo 2); echo $a; b="$(echo x)-$(echo y)"; echo $b; c=$((1))$((2)); echo $c; d=~; echo $d | grep -c root; e=\'~\'; echo $e; f=a:~:b; echo $f; g="~"; echo $g; echo ~nosuchuser',
    out: '12\nx-y\n12\n1\n~\na:/root:b\n~\n~nosuchuser\n',
  },
  {
    line: 'echo \'single\' "double $((1+1)) `echo bt` $(echo sub) ${HOME}" $\'ansi\\x21\' mixed\'a\'"b"c; echo "a\'b\'c" \'a"b"c\' "a\\"b" a\\\'b; echo "back\\\\slash" \'back\\slash\' back\\\\slash; echo "dollar\\$x" \'dollar$x\' dollar\\$x',
    out: 'single double 2 bt sub /root ansi! mixedabc\na\'b\'c a"b"c a"b a\'b\nback\\slash back\\slash back\\slash\ndollar$x dollar$x dollar$x\n',
  },
  {
    line: 'rec() { local n=$1; ((n<=0)) && return; echo -n "$n "; rec $((n-1)); }; rec 5; echo; fib() { (( $1 < 2 )) && { echo $1; return; }; echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); }; fib 8; a() { b; }; b() { echo ${FUNCNAME[1]}; }; a',
    out: '5 4 3 2 1 \n21\na\n',
  },
  {
    line: 'echo $((3.5)); echo after',
    out: '',
    err: 'bash: line 1: 3.5: syntax error: invalid arithmetic operator (error token is ".5")\n',
    status: 1,
  },
];
