/** An nginx of our own, in front of a WebSocket server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanUp } from '../test/fixtures/clean-up.ts'
import { temporaryFolder } from '../test/fixtures/puppeteer.ts'
import { freePort } from '../test/server/fixtures.ts'
import { accepting } from './ports.ts'
import { requireTool } from './tools.ts'
import type { Context } from 'mocha'

/** @returns the port of an nginx that leads `path`, and nothing else, to `/` at `upstream` */
export async function startNginx (test: Context, path: string, upstream: number): Promise<number> {
  await requireTool(test, 'nginx')

  const folder = await temporaryFolder()
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
  })
  await accepting(port)

  return port
}
