import { ScriptError } from './ast.js';
import { parseScript } from './parser.js';

function only(text: string): ReturnType<typeof parseScript>['events'][number] {
  const [event] = parseScript(text).events;
  if (event === undefined) throw new Error('no event');
  return event;
}

describe('the parts of a script', () => {
  it('are options, a first command, events and a last command', () => {
    const script = parseScript(`// a comment
--mss=1000 /* another */
--send_omit_free # and one more
\`true\`
 0 close(3) = 0
 +1 \`echo hello\`
\`rm -f
 /tmp/x\`
`);
    expect([...script.options]).toEqual([
      ['mss', '1000'],
      ['send_omit_free', ''],
    ]);
    expect(script.init).toBe('true');
    expect(script.events.map(({ line, action }) => [line, action.kind])).toEqual([
      [5, 'call'],
      [6, 'command'],
    ]);
    expect(script.cleanup).toBe('rm -f\n /tmp/x');
  });
});

describe('times', () => {
  it.each([
    ['0 close(3) = 0', 'absolute', 0, undefined, undefined],
    ['+.1 close(3) = 0', 'relative', 1e8, undefined, undefined],
    ['0.25 close(3) = 0', 'absolute', 25e7, undefined, undefined],
    ['* > . 1:1(0) ack 1', 'any', 0, undefined, undefined],
    ['+.3~+.5 > . 1:1(0) ack 1', 'relative', 3e8, 5e8, undefined],
    ['+0...0.2 accept(3, ..., ...) = 4', 'relative', 0, undefined, 2e8],
    ['+.1 ... .3 accept(3, ..., ...) = 4', 'relative', 1e8, undefined, 3e8],
  ])('%s', (text, kind, ns, rangeEndNs, blockingEndNs) => {
    expect(only(text).time).toEqual({ kind, ns, rangeEndNs, blockingEndNs });
  });
});

describe('packets', () => {
  it.each([
    ['F.', 0x11],
    ['SEWA', 0x1c2],
    ['-', 0],
    ['P.5', 0x8 | 0x10 | 0x40 | 0x100],
    ['.0', 0x10],
  ])('flags %s', (flags, bits) => {
    const { action } = only(`+0 < ${flags} 1:1(0) ack 1 win 5`);
    expect(action).toMatchObject({ packet: { transport: { flags: bits } } });
  });

  it('say what they like of the headers and options', () => {
    const script = parseScript(
      '+0 > [ect0, ttl 64] 5:8(3) . 1:5(4) ack 7 win 9 urg 2 <mss 10>'.replace('5:8(3) ', ''),
    );
    expect(script.events[0]?.action).toEqual({
      kind: 'packet',
      packet: {
        direction: 'out',
        ip: { ecn: 'ect0', ttl: 64 },
        transport: {
          kind: 'tcp',
          sport: undefined,
          dport: undefined,
          flags: 16,
          seq: 1,
          length: 4,
          ack: 7,
          window: 9,
          urgent: 2,
          options: [{ kind: 'mss', value: 10 }],
        },
      },
    });
  });

  it('leave options open, or take words for cookies', () => {
    const words = new Map([['COOKIE', 'a1b2']]);
    const [open, cookie] = parseScript(
      '0 > S. 0:0(0) ack 1 <...> +0 < S 0:0(0) win 1 <FO COOKIE,nop,nop,sack 1:2 3:4>',
      words,
    ).events.map(({ action }) => action);
    expect(open).toMatchObject({ packet: { transport: { options: undefined } } });
    expect(cookie).toMatchObject({
      packet: {
        transport: {
          options: [
            { kind: 'FO', bytes: Uint8Array.of(0xa1, 0xb2) },
            { kind: 'nop' },
            { kind: 'nop' },
            {
              kind: 'sack',
              blocks: [
                [1, 2],
                [3, 4],
              ],
            },
          ],
        },
      },
    });
  });
});

describe('system calls', () => {
  it('have structures, lists, flags and an expected error', () => {
    const { action } = only(
      '+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 40}], msg_flags=0}, MSG_MORE|MSG_EOR) = -1 EPIPE (Broken pipe)',
    );
    expect(action).toMatchObject({
      call: {
        name: 'sendmsg',
        errno: 'EPIPE',
        args: [
          { kind: 'number', value: 4 },
          {
            kind: 'struct',
            fields: [{ name: 'msg_name' }, { name: 'msg_iov' }, { name: 'msg_flags' }],
          },
          { kind: 'binary', op: '|' },
        ],
      },
    });
  });
});

describe('faults are told with their line', () => {
  it.each([
    ['0 close(3)', /^line 1: expected "="/],
    ['\n0 > . 1:3(1) ack 1', /^line 2: 1:3 is not 1 long/],
    ['0 > . 1:1(0) ack 1 <frob 1>', /unknown TCP option/],
    ['0 > Q 1:1(0)', /expected TCP flags/],
    ['0 `true', /"`" is missing/],
  ])('%s', (text, expected) => {
    expect(() => parseScript(text)).toThrow(ScriptError);
    expect(() => parseScript(text)).toThrow(expected);
  });
});
