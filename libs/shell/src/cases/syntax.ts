/** Syntax errors. Lines with what GNU bash 5.2.15 printed for them (`bash -c LINE`, LC_ALL=C.UTF-8, no standard input). */
import type { BashCase } from './bash-case.js';

export const syntax: readonly BashCase[] = [
  {
    line: 'echo a; )',
    out: '',
    err: "bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `echo a; )'\n",
    status: 2,
  },
  {
    line: 'echo a;; echo b',
    out: '',
    err: "bash: -c: line 1: syntax error near unexpected token `;;'\nbash: -c: line 1: `echo a;; echo b'\n",
    status: 2,
  },
  {
    line: 'for i in; do echo; done; echo ok; fi',
    out: '',
    err: "bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `for i in; do echo; done; echo ok; fi'\n",
    status: 2,
  },
  {
    line: 'echo one\necho "unterminated\necho two',
    out: 'one\n',
    err: 'bash: -c: line 2: unexpected EOF while looking for matching `"\'\n',
    status: 2,
  },
  { line: 'if [ 1 = 1 ] # comment\nthen # c2\n  echo yes\nfi', out: 'yes\n' },
  {
    line: 'cat <<E\nunterminated heredoc',
    out: 'unterminated heredoc\n',
    err: "bash: line 2: warning: here-document at line 1 delimited by end-of-file (wanted `E')\n",
  },
  {
    line: 'for i in {1..3}; do echo -n "$i "; done; echo; for ((;;)); do break; done; echo done',
    out: '1 2 3 \ndone\n',
  },
  {
    line: 'if ! grep -q zzz /etc/passwd; then echo notfound; fi; grep -q root /etc/passwd && echo found; if ls /nope 2>/dev/null; then :; else echo "else $?"; fi',
    out: 'notfound\nfound\nelse 2\n',
  },
  {
    line: 'i=5; while ((i--)); do ((i==2)) && continue; echo -n "$i "; done; echo; for ((i=10;i>0;i/=2)); do echo -n "$i "; done; echo; for ((;;)) { break; }; echo x',
    out: '4 3 1 0 \n10 5 2 1 \nx\n',
  },
  {
    line: 'if [ 1 -eq 1 ]; then echo a; else echo b; fi; if [[ 1 -eq 2 ]]; then echo a; elif [[ 2 -eq 2 ]]; then echo c; else echo b; fi; if ! [ 1 -eq 2 ]; then echo neg; fi; if true && false; then :; else echo comp; fi; if x=$(false); then :; else echo "as $?"; fi',
    out: 'a\nc\nneg\ncomp\nas 1\n',
  },
];
