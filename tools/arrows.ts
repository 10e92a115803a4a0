/** The rules of the house about who may import whom, each with its reason. Pure. */

export type Import = {
  /** Both as paths from the checkout's root; `to` of a package is its specifier. */
  readonly from: string;
  readonly to: string;
  readonly line: number;
  readonly typeOnly: boolean;
};

const rooms = new Set([
  'policy',
  'intake',
  'build',
  'archive',
  'lock',
  'root',
  'notify',
  'tracker',
  'history',
  'sync',
  'compare',
  'upload',
  'mirror',
  'access',
  'device',
  'bisect',
  'rebuild',
]);

/** What each part of the house may import; `rooms` stands for every room. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  kit: ['kit'],
  formats: ['kit', 'formats'],
  model: ['kit', 'model'],
  db: ['kit', 'model', 'db'],
  plumbing: ['kit', 'formats', 'model', 'plumbing'],
  rooms: ['kit', 'formats', 'model'],
  flows: ['kit', 'formats', 'model', 'rooms', 'db', 'flows'],
  apps: ['kit', 'formats', 'model', 'rooms', 'db', 'flows', 'plumbing', 'apps'],
};

/** The reason against an import, or undefined when it may stand. */
export function judgeImport({ from, to, typeOnly }: Import): string | undefined {
  if (from.endsWith('.test.ts') || from.includes('/testdata/')) return undefined;
  const [, part = ''] = from.split('/');
  if (!to.startsWith('src/')) {
    if (to.startsWith('test/')) return 'only tests import from test/';
    if (part === 'formats' && !to.startsWith('src/')) return 'formats are pure: no Node, no packages';
    if (part === 'model') return 'the model is types and smart constructors only';
    return undefined;
  }
  const [, target = ''] = to.split('/');
  const group = rooms.has(part) ? 'rooms' : part;
  const targetGroup = rooms.has(target) ? 'rooms' : target;
  const may = allowed[group];
  if (may === undefined) return `"${part}" is not a part of the house: see tools/arrows.ts`;
  if (group === 'formats' && target === 'kit' && to === 'src/kit/digest.ts' && !typeOnly)
    return 'formats are pure: digest.ts uses node:crypto';
  if (group === 'formats' && target === 'formats' && !sharedFormats(from, to))
    return 'format families are strangers to each other';
  if (group === 'rooms' && part === target) return undefined;
  if (group === 'rooms' && target === 'db') {
    return typeOnly || /\/store(-[a-z]+)?\.ts$|\/store\//.test(from)
      ? undefined
      : "only a room's store.ts touches the database";
  }
  if (group === 'rooms' && target === 'plumbing')
    return typeOnly ? undefined : 'rooms get plumbing through their ports';
  if (group === 'flows' && target === 'plumbing' && typeOnly) return undefined;
  if (may.includes(targetGroup)) return undefined;
  return group === 'rooms' && targetGroup === 'rooms'
    ? 'rooms are strangers to each other: order lives in flows/'
    : `${group} may import only ${may.join(', ')}`;
}

/** `container` (ar, tar) serves every family. */
function sharedFormats(from: string, to: string): boolean {
  const family = from.split('/')[2];
  const target = to.split('/')[2];
  return family === target || target === 'container';
}

/** One import cycle as a list of files, or undefined. */
export function findCycle(imports: readonly Import[]): string[] | undefined {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) {
    if (to.startsWith('src/')) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const path: string[] = [];
  function visit(file: string): string[] | undefined {
    const start = path.indexOf(file);
    if (start !== -1) return [...path.slice(start), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  }
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
