// Prints the suite's tests as JSON: id, suite, kind. argv[2] is the suite's folder.
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const { default: suites } = await import(pathToFileURL(join(process.argv[2], 'tests', 'index.mjs')))
const all = suites.flatMap(s => s.tests.filter(t => !t.browser_only).map(t => ({ id: t.id, suite: s.id, kind: t.kind ?? 'required' })))
console.log(JSON.stringify(all))
