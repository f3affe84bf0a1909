#!/usr/bin/env node
// @ts-check
// Prints what an editor shows of the package, by TypeScript's language service: for every function the hover, the help for its arguments, and
// the completions of its options. For reading after a change of public types: `node scripts/hovers.mjs [NAME…]`. Needs a compiled dist/.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url)).replaceAll('\\', '/');

/**
 * @typedef {object} Hover What an editor shows of one function, class or method.
 * @property {string} name With its entry, such as `sealstream/floe: encrypt`.
 * @property {string} signature
 * @property {string} documentation
 * @property {string[]} options The names that the editor completes inside `options`.
 */

/**
 * @returns {Hover[]} Of every exported value, and of every method of an exported class.
 */
export function hovers() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  // One file imports all, so that the compiler reads the types once.
  const editor = new Editor(entries.map((entry) => `sealstream${entry.slice(1)}`));
  return editor.modules.flatMap(({ entry, module }) =>
    editor.names(module).flatMap((exported) => {
      const instance = `${exported}.prototype`;
      const members = [exported, instance].flatMap((owner) =>
        editor.members(`${module}.${owner}`).map((member) => `${owner}.${member}`),
      );
      return [exported, ...members].map((path) => editor.hover(`${module}.${path}`, `${entry}: ${path}`));
    }),
  );
}

/** A file in an editor that imports the entries. */
class Editor {
  #file = join(root, 'scripts', 'hovers-editor.mts').replaceAll('\\', '/');
  #text = '';
  #version = 0;
  #service;
  #import;
  /** @type {Set<string> | undefined} */
  #common;

  /** @param {readonly string[]} entries */
  constructor(entries) {
    this.modules = entries.map((entry, index) => ({ entry, module: `m${index}` }));
    this.#import = this.modules
      .map(({ entry, module }) => `import * as ${module} from '${entry}';\n`)
      .join('');
    const options = {
      module: ts.ModuleKind.Node20,
      target: ts.ScriptTarget.ES2022,
      strict: true,
      types: ['node'],
    };
    // The compiler asks again after every change of the file.
    const onDisk = remembered(ts.sys.fileExists);
    /** @type {ts.LanguageServiceHost} */
    const host = {
      getCompilationSettings: () => options,
      getScriptFileNames: () => [this.#file],
      getScriptVersion: (path) => (path === this.#file ? String(this.#version) : '0'),
      getScriptSnapshot: (path) => {
        const text = path === this.#file ? this.#text : ts.sys.readFile(path);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (path) => path === this.#file || onDisk(path),
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: remembered(ts.sys.directoryExists),
      getDirectories: ts.sys.getDirectories,
    };
    this.#service = ts.createLanguageService(host);
  }

  /**
   * The values that an entry exports.
   *
   * @param {string} module
   */
  names(module) {
    return this.#completions(`${module}.`);
  }

  /**
   * The members of a class or its prototype that are its own.
   *
   * @param {string} owner
   */
  members(owner) {
    this.#common ??= new Set(this.#completions('(class {}).'));
    const common = this.#common;
    const inherited = new Set([
      'prototype',
      'captureStackTrace',
      'prepareStackTrace',
      'stackTraceLimit',
      'isError',
    ]);
    const error = new Set(['name', 'message', 'stack', 'cause']);
    return this.#completions(`${owner}.`).filter(
      (name) => !common.has(name) && !inherited.has(name) && !error.has(name) && !name.startsWith('__'),
    );
  }

  /**
   * @param {string} expression
   * @param {string} name
   * @returns {Hover}
   */
  hover(expression, name) {
    this.#type(`${expression};`);
    const info = this.#service.getQuickInfoAtPosition(this.#file, this.#text.length - 2);
    const tags = (info?.tags ?? []).map(({ name: tag, text }) => `@${tag} ${ts.displayPartsToString(text)}`);
    return {
      name,
      signature: ts.displayPartsToString(info?.displayParts).replaceAll(/\bm\d\./g, ''),
      documentation: [ts.displayPartsToString(info?.documentation), ...tags].filter(Boolean).join('\n'),
      options: this.#options(expression),
    };
  }

  /**
   * The options that are completed in an object at the position of `options`.
   *
   * @param {string} expression
   */
  #options(expression) {
    for (const made of [expression, `new ${expression}`]) {
      this.#type(`${made}(`);
      const help = this.#service.getSignatureHelpItems(this.#file, this.#text.length, undefined);
      const parameters = help?.items[0]?.parameters ?? [];
      const at = parameters.findIndex((parameter) => parameter.name === 'options');
      if (at >= 0) return this.#completions(`${made}(${'undefined as never, '.repeat(at)}{ `);
    }
    return [];
  }

  /**
   * @param {string} code
   */
  #completions(code) {
    this.#type(code);
    const list = this.#service.getCompletionsAtPosition(this.#file, this.#text.length, {});
    return (list?.entries ?? []).filter(({ kind }) => kind !== 'warning').map(({ name }) => name);
  }

  /** @param {string} code */
  #type(code) {
    this.#text = `${this.#import}${code}`;
    this.#version += 1;
  }
}

/**
 * @template T
 * @param {(path: string) => T} ask
 */
function remembered(ask) {
  /** @type {Map<string, T>} */
  const known = new Map();
  return (/** @type {string} */ path) => {
    const answer = known.get(path) ?? ask(path);
    known.set(path, answer);
    return answer;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wanted = process.argv.slice(2);
  for (const { name, signature, documentation, options } of hovers()) {
    if (wanted.length > 0 && !wanted.some((each) => name.includes(each))) continue;
    const completed = options.length === 0 ? '' : `\ncompletes: ${options.join(', ')}`;
    process.stdout.write(`## ${name}\n${signature}\n${documentation}${completed}\n\n`);
  }
}
