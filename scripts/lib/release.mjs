// @ts-check
// Lays out the packages of a release: the main package, and one package with the binary for each platform. They get a folder of
// their own, so a release changes no file of the repository.

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @typedef {Record<string, any>} Manifest  A package.json.
 *
 * @typedef {object} PlatformPackage
 * @property {string} platform  Such as linux-x64-gnu: the folder's name, and a part of the names of binary and package.
 * @property {string} folder
 * @property {string} binary  The file name of its addon.
 * @property {Manifest} manifest
 */

/**
 * The packages under npm/, sorted by name.
 *
 * @param {string} root
 * @returns {PlatformPackage[]}
 */
export function platformPackages(root) {
  return readdirSync(join(root, 'npm'))
    .sort()
    .map((platform) => {
      const folder = join(root, 'npm', platform);
      return {
        platform,
        folder,
        binary: `sealstream.${platform}.node`,
        manifest: readJson(join(folder, 'package.json')),
      };
    });
}

/**
 * Obstacles to a release of this tree: different versions, missing platforms, wrong names.
 *
 * @param {string} root
 * @param {string} [tag]  The git tag of the release, such as v1.2.3.
 * @returns {string[]} One line each; empty if there are none.
 */
export function problems(root, tag) {
  const main = readJson(join(root, 'package.json'));
  const packages = platformPackages(root);
  /** @type {string[]} */
  const found = [];

  for (const { platform, binary, manifest } of packages) {
    const place = `npm/${platform}/package.json`;
    if (manifest['version'] !== main['version'])
      found.push(`${place}: version ${manifest['version']}, not ${main['version']}`);
    if (manifest['name'] !== `@sealstream/${platform}`) found.push(`${place}: name ${manifest['name']}`);
    if (manifest['main'] !== binary) found.push(`${place}: main ${manifest['main']}, not ${binary}`);
    if (manifest['engines'].node !== main['engines'].node)
      found.push(`${place}: engines differ from package.json`);
  }

  const wanted = main['napi'].targets.map(platformOf).sort();
  const present = packages.map(({ platform }) => platform);
  if (wanted.join() !== present.join())
    found.push(`npm/ has ${present.join(', ')}; napi.targets asks for ${wanted.join(', ')}`);

  for (const [place, version] of crateVersions(root)) {
    if (version !== main['version']) found.push(`${place}: version ${version}, not ${main['version']}`);
  }
  if (tag !== undefined && tag !== `v${main['version']}`)
    found.push(`the tag is ${tag}, the version ${main['version']}`);
  return found;
}

/**
 * Lays out every package as a folder of `target`, which is emptied first.
 *
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.artifacts  A folder with the built addons, at any depth.
 * @param {string} options.target
 * @param {readonly string[]} [options.platforms]  Only these platforms; all by default.
 * @param {string} [options.repository]  owner/name on GitHub; npm checks the provenance against it.
 * @returns {string[]} The folders in publishing order: the main package last, after its dependencies.
 * @throws Error that names every missing addon.
 */
export function stage({ root, artifacts, target, platforms, repository }) {
  const packages = platformPackages(root).filter(({ platform }) => platforms?.includes(platform) ?? true);
  const built = new Map(filesBelow(artifacts).map((file) => [file.replace(/^.*[\\/]/, ''), file]));
  const missing = packages.filter(({ binary }) => !built.has(binary)).map(({ binary }) => binary);
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}`);

  const main = readJson(join(root, 'package.json'));
  const source =
    repository === undefined
      ? main['repository']
      : { type: 'git', url: `git+https://github.com/${repository}.git` };
  rmSync(target, { recursive: true, force: true });

  const folders = packages.map(({ platform, folder, binary, manifest }) => {
    const place = join(target, platform);
    cpSync(folder, place, { recursive: true });
    copyFileSync(/** @type {string} */ (built.get(binary)), join(place, binary));
    for (const licence of LICENCES) copyFileSync(join(root, licence), join(place, licence));
    writeJson(join(place, 'package.json'), { ...manifest, repository: source });
    return place;
  });

  const place = join(target, 'sealstream');
  for (const name of [...main['files'], ...ALWAYS_PUBLISHED]) {
    if (!existsSync(join(root, name))) throw new Error(`not there to be published: ${name}`);
    mkdirSync(dirname(join(place, name)), { recursive: true });
    cpSync(join(root, name), join(place, name), { recursive: true });
  }
  writeJson(join(place, 'package.json'), publishedManifest({ ...main, repository: source }, packages));
  return [...folders, place];
}

/**
 * The published package.json: with the platform packages as dependencies, without the fields that only a clone uses.
 *
 * @param {Manifest} main
 * @param {readonly PlatformPackage[]} packages
 * @returns {Manifest}
 */
export function publishedManifest(main, packages) {
  const kept = Object.entries(main).filter(([key]) => !ONLY_IN_A_CLONE.includes(key));
  // Exact versions: the interface between façade and binary is private.
  const optionalDependencies = Object.fromEntries(
    packages.map(({ manifest }) => [manifest['name'], main['version']]),
  );
  return { ...Object.fromEntries(kept), optionalDependencies };
}

/**
 * @param {string} triple  A Rust target, such as aarch64-apple-darwin.
 * @returns {string} The platform in Node's and npm's terms, such as darwin-arm64.
 */
export function platformOf(triple) {
  const [cpu, , system, abi] = triple.split('-');
  const arch = cpu === 'aarch64' ? 'arm64' : 'x64';
  const os = system === 'windows' ? 'win32' : system;
  return abi === undefined ? `${os}-${arch}` : `${os}-${arch}-${abi}`;
}

/**
 * The versions in the Cargo manifests. Crates that inherit the workspace's version state none.
 *
 * @param {string} root
 * @returns {[place: string, version: string][]}
 */
function crateVersions(root) {
  const crates = existsSync(join(root, 'src-rs')) ? readdirSync(join(root, 'src-rs')) : [];
  return ['Cargo.toml', ...crates.map((crate) => `src-rs/${crate}/Cargo.toml`)].flatMap((place) => {
    if (!existsSync(join(root, place))) return [];
    const version = PACKAGE_VERSION.exec(readFileSync(join(root, place), 'utf8'))?.[1];
    return version === undefined ? [] : [/** @type {[string, string]} */ ([place, version])];
  });
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(place) : [place];
  });
}

/**
 * @param {string} file
 * @returns {Manifest}
 */
function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * @param {string} file
 * @param {Manifest} value
 */
function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];
const ALWAYS_PUBLISHED = ['README.md'];
const ONLY_IN_A_CLONE = ['scripts', 'devDependencies', 'overrides', 'allowScripts', 'napi'];
// The first `version = "…"` of [package] or [workspace.package], before the next section.
const PACKAGE_VERSION = /^\[(?:workspace\.)?package\][^[]*?^version\s*=\s*"([^"]+)"/m;
