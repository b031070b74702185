/** An nginx of our own, in front of a WebSocket server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanUp } from '../test/fixtures/clean-up.ts'
import type { AddressInfo } from 'node:net'

/** @returns the port of an nginx that leads `path`, and nothing else, to `/` at `upstream` */
export async function startNginx (path: string, upstream: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-nginx-'))
  const port = await freePort()

  await writeFile(join(folder, 'nginx.conf'), `
    daemon off;
    master_process off;
    pid ${folder}/pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder};
      proxy_temp_path ${folder};
      fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder};
      scgi_temp_path ${folder};
      server {
        listen 127.0.0.1:${port};
        location = ${path} {
          proxy_pass http://127.0.0.1:${upstream}/;
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
        }
        location / { return 404; }
      }
    }`)

  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const exited = once(nginx, 'exit')

  cleanUp(async () => {
    nginx.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true })
  })
  await accepting(port)

  return port
}

/** Free a moment ago: nginx cannot choose one and say which. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  server.close()
  await once(server, 'close')

  return port
}

/** Resolves when something accepts connections; the time limit is that of the test. */
async function accepting (port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')

    try {
      await once(socket, 'connect')
      return
    } catch {
      await delay(10)
    } finally {
      socket.destroy()
    }
  }
}
