import { isAlias, isCollection, isMap, isScalar, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { type ConfigFinding, formatPath, type Path } from './error.ts';
import { interpolate, type References } from './interpolate.ts';
import { parseYaml, type YamlFile } from './yaml.ts';

/**
 * A configuration file as plain values with their references replaced, and the line of each place.
 *
 * Mappings become objects without a prototype: a table or column may be called `__proto__` or `constructor`, and YAML's
 * own conversion would lose the first without a word. Throws for a file that is not YAML; all else is in `findings`.
 */
export class ConfigDocument {
  readonly value: unknown;
  readonly findings: ConfigFinding[] = [];
  readonly #file: string;
  readonly #yaml: YamlFile;
  readonly #references: References;
  readonly #lines = new Map<string, number>();
  readonly #standIns = new Set<string>();
  readonly #open = new Set<unknown>();

  constructor(text: string, file: string, references: References) {
    this.#file = file;
    this.#yaml = parseYaml(text, file);
    this.#references = references;
    this.value = this.#read(this.#yaml.document.contents, []);
  }

  /** A finding about a place. One that is not in the file has the line of the nearest place above it. */
  finding(path: Path, message: string, fix: string): ConfigFinding {
    const line = this.#lines.get(ancestry(path).findLast((place) => this.#lines.has(place)) ?? '') ?? 1;
    return { code: 'config_invalid', object: formatPath(path), message, fix, file: this.#file, line };
  }

  /** Whether the value there, or one above it, only stands in for one that could not be read: not worth judging. */
  isStandIn(path: Path): boolean {
    return ancestry(path).some((place) => this.#standIns.has(place));
  }

  #read(node: unknown, path: Path): unknown {
    if (isAlias(node)) return this.#readAlias(node.resolve(this.#yaml.document), path);
    if (isCollection(node)) return this.#readCollection(node, path);
    if (isScalar(node)) return this.#readScalar(node.value, node.source, path);
    return null;
  }

  #readCollection(node: YAMLMap | YAMLSeq, path: Path): unknown {
    this.#open.add(node);
    const value = isMap(node)
      ? this.#readMapping(node.items, path)
      : node.items.map((item, index) => this.#readEntry(item, item, [...path, index]));
    this.#open.delete(node);
    return value;
  }

  #readMapping(pairs: readonly Pair[], path: Path): unknown {
    const mapping: Record<string, unknown> = Object.create(null);
    for (const { key, value } of pairs) {
      const name = this.#nameOf(key);
      if (name === undefined) {
        this.#refuseKey(key, path, 'a key that is a mapping or a list', 'write each key as one text');
      } else if (name in mapping) {
        this.#refuseKey(key, [...path, name], 'is there already', 'keep one of the two');
      } else {
        mapping[name] = this.#readEntry(key, value, [...path, name]);
      }
    }
    return mapping;
  }

  /** Reads a value whose line is that of another node: its key, where it has one. */
  #readEntry(place: unknown, value: unknown, path: Path): unknown {
    const line = this.#yaml.lineOf(place);
    if (line !== undefined) this.#lines.set(JSON.stringify(path), line);
    return this.#read(value, path);
  }

  #readScalar(value: unknown, source: string | undefined, path: Path): unknown {
    if (typeof value === 'string') {
      return interpolate(value, this.#references, (...problem) => this.#standIn(path, ...problem));
    }
    // 00000 and 1.50 are numbers to YAML, and afterwards 0 and 1.5; what was written is what is meant.
    return typeof value === 'number' && String(value) !== source ? source : value;
  }

  #readAlias(target: unknown, path: Path): unknown {
    if (target === undefined || this.#open.has(target)) {
      return this.#standIn(path, 'is an alias of nothing, or of itself', 'write out what it stands for');
    }
    return this.#read(target, path);
  }

  /** Names stand as they are written: a column called `true`, `null` or `007` needs no quotes. */
  #nameOf(key: unknown): string | undefined {
    const node = isAlias(key) ? key.resolve(this.#yaml.document) : key;
    if (!isScalar(node)) return undefined;
    return typeof node.value === 'string' ? node.value : (node.source ?? '');
  }

  #standIn(path: Path, message: string, fix: string): string {
    this.#standIns.add(JSON.stringify(path));
    this.findings.push(this.finding(path, message, fix));
    return '';
  }

  /** The finding has the line of this key, and not of the one that is there already. */
  #refuseKey(key: unknown, path: Path, message: string, fix: string): void {
    const finding = this.finding(path, message, fix);
    this.findings.push({ ...finding, line: this.#yaml.lineOf(key) ?? finding.line });
  }
}

/** A place and all above it, the root first, as keys. */
function ancestry(path: Path): string[] {
  return [[], ...path.map((_, index) => path.slice(0, index + 1))].map((place) => JSON.stringify(place));
}
