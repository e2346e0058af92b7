/** A function in each language: what was built of each template answers the same, and each builds where its tools are. */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { LANGUAGES, type Language, missingTools } from '../../src/author/index.ts'
import { RehearsalHost } from '../../src/host/rehearsal.ts'
import { NO_GRANTS } from '../../src/pool/grants.ts'
import { inspectFunction } from '../../src/pool/index.ts'
import { Client, jsonOf, post } from '../e2e/path/client.ts'
import { ROOT, startGateway } from '../services/gateway.ts'
import { notRun } from '../services/service.ts'
import { type OpenPool, open, spec, textOf } from './open.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-languages-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const template = (language: Language): string => join(ROOT, 'functions/templates', language)
/** What is committed: a component of Python is 17 MiB, and is built where its tools are. */
const BUILT = LANGUAGES.filter((language) => language !== 'python')
/** What a language builds with may have to be compiled first: a minute on two cores that nobody else wants. */
const PATIENT = { timeout: 600_000 }
async function headgate(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { stdout, stderr, code }
}

const wanted = (data: unknown) =>
  ({
    event: {
      specversion: '1.0',
      id: 'e1',
      source: '/test',
      type: 'greeting.wanted',
      datacontenttype: 'application/json',
      data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)),
    },
  }) as const

/**
 * What Python does in a second takes longer where others build. With one instance: while its worker is held up the other
 * would make one of its own, which counts for itself.
 */
const openFile = (wasm: string): Promise<OpenPool> =>
  open([spec('f', { wasm, max: 1, memoryBytes: 64 << 20, timeoutMs: 60_000 })])

/** The same questions to each. */
async function answersAsAll(opened: OpenPool, language: Language): Promise<void> {
  const greeted = await opened.call('f', '', '', wanted({ name: 'Ada' }))
  expect(JSON.parse(textOf(greeted))).toEqual({ greeting: 'Hello, Ada!' })
  expect(greeted.reply?.datacontenttype).toBe('application/json')
  expect(greeted.events).toEqual([])
  const strange = await opened.call('f', '', '', wanted({ more: { name: 'no' }, name: 'Grüße "\\ 🚪' }))
  expect(JSON.parse(textOf(strange))).toEqual({ greeting: 'Hello, Grüße "\\ 🚪!' })
  const refusal = { code: 'FUNCTION_REJECTED', type: 'ValidationError' }
  // Go reads data into a type, and finds out before the function does.
  const codes = language === 'go' ? /^(?:NAME_MISSING|WRONG_TYPE)$/ : /^NAME_MISSING$/
  for (const data of [{}, { name: '' }, { name: 7 }, [], null])
    await expect(opened.call('f', '', '', wanted(data)), JSON.stringify(data)).rejects.toMatchObject({
      ...refusal,
      detailCode: expect.stringMatching(codes),
    })
  await expect(opened.call('f', '', '', wanted('{"name":'))).rejects.toMatchObject(refusal)
  // A call by name has its parameters alone.
  const call = { ...wanted({ name: 'Bo' }).event, type: 'headgate.call' }
  expect(JSON.parse(textOf(await opened.call('f', '', '', { event: call })))).toEqual({ greeting: 'Hello, Bo!' })
}

/** Two functions of the same behaviour, by the kits of programs. */
const ORDERS = {
  go: [
    'main.go',
    `package main

import (
	"fmt"
	"time"
)

type order struct {
	Do    string \`json:"do"\`
	Items []any  \`json:"items"\`
}

type counted struct {
	Lines int \`json:"lines"\`
}

func main() {
	handle(func(data order) (counted, error) {
		lines := counted{len(data.Items)}
		switch data.Do {
		case "again":
			return lines, tryAgain("the \\"shop\\" is closed", 1500*time.Millisecond)
		case "count":
			emit(event{Source: "/shop", Type: "order.counted", Data: lines})
			setStatus(202)
			return lines, nil
		}
		return lines, fmt.Errorf("taking it: %w", rejected(data.Do, "NO_ITEMS", "\\"items\\" is missing"))
	})
}
`,
  ],
  c: [
    'main.c',
    `#include <string.h>
#include "kit.h"

int main(void) {
  const char *what = text_of(member(data_of(read_input()), "do"));
  if (what == NULL) return DONE;
  if (strcmp(what, "again") == 0) return try_again("the \\"shop\\" is closed", 1500);
  if (strcmp(what, "count") != 0) return reject(what, "NO_ITEMS", "\\"items\\" is missing");
  emit("/shop", "order.counted", "{\\"lines\\":%d}", 2);
  set_status(202);
  return reply("{\\"lines\\":%d}", 2);
}
`,
  ],
} as const

async function takesOrders(wasm: string): Promise<void> {
  const functions = `functions:
  orders: { wasm: ${wasm}, output: outcome }
  plain: ${wasm}
routes:
  orders: { from: "http:POST /orders", to: orders, retry: 1 }
  plain: { from: "http:POST /plain", to: plain, retry: 1 }
  counted: { from: function:orders, to: { mqtt: orders/counted, mode: structured } }`
  await using gateway = await startGateway({ config: functions })
  await using client = await Client.connect(gateway)
  await client.subscribe('orders/counted')
  for (const id of ['first', 'second']) {
    const answer = await post(gateway.http, '/orders', { do: 'count', items: [1, 2], id })
    expect(answer.status, answer.text).toBe(202)
    expect(JSON.parse(answer.text)).toMatchObject({ success: true, data: { lines: 2 } })
    expect(JSON.parse(answer.text)).not.toHaveProperty('events')
  }
  await client.receive('orders/counted', { count: 2 })
  const emitted = client.on('orders/counted').map(jsonOf)
  expect(emitted).toMatchObject(Array(2).fill({ source: '/shop', type: 'order.counted', data: { lines: 2 } }))
  expect(new Set(emitted.map(({ id }) => id)).size).toBe(2)
  for (const path of ['/orders', '/plain']) {
    const status = async (what: string) => {
      const { status, text } = await post(gateway.http, path, { do: what })
      expect(text, path).toContain(what === 'again' ? 'the \\"shop\\" is closed' : 'NO_ITEMS')
      return status
    }
    expect([await status('validation'), await status('business'), await status('system')]).toEqual([400, 422, 500])
  }
  // A reply as it stands has no room for events: that is said, and nothing is lost in silence.
  const unheard = await post(gateway.http, '/plain', { do: 'count' })
  expect(unheard.text).toContain('output: outcome')
  await using opened = await openFile(wasm)
  await expect(opened.call('f', '', '', wanted({ do: 'again' }))).rejects.toMatchObject({
    code: 'FUNCTION_RETRY',
    retryAfterMs: 1_500,
    message: expect.stringContaining('the "shop" is closed'),
  })
}

/** Asks a server of the loopback twice by one instance, which has had its warm-up. */
async function asksServers(wasm: string): Promise<void> {
  const server = createServer(async (request, response) => {
    const length = (await buffer(request)).length
    const { method, url } = request
    response.writeHead(method === 'DELETE' ? 410 : 200, { 'content-type': 'application/json' })
    const { 'content-type': type, 'x-asked-by': by } = request.headers
    response.end(method === 'DELETE' ? 'gone' : JSON.stringify([method, url, type ?? by, length]))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const host = `{ host: 127.0.0.1, port: ${port}, private: true, scheme: http }`
    const asks = `functions:
  reach: { wasm: ${wasm}, memory: 64MiB, pool: { min: 1, max: 1 }, allow: { http: [${host}] } }
routes:
  stock: { from: "http:POST /stock", to: reach, retry: 1 }
  asked: { from: function:reach, to: { mqtt: stock/asked, mode: structured } }`
    await using gateway = await startGateway({ config: asks })
    await using client = await Client.connect(gateway)
    await client.subscribe('stock/asked')
    const lamp = ['GET', '/stock/lamp?in=eu', 'python', 0]
    const posted = ['POST', '/', 'application/json', 30_012]
    for (let nth = 0; nth < 2; nth++) {
      const { status, text } = await post(gateway.http, '/stock', { url: `http://127.0.0.1:${port}` })
      expect(status, text).toBe(200)
      const there = [true, 'application/json', lamp]
      expect(JSON.parse(text)).toEqual([...there, posted, [false, 410, 'gone'], 'http-request-denied'])
    }
    await client.receive('stock/asked', { count: 2 })
    expect(client.on('stock/asked').map(jsonOf)).toMatchObject(Array(2).fill({ type: 'stock.asked', data: lamp }))
  } finally {
    server.close()
  }
}

describe.each(BUILT)('what was built of the template in %s', (language) => {
  test('answers as all do', async () => {
    await using opened = await openFile(join(template(language), 'new-function.wasm'))
    await answersAsAll(opened, language)
  })
})

/** What comes from rust-lang.org alone is not to be had where only package registries are. */
const optionalOf = (name: string): { readonly optional?: string } =>
  name.includes('Rust target') ? { optional: 'rustup downloads it, and no registry has it' } : {}

/** A suite that needs what builds a language. */
function describeBuild(language: Language, body: () => void): void {
  const title = `a new function in ${language}`
  const missing = missingTools(language, template(language))
  if (missing.length === 0) return void describe(title, body)
  notRun({ title, missing: missing.map(({ install, name }) => ({ name, install, ...optionalOf(name) })), why: [] })
}

for (const language of LANGUAGES)
  describeBuild(language, () => {
    const name = `greet-${language}`

    test('is made, built and checked by the three commands that are told, and answers as all do', PATIENT, async () => {
      rmSync(join(folder, name), { recursive: true, force: true })
      const made = await headgate('function', 'new', name, '--lang', language)
      expect(made).toMatchObject({ code: 0, stderr: '' })
      const commands = [...made.stdout.matchAll(/^ {2}headgate (.*)$/gm)].map(([, line = '']) => line)
      expect(commands).toEqual([`function build ${name}`, `check ${name}/headgate.yaml`])
      for (const command of commands) {
        const { code, stderr, stdout } = await headgate(...command.split(' '))
        expect(code, stdout + stderr).toBe(0)
        expect(stdout).toMatch(command.startsWith('check') ? /2 tests passed/ : / built in \d[\d.]* (?:ms|s|min)\n$/)
      }
      await using opened = await openFile(join(folder, name, `${name}.wasm`))
      await answersAsAll(opened, language)
    })

    if (language === 'js')
      test('whatever it throws or returns, its instance goes on', async () => {
        await headgate('function', 'new', 'odd', '--lang', language)
        const source = `
          import { define, json, TryAgain } from './kit.js'
          let calls = 0
          const odd = {
            string: () => { throw 'a string' },
            nothing: () => { throw undefined },
            again: () => { throw new TryAgain('later', 1500) },
            promise: async () => ({ reply: json(1) }),
            later: async () => { await null; throw new Error('later') },
            never: () => new Promise(() => {}),
            reply: () => ({ reply: { a: 1 } }),
            number: () => ({ reply: { data: { tag: 'text', val: 7 } } }),
            events: () => ({ events: [{ id: 'x' }] }),
            list: () => ({ events: 7 }),
            deep: () => odd.deep() + 1,
            cycle: () => { const own = {}; own.own = own; return { reply: json(own) } },
            count: () => ({ reply: json(calls) }),
          }
          export const handle = define(({ type }) => { calls++; return odd[type]?.() })`
        writeFileSync(join(folder, 'odd/index.js'), source)
        const built = await headgate('function', 'build', 'odd')
        expect(built.code, built.stderr).toBe(0)
        const wasm = join(folder, 'odd/odd.wasm')
        await using opened = await open([spec('f', { wasm, max: 1, memoryBytes: 64 << 20 })])
        const before = Number(textOf(await opened.call('f', 'count')))
        const thrown = ['string', 'nothing', 'reply', 'number', 'events', 'list', 'cycle']
        for (const type of thrown)
          await expect(opened.call('f', type), type).rejects.toMatchObject({ code: 'FUNCTION_RETRY' })
        await expect(opened.call('f', 'again')).rejects.toMatchObject({ code: 'FUNCTION_RETRY', retryAfterMs: 1_500 })
        expect(textOf(await opened.call('f', 'promise'))).toBe('1')
        await expect(opened.call('f', 'later')).rejects.toMatchObject({ code: 'FUNCTION_RETRY' })
        await expect(opened.call('f', 'never')).rejects.toMatchObject({ detailCode: 'NEVER_SETTLED' })
        // None of it was lost: it has counted all of them.
        expect(Number(textOf(await opened.call('f', 'count')))).toBe(before + thrown.length + 5)
        // QuickJS runs out of the stack that it stands on itself.
        await expect(opened.call('f', 'deep')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
      })

    if (language === 'python')
      test('whatever it raises or returns, its instance goes on; its random numbers are its own', PATIENT, async () => {
        await headgate('function', 'new', 'odd-py', '--lang', language)
        const source = `
import random, sys
from kit import TryAgain, handler, json_reply
calls = []

@handler
def odd(event, context):
    calls.append(event.type)
    match event.type:
        case "exit": sys.exit(3)
        case "key": return {}["no such"]
        case "deep": return odd_again()
        case "dict": return {"reply": 1}
        case "again": raise TryAgain("later", 1500)
        case "count": return json_reply(len(calls))
        case "random": return json_reply(random.random())

def odd_again(): return odd_again() + 1

WitWorld = odd
`
        writeFileSync(join(folder, 'odd-py/app.py'), source)
        const built = await headgate('function', 'build', 'odd-py')
        expect(built.code, built.stderr).toBe(0)
        const wasm = join(folder, 'odd-py/odd-py.wasm')
        await using opened = await openFile(wasm)
        const before = Number(textOf(await opened.call('f', 'count')))
        const raised = ['exit', 'key', 'deep', 'dict']
        for (const type of raised)
          await expect(opened.call('f', type), type).rejects.toMatchObject({ code: 'FUNCTION_RETRY' })
        await expect(opened.call('f', 'again')).rejects.toMatchObject({ code: 'FUNCTION_RETRY', retryAfterMs: 1_500 })
        expect(Number(textOf(await opened.call('f', 'count')))).toBe(before + raised.length + 2)
        await using other = await openFile(wasm)
        expect(textOf(await other.call('f', 'random'))).not.toBe(textOf(await opened.call('f', 'random')))
      })

    if (language === 'python')
      test('what imports host reaches a store and servers, and what does not asks for nothing', PATIENT, async () => {
        const asked = async (wasm: string) =>
          (await inspectFunction(wasm)).imports.map((one) => one.name).filter((one) => /keyvalue|messaging/.test(one))
        expect(await asked(join(folder, name, `${name}.wasm`))).toEqual([])
        await headgate('function', 'new', 'host-py', '--lang', language)
        const source = `
from host import HostError, Store, config, fetch
from kit import data_of, emit, handler, json_reply

def stock(event):
    url = data_of(event)["url"]
    lamp = fetch(f"{url}/stock/lamp?in=eu", headers={"X-Asked-By": "python"})
    sent = fetch(url, "POST", body={"text": "ü" * 5000})
    raw = fetch(f"{url}/gone", "DELETE", body=b"\\xff\\x00")
    try:
        fetch("http://127.0.0.1:1/")
    except HostError as error:
        denied = error.code
    answer = json_reply([lamp.ok, lamp.headers["content-type"], lamp.json(), sent.json(), [raw.ok, raw.status, raw.text()], denied])
    answer.events.append(emit("/shop", "stock.asked", event.id + "/asked", lamp.json()))
    return answer

@handler
def reach(event, context):
    if event.type == "headgate.http.request":
        return stock(event)
    store = Store("sold")
    store.set("seen", {"by": [1]})
    try:
        config("secret")
        other = Store("other").get("a")
    except HostError as error:
        other = str(error)
    return json_reply([store.increment("lamp", 2), store.json("seen"), sorted(store.keys()), other])

WitWorld = reach
`
        writeFileSync(join(folder, 'host-py/app.py'), source)
        const built = await headgate('function', 'build', 'host-py')
        expect(built.code, built.stderr).toBe(0)
        const wasm = join(folder, 'host-py/host-py.wasm')
        expect(await asked(wasm)).not.toEqual([])
        const reach = spec('f', { wasm, memoryBytes: 64 << 20, grants: { ...NO_GRANTS, kv: ['sold'] } })
        await using opened = await open([reach], { host: new RehearsalHost() })
        const [sum, seen, keys, other] = JSON.parse(textOf(await opened.call('f', 'ask')))
        expect([sum, seen, keys]).toEqual([2, { by: [1] }, ['lamp', 'seen']])
        expect(other).toContain('store "other"')
        await asksServers(wasm)
      })

    if (language === 'go' || language === 'c')
      test('emits events, sets a status, asks for another attempt, and refuses by kind and code', PATIENT, async () => {
        await headgate('function', 'new', `orders-${language}`, '--lang', language)
        const [file, source] = ORDERS[language]
        writeFileSync(join(folder, `orders-${language}`, file), source)
        const built = await headgate('function', 'build', `orders-${language}`)
        expect(built.code, built.stderr).toBe(0)
        await takesOrders(join(folder, `orders-${language}/orders-${language}.wasm`))
      })

    if (language === 'ts')
      test('its types are those of the interface', () => {
        const run = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', name], { cwd: folder, encoding: 'utf8' })
        expect(run.stdout).toBe('')
        expect(run.status).toBe(0)
        const path = join(folder, name, 'index.ts')
        const good = readFileSync(path, 'utf8')
        writeFileSync(path, good.replace("'validation'", "'invalid'"))
        const wrong = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', name], { cwd: folder, encoding: 'utf8' })
        writeFileSync(path, good)
        expect(wrong.stdout).toContain('FaultKind')
      })

    if (language === 'js')
      test('what its source imports is what it asks for, and no more', async () => {
        await headgate('function', 'new', 'asking', '--lang', language)
        const source = `
          import { get } from 'wasi:config/store@0.2.0-rc.1'
          import { publish } from 'headgate:function/messaging@0.1.0'
          import { define, json } from './kit.js'
          export const handle = define(({ type }) => {
            if (type === 'say') publish({ topic: 'a', data: { tag: 'text', val: 'b' } })
            return { reply: json({ greeting: get('greeting') }) }
          })`
        writeFileSync(join(folder, 'asking/index.js'), source)
        const built = await headgate('function', 'build', 'asking')
        expect(built.code, built.stderr).toBe(0)
        const wasm = join(folder, 'asking/asking.wasm')
        const { imports } = await inspectFunction(wasm)
        const asked = imports.filter(({ given }) => !given).map(({ name }) => name)
        expect(asked).toEqual(
          expect.arrayContaining(['headgate:function/messaging@0.1.0', 'wasi:config/store@0.2.0-rc.1']),
        )
        expect(asked.filter((name) => /keyvalue|call/.test(name))).toEqual([])
        const grants = { ...NO_GRANTS, config: { greeting: 'Hi' } }
        await using opened = await open([spec('f', { wasm, grants })])
        expect(JSON.parse(textOf(await opened.call('f', 'ask')))).toEqual({ greeting: 'Hi' })
        await expect(opened.call('f', 'say')).rejects.toMatchObject({
          code: 'FUNCTION_RETRY',
          message: expect.stringContaining('"denied"'),
        })
      })

    test('nothing is written over, and no name of the template is left', async () => {
      expect(await headgate('function', 'new', name, '--lang', language)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('nothing is written over'),
      })
      const files = readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
      const own = files.filter(
        (file) =>
          file.isFile() &&
          !/\/(target|build|node_modules|__pycache__)(\/|$)|\.wasm$/.test(join(file.parentPath, file.name)),
      )
      expect(own.length).toBeGreaterThan(4)
      for (const file of own)
        expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toMatch(/new[-_]function/)
    })

    test('what does not compile leaves what was built before, and says where it is wrong', PATIENT, async () => {
      const source = {
        js: 'index.js',
        ts: 'index.ts',
        rust: 'src/lib.rs',
        go: 'main.go',
        python: 'app.py',
        c: 'main.c',
      }
      const path = join(folder, name, source[language])
      const wasm = join(folder, name, `${name}.wasm`)
      const [before, good] = [readFileSync(wasm), readFileSync(path, 'utf8')]
      writeFileSync(path, `${good}\n)(`)
      const { code, stderr } = await headgate('function', 'build', name)
      writeFileSync(path, good)
      expect(code, stderr).toBe(1)
      expect(stderr).toContain(`${name} (build): `)
      expect(stderr).toContain(language === 'python' ? 'app.py' : source[language])
      expect(readFileSync(wasm).equals(before)).toBe(true)
    })
  })

describe('headgate function new', () => {
  test.each(['Greet', '1st', 'a_b', 'a--b', '-a', 'a-', '../x', 'a/b', '', 'x'.repeat(64)])(
    'refuses the name %j',
    async (name) => {
      const { code, stderr } = await headgate('function', 'new', '--lang', 'js', '--', name)
      expect(code).toBe(1)
      expect(stderr).toContain('naming the function')
      expect(existsSync(join(folder, name, 'index.js'))).toBe(false)
    },
  )

  test('refuses a language that nobody speaks here, and a folder that is not there', async () => {
    expect(await headgate('function', 'new', 'greet', '--lang', 'cobol')).toMatchObject({ code: 1 })
    const lost = await headgate('function', 'new', 'greet', '--lang', 'js', '--in', 'nowhere')
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no such folder') })
  })
})

describe('headgate function build', () => {
  test('says what is missing, with the line that installs it', async () => {
    await headgate('function', 'new', 'lonely', '--lang', 'go')
    const child = spawn(process.execPath, [MAIN, 'function', 'build', 'lonely'], { cwd: folder, env: { PATH: '' } })
    const stderr = await text(child.stderr)
    expect(stderr).toMatch(/lonely \(build\): looking for what builds go: go is not there; apt-get install/)
  })

  test('of a folder that holds no function says what one is told by', async () => {
    expect(await headgate('function', 'build', '.')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it has none of Cargo.toml, go.mod, main.c, app.py, index.ts, index.js'),
    })
  })
})
