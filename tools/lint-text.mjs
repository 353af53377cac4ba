// Lints texts as if they stood at the given paths: reads `[{path, text}]` as JSON from standard
// input, prints for each the ids of the rules that it breaks. ESLint and the project graph load
// outside Jest's module loader, so the spec beside this runs it as a process of its own.
import { text } from 'node:stream/consumers';
import { ESLint } from 'eslint';
import { root } from './run.mjs';

const eslint = new ESLint({ cwd: root });
const broken = [];
for (const file of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(file.text, { filePath: file.path });
  broken.push(result.messages.map(({ ruleId, message }) => ruleId ?? message));
}
process.stdout.write(JSON.stringify(broken));
