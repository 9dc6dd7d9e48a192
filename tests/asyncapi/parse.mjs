// Reads AsyncAPI documents with the official parser. Run by scripts/asyncapi, from where the parser is installed.
//   node parse.mjs FILE...     prints FILE:LINE: SEVERITY CODE at PATH: MESSAGE; exit code 1 when a document has errors
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const SEVERITIES = ['error', 'warning', 'info', 'hint'];
// We write 3.0.0 on purpose: it is what most tools read.
const IGNORED = new Set(['asyncapi-latest-version']);

const parser = new Parser();
let broken = false;
for (const file of process.argv.slice(2)) {
  const text = await readFile(file, 'utf8').catch((error) => console.log(`${file}: error: ${error.message}`));
  if (text === undefined) {
    broken = true;
    continue;
  }
  const { document, diagnostics } = await parser.parse(text, { source: file });
  for (const { code, message, path, range, severity } of diagnostics) {
    if (IGNORED.has(code)) continue;
    const place = path.length ? ` at ${path.join('/')}` : '';
    console.log(`${file}:${range.start.line + 1}: ${SEVERITIES[severity]} ${code}${place}: ${message}`);
  }
  const failed = document === undefined || diagnostics.some(({ severity }) => severity === 0);
  if (!failed) {
    const counts = [document.channels(), document.operations(), document.messages()].map((all) => all.length);
    console.log(`${file}: read; ${counts[0]} channels, ${counts[1]} operations, ${counts[2]} messages`);
  }
  broken ||= failed;
}
process.exitCode = broken ? 1 : 0;
