#!/usr/bin/env node
// @ts-check
// Writes docs/api.txt: every export of every entry of the package, as its declarations state it. A test compares the file, so that no
// public name or type changes unnoticed. Needs a compiled dist/.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The file that {@link apiReport} belongs in. */
export const REPORT = join(root, 'docs', 'api.txt');

/**
 * @returns {string} All exports, entry by entry, in alphabetical order.
 */
export function apiReport() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(exports).filter(([, entry]) => typeof entry === 'object');
  const files = entries.map(([, entry]) => join(root, entry.require.types));
  const options = {
    module: ts.ModuleKind.Node20,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    types: ['node'],
  };
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const sections = entries.map(([name, entry]) => {
    const source = program.getSourceFile(join(root, entry.require.types));
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${name} has no declarations: compile dist/ first`);
    const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    return [
      `# sealstream${name.slice(1)}`,
      ...symbols.flatMap((symbol) => declarations(checker, symbol)),
    ].join('\n\n');
  });
  return `${sections.join('\n\n')}\n`;
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol} exported
 * @returns {string[]} The declarations under the exported name, without comments and private members.
 */
function declarations(checker, exported) {
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
  const printer = ts.createPrinter({ removeComments: true });
  return (symbol.declarations ?? []).map((declaration) => {
    const text = printer.printNode(ts.EmitHint.Unspecified, declaration, declaration.getSourceFile());
    const lines = text
      .replace(/^export (declare )?/, '')
      .split('\n')
      .filter((line) => !/^\s+(private|#private)\b/.test(line));
    const name = exported.name === symbol.name ? '' : `${exported.name} = `;
    return `${name}${lines.join('\n')}`;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(REPORT, apiReport());
