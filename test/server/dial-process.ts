/** A process of its own that dials the address in its arguments; on stdout it says `open`, and at last how it was closed. */
import { dial } from '../../src/channel/index.ts'

const channel = await dial(process.argv[2], { keepAlive: 500, keepAliveTimeout: 1_500 })

channel.onmessage = () => {}
process.stdout.write('open\n')

const { error, code } = await channel.closed

process.stdout.write(`${error?.name ?? code}\n`)
