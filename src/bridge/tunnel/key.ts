/**
 * The private key that proves a peer id, in a file that nobody else can read, as OpenSSH keeps its own. The text in it is the
 * base64 of libp2p's protobuf, as Kubo writes it in its configuration.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InvalidParametersError } from '@libp2p/interface'
import { loadParts } from './parts.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { FileHandle } from 'node:fs/promises'

/** Read and write for its owner, nothing for others. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const GROUP_AND_OTHERS = 0o077

/** No key is longer, bytes: RSA with 8192 bits has 6 KiB. */
const MAX_LENGTH = 16_384

/**
 * Make a new key, Ed25519, and keep it in a file. The folder is made where there is none.
 *
 * The file is there whole or not at all, and one that is there is never written to.
 *
 * @throws {InvalidParametersError} there is a file, or none can be made; `cause` says why
 */
export async function createKey (path: string): Promise<PrivateKey> {
  const { generateKeyPair, privateKeyToProtobuf } = await loadKeys()
  const key = await generateKeyPair('Ed25519')
  const draft = `${path}.${randomUUID()}`

  try {
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
    await write(draft, `${Buffer.from(privateKeyToProtobuf(key)).toString('base64')}\n`)
    // unlike a rename it fails where there is a file already
    await link(draft, path)
  } catch (err: any) {
    throw unusable(err.code === 'EEXIST' ? `there is a file ${path} already, which is never written over` : `no key can be made in ${path}: ${err.message}`, err)
  } finally {
    await rm(draft, { force: true })
  }

  return key
}

/**
 * The key in a file.
 *
 * @throws {InvalidParametersError} there is none, others than the owner can read or write it, or it holds no key; `cause`
 * is the native error where there is one
 */
export async function readKey (path: string): Promise<PrivateKey> {
  const { privateKeyFromProtobuf } = await loadKeys()
  const text = await read(path)

  try {
    return privateKeyFromProtobuf(Buffer.from(text, 'base64'))
  } catch (err) {
    throw unusable(`${path} holds no private key of libp2p`, err)
  }
}

async function write (path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE)

  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function read (path: string): Promise<string> {
  let file: FileHandle | undefined

  try {
    file = await open(path)
    await check(file, path)

    return await file.readFile('utf8')
  } catch (err: any) {
    throw err.name === InvalidParametersError.name
      ? err
      : unusable(err.code === 'ENOENT' ? `there is no key ${path}: make one with "ws-transport key ${path}"` : `the key ${path} cannot be read: ${err.message}`, err)
  } finally {
    await file?.close()
  }
}

/** Of the open file, so that nobody puts another in its place in between. */
async function check (file: FileHandle, path: string): Promise<void> {
  const stats = await file.stat()

  if (!stats.isFile() || stats.size > MAX_LENGTH) {
    throw unusable(`${path} holds no private key of libp2p`)
  }

  // Windows has other means, which the mode says nothing about
  if (process.platform !== 'win32' && (stats.mode & GROUP_AND_OTHERS) !== 0) {
    throw unusable(`others can read the key ${path} (mode ${(stats.mode & 0o777).toString(8)}): take that from them with "chmod 600 ${path}", or make a new one if they may have read it`)
  }
}

function unusable (message: string, cause?: unknown): InvalidParametersError {
  const error = new InvalidParametersError(message)
  error.cause = cause

  return error
}

async function loadKeys (): Promise<typeof import('@libp2p/crypto/keys')> {
  return loadParts(async () => import('@libp2p/crypto/keys'))
}
