import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { expect } from 'aegir/chai'
import { createKey, readKey } from '../../../src/bridge/tunnel/index.ts'
import { temporaryFolder } from '../../fixtures/puppeteer.ts'

describe('keys of a tunnel', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await temporaryFolder()
    path = join(folder, 'key')
  })

  it('are kept for the owner only, whatever the umask is', async () => {
    const before = process.umask(0)

    try {
      await createKey(path)
    } finally {
      process.umask(before)
    }

    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readdir(folder)).to.deep.equal(['key'])
  })

  it('are read as what they were', async () => {
    const key = await createKey(path)

    expect(key.type).to.equal('Ed25519')
    expect((await readKey(path)).equals(key)).to.equal(true)
  })

  it('are the base64 of the protobuf of libp2p', async () => {
    const key = await createKey(path)
    const text = await readFile(path, 'utf8')

    expect(text).to.match(/^[A-Za-z\d+/]+=*\n$/)
    expect(privateKeyFromProtobuf(Buffer.from(text, 'base64')).equals(key)).to.equal(true)
  })

  it('of every kind are read', async () => {
    const key = await generateKeyPair('secp256k1')
    await writeFile(path, Buffer.from(privateKeyToProtobuf(key)).toString('base64'), { mode: 0o600 })

    expect((await readKey(path)).equals(key)).to.equal(true)
  })

  it('are different each time', async () => {
    expect((await createKey(path)).equals(await createKey(`${path}2`))).to.equal(false)
  })

  it('get a folder of their own where there is none', async () => {
    const deep = join(folder, 'a', 'b', 'key')
    await createKey(deep)

    expect((await stat(dirname(deep))).mode & 0o777).to.equal(0o700)
  })

  it('are never written over', async () => {
    await createKey(path)
    const before = await readFile(path)

    await expect(createKey(path)).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
    expect((await readFile(path)).equals(before)).to.equal(true)
    expect(await readdir(folder)).to.deep.equal(['key'])
  })

  it('are made once where many want one at once', async () => {
    const many = new Array<string>(10).fill(path)
    const results = await Promise.allSettled(many.map(createKey))
    const [made, ...more] = results.filter(({ status }) => status === 'fulfilled') as Array<PromiseFulfilledResult<Awaited<ReturnType<typeof createKey>>>>

    expect(more).to.have.lengthOf(0)
    expect((await readKey(path)).equals(made.value)).to.equal(true)
  })

  it('are not written through a symbolic link', async () => {
    await symlink(join(folder, 'elsewhere'), path)

    await expect(createKey(path)).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
    expect(await readdir(folder)).to.deep.equal(['key'])
  })

  for (const mode of [0o640, 0o604, 0o620, 0o602]) {
    it(`are refused where others can read or write them: ${mode.toString(8)}`, async () => { await expectRefusal(mode) })
  }

  async function expectRefusal (mode: number): Promise<void> {
    await createKey(path)
    await chmod(path, mode)

    await expect(readKey(path)).to.eventually.be.rejectedWith(`mode ${mode.toString(8)}`).with.property('name', 'InvalidParametersError')
  }

  it('that are not there are told, with what makes one', async () => {
    const error: any = await readKey(path).catch(error => error)

    expect(error).to.have.property('name', 'InvalidParametersError')
    expect(error.message).to.contain(`ws-transport key ${path}`)
    expect(error.cause).to.have.property('code', 'ENOENT')
  })

  it('that are something else are told', async () => {
    await writeFile(path, 'hello', { mode: 0o600 })
    await expect(readKey(path)).to.eventually.be.rejectedWith('holds no private key').with.property('name', 'InvalidParametersError')

    await writeFile(`${path}2`, 'A'.repeat(100_000), { mode: 0o600 })
    await expect(readKey(`${path}2`)).to.eventually.be.rejectedWith('holds no private key')

    await mkdir(`${path}3`)
    await expect(readKey(`${path}3`)).to.eventually.be.rejectedWith('holds no private key')
  })
})
