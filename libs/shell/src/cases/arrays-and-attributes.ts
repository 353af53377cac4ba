/** Arrays, declare, mapfile. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const arraysAndAttributes: readonly BashCase[] = [
  {
    line: 'a=(1 2 3); echo ${a[0]} ${a[@]} ${#a[@]} ${a[-1]} ${!a[@]}',
    out: '1 1 2 3 3 3 0 1 2\n',
  },
  {
    line: 'a=(x y z); a[5]=w; echo ${a[@]} ${#a[@]} ${!a[@]}; unset a[1]; echo ${a[@]} ${!a[@]}',
    out: 'x y z w 4 0 1 2 5\nx z w 0 2 5\n',
  },
  {
    line: 'a=("a b" c); for i in "${a[@]}"; do echo "<$i>"; done; echo "${a[*]}"; a+=(d e); echo ${#a[@]}',
    out: '<a b>\n<c>\na b c\n4\n',
  },
  { line: 'a=(1 2 3 4 5); echo ${a[@]:1:2} ${a[@]: -2} ${a[*]:3}', out: '2 3 4 5 4 5\n' },
  {
    line: 'a=(foo.c bar.c); echo ${a[@]%.c} ${a[@]/o/0} "${a[@]^}" ${#a[0]}',
    out: 'foo bar f0o.c bar.c Foo.c Bar.c 5\n',
  },
  {
    line: 'declare -A m; m[x]=1; m["a b"]=2; echo ${m[x]} ${m["a b"]} ${#m[@]}; k="a b"; echo ${m[$k]}',
    out: '1 2 2\n2\n',
  },
  {
    line: 'declare -A m=([one]=1 [two]=2); for k in one two; do echo $k=${m[$k]}; done; unset m[one]; echo ${#m[@]} ${m[one]-none}',
    out: 'one=1\ntwo=2\n1 none\n',
  },
  {
    line: 'i=1; a[i+1]=q; echo ${a[2]} ${a[i+1]}; a[0]+=x; a[2]+=r; echo ${a[@]}',
    out: 'q q\nx qr\n',
  },
  {
    line: 'declare -a arr=(a b); declare -p arr; declare -i n=5; n+=3; echo $n; declare -p n',
    out: 'declare -a arr=([0]="a" [1]="b")\n8\ndeclare -i n="8"\n',
  },
  {
    line: 'x=1; declare -x x; declare -r y=2; declare -p x y',
    out: 'declare -x x="1"\ndeclare -r y="2"\n',
  },
  { line: 'declare -u up=abc; declare -l low=ABC; echo $up $low', out: 'ABC abc\n' },
  {
    line: 'n=name; name=value; echo ${!n}; declare -n ref=name; echo $ref; ref=other; echo $name',
    out: 'value\nvalue\nother\n',
  },
  {
    line: 'f() ( x=2; echo $x ); x=1; f; echo $x; f() { echo $FUNCNAME ${#FUNCNAME[@]}; }; f',
    out: '2\n1\nf 1\n',
  },
  {
    line: 'IFS=: read a b c <<< "1:2:3:4"; echo "$a $b $c"; read -a arr <<< "p q r"; echo ${arr[1]} ${#arr[@]}',
    out: '1 2 3:4\nq 3\n',
  },
  {
    line: "mapfile -t m < <(printf '1\\n2\\n3\\n'); echo ${#m[@]} ${m[2]}; readarray -t r <<< $'x\\ny'; echo \"${r[@]}\"",
    out: '3 3\nx y\n',
  },
  {
    line: 'readonly r=1; (r=2); echo $?; unset r; echo $?; declare r=3; echo $?; echo $r',
    out: '1\n1\n1\n1\n',
    err: 'bash: line 1: r: readonly variable\nbash: line 1: unset: r: cannot unset: readonly variable\nbash: line 1: declare: r: readonly variable\n',
  },
  {
    line: 'x=abc; x+=def; echo $x; declare -i n=1; n+=1; n="n*5"; echo $n; a=(1); a+=(2 3); echo ${a[*]}; a[1]+=x; echo ${a[*]}',
    out: 'abcdef\n10\n1 2 3\n1 2x 3\n',
  },
  {
    line: 'declare -f nope; echo $?; f() { echo hi; }; declare -f f; declare -F f; type f',
    out: '1\nf () \n{ \n    echo hi\n}\nf\nf is a function\nf () \n{ \n    echo hi\n}\n',
  },
  {
    line: 'a=(3 1 2); for ((i=0;i<${#a[@]};i++)); do echo -n "${a[i]} "; done; echo; echo $((a[0]+a[1])) $((${a[0]}*2)); ((a[1]++)); echo ${a[1]}',
    out: '3 1 2 \n4 6\n2\n',
  },
  {
    line: 'a=(); echo ${#a[@]} "${a[@]}" end; for i in "${a[@]}"; do echo x; done; a[3]=1; echo ${#a[@]}; unset a; echo ${#a[@]}',
    out: '0 end\n1\n0\n',
  },
  {
    line: 'a=(a b c); b=("${a[@]}"); b[1]=X; echo ${a[1]} ${b[1]}; echo "${a[@]/#/-}" "${a[@]/%/+}"; printf \'<%s>\' "${a[@]}"; echo',
    out: 'b X\n-a -b -c a+ b+ c+\n<a><b><c>\n',
  },
  {
    line: 'IFS=,; a=(1 2 3); echo "${a[*]}"; echo "${a[@]}"; unset IFS; s=$(IFS=+; echo "${a[*]}"); echo $s $((s))',
    out: '1,2,3\n1 2 3\n1+2+3 6\n',
  },
  {
    line: 'x=\'a b c\'; a=($x); echo ${#a[@]}; a=("$x"); echo ${#a[@]}; a=($(echo 1 2)); echo ${#a[@]}; a=(*nope*); echo ${a[0]}',
    out: '3\n1\n2\n*nope*\n',
  },
  {
    line: 'v=1; f() { local v=2; (v=3; echo $v); echo $v; }; f; echo $v; f() { declare v=5; declare -g w=6; }; f; echo $v $w',
    out: '3\n2\n1\n1 6\n',
  },
  {
    line: 'f() { local -a arr=(1 2); local -A map=([k]=v); echo ${arr[1]} ${map[k]}; }; f; echo "[${arr[1]}]"; f() { local x; echo "[${x-unset}]"; }; x=1; f',
    out: '2 v\n[]\n[unset]\n',
  },
  { line: 'a=(\none\ntwo # c\nthree\n); echo ${#a[@]} ${a[2]}', out: '3 three\n' },
  {
    line: 'echo "${a[@]:-none}" ${#a[@]}; a[2]=z; echo "${a[@]:-none}" "${a:-zero}"',
    out: 'none 0\nz zero\n',
  },
  {
    line: 'f() { return 300; }; f; echo $?; (return 2>/dev/null); echo $?; f() { echo "${FUNCNAME[@]}"; }; g() { f; }; g',
    out: '44\n2\nf g\n',
  },
  {
    line: 'declare -A c; for w in a b a c a; do ((c[$w]++)); done; echo ${c[a]} ${c[b]} ${c[c]}; for k in "${!c[@]}"; do echo $k; done | sort',
    out: '3 1 1\na\nb\nc\n',
  },
  {
    line: 'declare -A m; for i in a b c d e f g hello world x1 x2; do m[$i]=1; done; echo ${!m[@]}; declare -p m',
    out: 'x1 x2 hello g f e d c b a world\ndeclare -A m=([x1]="1" [x2]="1" [hello]="1" [g]="1" [f]="1" [e]="1" [d]="1" [c]="1" [b]="1" [a]="1" [world]="1" )\n',
  },
  {
    line: 'args=(-n 1 "two words"); f() { echo $#; for a; do echo "<$a>"; done; }; f "${args[@]}"; f ${args[@]}',
    out: '3\n<-n>\n<1>\n<two words>\n4\n<-n>\n<1>\n<two>\n<words>\n',
  },
  {
    line: "while IFS=, read -r a b; do echo \"$b-$a\"; done < <(printf '1,2\\n3,4\\n'); printf '%s\\n' x y | mapfile a; echo ${#a[@]}; mapfile -n 2 -s 1 a <<< $'1\\n2\\n3\\n4'; echo ${#a[@]} ${a[0]}",
    out: '2-1\n4-3\n1\n2 2\n',
  },
  {
    line: 'x=(1 2 3); echo "$x" ${x} ${#x} ${x[1]#2} "${x[@]:1}"; x[1]=; echo "${x[@]}" ${#x[@]}; x=5; echo ${x[0]} ${x[@]} ${#x[@]}',
    out: '1 1 1 2 3\n1  3 3\n5 5 3 3\n',
  },
  {
    line: "eval; eval ''; echo $?; eval 'echo a; false'; echo $?; eval 'x=(1 2)'; echo ${x[1]}; eval \"f() { echo evalf; }\"; f; eval 'echo \"$1\"' ; eval 'if'; echo $?",
    out: '0\na\n1\n2\nevalf\n\n2\n',
    err: 'bash: eval: line 2: syntax error: unexpected end of file\n',
  },
  {
    line: 'declare -i a=2+3 b; b=a*2; echo $a $b; declare -i x=abc; echo $x; declare +i a; a=1+1; echo $a; declare -r c=1; declare -p a c',
    out: '5 10\n0\n1+1\ndeclare -- a="1+1"\ndeclare -r c="1"\n',
  },
  {
    line: 'f() { declare -n r=$1; r=changed; }; v=orig; f v; echo $v; declare -n arr=real; real=(1 2); echo ${arr[1]} ${#arr[@]}; arr[2]=3; echo ${real[@]}; echo ${!arr}',
    out: 'changed\n2 2\n1 2 3\nreal\n',
  },
  {
    line: 's="x=1; y=2"; IFS=\';\' read -ra parts <<< "$s"; for p in "${parts[@]}"; do echo "[${p# }]"; done; echo "${#parts[@]}"',
    out: '[x=1]\n[y=2]\n2\n',
  },
  {
    line: 's=\'a,b;c d\'; IFS=\',; \' read -ra p <<< "$s"; echo "${#p[@]}: ${p[*]}"; IFS=, ; echo "${p[*]}"',
    out: '4: a b c d\na,b,c,d\n',
  },
  {
    line: 'printf \'%s\\n\' "${BASH_SOURCE[0]}" "${#BASH_SOURCE[@]}" "${FUNCNAME[0]}" "$BASH_COMMAND"',
    out: '\n0\n\nprintf \'%s\\n\' "${BASH_SOURCE[0]}" "${#BASH_SOURCE[@]}" "${FUNCNAME[0]}" "$BASH_COMMAND"\n',
  },
  {
    line: 'unset a; a[0]=x; a[2]=z; for i in "${!a[@]}"; do echo "$i=${a[$i]}"; done; echo "${a[@]:1}" "${#a[@]}"; a=("${a[@]}"); echo "${!a[@]}"',
    out: '0=x\n2=z\nz 2\n0 1\n',
  },
  {
    line: 'a=(one two three); echo "${a[@]/t/T}" "${a[*]/%e/E}" "${#a[1]}" "${a[@]: -1}" "${a[@]:0:2}"; unset \'a[0]\'; echo "${a[0]-unset}" "${a[@]}"; a=([5]=five [2]=two); echo "${a[@]}" "${!a[@]}"; a+=([7]=seven x); echo "${!a[@]}"',
    out: 'one Two Three onE two threE 3 three one two\nunset two three\ntwo five 2 5\n2 5 7 8\n',
  },
  {
    line: 'b=(1 2 3); c=("${b[@]/#/n}"); echo "${c[@]}"; d=("${b[@]}" "${c[@]}"); echo ${#d[@]}; e=(${d[@]:1:3}); echo "${e[@]}"; IFS=+ eval \'s="${b[*]}"\'; echo $s $((s)); printf \'%s|\' "${b[@]}"; echo',
    out: 'n1 n2 n3\n6\n2 3 n1\n1+2+3 6\n1|2|3|\n',
  },
  {
    line: 'declare -a z=(); z+=("a b"); z+=(c); printf \'<%s>\\n\' "${z[@]}"; z[10]=k; echo ${#z[@]} ${!z[*]}; for ((i=0; i<${#z[@]}; i++)); do echo "$i:${z[i]}"; done; y=("${z[@]:0:1}"); echo "${y[0]}"',
    out: '<a b>\n<c>\n3 0 1 10\n0:a b\n1:c\n2:\na b\n',
  },
  {
    line: 'read -p "prompt: " x <<< val; echo $x; read -r -d $\'\\n\' x <<< abc; echo $x; echo "a b  c" | { read -a q; echo ${#q[@]}; }; read x y <<< "one"; echo "[$x][$y]"; read <<< " sp "; echo "[$REPLY]"; read -u 7 x 7<<< fd7; echo $x; read 1x; echo $?',
    out: 'val\nabc\n3\n[one][]\n[ sp ]\nfd7\n1\n',
    err: "bash: line 1: read: `1x': not a valid identifier\n",
  },
  {
    line: 'arr=(a b c); echo "${arr[@]+"${arr[@]}"}" ${arr+set} ${nope+set}; printf \'%s\\n\' ${arr[@]/b/} "${#arr[*]}"; echo "${arr[*]:1}" "${arr[@]::2}"',
    out: 'a b c set\na\nc\n3\nb c a b\n',
  },
  {
    line: 'v=global; f() { v=changed; }; f; echo $v; g() { local v=local; h; echo "g $v"; }; h() { v=fromh; }; g; echo $v; k() { unset v; }; k; echo ${v-unset}; m() { declare -g w=1; }; m; echo $w',
    out: 'changed\ng fromh\nchanged\nunset\n1\n',
  },
  {
    line: 'echo ${BASH_VERSINFO[@]:0:2}; echo $((BASHPID == $$)); echo ${#RANDOM} | grep -c \'[1-5]\'; echo $UID $EUID; echo $HOSTNAME | wc -l; echo "$-" | grep -c B; echo $IFS | wc -c; echo ${LINENO}; echo $_',
    out: '5 2\n1\n1\n0 0\n1\n1\n1\n1\n1\n',
  },
  {
    line: 'a=5; a+=3; echo $a; declare -i a; a+=3; echo $a; a="2*3"; echo $a; unset a; a[3]=x; a+=(y); echo ${!a[@]}; a=z; echo ${a[0]} ${a[@]}; s=str; s[2]=x; echo ${s[@]} ${!s[@]}',
    out: '53\n56\n6\n3 4\nz z x y\nstr x 0 2\n',
  },
  {
    line: 'mapfile -t lines <<< $\'a b\\n\\nc\'; echo ${#lines[@]} "${lines[0]}" "[${lines[1]}]"; mapfile -d, -t parts <<< "x,y,z"; echo ${#parts[@]} ${parts[1]}; readarray -t -s 1 -n 1 r <<< $\'1\\n2\\n3\'; echo ${r[@]}; mapfile -O 2 -t o <<< q; echo ${!o[@]}',
    out: '3 a b []\n3 y\n2\n2\n',
  },
];
